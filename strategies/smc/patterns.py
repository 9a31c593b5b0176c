"""Entry patterns of the base timeframe: a candle that turns, seen at its close.

* *Engulfing*: a candle against the body of the one before it, whose body it covers and exceeds.
* *Pin bar*: a wick of at least a given share of the candle's height; the price was there and did not stay.
* *Inside break*: a candle that lies within the one before it, and the next one closes beyond both.

S. Nison, Japanese Candlestick Charting Techniques (1991), has the first two.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from strategies.indicators import Array, rolling_min

ENGULFING: Final = 1
PIN_BAR: Final = 2
INSIDE_BREAK: Final = 3
# By number; 0 is no pattern.
WORDS: Final = ("none", "engulfing", "pin bar", "inside break")


class Patterns(NamedTuple):
    """Per row the pattern that turns upwards (0 for none) and the lowest low of its candles; the same for downwards."""

    up: Array
    low: Array
    down: Array
    high: Array


def patterns(open_: Array, high: Array, low: Array, close: Array, pin_wick: float) -> Patterns:
    """``pin_wick`` is a fraction of the height. The first that applies counts, in the order of the list above."""
    up, lowest = _upwards(open_, high, low, close, pin_wick)
    down, lowest_mirrored = _upwards(-open_, -low, -high, -close, pin_wick)
    return Patterns(up, lowest, down, -lowest_mirrored)


def _upwards(open_: Array, high: Array, low: Array, close: Array, pin_wick: float) -> tuple[Array, Array]:
    open_1, close_1 = _before(open_, 1), _before(close, 1)
    high_1, low_1, high_2, low_2 = _before(high, 1), _before(low, 1), _before(high, 2), _before(low, 2)
    engulfing = (close_1 < open_1) & (open_ <= close_1) & (close >= open_1) & (close - open_ > open_1 - close_1)
    wick, height = np.minimum(open_, close) - low, high - low
    pin = (height > 0.0) & (wick >= pin_wick * height)
    inside = (high_1 <= high_2) & (low_1 >= low_2) & (close > high_2)
    kind = np.select([engulfing, pin, inside], [ENGULFING, PIN_BAR, INSIDE_BREAK], 0).astype(np.float64)
    lowest = np.select([engulfing, pin, inside], [rolling_min(low, 2), low, rolling_min(low, 3)], np.nan)
    return kind, lowest


def _before(values: Array, candles: int) -> Array:
    """Each row's value so many candles ago, NaN at the beginning."""
    shifted = np.full(values.size, np.nan)
    if values.size > candles:
        shifted[candles:] = values[:-candles]
    return shifted
