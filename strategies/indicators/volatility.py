"""True range and its average (J. Welles Wilder, 1978), Bollinger bands (John Bollinger, 2001)."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from strategies.compiled import compiled
from strategies.indicators.arrays import Array, check_period, column, columns
from strategies.indicators.warmup import settling, wilder_alpha

# So many rows are summed at a time: their sums and values stay in the processor's first cache.
BLOCK: Final = 512


class Bands(NamedTuple):
    """In the unit of the prices."""

    middle: Array
    upper: Array
    lower: Array


def true_range(high: ArrayLike, low: ArrayLike, close: ArrayLike) -> Array:
    """The candle's range, widened to the previous close; the first candle's is high minus low. In quote."""
    return true_ranges(*columns(high, low, close))


def true_range_warmup() -> int:
    return 2


def atr(high: ArrayLike, low: ArrayLike, close: ArrayLike, period: int = 14) -> Array:
    """Average true range in quote: the mean of the first ``period`` ranges, then by Wilder's smoothing."""
    check_period(period)
    return smoothed_from_mean(true_range(high, low, close), period)


def atr_percent(high: ArrayLike, low: ArrayLike, close: ArrayLike, period: int = 14) -> Array:
    """The average true range in percent of the close (5 for 5 %); unknown where the close is not above 0."""
    closes = column(close)
    ranges = atr(high, low, closes, period)
    percent: Array = np.divide(100.0 * ranges, closes, out=np.full(closes.size, np.nan), where=closes > 0.0)
    return percent


def atr_warmup(period: int = 14) -> int:
    """Also of ``atr_percent``."""
    return period + settling(wilder_alpha(period))


def bollinger(close: ArrayLike, period: int = 20, deviations: float = 2.0) -> Bands:
    """The mean of the last ``period`` closes, and bands so many standard deviations (of the population) around it.

    Raises ``ValueError`` for negative deviations.
    """
    check_period(period)
    if not deviations >= 0.0:
        raise ValueError(f"deviations is {deviations}: it must be at least 0.")
    middle, deviation = window_deviations(column(close), period)
    return Bands(middle, middle + deviations * deviation, middle - deviations * deviation)


def bollinger_warmup(period: int = 20) -> int:
    return period


@compiled
def true_ranges(high: Array, low: Array, close: Array) -> Array:
    ranges = np.full(close.size, np.nan)
    for row in range(close.size):
        if not np.isfinite(high[row] + low[row] + close[row]):
            continue
        top, bottom = high[row], low[row]
        if row > 0 and not np.isnan(ranges[row - 1]):
            top, bottom = max(top, close[row - 1]), min(bottom, close[row - 1])
        ranges[row] = top - bottom
    return ranges


@compiled
def smoothed_from_mean(values: Array, period: int) -> Array:
    averages = np.full(values.size, np.nan)
    total, average, seen = 0.0, 0.0, 0
    for row in range(values.size):
        value = values[row]
        if not np.isfinite(value):
            total, seen = 0.0, 0
            continue
        seen += 1
        if seen <= period:
            total += value
            average = total / period
        else:
            average = (average * (period - 1) + value) / period
        if seen >= period:
            averages[row] = average
    return averages


@compiled
def window_deviations(values: Array, period: int) -> tuple[Array, Array]:
    # In two passes over each window: the squares of prices that differ in the sixth digit only would cancel out. The
    # windows of a block of rows are summed side by side, which the processor does several at a time; a window that holds a
    # gap sums up to no number.
    size = values.size
    means, deviations = np.full(size, np.nan), np.full(size, np.nan)
    for begin in range(period - 1, size, BLOCK):
        rows = min(BLOCK, size - begin)
        totals, squares = np.zeros(rows), np.zeros(rows)
        for back in range(period - 1, -1, -1):
            entered = values[begin - back : begin - back + rows]
            for row in range(rows):
                totals[row] += entered[row]
        totals /= period
        for back in range(period - 1, -1, -1):
            entered = values[begin - back : begin - back + rows]
            for row in range(rows):
                squares[row] += (entered[row] - totals[row]) ** 2
        for row in range(rows):
            if np.isfinite(totals[row]):
                means[begin + row], deviations[begin + row] = totals[row], np.sqrt(squares[row] / period)
    return means, deviations
