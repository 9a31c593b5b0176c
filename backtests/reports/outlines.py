"""A long series drawn in few points without a visible difference."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Times = NDArray[np.int64]


def outline(times: Times, values: Floats, columns: int) -> NDArray[np.int64]:
    """Places of the rows that a line chart of ``columns`` columns of pixels needs: of each column the first, the lowest,
    the highest and the last (M4: Jugel et al. 2014, "M4: a visualization-oriented time series data aggregation").

    ``times`` rise. At most four places a column, rising.
    """
    if len(times) <= 4 * columns:
        return np.arange(len(times))
    span = int(times[-1]) - int(times[0]) + 1
    column = (times - times[0]) * columns // span
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    ends = np.append(starts[1:], len(times))
    kept: set[int] = set()
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        part = values[start:end]
        kept.update((start, start + int(np.argmin(part)), start + int(np.argmax(part)), end - 1))
    return np.array(sorted(kept))


def cells(x: Floats, y: Floats, columns: int, rows: int) -> NDArray[np.int64]:
    """Places of marks that can be told apart: of those in one cell of a raster over 0 … 1 the first. Rising."""
    across = np.minimum((x * columns).astype(np.int64), columns - 1)
    down = np.minimum((y * rows).astype(np.int64), rows - 1)
    _, first = np.unique(across * rows + down, return_index=True)
    return np.sort(first)
