"""The weeks in which a coin moved most, found by the range of prices in a rolling window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from backtests.metrics.inputs import Floats
from backtests.search.evaluation import Period
from exchange.candles.files import Candles
from strategies.candles import timeframe_ms

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Storm:
    """``moved`` is highest / lowest − 1 within it, ``change`` last close / first open − 1."""

    period: Period
    moved: float
    change: float


def storms(candles: Candles, timeframe: str, *, days: float = 7.0, count: int = 3) -> list[Storm]:
    """The ``count`` widest windows of so many days that do not overlap, the widest first; fewer when there is no room.

    Windows are counted in candles. Raises ``ValueError`` when the candles are fewer than one window.
    """
    length = int(days * DAY_MS) // timeframe_ms(timeframe)
    if length < 1 or len(candles) < length:
        raise ValueError(f"{days:g} days are {length} candles of {timeframe}, there are {len(candles)}")
    top = sliding_window_view(candles.high, length).max(axis=1)
    bottom = sliding_window_view(candles.low, length).min(axis=1)
    moved = top / bottom - 1.0
    free = np.ones(len(moved), dtype=bool)
    found: list[Storm] = []
    while len(found) < count and free.any():
        start = _middle_of_widest(np.where(free, moved, -np.inf))
        end = start + length
        period = Period(int(candles.timestamp[start]), int(candles.timestamp[end - 1]) + timeframe_ms(timeframe))
        change = float(candles.close[end - 1] / candles.open[start]) - 1.0
        found.append(Storm(period, float(moved[start]), change))
        free[max(0, start - length + 1) : end] = False
    return found


def _middle_of_widest(moved: Floats) -> int:
    """Of windows next to each other that hold the same two extremes, the one that has them in its middle."""
    first = int(np.argmax(moved))
    others = np.flatnonzero(moved[first:] != moved[first])
    count = int(others[0]) if len(others) else len(moved) - first
    return first + (count - 1) // 2
