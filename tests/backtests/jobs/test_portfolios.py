"""A portfolio's back-test as a job: what is asked for, what comes of it, what is told while it runs."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from backtests import services
from backtests.data import load_candles
from backtests.errors import BackTestRefused
from backtests.jobs import leases, requests, runs, single
from backtests.models import BackTest, JobStatus
from backtests.portfolio import simulation
from backtests.portfolio.outcome_json import as_json
from backtests.portfolio.preset import portfolio_of
from backtests.portfolio.running import portfolio_back_test
from backtests.result_schemas import schema_of
from exchange.candles.series import SeriesKey
from exchange.candles.store import CandleStore
from strategies import registry
from tests.backtests.jobs import cast

pytestmark = pytest.mark.django_db

Sent = list[tuple[str, int]]
ETH, BTC = (each.partition("=")[2] for each in cast.SOURCES.split())


def run(job: BackTest) -> BackTest:
    single.run_back_test(job.pk)
    return BackTest.objects.get(pk=job.pk)


def bots(**changes: Any) -> list[dict[str, Any]]:
    """Those of the portfolio, the second one changed."""
    found: list[dict[str, Any]] = copy.deepcopy(cast.PORTFOLIO["bots"])
    found[1].update(changes)
    return found


def test_a_result_is_what_the_same_run_gives_elsewhere(sent: Sent) -> None:
    done = run(cast.portfolio())
    assert done.status == JobStatus.DONE, done.error
    loaded = [load_candles(ETH, timeframe="1m"), load_candles(BTC, timeframe="5m")]
    expected = as_json(
        portfolio_back_test(
            portfolio_of(cast.PORTFOLIO),
            [candles for candles, _ in loaded],
            data_reports=[report for _, report in loaded],
        )
    )
    result = json.loads(services.result_of(done))
    assert result == json.loads(json.dumps(expected))
    jsonschema.Draft202012Validator(schema_of("portfolio")).validate(result)
    assert (done.hash, done.summary["roi"]) == (expected["hash"], expected["summary"]["roi"])
    # Each wave of a sine pays a grid, whichever coin it is of.
    assert all(bot["summary"]["trades"] > 10 and bot["profit"][-1][1] > 0 for bot in result["bots"])
    assert done.hash in services.report_of(done).decode()


def test_what_was_run_before_is_told_however_it_is_said(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(cast.portfolio())
    monkeypatch.setattr(runs, "portfolio_back_test", None)  # would be called
    # What held for both stands in each bot.
    own = ("timeframe", "strategy", "config", "fees")
    apart = {name: value for name, value in cast.PORTFOLIO.items() if name not in own}
    apart["bots"] = [{**{name: cast.PORTFOLIO[name] for name in own}, **bot} for bot in bots()]
    again = run(services.request_back_test(preset=apart, source=cast.SOURCES, requested_by="bob"))
    assert again.same_as == first
    assert services.result_of(again) == services.result_of(first)


@pytest.mark.parametrize(
    "other",
    [
        {"initial_balance": 20_001},
        {"bots": bots()[::-1]},
        {"bots": bots(name="other")},
        {"bots": bots(fees={"maker": "0.0003", "taker": "0.0005"})},
        {"source": f"ETHUSDT={ETH} BTCUSDT={BTC},seed=1,price=101"},
    ],
    ids=["balance", "order", "name", "fees", "candles"],
)
def test_whatever_changes_the_result_is_run_anew(other: dict[str, Any], sent: Sent) -> None:
    first, second = run(cast.portfolio()), run(cast.portfolio(**other))
    assert (second.status, second.same_as) == (JobStatus.DONE, None)
    assert second.hash != first.hash


def test_how_far_it_is_is_told_and_a_cancelled_one_ends_in_the_middle(
    sent: Sent, monkeypatch: pytest.MonkeyPatch, results_folder: Path
) -> None:
    monkeypatch.setattr(simulation, "TOLD_EVERY", 1)
    monkeypatch.setattr(single, "SECONDS_BETWEEN_WRITES", 0.0)
    told: list[float] = []
    write = leases.Lease.write

    def watched(lease: leases.Lease, **values: Any) -> None:
        write(lease, **values)
        told.append(values["progress"])
        if values["progress"] > 0.5:
            assert services.cancel(job)

    monkeypatch.setattr(leases.Lease, "write", watched)
    job = cast.portfolio()
    assert run(job).status == JobStatus.CANCELLED
    assert told == sorted(told)
    assert len(told) > 20
    assert 0.5 < told[-1] < 0.9
    assert not (results_folder / "results").exists()


def test_sources_are_kept_one_for_each_symbol(sent: Sent) -> None:
    assert cast.portfolio("bybit").source == "ETHUSDT=bybit/spot/ETHUSDT BTCUSDT=bybit/spot/BTCUSDT"
    assert cast.portfolio(f"okx\n btc/usdt={BTC}").source == f"BTCUSDT={BTC} ETHUSDT=okx/spot/ETHUSDT"
    assert (
        cast.portfolio("okx/spot/ETHUSDT/1m bybit").source == "ETHUSDT=okx/spot/ETHUSDT/1m BTCUSDT=bybit/spot/BTCUSDT"
    )


def test_candles_of_the_store(sent: Sent, settings: Any, tmp_path: Path) -> None:
    settings.CANDLE_STORE = str(tmp_path / "store")
    store = CandleStore(settings.CANDLE_STORE)
    store.merge(SeriesKey("bybit", "spot", "ETHUSDT", "1m"), load_candles(ETH, timeframe="1m")[0])
    failed = run(cast.portfolio("bybit"))
    assert failed.status == JobStatus.FAILED
    assert failed.error.startswith(f"btc: the candle store {settings.CANDLE_STORE} has no bybit/spot/BTCUSDT")
    store.merge(SeriesKey("bybit", "spot", "BTCUSDT", "5m"), load_candles(BTC, timeframe="5m")[0])
    # The same candles from elsewhere.
    assert run(cast.portfolio("bybit")).hash == run(cast.portfolio()).hash


def test_where_no_bot_may_start_each_says_why(sent: Sent) -> None:
    failed = run(cast.portfolio(initial_balance=50))
    assert failed.status == JobStatus.FAILED
    assert [line.partition(":")[0] for line in failed.error.splitlines()] == ["no bot may start", "eth", "btc"]


@pytest.mark.parametrize(
    ("wrong", "source", "fields"),
    [
        ({"bots": []}, cast.SOURCES, {"preset.bots"}),
        ({"bots": {"name": "eth"}}, cast.SOURCES, {"preset.bots"}),
        ({"bots": ["eth"]}, cast.SOURCES, {"preset.bots.0"}),
        ({"bots": bots() * 51}, cast.SOURCES, {"preset.bots"}),
        ({"bots": bots(name="eth")}, cast.SOURCES, {"preset.bots.1.name"}),
        ({"bots": bots(initial_balance=5)}, cast.SOURCES, {"preset.bots.1.initial_balance"}),
        ({"bots": bots(config={"grids": -1})}, cast.SOURCES, {"preset.bots.1.config.grids"}),
        ({"fees": {"maker": 7, "taker": 0}}, cast.SOURCES, {"preset.fees.maker"}),
        ({"market": "linear", "bots": bots(funding="rates.csv")}, cast.SOURCES, {"preset.bots.1.funding"}),
        ({"market": "linear", "funding": "rates.csv"}, cast.SOURCES, {"preset.funding"}),
        ({}, "", {"source"}),
        ({}, f"ETHUSDT={ETH}", {"source"}),
        ({}, f"{cast.SOURCES} XRPUSDT={ETH}", {"source"}),
        ({}, f"ETHUSDT={ETH} bybit/linear/BTCUSDT", {"source"}),
        ({}, "ETHUSDT=/etc/passwd bybit", {"source"}),
        ({}, "*/*_1m.csv", {"source"}),
        ({}, f"BTCUSDT={BTC} ETHUSDT=synthetic:sine,days=9999", {"source"}),
    ],
)
def test_a_refused_request_names_every_field(wrong: dict[str, Any], source: str, fields: set[str]) -> None:
    with pytest.raises(BackTestRefused) as refused:
        cast.portfolio(source, **wrong)
    assert {problem.field for problem in refused.value.problems} >= fields
    assert all("--" not in problem.message for problem in refused.value.problems)
    assert not BackTest.objects.exists()


def test_what_is_wrong_in_several_places_is_told_at_once() -> None:
    with pytest.raises(BackTestRefused) as refused:
        services.request_back_test(
            preset={**cast.PORTFOLIO, "slippage": 3, "bots": bots(config={"grids": -1})},
            source="../x", requested_by="alice", since=5, until=5,
        )  # fmt: skip
    found = {problem.field: problem for problem in refused.value.problems}
    assert {"source", "until", "preset.slippage", "preset.bots.1.config.grids"} <= set(found)
    assert (found["source"].value, found["preset.slippage"].value) == ("../x", "3")


def test_a_rate_of_funding_is_no_file_however_it_is_written() -> None:
    said = {"market": "linear", "leverage": 2, "funding": "0.0001"}
    asked = requests.back_test_request({**cast.PORTFOLIO, **said}, "bybit", None, None)
    assert [bot["funding"] for bot in asked["preset"]["bots"]] == ["0.0001"] * 2


OWN = """\
from tests.bench.own_cross import OwnCross


class Broken(OwnCross):
    name = "broken"

    def step(self, config, market, state, point, position, fills):
        raise KeyError("no such thing")
"""


def test_a_fault_in_ones_own_strategy_is_told_with_file_and_line(sent: Sent, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(OWN)
    registry.use_folder(tmp_path)
    try:
        failed = run(cast.portfolio(bots=bots(strategy="broken", config={}, timeframe="1m")))
    finally:
        registry.use_folder(None)
    assert failed.status == JobStatus.FAILED
    assert failed.error == f"{tmp_path / 'broken.py'}, line 8: KeyError: 'no such thing'"
