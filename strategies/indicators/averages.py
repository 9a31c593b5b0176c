"""Moving averages, and volume measured by its own average."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from strategies.compiled import compiled
from strategies.indicators.arrays import Array, check_period, column
from strategies.indicators.warmup import ema_alpha, settling


def sma(values: ArrayLike, period: int) -> Array:
    """Simple moving average: the mean of the last ``period`` values, in their unit."""
    check_period(period)
    return window_means(column(values), period)


def sma_warmup(period: int) -> int:
    return period


def ema(values: ArrayLike, period: int) -> Array:
    """Exponential moving average with alpha = 2 / (period + 1), begun with the first value; known from the
    ``period``-th value on."""
    check_period(period)
    return exponential(column(values), ema_alpha(period), period)


def ema_warmup(period: int) -> int:
    return max(period, 1 + settling(ema_alpha(period)))


def volume_mean(volume: ArrayLike, period: int) -> Array:
    """Mean volume of the last ``period`` candles, in the volume's own unit."""
    return sma(volume, period)


def volume_ratio(volume: ArrayLike, period: int) -> Array:
    """Each candle's volume as a multiple of the mean of the last ``period`` ones, itself included.

    1 where nothing at all was traded in that time: nothing is as much as usual.
    """
    volumes = column(volume)
    means = volume_mean(volumes, period)
    return np.divide(volumes, means, out=np.where(np.isnan(means), np.nan, 1.0), where=means > 0.0)


def volume_warmup(period: int) -> int:
    return period


@compiled
def exponential(values: Array, alpha: float, known_after: int) -> Array:
    averages = np.empty(values.size)
    average, seen = 0.0, 0
    for row in range(values.size):
        value = values[row]
        if np.isfinite(value):
            average = value if seen == 0 else average + alpha * (value - average)
            seen += 1
        else:
            seen = 0
        averages[row] = average if seen >= known_after else np.nan
    return averages


@compiled
def window_means(values: Array, period: int) -> Array:
    # The series is cut into blocks of one period. A window is the end of one block and the beginning of the next, and
    # both are sums of their own: nothing is ever taken away again. A running sum would carry the rounding of everything
    # before the window, and a thousand times larger volume there would show in the mean.
    means = np.full(values.size, np.nan)
    ends = np.zeros(period + 1)  # sums from each place of the last whole block to its end
    beginning, filled, whole = 0.0, 0, False
    for row in range(values.size):
        if not np.isfinite(values[row]):
            beginning, filled, whole = 0.0, 0, False
            continue
        beginning += values[row]
        filled += 1
        if filled == period:
            means[row] = beginning / period
            for place in range(period - 1, 0, -1):
                ends[place] = ends[place + 1] + values[row - period + 1 + place]
            beginning, filled, whole = 0.0, 0, True
        elif whole:
            means[row] = (ends[filled] + beginning) / period
    return means
