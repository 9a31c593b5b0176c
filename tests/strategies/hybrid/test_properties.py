"""Random walks through random regimes: what holds whatever happens."""

from __future__ import annotations

import random
from collections import defaultdict
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.engine import run
from backtests.exact_records import Result
from backtests.points import points_of
from strategies.checks import Recording, Step, check_steps
from strategies.contract import MarketKind, MarketSpec, OrderType, Side, WantedOrder
from strategies.feature_rows import FeatureTable
from strategies.hybrid.config import HybridConfig
from strategies.hybrid.logic import HybridStrategy
from strategies.hybrid.state import HybridState
from tests.properties import examples
from tests.strategies.hybrid.bench import BEAR, BREAKOUT, BULL, NOTHING, QUIET, RANGE, SPOT, VOLATILE
from tests.strategies.markets import LINEAR, MINUTE, walking_candles

CANDLES = 60
# A row closes with every fifth candle: twelve regimes in a walk.
EVERY = 5
Taken = tuple[HybridConfig, MarketSpec, Result[HybridState], list[Step[HybridState]]]

CHOICES = st.fixed_dictionaries(
    {
        "handover": st.sampled_from(["close", "run_off"]),
        "quiet_transition": st.sampled_from(["keep", "none", "trend"]),
        "volatile_transition": st.sampled_from(["keep", "dca", "grid"]),
        "max_exposure": st.sampled_from([35, 100]),
        "max_drawdown": st.sampled_from([0, 2]),
        "daily_loss": st.sampled_from([0, 1]),
        "grid_stop_loss": st.sampled_from([0, 1]),
        "grid_range_left": st.sampled_from(["off", "recentre"]),
        "dca_stop_loss": st.sampled_from([None, 15]),
        "run_off_stop": st.sampled_from([1, 5]),
        "run_off_hours": st.sampled_from([1, 72]),
        "max_switches": st.sampled_from([3, 100]),
        "cool_down": st.sampled_from([0, 15]),
    }
)


