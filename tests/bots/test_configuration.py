"""Accounts and bots as one YAML document: all or nothing, every mistake at once, and back again."""

from __future__ import annotations

from textwrap import dedent

import pytest
from django.utils import timezone

from bots.configuration import Applied, DocumentInvalid, apply_configuration, export_configuration
from bots.lifecycle import BotStatus
from bots.models import Bot, Event, Position
from exchange.models import ExchangeAccount
from tests.bots import cast

pytestmark = pytest.mark.django_db

ENVIRON = {"SIMULATOR_URL": "http://127.0.0.1:9", "KEY": "0042", "SECRET": "s3cret"}

GOOD = """\
accounts:
  sim:
    environment: simulator
    base_url: ${SIMULATOR_URL}
    api_key: ${KEY}
    api_secret: ${SECRET}
    options: {enableRateLimit: false, factor: 1.5}
bots:
  eth-grid:
    account: sim
    symbol: ETH/USDT:USDT
    strategy: grid
    tick_interval: 2
    config:
      lower: 1800.5
      upper: 2200
      grids: 4
      investment: 1000
      on_range_left: off
"""


def apply(text: str = GOOD, **options: object) -> Applied:
    given = {"owner": cast.alice(), "requested_by": "test", "environ": ENVIRON, **options}
    return apply_configuration(dedent(text), **given)  # type: ignore[arg-type]


def refusal(text: str, **options: object) -> str:
    with pytest.raises(DocumentInvalid) as refused:
        apply(text, **options)
    return str(refused.value)


def test_accounts_and_bots_are_created() -> None:
    applied = apply()
    assert (applied.created_accounts, applied.created_bots) == (["sim"], ["eth-grid"])
    account = ExchangeAccount.objects.get()
    assert (account.exchange_id, account.environment, account.base_url) == ("bybit", "simulator", "http://127.0.0.1:9")
    assert (account.api_key, account.api_secret) == ("0042", "s3cret")
    bot = Bot.objects.get()
    assert (bot.account, bot.symbol, bot.mode, bot.tick_interval) == (account, "ETH/USDT:USDT", "demo", 2)
    assert (bot.status, bot.owner) == (BotStatus.STOPPED, cast.alice())
    assert bot.config["lower"] == "1800.5"
    assert bot.config["on_range_left"] == "off"


def test_applied_again_it_changes_nothing() -> None:
    apply()
    events = Event.objects.count()
    again = apply()
    assert again == Applied(unchanged=["sim", "eth-grid"])
    assert Event.objects.count() == events


@pytest.mark.parametrize("same", ["1800.50", "'1800.5'", "18005e-1"])
def test_the_same_number_written_otherwise_is_no_change(same: str) -> None:
    apply()
    assert apply(GOOD.replace("1800.5", same)).unchanged == ["sim", "eth-grid"]


def test_a_default_that_is_written_out_is_no_change() -> None:
    apply()
    assert apply(GOOD.replace("grids: 4", "grids: 4\n      spacing: arithmetic")).updated_bots == []


def test_what_differs_is_changed() -> None:
    apply()
    applied = apply(GOOD.replace("grids: 4", "grids: 8").replace("false,", "true,"))
    assert (applied.updated_accounts, applied.updated_bots) == (["sim"], ["eth-grid"])
    assert Bot.objects.get().config["grids"] == 8
    assert ExchangeAccount.objects.get().options == {"enableRateLimit": True, "factor": 1.5}


def test_an_empty_key_leaves_the_stored_one() -> None:
    apply()
    assert apply(GOOD.replace("${KEY}", "${NOBODY:-}")).unchanged == ["sim", "eth-grid"]
    assert ExchangeAccount.objects.get().api_key == "0042"


def test_a_running_bot_stays_as_it_is_until_it_is_stopped() -> None:
    apply()
    Bot.objects.update(status=BotStatus.RUNNING)
    assert apply().unchanged == ["sim", "eth-grid"]
    message = refusal(GOOD.replace("grids: 4", "grids: 8"))
    assert "line 9: bots.eth-grid: Bot eth-grid is running and differs in config: stop it first" in message
    assert Bot.objects.get().config["grids"] == 4


def test_a_stopped_bot_that_holds_something_says_what_stands_in_the_way() -> None:
    apply()
    bot = Bot.objects.get()
    Position.objects.create(
        bot=bot, account=bot.account, symbol=bot.symbol, amount=2, cost=3600, updated_at=timezone.now()
    )
    message = refusal(GOOD.replace("account: sim", "account: sim\n    mode: signals"))
    assert "bots.eth-grid: Bot eth-grid holds" in message
    assert "stop it first" not in message


