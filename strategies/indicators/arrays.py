"""What every indicator takes and gives: one float64 array per column of the candles, as long as the others."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]


def column(values: ArrayLike) -> Array:
    """As one contiguous, writable float64 array, copied only if it is not one already.

    Compiled code is made for each kind of array, and a read-only or strided one would be another kind. Raises
    ``ValueError`` when ``values`` has not exactly one dimension.
    """
    array = np.require(values, np.float64, ["C_CONTIGUOUS", "ALIGNED", "WRITEABLE"])
    if array.ndim != 1:
        raise ValueError(f"A column has one dimension, this has {array.ndim}.")
    return array


def columns(*values: ArrayLike) -> tuple[Array, ...]:
    """Several columns of one table. Raises ``ValueError`` when they differ in length."""
    arrays = tuple(column(each) for each in values)
    lengths = {array.size for array in arrays}
    if len(lengths) > 1:
        raise ValueError(f"The columns differ in length: {sorted(lengths)}.")
    return arrays


def check_period(period: int, name: str = "period") -> None:
    """Raises ``ValueError`` below one candle."""
    if period < 1:
        raise ValueError(f"{name} is {period}: it must be at least 1 candle.")
