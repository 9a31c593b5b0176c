"""Entry patterns of the base timeframe: a candle that turns, seen at its close.

* *Engulfing*: a candle against the body of the one before it, whose body it covers and exceeds.
* *Pin bar*: a wick of at least a given share of the candle's height; the price was there and did not stay.
* *Inside break*: a candle that lies within the one before it, and the next one closes beyond both.

S. Nison, Japanese Candlestick Charting Techniques (1991), has the first two.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from strategies.indicators import Array, compiled

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
    up, lowest = upwards(open_, high, low, close, pin_wick)
    down, lowest_mirrored = upwards(-open_, -low, -high, -close, pin_wick)
    return Patterns(up, lowest, down, -lowest_mirrored)


@compiled
def upwards(open_: Array, high: Array, low: Array, close: Array, pin_wick: float) -> tuple[Array, Array]:
    kind, lowest = np.zeros(close.size), np.full(close.size, np.nan)
    for row in range(close.size):
        fell = row > 0 and close[row - 1] < open_[row - 1]
        covers = fell and open_[row] <= close[row - 1] and close[row] >= open_[row - 1]
        height = high[row] - low[row]
        if covers and close[row] - open_[row] > open_[row - 1] - close[row - 1]:
            kind[row], lowest[row] = ENGULFING, min(low[row - 1], low[row])
        elif height > 0.0 and min(open_[row], close[row]) - low[row] >= pin_wick * height:
            kind[row], lowest[row] = PIN_BAR, low[row]
        elif row > 1 and high[row - 1] <= high[row - 2] and low[row - 1] >= low[row - 2] and close[row] > high[row - 2]:
            kind[row], lowest[row] = INSIDE_BREAK, min(low[row - 2], low[row - 1], low[row])
    return kind, lowest
