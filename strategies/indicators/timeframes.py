"""Candles of a longer timeframe beside the rows of a shorter one, each only once it is closed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strategies.indicators.arrays import Array, column

Rows = NDArray[np.int64]


def closed_rows(base_opens: ArrayLike, base_length: int, higher_opens: ArrayLike, higher_length: int) -> Rows:
    """For each base candle the row of the last higher candle closed by its own close; −1 before the first.

    Opens are timestamps in milliseconds UTC, strictly rising, gaps allowed; lengths are milliseconds. A higher candle
    that closes together with the base candle is visible. Where higher candles are missing, the last closed one stays.
    Raises ``ValueError`` for lengths that are not above 0 and opens that do not rise.
    """
    if base_length <= 0 or higher_length <= 0:
        raise ValueError(f"Candle lengths must be above 0 ms, these are {base_length} and {higher_length}.")
    base_closes = _rising(base_opens) + base_length
    higher_closes = _rising(higher_opens) + higher_length
    return np.searchsorted(higher_closes, base_closes, side="right").astype(np.int64) - 1


def at_rows(values: ArrayLike, rows: Rows) -> Array:
    """A higher timeframe's values beside the base rows (``closed_rows``); NaN where no higher candle is closed yet."""
    known = column(values)
    if known.size == 0:
        return np.full(rows.size, np.nan)
    return np.where(rows >= 0, known[np.maximum(rows, 0)], np.nan)


def _rising(opens: ArrayLike) -> Rows:
    times = np.asarray(opens, np.int64)
    if np.any(np.diff(times) <= 0):
        raise ValueError("Candles must be in the order of time, each with an open time of its own.")
    return times
