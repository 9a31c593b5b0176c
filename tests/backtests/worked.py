"""Back-tests small enough to be worked out by hand: candles as rows, and the presets that run over them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from backtests.preset import Preset, preset_of
from exchange.candles.files import COLUMNS, Candles

MINUTE: Final = 60_000
# 2025-05-01 00:00 UTC
START: Final = 1_746_057_600_000

# open, high, low, close
Row = tuple[float, float, float, float]


def candles_of(rows: Sequence[Row], *, start: int = START, step: int = MINUTE, volume: float = 1000.0) -> Candles:
    opened, high, low, close = np.ascontiguousarray(np.array(rows, dtype=np.float64).T)
    times = start + step * np.arange(len(rows), dtype=np.int64)
    return Candles(times, opened, high, low, close, np.full(len(rows), volume))


def write_csv(path: Path, candles: Candles) -> Path:
    columns = [getattr(candles, name).tolist() for name in COLUMNS]
    lines = [",".join(COLUMNS), *(",".join(map(repr, row)) for row in zip(*columns, strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return path


def preset(**changes: Any) -> Preset:
    values: dict[str, Any] = {
        "symbol": "ETH/USDT",
        "market": "spot",
        "timeframe": "1m",
        "strategy": "grid",
        "config": {"lower": 80, "upper": 120, "grids": 4, "investment": 380, "amount_mode": "base"},
        "initial_balance": 1000,
        "fees": {"maker": "0.001", "taker": "0.002", "buyer_pays_in": "quote"},
        "precision": {"price": "0.01", "amount": "0.01"},
    }
    return preset_of(values | changes)


HOLDING: Final[dict[str, Any]] = {
    "strategy": "dca",
    "config": {"base_order_size": 500, "safety_orders": 0, "take_profit": 900},
    "fees": {"maker": "0.001", "taker": "0.001"},
}
DEALS: Final[dict[str, Any]] = {
    "symbol": "ETH/USDT:USDT",
    "market": "linear",
    "strategy": "dca",
    "config": {
        "base_order_size": 100,
        "safety_order_size": 99,
        "safety_orders": 1,
        "price_deviation": 10,
        "take_profit": 5,
        "cool_down": 3600,
    },
    "fees": {"maker": "0.0002", "taker": "0.0005"},
}
# Up to 110 and back to 98, then up to 121: each of the grid's lines 100, 110 and 120 is met.
SWING: Final[list[Row]] = [(100, 100, 100, 100), (100, 112, 99, 105), (105, 106, 98, 99), (99, 121, 99, 115)]
DIP: Final[list[Row]] = [(100, 100, 100, 100), (100, 100, 89, 91), (91, 101, 91, 97)]
