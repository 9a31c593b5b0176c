"""Relative strength (J. Welles Wilder, 1978) and MACD (Gerald Appel, 1979)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from strategies.compiled import compiled
from strategies.indicators.arrays import Array, check_period, column
from strategies.indicators.averages import ema
from strategies.indicators.warmup import ema_alpha, settling, wilder_alpha


class Macd(NamedTuple):
    """In the unit of the prices. ``histogram`` is line minus signal."""

    line: Array
    signal: Array
    histogram: Array


def rsi(close: ArrayLike, period: int = 14) -> Array:
    """Relative strength index, 0 to 100: 100 − 100 / (1 + average gain / average loss), by Wilder's smoothing.

    As in ``ta`` the averages begin at 0 with the first candle, and without any loss the index is 100, also where there
    was no gain either. Known from the ``period``-th candle on.
    """
    check_period(period)
    return relative_strength(column(close), period)


def rsi_warmup(period: int = 14) -> int:
    return max(period, 1 + settling(wilder_alpha(period)))


def macd(close: ArrayLike, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """EMA over ``fast`` minus EMA over ``slow`` candles, and the EMA of that over ``signal`` candles.

    Raises ``ValueError`` unless fast is shorter than slow.
    """
    check_period(fast, "fast")
    check_period(signal, "signal")
    if fast >= slow:
        raise ValueError(f"fast is {fast} and slow is {slow}: fast must be shorter.")
    closes = column(close)
    line = ema(closes, fast) - ema(closes, slow)
    smoothed = ema(line, signal)
    return Macd(line, smoothed, line - smoothed)


def macd_warmup(fast: int = 12, slow: int = 26, signal: int = 9) -> int:
    """The slow average forgets last, and the signal begins where that one is first known."""
    return max(slow + signal, slow + settling(ema_alpha(slow), ema_alpha(signal)))


@compiled
def relative_strength(close: Array, period: int) -> Array:
    index = np.full(close.size, np.nan)
    gain, loss, seen = 0.0, 0.0, 0
    for row in range(close.size):
        if not np.isfinite(close[row]):
            seen = 0
            continue
        if seen == 0:
            gain, loss = 0.0, 0.0
        else:
            change = close[row] - close[row - 1]
            gain += (max(change, 0.0) - gain) / period
            loss += (max(-change, 0.0) - loss) / period
        seen += 1
        if seen >= period:
            index[row] = 100.0 if loss == 0.0 else 100.0 - 100.0 / (1.0 + gain / loss)
    return index
