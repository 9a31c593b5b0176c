"""How much a result depends on the exact parameters: scores on a grid of values, and whether the best stands on a plateau.

A score is better when higher. NaN is a combination that failed or could not be run: it counts as a bad neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from backtests.metrics.inputs import Floats
from backtests.metrics.returns import NAN

Index = tuple[int, ...]
Parameters = dict[str, object]
# What a neighbour must reach of a score to count as equally good.
TOLERANCE = 0.7


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter (a path such as ``grid.levels``) and the values it is tried with, in their order."""

    name: str
    values: tuple[object, ...]

    def __post_init__(self) -> None:
        if not self.values or len(set(self.values)) != len(self.values):
            raise ValueError(f"{self.name} needs at least one value, and no value twice")


class Plateau(NamedTuple):
    """``share`` of the neighbours that reach the tolerance, ``ratio`` of their mean score to the point's own."""

    share: float
    ratio: float
    neighbours: int


@dataclass(frozen=True, slots=True)
class Surface:
    """``scores`` has one dimension per axis, in their order."""

    axes: tuple[Axis, ...]
    scores: Floats

    def __post_init__(self) -> None:
        expected = tuple(len(axis.values) for axis in self.axes)
        if not expected or self.scores.shape != expected:
            raise ValueError(f"scores of shape {self.scores.shape} for axes of {expected}")

    def parameters(self, index: Index) -> Parameters:
        return {axis.name: axis.values[place] for axis, place in zip(self.axes, index, strict=True)}

    def best(self) -> Index:
        """Of the highest score, the first of equals. Raises ``ValueError`` when every combination failed."""
        if np.isnan(self.scores).all():
            raise ValueError("every combination failed: there is no best")
        return self._at(int(np.nanargmax(self.scores)))

    def neighbours(self, index: Index, radius: int = 1) -> tuple[Index, ...]:
        """All points at most ``radius`` values away on every axis, diagonals included, the point itself not."""
        ranges = (
            range(max(0, place - radius), min(size, place + radius + 1))
            for place, size in zip(index, self.scores.shape, strict=True)
        )
        return tuple(point for point in product(*ranges) if point != index)

    def plateau(self, index: Index, radius: int = 1, tolerance: float = TOLERANCE) -> Plateau:
        """What is left of a score next to it. Not defined for a score that is not above 0, or without neighbours."""
        around = np.array([self.scores[point] for point in self.neighbours(index, radius)])
        own = float(self.scores[index])
        if not own > 0.0 or not len(around):
            return Plateau(NAN, NAN, len(around))
        known = np.nan_to_num(around, nan=0.0)
        return Plateau(float(np.mean(around >= tolerance * own)), float(np.mean(known)) / own, len(around))

    def smoothed(self, radius: int = 1) -> Floats:
        """Each score's mean with its neighbours', a failed one counting as the worst score of all; NaN where it failed."""
        known = np.nan_to_num(self.scores, nan=float(np.nanmin(self.scores)) if self._any_known() else NAN)
        sums, counts = known, np.ones_like(known)
        for axis in range(known.ndim):
            sums, counts = _window_sums(sums, axis, radius), _window_sums(counts, axis, radius)
        return np.where(np.isnan(self.scores), NAN, sums / counts)

    def most_robust(self, radius: int = 1) -> Index:
        """The point whose surroundings are best: rather a wide hill than a needle."""
        if not self._any_known():
            raise ValueError("every combination failed: there is no best")
        return self._at(int(np.nanargmax(self.smoothed(radius))))

    def _any_known(self) -> bool:
        return not bool(np.isnan(self.scores).all())

    def _at(self, flat: int) -> Index:
        return tuple(int(place) for place in np.unravel_index(flat, self.scores.shape))


def combinations(axes: Sequence[Axis]) -> Iterator[Parameters]:
    """Every combination, the last axis changing fastest: the order of ``Surface.scores.ravel()``."""
    names = [axis.name for axis in axes]
    for values in product(*(axis.values for axis in axes)):
        yield dict(zip(names, values, strict=True))


def surface(axes: Sequence[Axis], scores: Sequence[float | None]) -> Surface:
    """From the scores in the order of ``combinations``; ``None`` for those that failed."""
    found = np.array([NAN if score is None else score for score in scores], dtype=np.float64)
    shape = tuple(len(axis.values) for axis in axes)
    if found.size != int(np.prod(shape)):
        raise ValueError(f"{found.size} scores for {int(np.prod(shape))} combinations")
    return Surface(tuple(axes), found.reshape(shape))


def _window_sums(values: Floats, axis: int, radius: int) -> Floats:
    size = values.shape[axis]
    before = np.concatenate([np.zeros_like(values.take([0], axis)), np.cumsum(values, axis)], axis)
    places = np.arange(size)
    upper, lower = np.minimum(places + radius + 1, size), np.maximum(places - radius, 0)
    sums: Floats = before.take(upper, axis) - before.take(lower, axis)
    return sums
