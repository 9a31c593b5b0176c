"""The pages of a portfolio's back-test: its form, its run, its result and what can be taken home."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from backtests import services
from backtests.jobs import single
from backtests.models import BackTest
from backtests.portfolio.preset import read_portfolio
from bots.configuration import apply_configuration
from exchange.models import ExchangeAccount
from tests.backtests.jobs import cast
from tests.bots.cast import alice

pytestmark = pytest.mark.django_db

NEW = "/back-tests/new/portfolio/"
TEXT = """\
initial_balance: 20000
timeframe: 1m
strategy: grid
config: {lower: 95, upper: 105, grids: 10, investment: 8000}
fees: {maker: 0.0002, taker: 0.0005}
bots:
  - {name: eth, symbol: ETH/USDT}
  - {name: <b>, symbol: BTC/USDT}
"""


@pytest.fixture(autouse=True)
def quiet(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.BACKTESTS_DIR = tmp_path
    monkeypatch.setattr(services, "_send_back_tests", lambda keys: None)


@pytest.fixture
def visitor(client: Client) -> Client:
    client.force_login(alice())
    return client


def test_the_form_begins_with_a_portfolio_that_earns_and_is_read_when_it_ran(visitor: Client) -> None:
    page = visitor.get(NEW)
    answer = visitor.post(NEW, page.context["form"].initial)
    job = BackTest.objects.get()
    assert answer["Location"] == f"/back-tests/{job.pk}/"
    assert (job.requested_by, len(job.preset["bots"])) == ("alice", 3)
    services.cancel(job)
    # The same over few days, without the trend follower who looks back over many.
    few = read_portfolio(page.context["form"].initial["preset"])
    short = few.model_copy(update={"bots": few.bots[:2]})
    source = page.context["form"].initial["source"].replace("days=60", "days=3").partition("\nBTC")[0]
    visitor.post(NEW, {"preset": short.to_yaml(), "source": source, "since": "2025-01-02", "until": "2025-01-03"})
    job = BackTest.objects.all()[0]
    assert (job.since, job.until) == (1_735_776_000_000, 1_735_862_400_000)
    single.run_back_test(job.pk)
    done = BackTest.objects.all()[0]
    assert done.status == "done", done.error
    assert done.summary["fills"] > 10
    assert f"{done.summary['roi'] * 100:+,.2f} %" in visitor.get(f"/back-tests/{done.pk}/").content.decode()


def test_a_portfolio_is_watched_and_then_read_bot_by_bot(visitor: Client) -> None:
    job = cast.portfolio()
    address = f"/back-tests/{job.pk}/"
    assert "Waiting for a worker" in visitor.get(address).content.decode()
    assert visitor.get(f"{address}?part=job", headers={"HX-Request": "true"}).status_code == 200
    assert visitor.get(f"{address}result.json").status_code == 404
    single.run_back_test(job.pk)
    assert visitor.get(f"{address}?part=job", headers={"HX-Request": "true"}).status_code == 286
    page = visitor.get(address).content.decode()
    result = json.loads(visitor.get(f"{address}result.json").content)
    assert "Portfolio of 2" in page
    assert page.count("<html") == 1
    for bot in result["bots"]:
        summary = bot["summary"]
        row = next(line for line in page.splitlines() if f"<tr><td>{bot['name']}<br>" in line)
        for figure in (f"{bot['profit'][-1][1]:+,.2f}", f"{summary['fills']:,}", f"{summary['fees']:,.2f}"):
            assert f">{figure}</td>" in row
        assert f"Configuration: {bot['name']}" in page
        assert f">{bot['data']['source']}</dd>" in page
    for title in ("Equity", "Drawdown", "What each bot added", "Do they earn on the same days?", "Assumptions"):
        assert title in page
    # The last round trips of both, by the time at which they closed.
    assert "<th>Bot</th>" in page
    shown = page.partition("Last round trips")[2]
    assert "<tr><td>eth</td>" in shown
    assert "<tr><td>btc</td>" in shown
    assert shown.count("<tr><td>") == 25
    listed = visitor.get("/back-tests/").content.decode()
    assert "Portfolio of 2 · ETH, BTC" in listed
    assert f"{result['summary']['roi'] * 100:+,.2f} %" in listed


def test_what_can_be_taken_home(visitor: Client) -> None:
    job = cast.portfolio()
    single.run_back_test(job.pk)
    address = f"/back-tests/{job.pk}/"
    done = BackTest.objects.get()
    report = visitor.get(f"{address}report/").content.decode()
    assert done.hash in report
    assert "<style>" in report
    taken = read_portfolio(visitor.get(f"{address}preset.yaml").content.decode())
    again = services.request_back_test(preset=taken.to_plain(), source=job.source, requested_by="bob")
    single.run_back_test(again.pk)
    assert BackTest.objects.get(pk=again.pk).same_as == done
    applied = apply_configuration(
        visitor.get(f"{address}bot.yaml").content.decode(), owner=alice(), requested_by="test", environ={}
    )
    assert applied.created_bots == ["eth", "btc"]
    assert ExchangeAccount.objects.get(name="paper").paper_balances == {"USDT": "20000"}


def test_again_begins_with_what_a_portfolio_was_of(visitor: Client) -> None:
    typed = {"preset": TEXT.replace("<b>", "b"), "source": cast.SOURCES, "since": "2025-01-01", "until": ""}
    visitor.post(NEW, typed)
    job = BackTest.objects.get()
    services.cancel(job)
    again = f"{NEW}?again={job.pk}"
    assert again in visitor.get(f"/back-tests/{job.pk}/").content.decode()
    form = visitor.get(again).context["form"]
    begun = {field.name: field.value() or "" for field in form}
    assert begun["source"].splitlines() == cast.SOURCES.split()
    visitor.post(NEW, begun)
    anew = BackTest.objects.all()[0]
    assert anew.pk != job.pk
    assert (anew.preset, anew.source, anew.since, anew.until) == (job.preset, job.source, job.since, None)
    single_one = cast.back_test()
    for key in (single_one.pk, job.pk + 99, "luck"):
        assert visitor.get(f"{NEW}?again={key}").status_code == 404


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "line 8: bots.1.name: each bot has a name"),
        ({"preset": TEXT.replace("<b>", "eth")}, "line 8: bots.1.name: two bots are called eth"),
        ({"preset": TEXT.replace("grids: 10", "grids: 0").replace("<b>", "b")}, "line 4: config.grids: "),
        ({"preset": "symbol: ETH/USDT\n"}, "bots is a list"),
        ({"preset": "bots: ${SECRET_KEY}"}, "SECRET_KEY"),
        ({"preset": "5"}, "A portfolio is a mapping"),
        ({"preset": TEXT.replace("<b>", "b"), "source": "ETHUSDT=synthetic:sine"}, "source names none of BTC/USDT"),
        ({"preset": TEXT.replace("<b>", "b"), "source": "ETHUSDT=/etc/passwd bybit"}, "/etc/passwd is no source"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_what_was_typed_stays(
    changes: dict[str, str], said: str, visitor: Client
) -> None:
    typed = {"preset": TEXT, "source": cast.SOURCES, **changes}
    answer = visitor.post(NEW, typed)
    assert answer.status_code == 422
    assert any(said in error for errors in answer.context["form"].errors.values() for error in errors)
    assert answer.context["form"]["preset"].value() == typed["preset"]
    assert "<b>" not in answer.content.decode()
    assert not BackTest.objects.exists()


def test_strangers_are_sent_to_sign_in(client: Client) -> None:
    for address in (NEW, "/back-tests/1/result.json", "/back-tests/1/preset.yaml", "/back-tests/1/bot.yaml"):
        assert client.get(address)["Location"].startswith("/login/")
