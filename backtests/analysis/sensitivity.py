"""How the result changes with one parameter, or two: a line or a heat map around what was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from backtests.analysis.plain_json import plain
from backtests.analysis.runs import Runs
from backtests.analysis.subject import Subject
from backtests.search.definition import Method, SearchDefinition
from backtests.search.goals import Objective
from backtests.search.parameters import Parameter, Value, Values, grid_size
from backtests.statistics.sensitivity import Axis, Index, Plateau, Surface, surface

MOST_AXES = 2


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """``surface`` holds scores, higher being better; ``at`` is the point that was asked about, else the best one."""

    objective: Objective
    surface: Surface
    at: Index
    plateau: Plateau
    robust: Index

    def to_json(self) -> dict[str, Any]:
        scores = self.surface.scores if self.objective.maximise else -self.surface.scores
        found: dict[str, Any] = plain(
            {
                "metric": self.objective.metric,
                "maximise": self.objective.maximise,
                "axes": [{"parameter": axis.name, "values": list(axis.values)} for axis in self.surface.axes],
                "values": scores,
                "at": {"index": list(self.at), "parameters": self.surface.parameters(self.at)},
                "plateau": self.plateau._asdict(),
                "most_robust": {"index": list(self.robust), "parameters": self.surface.parameters(self.robust)},
            }
        )
        return found


def axes_of(definition: SearchDefinition, paths: Sequence[str] = ()) -> tuple[Parameter, ...]:
    """The parameters named, else the first two of the search. Raises ``ValueError`` for one that it does not try."""
    known = {each.path: each for each in definition.parameters}
    unknown = [path for path in paths if path not in known]
    if unknown:
        raise ValueError(f"--parameter {unknown[0]}: the search tries {', '.join(known)}; name one of these")
    if len(paths) > MOST_AXES:
        raise ValueError(f"--parameter stands there {len(paths)} times: a map has one axis or two")
    return tuple(known[path] for path in paths) or definition.parameters[:MOST_AXES]


def sensitivity(subject: Subject, axes: Sequence[Parameter], runs: Runs, *, at: Values | None = None) -> Sensitivity:
    """Scores of the search's first objective over the grid of ``axes``, all else being the subject's preset.

    ``at`` is a point on the grid, usually the one chosen. Raises ``ValueError`` when no combination could be run.
    """
    definition = map_definition(subject.searched(), axes)
    objective = definition.objectives[0]
    scores = [float("nan")] * grid_size(axes)
    with runs.searched(definition, subject.preset, subject.market) as store:
        for trial in store.trials():
            if trial.measures is not None:
                scores[trial.number] = objective.score(trial.measures)
    found = surface([Axis(each.path, each.values) for each in axes], scores)
    place = found.best() if at is None else _index_of(axes, at)
    return Sensitivity(objective, found, place, found.plateau(place), found.most_robust())


def axes_around(definition: SearchDefinition, at: Values) -> tuple[Parameter, ...]:
    """The first two parameters that have neighbours, with the values next to the chosen ones. Words have none."""
    near = (map_around(each, at[each.path]) for each in definition.parameters if each.ordered)
    return tuple(each for each in near if len(each.values) > 1)[:MOST_AXES]


def map_definition(definition: SearchDefinition, axes: Sequence[Parameter]) -> SearchDefinition:
    """The search of the map: the grid of its axes, by the first objective."""
    return replace(
        definition,
        parameters=tuple(axes),
        objectives=definition.objectives[:1],
        constraints=(),
        method=Method.GRID,
        trials=grid_size(axes),
        returns=False,
    )


def _index_of(axes: Sequence[Parameter], at: Values) -> Index:
    missing = [each.path for each in axes if at.get(each.path) not in each.values]
    if missing:
        raise ValueError(f"{missing[0]} is {at.get(missing[0])!r}, which the map does not try: add it to its values")
    return tuple(each.values.index(at[each.path]) for each in axes)


def map_around(parameter: Parameter, value: Value, radius: int = 2) -> Parameter:
    """The values next to the chosen one, as a search tries them; of a continuous parameter tenths of it to both sides."""
    if parameter.values:
        place = parameter.values.index(value)
        return replace(parameter, values=parameter.values[max(0, place - radius) : place + radius + 1])
    step = abs(float(value)) / 10.0 or (parameter.high - parameter.low) / 10.0
    near = (float(value) + step * number for number in range(-radius, radius + 1))
    kept = [value if abs(each - float(value)) < step / 2 else each for each in near]
    return replace(parameter, values=tuple(each for each in kept if parameter.low <= float(each) <= parameter.high))
