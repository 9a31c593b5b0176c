"""What a check found, and what counts as a difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Violation:
    """``row`` is the base candle's or the step's number; ``expected`` is what the whole history gave, ``found`` what
    should have equalled it; ``detail`` says what was done to the candles."""

    check: Check
    column: str
    row: int
    expected: object
    found: object
    detail: str = ""

    def __str__(self) -> str:
        where = f"{self.column}, row {self.row}" if self.column else f"step {self.row}"
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.check}: {where}: {self.expected} became {self.found}{detail}"


def first_differences(
    expected: Mapping[str, Column], found: Mapping[str, Column], *, tolerance: float
) -> Iterator[tuple[str, int, float, float]]:
    """The first row of each column in which the two are not equal: name, row, both values.

    NaN equals NaN. A difference counts from ``tolerance`` times the larger value on, or times the column's median
    size where both are smaller than that: an oscillator that happens to be near 0 is not measured by that 0.
    """
    for name, column in expected.items():
        other = found[name]
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
