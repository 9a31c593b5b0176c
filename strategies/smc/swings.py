"""Swing highs and lows, each known only once the candles after it have confirmed it.

As in ``smartmoneyconcepts`` a swing high is the highest high of the ``length`` − 1 candles before it, itself and the
``length`` candles after it; equal highs all count, and a candle that is both is a high. It is therefore *known* at
the close of the ``length``-th candle after it, which is where it stands here.

That library then strikes out the less extreme of neighbours of one kind, which rewrites the past. Here neighbours
form a *run*, and whoever asks for the last turns of the market at some row gets the extreme of each run as far as it
was known there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from strategies.indicators import Array, compiled, rolling_max, rolling_min

Rows = NDArray[np.int64]


class Swings(NamedTuple):
    """All swings in the order in which they became known: the row of the extreme, the row of its confirmation, +1 for a
    high and −1 for a low, and the price."""

    row: Rows
    known: Rows
    kind: Rows
    level: Array


class Turns(NamedTuple):
    """For every row the extremes of the newest runs of swings, the newest one in column 0; row −1 where there is none.

    Runs alternate, so one ``kind`` per row tells all: that of the newest.
    """

    kind: Rows
    row: NDArray[np.int64]
    level: NDArray[np.float64]


def swing_points(high: Array, low: Array, length: int) -> Swings:
    """Raises ``ValueError`` for a length below 1."""
    window = 2 * length
    tops, bottoms = rolling_max(high, window), rolling_min(low, window)
    known = np.arange(length, high.size, dtype=np.int64)
    middle = known - length
    is_high = high[middle] == tops[known]
    is_low = (low[middle] == bottoms[known]) & ~is_high
    found = is_high | is_low
    kind = np.where(is_high, 1, -1)[found].astype(np.int64)
    row = middle[found]
    return Swings(row, known[found], kind, np.where(kind > 0, high[row], low[row]))


def turns(swings: Swings, size: int, memory: int) -> Turns:
    """The last turns at each of ``size`` rows, from swings not older than ``memory`` candles."""
    return Turns(*newest_runs(swings.row, swings.known, swings.kind, swings.level, size, memory))


def swings_warmup(length: int) -> int:
    return 2 * length


@compiled
def newest_runs(
    swing_row: Rows, known: Rows, kind: Rows, level: Array, size: int, memory: int
) -> tuple[Rows, Rows, Array]:
    # Read backwards from the newest swing at every row instead of being carried along, so that what was before the
    # memory can have no say.
    kinds = np.zeros(size, np.int64)
    rows = np.full((size, 4), -1, np.int64)
    levels = np.full((size, 4), np.nan)
    newest = -1
    for row in range(size):
        while newest + 1 < known.size and known[newest + 1] <= row:
            newest += 1
        run, each = -1, newest
        while each >= 0 and swing_row[each] > row - memory:
            if run < 0 or kind[each] != kind[each + 1]:
                run += 1
                if run == 4:
                    break
                rows[row, run], levels[row, run] = swing_row[each], level[each]
            elif (level[each] - levels[row, run]) * kind[each] >= 0.0:
                # Of equal ones the first counts.
                rows[row, run], levels[row, run] = swing_row[each], level[each]
            each -= 1
        if run >= 0:
            kinds[row] = kind[newest]
    return kinds, rows, levels
