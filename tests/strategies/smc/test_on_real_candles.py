"""Half a year of BTC through the plain back-test: what every step decided again, and what must hold for every trade."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from backtests.engine import run
from backtests.exact_records import Result
from backtests.points import candles_of, points_of
from backtests.simulation import simulate
from exchange.candles.files import Candles
from exchange.candles.merging import taken
from strategies.checks import Recording, Step
from strategies.contract import MarketSpec, OrderType
from strategies.explanations import explain
from strategies.feature_rows import FeatureTable, feature_table
from strategies.smc.config import SmcConfig
from strategies.smc.logic import SmcStrategy
from strategies.smc.state import FREE, SmcState
from tests.strategies.markets import LINEAR, SPOT
from tests.strategies.smc.real import FILES, all_timeframes, candles_of_file

BTC_LINEAR = replace(LINEAR, symbol="BTC/USDT:USDT", base="BTC", tick=Decimal("0.1"), step=Decimal("0.001"))
BTC_SPOT = replace(SPOT, symbol="BTC/USDT", base="BTC", step=Decimal("0.000001"), min_amount=Decimal("0.000048"))
CONFIGS: dict[str, tuple[MarketSpec, dict[str, Any]]] = {
    "linear": (BTC_LINEAR, {"direction": "neutral", "leverage": 2}),
    "spot": (BTC_SPOT, {}),
}
SKIPPED, DAYS = 220, 45  # the daily warm-up is 210 days


@dataclass(frozen=True)
class Run:
    config: SmcConfig
    market: MarketSpec
    result: Result[SmcState]
    steps: list[Step[SmcState]]


@cache
def run_of(kind: str) -> Run:
    market, changes = CONFIGS[kind]
    strategy, config = SmcStrategy(), SmcConfig.model_validate({"capital": 10_000} | changes)
    recording: Recording[SmcConfig, SmcState] = Recording(strategy)
    points = points_of(candles_of(candles_run()), 900_000)
    result = run(recording, config, market, points, quote=Decimal(10_000), features=features_of(kind))
    return Run(config, market, result, recording.steps)


@cache
def features_of(kind: str) -> FeatureTable:
    config = SmcConfig.model_validate({"capital": 10_000} | CONFIGS[kind][1])
    return feature_table(SmcStrategy(), config, all_timeframes(FILES[0]))


def candles_run() -> Candles:
    return taken(candles_of_file(FILES[0]), np.arange(SKIPPED * 96, (SKIPPED + DAYS) * 96))


@pytest.fixture(params=sorted(CONFIGS))
def done(request: pytest.FixtureRequest) -> Run:
    return run_of(request.param)


def test_it_trades(done: Run) -> None:
    slots = {fill.slot.partition(":")[0] for fill in done.result.fills}
    assert {"entry", "partial"} <= slots
    assert done.result.state.wins + done.result.state.losses > 10
    assert done.result.refused == []


def taken_slots(state: SmcState) -> list[int]:
    return [slot for slot, phase in enumerate(state.phase) if phase != FREE]


def test_positions_are_of_one_side(done: Run) -> None:
    for step in done.steps:
        state = step.decision.state
        assert len({state.side[slot] for slot in taken_slots(state)}) <= 1


def test_signals_keep_the_filters(done: Run) -> None:
    signals = [step.decision.signal for step in done.steps if step.decision.signal is not None]
    assert signals
    for signal in signals:
        assert signal.stop_loss is not None
        assert signal.take_profit is not None
        risk, reward = abs(signal.entry - signal.stop_loss), abs(signal.take_profit - signal.entry)
        assert reward >= 2.5 * risk * (1 - 1e-12)
        assert signal.confidence > 0.6
        assert (signal.take_profit - signal.entry) * (signal.entry - signal.stop_loss) > 0


def test_no_stop_moves_back_and_no_position_risks_more_than_two_percent(done: Run) -> None:
    stops: dict[int, list[float]] = defaultdict(list)
    sides: dict[int, int] = {}
    for step in done.steps:
        state = step.decision.state
        for slot in taken_slots(state):
            stops[state.trade[slot]].append(state.stop[slot])
            sides[state.trade[slot]] = state.side[slot]
            equity = 10_000 + step.position.realised_pnl + step.position.unrealised_pnl
            if state.filled[slot] == 0.0:
                assert state.amount[slot] * state.risk[slot] <= 0.02 * equity * (1 + 1e-9)
    for number, prices in stops.items():
        moves = [(after - before) * sides[number] for before, after in pairwise(prices)]
        assert all(move >= 0 for move in moves)


def test_on_a_linear_market_all_that_is_held_is_guarded() -> None:
    done = run_of("linear")
    for step in done.steps:
        state = step.decision.state
        held = sum(state.held[slot] for slot in taken_slots(state))
        guarded = sum(order.amount for order in step.decision.wanted if order.type is OrderType.STOP)
        assert guarded == pytest.approx(held, abs=1e-9)


@pytest.mark.parametrize("kind", CONFIGS)
def test_compiled_it_trades_the_same(kind: str) -> None:
    market, changes = CONFIGS[kind]
    config = SmcConfig.model_validate({"capital": 10_000} | changes)
    found = simulate(SmcStrategy(), config, market, candles_run(), "15m", quote=10_000.0, features=features_of(kind))
    exact = run_of(kind).result
    assert [
        (fill.point, found.slots[fill.slot], found.trades[fill.trade], fill.price, fill.amount) for fill in found.fills
    ] == [(fill.point, fill.slot, fill.trade, float(fill.price), float(fill.amount)) for fill in exact.fills]
    assert found.state == exact.state


def test_everything_that_is_said_can_be_read(done: Run) -> None:
    said = [note for _, note in done.result.notes] + [order.reason for s in done.steps for order in s.decision.wanted]
    sentences = {explain(reason) for reason in said}
    assert all(sentence.endswith(".") and "{" not in sentence for sentence in sentences)
    assert not any(sentence.startswith("smc.") for sentence in sentences)
