"""The compiled step is the live one, and sleeps only where nothing would happen."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from math import nan
from typing import Any

import numpy as np
import pytest

from backtests.points import candles_of, points_of
from exchange.candles.merging import taken
from strategies.contract import MarketSpec, Point, PositionView
from strategies.feature_rows import feature_table
from strategies.kernel import tick_of
from strategies.smc.config import SmcConfig
from strategies.smc.logic import SmcStrategy
from tests.strategies.kernel_driver import assert_quiet_is_honest, assert_same_compiled, played
from tests.strategies.markets import LINEAR, SPOT
from tests.strategies.smc.bench import QUARTER, row_of
from tests.strategies.smc.real import FILES, all_timeframes, candles_of_file

STRATEGY = SmcStrategy()
# Many small trades: whatever can happen to one happens often.
EAGER = {
    "capital": 10_000,
    "smallest_score": 1,
    "minimum_confidence": 20,
    "volume_factor": 0,
    "trailing_activation": "0.9",
    "trailing_distance": "0.4",
}
WIF = replace(LINEAR, tick=Decimal("0.0001"), step=Decimal(1), min_amount=Decimal(1))
# Of 60 quote a third is 20, and a fifth of that below what the market takes.
DEAR_SPOT = replace(SPOT, min_notional=Decimal(5))
CASES: dict[str, tuple[MarketSpec, dict[str, Any]]] = {
    "both sides, linear": (LINEAR, {"direction": "neutral", "leverage": 3}),
    "short, linear, every step of the trailing stop": (LINEAR, {"direction": "short", "trailing_step": 0}),
    "whole at the target, two positions": (LINEAR, {"partial_share": 0, "positions": 2, "break_even": False}),
    "spot": (SPOT, {}),
    "spot, near the least notional": (DEAR_SPOT, {"capital": 60, "partial_share": 30}),
}
SLOTS = {
    "both sides, linear": {"entry:0", "entry:2", "stop:0", "partial:1", "target:2"},
    "short, linear, every step of the trailing stop": {"entry:0", "stop:2", "partial:0", "target:0"},
    "whole at the target, two positions": {"entry:1", "stop:1", "target:1"},
    "spot": {"entry:2", "partial:0", "target:0", "close:0", "close:2", "tidy"},
    "spot, near the least notional": {"entry:0", "target:0", "close:0"},
}


def made_up_points(seed: int, count: int) -> list[Point]:
    """A walk around 2,000 on which every fourth point is the first of a new candle; a third of the candles offer a long
    entry, a third a short one, and some rows are not known."""
    dice = random.Random(seed)
    price, points, row, close = 2000.0, list[Point](), row_of(), 0
    for number in range(count):
        price = round(price * (1 + dice.gauss(0, 0.002)), 2)
        if number % 4 == 3:
            close += QUARTER
            row = made_up_row(dice, price)
        points.append(Point((number + 1) * QUARTER // 4, price, row, close or None))
    return points


def made_up_row(dice: random.Random, price: float) -> dict[str, float]:
    if dice.random() < 0.1:
        return dict.fromkeys(row_of(), nan)
    demand, supply = None, None
    extreme = dice.uniform(0.001, 0.01)
    zone = {"pattern": float(dice.randint(1, 3)), "score": dice.uniform(0.5, 8)}
    kind = dice.randrange(3)
    if kind == 0:
        demand = zone | {"extreme": price * (1 - extreme), "bottom": price * 0.99, "top": price * 0.995}
    if kind == 1:
        supply = zone | {"extreme": price * (1 + extreme), "bottom": price * 1.005, "top": price * 1.01}
    levels = {
        f"{name}_{timeframe}": price * (1 + side * dice.uniform(0.002, 0.06))
        for name, side in (("high", 1), ("low", -1))
        for timeframe in ("1h", "4h", "1d")
    }
    return row_of(
        demand,
        supply,
        close=price * dice.uniform(0.99, 1.01),
        atr=price * 0.002,
        volume_ratio=dice.uniform(0.5, 3),
        place=dice.random(),
        pool_above=price * dice.uniform(1.001, 1.03) if dice.random() < 0.5 else nan,
        pool_below=price * dice.uniform(0.97, 0.999) if dice.random() < 0.5 else nan,
        swept_up=float(dice.random() < 0.3),
        swept_down=float(dice.random() < 0.3),
        **{f"trend_{timeframe}": dice.choice((-1.0, 0.0, 1.0)) for timeframe in ("15m", "1h", "4h", "1d")},
        **levels,
    )


def real_points(name: str, config: SmcConfig, first_day: int, days: int) -> Iterable[Point]:
    table = feature_table(STRATEGY, config, all_timeframes(name))
    candles = candles_of_file(name)
    start = int(table.known.argmax()) + first_day * 96
    part = taken(candles, np.arange(start, start + days * 96))
    for timestamp, price in points_of(candles_of(part), QUARTER):
        row = table.row(table.row_at(timestamp))
        yield Point(timestamp, float(price), row.values, row.candle_close)


@pytest.mark.parametrize("case", CASES)
def test_compiled_is_python_on_made_up_rows(case: str) -> None:
    market, changes = CASES[case]
    config = SmcConfig.model_validate(EAGER | changes)
    given = played(STRATEGY, config, market, made_up_points(1, 1200), seed=1)
    wanted = assert_same_compiled(STRATEGY, config, market, given)
    assert SLOTS[case] <= set(wanted)


def test_compiled_is_python_on_real_candles() -> None:
    config = SmcConfig.model_validate(EAGER | {"direction": "neutral", "swing_length": 5, "memory": 6})
    points = real_points(FILES[1], config, 0, 6)
    wanted = assert_same_compiled(STRATEGY, config, WIF, played(STRATEGY, config, WIF, points, prompt=True))
    assert {"entry:0", "stop:0", "partial:0", "target:0"} <= set(wanted)


@pytest.mark.parametrize("case", CASES)
def test_nothing_happens_where_it_sleeps(case: str) -> None:
    market, changes = CASES[case]
    config = SmcConfig.model_validate(EAGER | changes)
    given = played(STRATEGY, config, market, made_up_points(3, 500), seed=3)
    assert assert_quiet_is_honest(STRATEGY, config, market, given) > 200


def test_nothing_happens_where_it_sleeps_on_real_candles() -> None:
    config = SmcConfig.model_validate(EAGER | {"direction": "neutral", "swing_length": 5, "memory": 6})
    points = real_points(FILES[1], config, 0, 3)
    given = played(STRATEGY, config, WIF, points, prompt=True)
    assert assert_quiet_is_honest(STRATEGY, config, WIF, given) > 800


def test_a_running_trade_sleeps_up_to_where_its_stop_follows() -> None:
    market, config = LINEAR, SmcConfig.model_validate({"capital": 10_000})
    parameters = STRATEGY.parameters(config, market)
    state = STRATEGY.initial_state(config, market)
    state.phase[0], state.side[0], state.entry[0], state.best[0], state.stop[0] = 2, 1, 2000.0, 2000.0, 1989.0
    low, high, _, rows = STRATEGY.quiet.plain(parameters, state, tick_of(Point(0, 2000.0), PositionView()))
    assert low == float("-inf")  # the stop rests at the exchange
    assert 2029.9999 < high < 2030.0  # 1.5 % above the entry
    assert rows
