"""Which feature row the points of each candle see, and the columns of those rows as one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from backtests.loop.records import Rows
from strategies.compiled import compiled

if TYPE_CHECKING:
    from backtests.loop.records import Integers
    from strategies.feature_rows import FeatureTable


def rows_of(features: FeatureTable | None, opens: Integers, columns: Sequence[str]) -> Rows:
    """``opens`` are the candles' open times, rising. A row whose warm-up is not complete is all NaN, and so is a
    column that this configuration has no use for, and no values of."""
    width = max(1, len(columns))
    if features is None:
        return Rows(np.full((1, width), np.nan), np.zeros(len(opens), np.int64), np.zeros(1, np.int64))
    last = len(features.closes)
    values, closes = np.empty((last + 1, width)), np.empty(last + 1, np.int64)
    values[:, len(columns) :] = np.nan
    for place, name in enumerate(columns):
        values[:last, place] = features.columns.get(name, np.nan)
    values[np.flatnonzero(~features.known)] = np.nan
    values[last] = np.nan
    closes[:last], closes[last] = features.closes, 0
    of_candle = np.empty(len(opens), np.int64)
    see(features.closes, opens, of_candle)
    return Rows(values, of_candle, closes)


@compiled
def see(closes: Integers, opens: Integers, of_candle: Integers) -> None:
    """Writes the newest row that had closed by each opening, ``len(closes)`` where none had. Both rise."""
    row = -1
    for number in range(len(opens)):
        while row + 1 < len(closes) and closes[row + 1] <= opens[number]:
            row += 1
        of_candle[number] = row if row >= 0 else len(closes)
