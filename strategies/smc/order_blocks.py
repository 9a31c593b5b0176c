"""Order blocks: the candle from which a move started that broke the last swing.

When a candle closes above the last confirmed swing high for the first time, the candle with the lowest low since that
swing is the bullish order block, from its low to its high. It is *mitigated*, and of no more use, when the price
trades through its far side. Mirrored for lows. The definition is that of ``smartmoneyconcepts``, whose later erasing
of a block (when the price comes back through a broken one) is not taken over: it rewrites the past.
"""

from __future__ import annotations

import numpy as np

from strategies.indicators import Array, compiled
from strategies.smc.swings import Rows, Turns
from strategies.smc.zone_table import Zones


def order_blocks(high: Array, low: Array, close: Array, turned: Turns, memory: int) -> Zones:
    """``born`` is the row of the break, ``died`` of the mitigation; a block expires ``memory`` candles after its
    birth."""
    return Zones(*blocks(high, low, close, turned.kind, turned.row, turned.level, memory))


@compiled
def blocks(
    high: Array, low: Array, close: Array, kind: Rows, turn_row: Rows, turn_level: Array, memory: int
) -> tuple[Rows, Rows, Rows, Rows, Array, Array]:
    size = close.size
    direction, origin = np.empty(2 * size, np.int64), np.empty(2 * size, np.int64)
    born, died = np.empty(2 * size, np.int64), np.empty(2 * size, np.int64)
    bottom, top = np.empty(2 * size), np.empty(2 * size)
    spent = np.zeros(size, np.bool_)
    count = 0
    for row in range(size):
        for newest in range(2):
            swing = turn_row[row, newest]
            if swing < 0 or spent[swing]:
                continue
            side = kind[row] if newest == 0 else -kind[row]
            if (close[row] - turn_level[row, newest]) * side <= 0.0:
                continue
            spent[swing] = True
            candle = swing + 1
            for each in range(swing + 1, row):
                if (low[each] <= low[candle]) if side > 0 else (high[each] >= high[candle]):
                    candle = each
            end = min(row + memory, size)
            last = row + memory
            for each in range(row + 1, end):
                if (low[each] < low[candle]) if side > 0 else (high[each] > high[candle]):
                    last = each
                    break
            direction[count], origin[count], born[count], died[count] = side, candle, row, last
            bottom[count], top[count] = low[candle], high[candle]
            count += 1
    return direction[:count], origin[:count], born[:count], died[:count], bottom[:count], top[:count]
