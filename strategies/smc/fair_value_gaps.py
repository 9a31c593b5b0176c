"""Fair value gaps: three candles in which the price moved so fast that the first and the third do not touch.

Bullish when the candle in the middle closed above its open and the third one's low is above the first one's high; the
gap lies between the two. It is known at the close of the third candle, *touched* when the price trades back into it
(what ``smartmoneyconcepts`` calls mitigated), and over when it is *filled*: when the price has traded through all of
it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from strategies.indicators import Array, compiled
from strategies.smc.swings import Rows
from strategies.smc.zone_table import Zones


class Gaps(NamedTuple):
    """``zones.died`` is the row of the filling; ``touched`` of the first return, ``memory`` after the birth if there
    is none."""

    zones: Zones
    touched: Rows


def fair_value_gaps(open_: Array, high: Array, low: Array, close: Array, smallest: Array, memory: int) -> Gaps:
    """``smallest`` is for each row the least height (quote) of a gap that is born there; where it is NaN none is."""
    direction, origin, born, died, bottom, top, touched = gaps(open_, high, low, close, smallest, memory)
    return Gaps(Zones(direction, origin, born, died, bottom, top), touched)


@compiled
def gaps(
    open_: Array, high: Array, low: Array, close: Array, smallest: Array, memory: int
) -> tuple[Rows, Rows, Rows, Rows, Array, Array, Rows]:
    size = close.size
    direction, origin = np.empty(size, np.int64), np.empty(size, np.int64)
    born, died, touched = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size, np.int64)
    bottom, top = np.empty(size), np.empty(size)
    count = 0
    for row in range(2, size):
        if low[row] > high[row - 2] and close[row - 1] > open_[row - 1]:
            side, lower, upper = 1, high[row - 2], low[row]
        elif high[row] < low[row - 2] and close[row - 1] < open_[row - 1]:
            side, lower, upper = -1, high[row], low[row - 2]
        else:
            continue
        if not upper - lower >= smallest[row]:
            continue
        first, last = row + memory, row + memory
        for each in range(row + 1, min(row + memory, size)):
            if first == row + memory and (low[each] <= upper if side > 0 else high[each] >= lower):
                first = each
            if low[each] <= lower if side > 0 else high[each] >= upper:
                last = each
                break
        direction[count], origin[count], born[count], died[count] = side, row - 1, row, last
        touched[count], bottom[count], top[count] = first, lower, upper
        count += 1
    return (
        direction[:count], origin[:count], born[:count], died[:count], bottom[:count], top[:count], touched[:count],
    )  # fmt: skip
