"""``manage.py bots``: what it prints, what it refuses, and how it exits."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from bots.lifecycle import BotStatus
from bots.models import Bot
from tests.bots import cast

pytestmark = pytest.mark.django_db

DOCUMENT = """\
accounts:
  sim: {environment: simulator, base_url: "http://127.0.0.1:9"}
bots:
  eth-grid:
    account: sim
    symbol: ETH/USDT:USDT
    strategy: grid
    config: {lower: 1800, upper: 2200, grids: 4, investment: 1000}
"""


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("bots", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "bots.yaml"
    path.write_text(DOCUMENT, encoding="utf-8")
    return path


def test_apply_says_what_it_did_and_is_harmless_to_repeat(document: Path) -> None:
    cast.alice()
    assert run("apply", str(document)) == "account sim created\nbot eth-grid created\n"
    assert run("apply", str(document)) == "unchanged: sim, eth-grid\n"
    assert Bot.objects.get().owner.username == "alice"


def test_check_only_says_what_would_be_done(document: Path) -> None:
    cast.alice()
    assert run("apply", str(document), "--check") == "account sim would be created\nbot eth-grid would be created\n"
    assert not Bot.objects.exists()


def test_a_wrong_document_is_refused_with_file_line_and_path(document: Path) -> None:
    cast.alice()
    document.write_text(DOCUMENT.replace("upper: 2200", "upper: 1700"), encoding="utf-8")
    with pytest.raises(CommandError) as refused:
        run("apply", str(document))
    assert str(refused.value) == (
        f"{document}: nothing was changed.\n"
        "line 8: bots.eth-grid.config.upper: upper is 1700 and lower is 1800: upper must be above lower."
    )
    assert refused.value.returncode == 1


def test_a_file_that_is_not_there_is_one_clear_line() -> None:
    with pytest.raises(CommandError, match=r"^nowhere\.yaml cannot be read: .*No such file"):
        run("apply", "nowhere.yaml")


def test_the_owner_must_be_clear(document: Path) -> None:
    with pytest.raises(CommandError, match=r"no user yet .* createsuperuser"):
        run("apply", str(document))
    cast.alice()
    User.objects.create_user("bob")
    with pytest.raises(CommandError, match="several users: say with --owner"):
        run("apply", str(document))
    with pytest.raises(CommandError, match="--owner carol: there is no such user"):
        run("apply", str(document), "--owner", "carol")
    run("apply", str(document), "--owner", "bob")
    assert Bot.objects.get().owner.username == "bob"


def test_the_export_is_the_document(document: Path, tmp_path: Path) -> None:
    cast.alice()
    run("apply", str(document))
    exported = tmp_path / "exported.yaml"
    exported.write_text(run("export"), encoding="utf-8")
    assert run("apply", str(exported)) == "unchanged: sim, eth-grid\n"


def test_the_list_shows_each_bot_in_a_line() -> None:
    assert run("list") == "There are no bots yet.\n"
    cast.bot("eth-grid", status=BotStatus.RUNNING)
    cast.bot("btc", symbol="BTC/USDT")
    heading, btc, eth = run("list").splitlines()
    assert heading.split() == ["NAME", "STATUS", "MODE", "STRATEGY", "SYMBOL", "ACCOUNT", "REASON"]
    assert btc.split() == ["btc", "stopped", "demo", "grid", "BTC/USDT", "practice"]
    assert eth.split() == ["eth-grid", "running", "demo", "grid", "ETH/USDT:USDT", "practice"]


def test_bots_are_paused_resumed_and_stopped() -> None:
    bot = cast.bot("eth-grid", status=BotStatus.RUNNING)
    assert run("pause", "eth-grid") == "eth-grid is paused\n"
    assert run("resume", "eth-grid") == "eth-grid goes on\n"
    assert run("stop", "eth-grid", "--close", "--reason", "holiday") == "eth-grid is stopping and closes its position\n"
    bot.refresh_from_db()
    assert (bot.status, bot.status_reason, bot.close_position_on_stop) == (BotStatus.STOPPING, "holiday", True)


def test_an_emergency_stop_tells_who_and_why() -> None:
    bot = cast.bot("eth-grid", status=BotStatus.RUNNING)
    run("emergency", "eth-grid", "--reason", "Depeg.")
    bot.refresh_from_db()
    assert bot.status == BotStatus.EMERGENCY
    assert bot.status_reason == "Emergency stop by command line. Depeg."


def test_one_refusal_does_not_keep_the_others_waiting_and_still_fails_the_command() -> None:
    cast.bot("a")
    running = cast.bot("b", status=BotStatus.RUNNING)
    with pytest.raises(CommandError) as refused:
        run("pause", "a", "nobody", "b")
    assert "a: Bot a is stopped and cannot become paused" in str(refused.value)
    assert "There is no bot nobody; `manage.py bots list`" in str(refused.value)
    running.refresh_from_db()
    assert running.status == BotStatus.PAUSED


def test_starting_on_a_dead_exchange_is_refused() -> None:
    """Nothing listens on the cast's port 9."""
    bot = cast.bot("eth-grid")
    with pytest.raises(CommandError, match=r"eth-grid: practice: "):
        run("start", "eth-grid")
    bot.refresh_from_db()
    assert bot.status == BotStatus.STOPPED
