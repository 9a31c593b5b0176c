"""Directional movement (J. Welles Wilder, New Concepts in Technical Trading Systems, 1978)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from strategies.compiled import compiled
from strategies.indicators.arrays import Array, check_period, columns
from strategies.indicators.warmup import settling, wilder_alpha


class DirectionalMovement(NamedTuple):
    """All three from 0 to 100: strength of the trend, and the share of upward and of downward movement."""

    adx: Array
    plus_di: Array
    minus_di: Array


def directional_movement(high: ArrayLike, low: ArrayLike, close: ArrayLike, period: int = 14) -> DirectionalMovement:
    """ADX, +DI and −DI. The DIs are known after ``period`` + 1 candles, the ADX after 2 × ``period``.

    Where nothing moved at all (no true range within memory) all three are 0.
    """
    check_period(period)
    highs, lows, closes = columns(high, low, close)
    return DirectionalMovement(*directions(highs, lows, closes, period))


def directional_warmup(period: int = 14) -> int:
    """The ADX averages what two averages gave, with the same smoothing."""
    alpha = wilder_alpha(period)
    return 2 * period + settling(alpha, alpha)


@compiled
def directions(high: Array, low: Array, close: Array, period: int) -> tuple[Array, Array, Array]:
    size = close.size
    adx, plus_di, minus_di = np.full(size, np.nan), np.full(size, np.nan), np.full(size, np.nan)
    ranges, plus, minus, strength, seen = 0.0, 0.0, 0.0, 0.0, 0
    for row in range(size):
        if not np.isfinite(high[row] + low[row] + close[row]):
            seen = 0
            continue
        if seen == 0:
            ranges, plus, minus, strength = 0.0, 0.0, 0.0, 0.0
        else:
            # Wilder's sums: the first ``period`` movements are added up, then a share of the sum leaves for each
            # new one.
            if seen > period:
                ranges -= ranges / period
                plus -= plus / period
                minus -= minus / period
            ranges += max(high[row], close[row - 1]) - min(low[row], close[row - 1])
            up, down = high[row] - high[row - 1], low[row - 1] - low[row]
            if up > down and up > 0.0:
                plus += up
            elif down > up and down > 0.0:
                minus += down
        if seen >= period:
            rising = 100.0 * plus / ranges if ranges != 0.0 else 0.0
            falling = 100.0 * minus / ranges if ranges != 0.0 else 0.0
            plus_di[row], minus_di[row] = rising, falling
            both = rising + falling
            index = 100.0 * abs(rising - falling) / both if both != 0.0 else 0.0
            known = seen - period + 1
            if known <= period:
                strength += index / period
            else:
                strength = (strength * (period - 1) + index) / period
            if known >= period:
                adx[row] = strength
        seen += 1
    return adx, plus_di, minus_di
