"""Liquidity: swing highs (or lows) at nearly one price, above (below) which orders are waiting, and their sweep.

Every swing may be the first of a pool. Later swings of its kind within ``tolerance`` of its price belong to it as
long as the price has not traded beyond the tolerance, which *sweeps* the pool. A pool counts from its second member
on.

``smartmoneyconcepts`` gives each swing to one pool only, which makes every pool depend on all that were before it,
and takes the tolerance from the range of the whole series. Neither could be known at the time from a limited past.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from strategies.indicators import Array, compiled
from strategies.smc.swings import Rows, Swings


class Pools(NamedTuple):
    """One entry per pool: +1 for highs and −1 for lows, the row and the price of the first swing, the row at which
    the second member made the pool known, and the row at which it was swept; where it was not, ``over`` is the row of
    its expiry."""

    kind: Rows
    first: Rows
    level: Array
    known: Rows
    over: Rows
    swept: Rows  # 1 or 0


class Sweeps(NamedTuple):
    """Per row. ``up`` and ``down`` are 1 where a pool was swept (of lows for ``up``) and the candle closed back on
    the near side of it, with which a reversal begins; ``above`` and ``below`` are the nearest pools not swept, NaN
    without one."""

    up: Array
    down: Array
    above: Array
    below: Array


def pools(high: Array, low: Array, swings: Swings, tolerance: Array, memory: int) -> Pools:
    """``tolerance`` in quote, by the row in which a first swing became known; where it is NaN no pool begins.

    A pool is forgotten ``memory`` candles after its first swing.
    """
    return Pools(*equal_swings(high, low, swings.row, swings.known, swings.kind, swings.level, tolerance, memory))


def sweeps(close: Array, found: Pools) -> Sweeps:
    return Sweeps(*rows_of_pools(close, found.kind, found.level, found.known, found.over, found.swept))


@compiled
def equal_swings(
    high: Array, low: Array, swing_row: Rows, known: Rows, kind: Rows, level: Array, tolerance: Array, memory: int
) -> tuple[Rows, Rows, Array, Rows, Rows, Rows]:
    size, total = high.size, known.size
    kinds, first, prices = np.empty(total, np.int64), np.empty(total, np.int64), np.empty(total)
    known_at, over, swept = np.empty(total, np.int64), np.empty(total, np.int64), np.empty(total, np.int64)
    count = 0
    for anchor in range(total):
        side, reach = kind[anchor], tolerance[known[anchor]]
        if not reach >= 0.0:
            continue
        limit = level[anchor] + side * reach
        end, was_swept = swing_row[anchor] + memory, 0
        for each in range(swing_row[anchor] + 1, min(end, size)):
            if high[each] >= limit if side > 0 else low[each] <= limit:
                end, was_swept = each, 1
                break
        for other in range(anchor + 1, total):
            if swing_row[other] >= end or known[other] >= swing_row[anchor] + memory:
                break
            if kind[other] == side and abs(level[other] - level[anchor]) <= reach:
                kinds[count], first[count], prices[count] = side, swing_row[anchor], level[anchor]
                known_at[count], over[count], swept[count] = known[other], end, was_swept
                count += 1
                break
    return kinds[:count], first[:count], prices[:count], known_at[:count], over[:count], swept[:count]


@compiled
def rows_of_pools(
    close: Array, kind: Rows, level: Array, known: Rows, over: Rows, swept: Rows
) -> tuple[Array, Array, Array, Array]:
    size = close.size
    up, down = np.zeros(size), np.zeros(size)
    above, below = np.full(size, np.nan), np.full(size, np.nan)
    for pool in range(kind.size):
        for row in range(known[pool], min(over[pool], size)):
            price = level[pool]
            # A pool of highs can lie below the close only within its tolerance: it is no target then.
            if kind[pool] > 0 and price > close[row] and not above[row] <= price:
                above[row] = price
            if kind[pool] < 0 and price < close[row] and not below[row] >= price:
                below[row] = price
        end = over[pool]
        if swept[pool] and end < size and end >= known[pool]:
            if kind[pool] > 0 and close[end] < level[pool]:
                down[end] = 1.0
            if kind[pool] < 0 and close[end] > level[pool]:
                up[end] = 1.0
    return up, down, above, below
