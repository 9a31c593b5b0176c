"""Breaks of structure, changes of character, and the trend they make.

Read from the last three turns of the market when the newest is a low: low, high, low. The close of a candle above
that high is a bullish event: a *break of structure* when the second low is above the first, so that the rise goes on,
and a *change of character* when it is below, so that a fall turns. Mirrored for lows. These are the definitions of
``smartmoneyconcepts``, which asks besides for the next swing high, ``length`` candles in the future, before it tells.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from strategies.indicators import Array, compiled
from strategies.smc.swings import Rows, Turns

BREAK_OF_STRUCTURE = 1
CHANGE_OF_CHARACTER = 2


class Structure(NamedTuple):
    """Per row. ``event`` is ±1 for a break of structure and ±2 for a change of character, positive for bullish, in
    the row in which it is known; ``level`` is the broken price (NaN without an event), ``turn`` the row of the swing
    in between, by which ``smartmoneyconcepts`` names the event, ``broken`` the row whose close broke the level; both
    −1 without an event.

    ``trend`` is the direction of the newest event within the memory, 0 when there is none.
    """

    event: Rows
    level: Array
    swing: Rows
    broken: Rows
    trend: Array


def structure(close: Array, turned: Turns, memory: int) -> Structure:
    """``memory`` in candles, the one that ``turned`` was made with."""
    event, level, swing, broken = breaks(close, turned.kind, turned.row, turned.level)
    return Structure(event, level, swing, broken, newest_direction(event, memory))


@compiled
def breaks(close: Array, kind: Rows, turn_row: Rows, turn_level: Array) -> tuple[Rows, Array, Rows, Rows]:
    size = close.size
    event, swing, broken = np.zeros(size, np.int64), np.full(size, -1, np.int64), np.full(size, -1, np.int64)
    level = np.full(size, np.nan)
    spent = np.zeros(size, np.bool_)  # by the row of the swing whose level was broken
    for row in range(size):
        # The newest turn is where the price came from, or the move from there has made a swing of its own on its way.
        for newest in range(2):
            first, broken_turn, origin = newest + 2, newest + 1, newest
            if first > 3 or turn_row[row, first] < 0 or spent[turn_row[row, broken_turn]]:
                continue
            direction = -kind[row] if newest == 0 else kind[row]
            limit = turn_level[row, broken_turn]
            before, after = turn_level[row, first], turn_level[row, origin]
            if (limit - before) * direction <= 0.0 or (limit - after) * direction <= 0.0 or before == after:
                continue
            # A break that came before the newest turn was confirmed is told with its confirmation.
            start = row
            if row == 0 or turn_row[row - 1, newest] != turn_row[row, newest]:
                start = turn_row[row, broken_turn] + 1
            for each in range(start, row + 1):
                if (close[each] - limit) * direction > 0.0:
                    with_it = (after - before) * direction > 0.0
                    event[row] = direction * (1 if with_it else 2)
                    level[row], swing[row], broken[row] = limit, turn_row[row, broken_turn], each
                    spent[turn_row[row, broken_turn]] = True
                    break
            if event[row] != 0:
                break
    return event, level, swing, broken


@compiled
def newest_direction(event: Rows, memory: int) -> Array:
    trend = np.zeros(event.size)
    since = -memory
    direction = 0.0
    for row in range(event.size):
        if event[row] != 0:
            since, direction = row, float(np.sign(event[row]))
        trend[row] = direction if row - since < memory else 0.0
    return trend
