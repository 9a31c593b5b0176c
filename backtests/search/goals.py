"""What a search asks of a trial: objectives to be made as large or as small as can be, and limits to be kept."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

Measures = Mapping[str, float | None]

_CONSTRAINT: Final = re.compile(r"\s*(?P<metric>[a-z_]+)\s*(?P<sign>>=|<=|>|<)\s*(?P<limit>[-+0-9.eE]+)\s*\Z")
# What a limit that is just met but must be passed is missed by.
_BARELY: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Objective:
    metric: str
    maximise: bool

    def score(self, measures: Measures) -> float:
        """Higher is better; NaN where the figure is not defined."""
        value = measures[self.metric]
        if value is None:
            return math.nan
        return value if self.maximise else -value

    def __str__(self) -> str:
        return f"{'maximise' if self.maximise else 'minimise'} {self.metric}"


@dataclass(frozen=True, slots=True)
class Constraint:
    """``metric sign limit``, as in ``trades >= 30``."""

    metric: str
    sign: str
    limit: float

    def missed_by(self, measures: Measures) -> float:
        """0 when it is kept, else by how much it is not; infinite for a figure that is not defined."""
        value = measures[self.metric]
        if value is None or math.isnan(value):
            return math.inf
        short = self.limit - value if self.sign.startswith(">") else value - self.limit
        if short == 0.0 and len(self.sign) == 1:
            return _BARELY
        return max(short, 0.0)

    def __str__(self) -> str:
        return f"{self.metric} {self.sign} {self.limit:g}"


def constraint(text: str) -> Constraint:
    """Raises ``ValueError`` with the mend."""
    match = _CONSTRAINT.match(text)
    if match is not None:
        try:
            limit = float(match["limit"])
        except ValueError:
            match = None
        else:
            return Constraint(match["metric"], match["sign"], limit)
    raise ValueError(f"{text!r} is no limit: write a figure, one of >= <= > <, and a number, as in trades >= 30")


def feasible(measures: Measures, objectives: Sequence[Objective], constraints: Sequence[Constraint]) -> bool:
    """Every limit kept, and every objective defined."""
    return all(limit.missed_by(measures) == 0.0 for limit in constraints) and not any(
        math.isnan(each.score(measures)) for each in objectives
    )


def dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    """At least as good in every score and better in one (Pareto)."""
    return all(a >= b for a, b in zip(one, other, strict=True)) and any(a > b for a, b in zip(one, other, strict=True))
