"""Highest and lowest values of a window, and swing points."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from strategies.compiled import compiled
from strategies.indicators.arrays import Array, check_period, column, columns


class Swings(NamedTuple):
    """In the row in which a swing becomes *known*: its price; NaN in all other rows.

    The extreme itself lies ``length`` rows before that.
    """

    high: Array
    low: Array


def rolling_max(values: ArrayLike, period: int) -> Array:
    """The highest of the last ``period`` values, the row's own included."""
    check_period(period)
    return window_maxima(column(values), period)


def rolling_min(values: ArrayLike, period: int) -> Array:
    """The lowest of the last ``period`` values, the row's own included."""
    check_period(period)
    return -window_maxima(-column(values), period)


def rolling_warmup(period: int) -> int:
    return period


def swings(high: ArrayLike, low: ArrayLike, length: int) -> Swings:
    """Swing highs and lows, each in the row whose close confirms it.

    A swing high is above the highs of the ``length`` candles before it and not below those of the ``length`` candles
    after it, so the first of several equal ones counts. A swing low is the mirror image.
    """
    check_period(length, "length")
    highs, lows = columns(high, low)
    return Swings(confirmed_peaks(highs, length), -confirmed_peaks(-lows, length))


def swings_warmup(length: int) -> int:
    return 2 * length + 1


@compiled
def window_maxima(values: Array, period: int) -> Array:
    maxima = np.full(values.size, np.nan)
    seen, best = 0, 0
    for row in range(values.size):
        if not np.isfinite(values[row]):
            seen = 0
            continue
        seen += 1
        if seen == 1 or values[row] >= values[best]:
            best = row
        elif best <= row - period:
            # The highest has left the window: look for the next one.
            best = row - period + 1
            for each in range(row - period + 2, row + 1):
                if values[each] >= values[best]:
                    best = each
        if seen >= period:
            maxima[row] = values[best]
    return maxima


@compiled
def confirmed_peaks(values: Array, length: int) -> Array:
    peaks = np.full(values.size, np.nan)
    seen = 0
    for row in range(values.size):
        seen = seen + 1 if np.isfinite(values[row]) else 0
        if seen <= 2 * length:
            continue
        middle = row - length
        value = values[middle]
        is_peak = True
        for distance in range(1, length + 1):
            if values[middle - distance] >= value or values[middle + distance] > value:
                is_peak = False
                break
        if is_peak:
            peaks[row] = value
    return peaks
