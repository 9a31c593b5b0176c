"""Putting candles of one series together: sorted, each time once, the newest word wins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exchange.candles.files import COLUMNS, CandleFileError, Candles, first_impossible, said_of
from exchange.candles.series import SeriesKey, utc


@dataclass(frozen=True, slots=True)
class Merged:
    """Candles that were new, that were known already, and that were known with other numbers (and are replaced)."""

    added: int = 0
    same: int = 0
    changed: int = 0

    def __add__(self, other: Merged) -> Merged:
        return Merged(self.added + other.added, self.same + other.same, self.changed + other.changed)


def merge(old: Candles, new: Candles) -> tuple[Candles, Merged]:
    """``new`` may be in any order and name a time more than once: its last word counts."""
    both = joined([old, new])
    order = np.argsort(both.timestamp, kind="stable")
    both = taken(both, order)
    is_repeated = np.diff(both.timestamp) == 0
    differs = np.zeros(len(is_repeated), dtype=bool)
    for name in COLUMNS[1:]:
        column = getattr(both, name)
        differs |= column[1:] != column[:-1]
    changed = int(np.count_nonzero(is_repeated & differs))
    same = int(np.count_nonzero(is_repeated)) - changed
    result = taken(both, np.flatnonzero(np.append(~is_repeated, True)) if len(both) else order)
    return result, Merged(added=len(result) - len(old), same=same, changed=changed)


def joined(parts: list[Candles]) -> Candles:
    return Candles(*(np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS))


def taken(candles: Candles, rows: np.ndarray) -> Candles:
    return Candles(*(getattr(candles, name)[rows] for name in COLUMNS))


def check_series(candles: Candles, key: SeriesKey) -> None:
    """Raises ``CandleFileError`` on a candle that cannot be, or that does not open on the timeframe's grid."""
    row = first_impossible(candles)
    if row is not None:
        raise CandleFileError(
            f"{key}: the candle of {utc(int(candles.timestamp[row]))} cannot be: {said_of(candles, row)}"
        )
    row = first_off_grid(candles, key)
    if row is not None:
        raise CandleFileError(
            f"{key}: {utc(int(candles.timestamp[row]))} ({candles.timestamp[row]}) is not the open time of a "
            f"{key.timeframe} candle; name the timeframe that these candles have"
        )


def first_off_grid(candles: Candles, key: SeriesKey) -> int | None:
    off = (candles.timestamp - key.offset) % key.step != 0
    return int(np.argmax(off)) if off.any() else None
