"""What a check found, and what counts as a difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.float64]

# The same numbers added up over arrays of another length may differ in their last bits: vector instructions work in
# blocks. A row that knew the future differs by far more.
ROUNDING = 1e-12


class Check(StrEnum):
    LOOK_AHEAD = "look-ahead"  # a row changed when later candles were taken away
    FUTURE_CHANGED = "future changed"  # a row changed when later candles were given other prices
    WARM_UP = "warm-up"  # a window of the declared length does not give the row of the full history
    COLUMNS = "columns"  # not the columns, or not the length, that was promised
    INPUT = "input"  # features wrote into the candles
    STATE = "state"  # the state does not survive being stored
    REPEAT = "repeat"  # the same arguments gave another result
    DECISION = "decision"  # a step decided otherwise when the strategy had not been shown the later candles


class Place(StrEnum):
    ROW = "row"  # of the features; its time is the open of that base candle
    STEP = "step"  # of the back-test; its time is that of the step's point


@dataclass(frozen=True, slots=True)
class Violation:
    """``column`` is a column of the features, or the part of a decision, that differs; ``row`` counts base candles or steps
    from 0, as ``place`` says; ``time`` is in ms UTC. ``expected`` is what the whole history gave, ``found`` what should
    have equalled it; ``detail`` says what was done to the candles."""

    check: Check
    column: str
    row: int
    expected: object
    found: object
    detail: str = ""
    place: Place = Place.ROW
    time: int | None = None

    def __str__(self) -> str:
        column = f"{self.column}, " if self.column else ""
        detail = f" ({self.detail})" if self.detail else ""
        where = f"{column}{self.place} {self.row}{self._when()}"
        return f"{self.check}: {where}: {self.expected} became {self.found}{detail}"

    def _when(self) -> str:
        if self.time is None:
            return ""
        at = datetime.fromtimestamp(self.time / 1000, UTC)
        what = ", candle of" if self.place is Place.ROW else " at"
        return f"{what} {at:%Y-%m-%d %H:%M:%S}".removesuffix(":00") + " UTC"


def first_differences(
    expected: Mapping[str, Column], found: Mapping[str, Column], *, tolerance: float
) -> Iterator[tuple[str, int, float, float]]:
    """The first row of each column in which the two are not equal: name, row, both values.

    NaN equals NaN. A difference counts from ``tolerance`` times the larger value on, or times the column's median
    size where both are smaller than that: an oscillator that happens to be near 0 is not measured by that 0.
    """
    for name, column in expected.items():
        other = found[name]
        if np.array_equal(column, other, equal_nan=True):
            continue
        sizes = np.abs(column[np.isfinite(column)])
        usual = float(np.median(sizes)) if sizes.size else 0.0
        with np.errstate(invalid="ignore"):
            limit = tolerance * np.maximum(np.maximum(np.abs(column), np.abs(other)), usual)
            is_same = (column == other) | (np.abs(column - other) <= limit)
        is_same = np.where(np.isfinite(column) & np.isfinite(other), is_same, column == other)
        is_same |= np.isnan(column) & np.isnan(other)
        if not is_same.all():
            row = int(np.argmin(is_same))
            yield name, row, float(column[row]), float(other[row])