def test_a_document_with_one_mistake_changes_nothing_at_all() -> None:
    apply()
    broken = GOOD.replace("false,", "true,") + (
        "  btc:\n    account: nobody\n    symbol: BTC/USDT\n    strategy: grid\n"
        "    config: {range_percent: 5, grids: 4, investment: 100}\n"
    )
    assert "There is no exchange account nobody; known are: sim." in refusal(broken)
    assert ExchangeAccount.objects.get().options == {"enableRateLimit": False, "factor": 1.5}
    assert Bot.objects.count() == 1


def test_every_mistake_is_named_at_once_with_line_and_path() -> None:
    message = refusal(
        """\
        accounts:
          sim:
            environment: moon
            api_key: ${NOBODY}
        bots:
          eth-grid:
            account: sim
            symbol: ETH/USDT:USDT
            strategy: grid
            colour: blue
            tick_interval: 0
            config:
              lower: 2200
              upper: 1800
              grids: 0
              investment: 1000
          btc:
            account: sim
            strategy: astrology
        """
    )
    for start, words in (
        ("line 3: accounts.sim.environment: ", "moon"),
        ("line 4: accounts.sim.api_key: ", "The environment variable NOBODY is not set."),
        ("line 10: bots.eth-grid.colour: ", "There is no setting colour"),
        ("line 11: bots.eth-grid.tick_interval: ", "(given: 0)"),
        ("line 15: bots.eth-grid.config.grids: ", "grids"),
        ("line 17: bots.btc.symbol: ", "symbol is missing."),
        ("line 19: bots.btc.strategy: ", "astrology"),
    ):
        (found,) = [line for line in message.splitlines() if line.startswith(start)]
        assert words in found
    lines = [int(line.split()[1].rstrip(":")) for line in message.splitlines()]
    assert lines == sorted(lines)


def test_what_the_strategy_says_about_its_configuration_is_passed_on() -> None:
    message = refusal(GOOD.replace("upper: 2200", "upper: 1700"))
    assert (
        "line 16: bots.eth-grid.config.upper: upper is 1700 and lower is 1800.5: upper must be above lower." in message
    )


def test_a_refused_account_is_named_by_its_path() -> None:
    message = refusal(GOOD.replace("environment: simulator", "environment: simulator\n    exchange: bibyt"))
    assert "line 4: accounts.sim.exchange: " in message
    assert "'bibyt' is not an exchange that ccxt knows" in message


def test_a_key_is_never_part_of_a_message() -> None:
    text = GOOD.replace("${SECRET}", "[do-not-tell]")
    message = refusal(text)
    assert "accounts.sim.api_secret" in message
    assert "do-not-tell" not in message


def test_a_dry_run_tells_and_does_nothing() -> None:
    assert apply(dry_run=True).created_bots == ["eth-grid"]
    assert not Bot.objects.exists()
    assert not ExchangeAccount.objects.exists()


def test_an_empty_document_is_allowed_and_a_list_is_not() -> None:
    assert apply("") == Applied()
    assert "dictionary" in refusal("- a\n- b\n")


def test_the_export_applied_again_changes_nothing() -> None:
    apply()
    exported = export_configuration()
    assert apply(exported, environ={}).unchanged == ["sim", "eth-grid"]
    assert export_configuration() == exported


def test_the_export_holds_no_key_but_names_where_it_would_come_from() -> None:
    apply()
    exported = export_configuration()
    assert "0042" not in exported
    assert "s3cret" not in exported
    assert "api_key: ${SIM_API_KEY:-}" in exported
    assert "api_password" not in exported


def test_an_export_rebuilds_an_empty_installation() -> None:
    apply()
    exported = export_configuration()
    Bot.objects.all().delete()
    ExchangeAccount.objects.all().delete()
    apply(exported, environ={"SIM_API_KEY": "0042", "SIM_API_SECRET": "s3cret"})
    assert export_configuration() == exported
    assert ExchangeAccount.objects.get().api_key == "0042"
    assert Bot.objects.get().config["lower"] == "1800.5"


def test_the_export_reads_like_a_person_wrote_it_and_loses_no_digit() -> None:
    apply(GOOD.replace("1800.5", "0.000012345678901234567"))
    exported = export_configuration()
    assert "grids: 4\n" in exported
    assert "investment: 1000\n" in exported
    # More digits than a float holds stay text.
    assert "lower: '0.000012345678901234567'" in exported
    Bot.objects.all().delete()
    apply(exported, environ={})
    assert Bot.objects.get().config["lower"] == "0.000012345678901234567"


def test_a_dollar_sign_survives_the_round_trip() -> None:
    apply(GOOD.replace("enableRateLimit: false, factor: 1.5", 'note: "$${KEY}"'))
    assert ExchangeAccount.objects.get().options == {"note": "${KEY}"}
    exported = export_configuration()
    apply(exported, environ={})
    assert ExchangeAccount.objects.get().options == {"note": "${KEY}"}
