"""The step as machine code decides as Python does, bit by bit, and its quiet zones are quiet."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from backtests.features import history_features
from exchange.candles.files import read_file
from strategies.contract import MarketSpec, Point
from strategies.dca.config import DcaConfig
from strategies.dca.logic import DcaStrategy
from tests.strategies.kernel_driver import Seen, assert_quiet_is_honest, assert_same_compiled, played, walk
from tests.strategies.markets import LINEAR, MINUTE, SPOT

STRATEGY = DcaStrategy()
CANDLES = "binance_ETHUSDT_linear_1m_202505.parquet"
MINUTES = 1000
DEALS: dict[str, Any] = {
    "base_order_size": 200,
    "safety_order_size": 150,
    "safety_orders": 5,
    "active_safety_orders": 2,
    "price_deviation": "0.35",
    "step_scale": "1.3",
    "volume_scale": "1.45",
    "take_profit": "0.6",
}
# On the tick of 0.05 many prices lie between two ticks; of 0.001 coins a step of the take profit is often too small.
COARSE = replace(LINEAR, tick=Decimal("0.05"), step=Decimal("0.001"), min_amount=Decimal("0.05"))
CASES: dict[str, tuple[MarketSpec, dict[str, Any], set[str]]] = {
    "plain": (SPOT, {}, {"base", "safety:5", "take_profit:1"}),
    "no safety orders": (LINEAR, {"safety_orders": 0, "stop_loss": "0.8"}, {"base", "take_profit:1", "stop"}),
    "short, stopped at the exchange": (LINEAR, {"direction": "short", "stop_loss": "2"}, {"stop", "close", "safety:2"}),
    "stop with a time-out": (
        LINEAR,
        {"stop_loss": "0.8", "stop_loss_timeout": 180, "trailing_take_profit": "0.1"},
        {"close", "safety:1"},
    ),
    "stop from the base order, above the average": (
        SPOT,
        {"stop_loss": "0.3", "stop_loss_from": "base", "stop_loss_timeout": 600, "trailing_take_profit": "0.2"},
        {"close", "safety:3"},
    ),
    "stop for good": (SPOT, {"stop_loss": "1.5", "after_stop_loss": "stop"}, {"close"}),
    "trailing, short": (LINEAR, {"direction": "short", "trailing_take_profit": "0.2"}, {"base", "close"}),
    "in steps": (
        COARSE,
        {"take_profit": None, "take_profit_steps": "0.3:33.3, 0.6:33.3, 1.1:33.4", "base_order_size": 900},
        {"take_profit:1", "take_profit:2", "take_profit:3"},
    ),
    "in steps, the last one trailing": (
        LINEAR,
        {"take_profit": None, "take_profit_steps": "0.2:50, 0.5:50", "trailing_take_profit": "0.1"},
        {"take_profit:1", "close"},
    ),
    "age, cool-down, number": (SPOT, {"max_deal_time": 1800, "cool_down": 600, "max_deals": 9}, {"close"}),
    "fills after the end": (SPOT, {"cool_down": 900, "price_deviation": "0.05", "take_profit": "0.1"}, {"close"}),
    "daily loss": (LINEAR, {"stop_loss": "0.7", "daily_loss_limit": 1, "safety_orders": 1}, {"stop"}),
    "between prices": (SPOT, {"min_price": 1840, "max_price": 1860, "start_price": 1855}, {"base"}),
    "too small": (replace(SPOT, min_notional=Decimal(150)), {"base_order_size": "149.999", "safety_orders": 2}, set()),
}


def config_of(changes: dict[str, Any]) -> DcaConfig:
    return DcaConfig.model_validate({name: value for name, value in (DEALS | changes).items() if value is not None})


@pytest.mark.parametrize("name", CASES)
def test_machine_code_decides_as_python_and_is_quiet_where_it_says(name: str) -> None:
    market, changes, slots = CASES[name]
    config = config_of(changes)
    points = walk(350, start=1850, stride=4, seed=5, jump=5, tick=str(market.tick))
    seen = list(played(STRATEGY, config, market, points, seed=2))
    assert assert_same_compiled(STRATEGY, config, market, seen).keys() >= slots
    assert assert_quiet_is_honest(STRATEGY, config, market, seen) > 0 or not slots


@pytest.mark.parametrize(
    "changes",
    [
        {"start_on_rsi": True, "rsi_limit": 40, "rsi_period": 5, "start_price": 1810},
        {"start_on_ema_cross": True, "start_on_bollinger": True, "start_combine": "any", "bollinger_period": 10},
        {"start_on_rsi": True, "rsi_period": 5, "start_price": 1800, "start_combine": "any", "min_price": 1790},
    ],
    ids=["all of two", "any of two", "any of two, one the price"],
)
def test_both_are_so_with_conditions_on_real_candles(changes: dict[str, Any]) -> None:
    config = config_of({"start_timeframe": "5m", "ema_fast": 3, "ema_slow": 8} | changes)
    seen = seen_on_candles(config)
    wanted = assert_same_compiled(STRATEGY, config, SPOT, seen)
    assert wanted.keys() >= {"base", "safety:1", "take_profit:1"}
    assert assert_quiet_is_honest(STRATEGY, config, SPOT, seen) > 100


def test_both_are_so_with_signals_from_outside() -> None:
    config = config_of({"start_on_signal": True})
    walked = walk(300, start=1850, stride=4, seed=9, jump=5)
    signals = [
        replace(point, features={"signal": 1.0 if number % 3 else -1.0, "signal_at": float(number // 20)})
        for number, point in enumerate(walked)
    ]
    seen = list(played(STRATEGY, config, SPOT, signals, seed=1))
    assert assert_same_compiled(STRATEGY, config, SPOT, seen)["base"] > 3
    assert assert_quiet_is_honest(STRATEGY, config, SPOT, seen) > 100


def test_every_hindrance_and_every_phase_has_been_seen() -> None:
    """What the walks above are worth."""
    told: Counter[str] = Counter()
    for market, changes, _ in CASES.values():
        config = config_of(changes)
        state = STRATEGY.initial_state(config, market)
        points = walk(350, start=1850, stride=4, seed=5, jump=5, tick=str(market.tick))
        for given in played(STRATEGY, config, market, points, seed=2):
            decision = STRATEGY.step(config, market, state, *given)
            told.update(note.code for note in decision.notes)
            state = decision.state
    assert told.keys() >= {
        "dca.waits_cool_down",
        "dca.waits_daily_loss",
        "dca.waits_min_price",
        "dca.waits_max_price",
        "dca.waits_condition",
        "dca.waits_size",
        "dca.trailed",
        "dca.stop_loss",
        "dca.stop_loss_waits",
        "dca.stop_loss_recovered",
        "dca.deal_time",
        "dca.left_over",
        "dca.took_profit",
    }


def seen_on_candles(config: DcaConfig) -> list[Seen]:
    """The closes of minutes with the newest row of features."""
    folder = os.environ.get("TRADERAGENT_CANDLES")
    if not folder:
        pytest.skip("TRADERAGENT_CANDLES is not set: it names the folder with real candles")
    candles = read_file(Path(folder) / CANDLES)
    start = int(candles.timestamp[0])
    candles = candles.between(start, start + MINUTES * MINUTE)
    table = history_features(STRATEGY, config, candles, "1m")
    assert table is not None
    points = []
    for opened, close in zip(candles.timestamp.tolist(), candles.close.tolist(), strict=True):
        closed = opened + MINUTE - 1
        row = table.row(table.row_at(closed))
        points.append(Point(closed, close, row.values, row.candle_close))
    return list(played(STRATEGY, config, SPOT, points, seed=4))
