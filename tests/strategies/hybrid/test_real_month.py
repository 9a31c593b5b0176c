"""May 2025 of ETH through the plain back-test: ranges, a breakout upwards and falls, each with its family."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from backtests.engine import run
from backtests.exact_records import Result
from backtests.features import history_features, longer
from backtests.points import candles_of, points_of
from exchange.candles.files import Candles, read_file
from strategies.checks import Recording, Step, check_features, check_steps, check_warm_up
from strategies.contract import MarketSpec
from strategies.explanations import explain
from strategies.feature_rows import FeatureTable
from strategies.hybrid.config import HybridConfig
from strategies.hybrid.logic import HybridStrategy
from strategies.hybrid.state import HybridState
from tests.strategies.markets import LINEAR, SPOT

FILE = "bybit_ETHUSDT_linear_15m.parquet"
FIRST_MS = 1_746_057_600_000  # 2025-05-01
DAY_MS = 86_400_000
QUARTER_MS = 900_000
RECORDED = 8 * 96 * 4
RUNS: dict[str, tuple[MarketSpec, dict[str, Any]]] = {
    "linear, closing": (LINEAR, {}),
    "spot, running off": (SPOT, {"handover": "run_off", "investment": 9900}),
}


@dataclass(frozen=True)
class Month:
    config: HybridConfig
    market: MarketSpec
    result: Result[HybridState]
    steps: list[Step[HybridState]]
    last_price: float


@cache
def history() -> Candles:
    """With the 40 days before, for the warm-up."""
    named = os.environ.get("TRADERAGENT_CANDLES")
    if not named:
        pytest.skip("TRADERAGENT_CANDLES is not set: it names the folder with real candles")
    return read_file(Path(named) / FILE).between(FIRST_MS - 40 * DAY_MS, FIRST_MS + 31 * DAY_MS)


@cache
def month_of(kind: str) -> Month:
    market, changes = RUNS[kind]
    strategy, config = HybridStrategy(), HybridConfig.model_validate({"investment": 10_000} | changes)
    table: FeatureTable | None = history_features(strategy, config, history(), "15m")
    month = history().between(FIRST_MS, FIRST_MS + 31 * DAY_MS)
    points = list(points_of(candles_of(month), QUARTER_MS))
    recording: Recording[HybridConfig, HybridState] = Recording(strategy)
    # What every step decided is looked at for the first week: it takes longer than the steps.
    run(recording, config, market, points[:RECORDED], quote=Decimal(10_000), features=table)
    result = run(strategy, config, market, points, quote=Decimal(10_000), features=table)
    return Month(config, market, result, recording.steps, float(points[-1][1]))


@pytest.fixture(params=sorted(RUNS))
def month(request: pytest.FixtureRequest) -> Month:
    return month_of(request.param)


def test_it_changes_through_all_families_and_trades_in_each(month: Month) -> None:
    started = Counter(note.numbers["family"] for _, note in month.result.notes if note.code == "hybrid.start")
    assert set(started) == {"grid", "dca", "trend"}
    assert sum(started.values()) >= 10
    traded = Counter(fill.slot.partition("/")[0].rstrip("0123456789") for fill in month.result.fills)
    assert traded["grid"] > 100
    assert traded["dca"] > 10
    assert traded["trend"] >= 5
    assert month.result.refused == []


def test_the_families_hold_what_the_bot_holds(month: Month) -> None:
    state = month.result.state
    held = state.rest.amount + sum(each.purse.amount for each in state.generations)
    assert held == pytest.approx(float(month.result.base), abs=1e-9)


def test_the_families_earned_what_the_bot_earned(month: Month) -> None:
    """Makers' and takers' fees included. Their sum is the change of the equity, with what is held at its price."""
    state, price = month.result.state, month.last_price
    views = [purse.view(price) for purse in (state.rest, *(each.purse for each in state.generations))]
    earned = sum(view.realised_pnl + view.unrealised_pnl for view in views)
    assert earned == pytest.approx(float(month.result.equity[-1][1]) - 10_000, abs=0.5)


def test_every_decision_is_the_same_from_the_stored_state(month: Month) -> None:
    for step in month.steps[::17]:
        assert check_steps(HybridStrategy(), month.config, month.market, [step]) == []


def test_everything_that_is_said_can_be_read(month: Month) -> None:
    said = [note for _, note in month.result.notes]
    said += [order.reason for step in month.steps for order in step.decision.wanted]
    sentences = {explain(reason) for reason in said}
    assert all(sentence.endswith(".") and "{" not in sentence for sentence in sentences)
    assert not any(sentence.startswith("hybrid.") for sentence in sentences)


@pytest.mark.parametrize(
    "changes", [{}, {"trend_timeframe": "30m", "dca_timeframe": "2h", "dca_start_on_rsi": True, "regime_ema_slow": 30}]
)
def test_rows_look_at_nothing_later_and_a_window_gives_them(changes: dict[str, Any]) -> None:
    strategy, config = HybridStrategy(), HybridConfig.model_validate({"investment": 10_000} | changes)
    series = {need.timeframe: longer(history(), "15m", need.timeframe) for need in strategy.timeframes(config)}
    assert check_features(strategy, config, series, cuts=15) == []
    assert check_warm_up(strategy, config, series, cuts=15) == []