def taken(market: MarketSpec, seed: int, changes: dict[str, Any]) -> Taken:
    dice = random.Random(seed)
    config = HybridConfig.model_validate(
        {
            "investment": 9000,
            "regime_confirmation": 1,
            "grid_range": dice.choice([1, 3]),
            "grid_range_in": "percent",
            "grid_intervals": 8,
            "dca_price_deviation": "0.3",
            "dca_take_profit": "0.5",
        }
        | changes
    )
    closes = [EVERY * MINUTE * (row + 1) for row in range(CANDLES // EVERY)]
    rows = []
    for close in closes:
        regime = dice.choice([RANGE, RANGE, QUIET, VOLATILE, BULL, BULL, BEAR])
        trend = {name: value * (18.5 if abs(value) > 90 else 1.0) for name, value in BREAKOUT.items()}
        trend = trend | {"trend.atr": 8.0} if dice.random() < 0.6 else dict(NOTHING)
        times = {"regime.candle_close": float(close), "trend.candle_close": float(close)}
        rows.append(regime | trend | times)
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    table = FeatureTable(np.array(closes, np.int64), np.ones(len(rows), np.bool_), columns)
    recording: Recording[HybridConfig, HybridState] = Recording(HybridStrategy())
    candles = walking_candles(CANDLES, seed=seed, stride=dice.choice([1.5, 4.0]))
    result = run(recording, config, market, points_of(candles, MINUTE), quote=Decimal(10_000), features=table)
    return config, market, result, recording.steps


@examples(15)
@given(st.sampled_from([LINEAR, SPOT]), st.integers(0, 10**6), CHOICES)
def test_what_holds_whatever_happens(market: MarketSpec, seed: int, changes: dict[str, Any]) -> None:
    config, market, _, steps = taken(market, seed, changes)
    purses_make_the_position(steps)
    no_wish_is_used_twice(steps)
    nothing_is_sold_that_is_not_held(market, steps)
    nothing_is_bought_beyond_the_limit(config, steps)
    one_family_at_a_time(config, steps)
    for step in steps[::3]:
        assert check_steps(HybridStrategy(), config, market, [step]) == []


def test_the_walks_go_through_all_that_there_is() -> None:
    """Else the properties would hold of nothing."""
    families, codes = set(), set()
    for seed in range(6):
        for handover in ("close", "run_off"):
            _, _, result, _ = taken(LINEAR, seed, {"handover": handover, "cool_down": 0, "max_switches": 100})
            families |= {fill.slot.partition("/")[0].rstrip("0123456789") for fill in result.fills}
            codes |= {note.code for _, note in result.notes}
    assert families >= {"grid", "dca", "trend"}
    assert codes >= {"hybrid.start", "hybrid.switch", "hybrid.handed_over"}


def purses_make_the_position(steps: list[Step[HybridState]]) -> None:
    for step in steps:
        state = step.decision.state
        held = state.rest.amount + sum(each.purse.amount for each in state.generations)
        assert held == pytest.approx(step.position.amount, abs=1e-9)


def no_wish_is_used_twice(steps: list[Step[HybridState]]) -> None:
    done: set[tuple[str, int]] = set()
    for step in steps:
        done |= {(fill.slot, fill.sequence) for fill in step.fills if fill.done}
        wishes = [(order.slot, order.sequence) for order in step.decision.wanted]
        assert len(set(wishes)) == len(wishes)
        assert not done & set(wishes)


def nothing_is_sold_that_is_not_held(market: MarketSpec, steps: list[Step[HybridState]]) -> None:
    """By anybody: no order opens a short, and of each run the sells that are no stops are at most what it holds."""
    for step in steps:
        assert step.position.amount >= -1e-9
        held = {each.key: each.purse.amount for each in step.decision.state.generations}
        held["rest"] = step.decision.state.rest.amount
        sells: dict[str, float] = defaultdict(float)
        for order in step.decision.wanted:
            if order.side is Side.SELL and order.type is not OrderType.STOP:
                sells[order.slot.partition("/")[0]] += order.amount
        for key, amount in sells.items():
            assert amount <= held[key] + float(market.step) * 1e-6


def nothing_is_bought_beyond_the_limit(config: HybridConfig, steps: list[Step[HybridState]]) -> None:
    """Counted anew from the orders and fills alone, whenever a buy is wanted that was not wanted before."""
    known: dict[tuple[str, int], WantedOrder] = {}
    held: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for step in steps:
        for fill in step.fills:
            key, value = fill.slot.partition("/")[0], held[fill.slot.partition("/")[0]]
            if fill.side is Side.BUY:
                held[key] = [value[0] + fill.amount - fill.fee_base, value[1] + fill.amount * fill.price]
            else:
                left = max(0.0, value[0] - fill.amount)
                held[key] = [left, value[1] * left / value[0] if left else 0.0]
        alive = {each.key for each in step.decision.state.generations}
        for key in [key for key in held if key not in alive and key != "rest"]:
            held["rest"] = [sum(pair) for pair in zip(held["rest"], held.pop(key), strict=True)]
        buys = {(order.slot, order.sequence): order for order in step.decision.wanted if order.side is Side.BUY}
        worth = sum(order.amount * (order.price or step.point.price) for order in buys.values())
        cost = sum(value[1] for value in held.values())
        limit = (float(config.investment) + step.position.realised_pnl) * float(config.max_exposure) / 100
        if set(buys) - set(known):
            assert worth + cost <= limit * (1 + 1e-6)
        known = buys


def one_family_at_a_time(config: HybridConfig, steps: list[Step[HybridState]]) -> None:
    for step in steps:
        generations = step.decision.state.generations
        assert sum(each.mode == "active" for each in generations) <= 1
        if config.handover == "close":
            assert len(generations) <= 1
        for order in step.decision.wanted:
            if order.side is Side.BUY:
                key = order.slot.partition("/")[0]
                assert next(each.mode for each in generations if each.key == key) == "active"


def test_a_linear_market_has_stops_at_the_exchange_and_spot_has_none() -> None:
    for market in (LINEAR, SPOT):
        stops = set()
        for seed in range(3):
            _, _, _, steps = taken(market, seed, {"handover": "run_off", "quiet_transition": "none", "cool_down": 0})
            stops |= {
                order.slot.partition("/")[2] for step in steps for order in step.decision.wanted if order.protective
            }
        assert ("hybrid:guard" in stops) == (market.kind is MarketKind.LINEAR)
