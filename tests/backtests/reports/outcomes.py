"""Results to report on: a grid over a made-up market that swings."""

from __future__ import annotations

from functools import cache
from typing import Any

from backtests.data import load_candles
from backtests.outcome import Outcome
from backtests.preset import preset_of
from backtests.running import back_test

PRESET: dict[str, Any] = {
    "symbol": "ETH/USDT",
    "market": "spot",
    "timeframe": "1m",
    "strategy": "grid",
    "config": {"lower": "95", "upper": "105", "grids": 10, "investment": "8000"},
    "initial_balance": 10_000,
    "fees": {"maker": "0.0002", "taker": "0.0005"},
    "slippage": "0.0005",
}


@cache
def swinging(days: float = 2, period: int = 240) -> Outcome:
    """The price goes up and down between 95 and 105, once in ``period`` minutes."""
    candles, report = load_candles(f"synthetic:sine,days={days},period={period}", timeframe="1m")
    return back_test(preset_of(PRESET), candles, data_report=report)
