"""A neighbourhood of parameters as a heat map: rows and columns of coloured cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from backtests.reports import wording
from backtests.reports.measures import path_of, writer_of


@dataclass(frozen=True, slots=True)
class Cell:
    """``strength``: 0 for the worst, 100 for the best."""

    text: str
    strength: int
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Map:
    """``rows`` are named by the values of the second parameter; there is one row when there is no second one."""

    metric: str
    across: str
    down: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]


def map_of(sensitivity: dict[str, Any]) -> Map:
    """From ``Sensitivity.to_json``."""
    axes, values, at = sensitivity["axes"], sensitivity["values"], sensitivity["at"]["index"]
    # The first axis goes across, so that a single one is a line.
    grid = [[column] for column in values] if len(axes) == 1 else values
    known = [value for column in grid for value in column if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    sign, write = 1 if sensitivity["maximise"] else -1, writer_of(sensitivity["metric"])
    second = axes[1]["values"] if len(axes) > 1 else [""]
    rows = []
    for number, name in enumerate(second):
        cells = [
            _cell(grid[place][number], low, high, sign, write, [place, number][: len(axes)] == list(at))
            for place in range(len(axes[0]["values"]))
        ]
        rows.append((str(name), cells))
    return Map(
        sensitivity["metric"],
        path_of(axes[0]["parameter"]),
        path_of(axes[1]["parameter"]) if len(axes) > 1 else "",
        [str(value) for value in axes[0]["values"]],
        rows,
    )


def _cell(
    value: float | None, low: float, high: float, sign: int, write: Callable[[float | None], str], is_chosen: bool
) -> Cell:
    if value is None:
        return Cell(wording.NOTHING, 0, is_chosen)
    share = (value - low) / (high - low) if high > low else 1.0
    return Cell(write(value), round(100 * (share if sign > 0 else 1.0 - share)), is_chosen)
