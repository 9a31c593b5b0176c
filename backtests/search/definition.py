"""Search files: which preset, which parameters, what is asked (docs/backtesting/optimisation.md)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from backtests.search.goals import Constraint, Objective, constraint
from backtests.search.measures import MEASURES
from backtests.search.parameters import Parameter, SpaceInvalid, grid_size, parameter
from strategies.yaml_document import read_yaml

_KEYS: Final = (
    "preset", "candles", "parameters", "objectives", "constraints", "figures", "method", "trials", "seed", "returns",
)  # fmt: skip
USUAL_TRIALS: Final = 100


class Method(StrEnum):
    GRID = "grid"
    TPE = "tpe"  # tree-structured Parzen estimator (Bergstra et al., 2011; several objectives: Ozaki et al., 2020)


class SearchInvalid(ValueError):
    """A search file that cannot be used: every line says the field, the value and the mend."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class SearchDefinition:
    """``preset`` and ``candles`` as they stand in the file; ``trials`` are those of a sampler, and a grid's size.

    ``figures`` are measured beside those that are asked for. ``returns`` keeps each trial's daily returns, which the deflated Sharpe ratio and the probability of over-fitting ask
    for.
    """

    preset: str | Mapping[str, Any]
    parameters: tuple[Parameter, ...]
    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...] = ()
    method: Method = Method.GRID
    trials: int = USUAL_TRIALS
    seed: int = 0
    returns: bool = True
    candles: str | None = None
    figures: tuple[str, ...] = ()

    @property
    def metrics(self) -> tuple[str, ...]:
        """The figures that a trial has to be measured by, each once."""
        asked = [each.metric for each in self.objectives] + [each.metric for each in self.constraints]
        return tuple(dict.fromkeys([*asked, *self.figures]))

    def to_json(self) -> dict[str, Any]:
        """What decides about the results. More trials of a sampler go on where fewer ended."""
        return {
            "parameters": [
                {"path": each.path, "values": list(each.values), "low": each.low, "high": each.high, "log": each.log}
                for each in self.parameters
            ],
            "objectives": [str(each) for each in self.objectives],
            "constraints": [str(each) for each in self.constraints],
            "figures": list(self.figures),
            "method": self.method.value,
            "seed": self.seed,
            "returns": self.returns,
        }


def load_search(path: Path) -> SearchDefinition:
    """Raises :class:`SearchInvalid` with everything that is wrong, each with the line it stands on."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SearchInvalid([f"{path} cannot be read: {error}"]) from error
    document = read_yaml(text, environ=os.environ)
    if document.faults:
        raise SearchInvalid([f"{path}: {fault.path or 'the file'}: {fault.message}" for fault in document.faults])
    try:
        return search_of(document.data)
    except SearchInvalid as error:
        lines = ((problem, document.line_of(problem.partition(":")[0])) for problem in error.problems)
        raise SearchInvalid(
            [f"{path}: {f'line {line}: ' if line else ''}{problem}" for problem, line in lines]
        ) from error


def is_search(data: object) -> bool:
    """A search file names parameters, a preset does not."""
    return isinstance(data, dict) and "parameters" in data


def search_of(data: object) -> SearchDefinition:
    """From what stands in the file. Raises :class:`SearchInvalid`."""
    if not isinstance(data, dict):
        raise SearchInvalid([f"the file: a search is a mapping with {', '.join(_KEYS)}"])
    problems = [f"{name}: is not known; a search has {', '.join(_KEYS)}" for name in data if name not in _KEYS]
    preset = data.get("preset")
    if not isinstance(preset, str | dict) or not preset:
        problems.append("preset: must be the file of a preset, or a preset itself")
    candles = data.get("candles")
    if candles is not None and not isinstance(candles, str):
        problems.append(f"candles: {candles!r} must be a file or a key of the store")
    parameters = _parameters(data.get("parameters"), problems)
    objectives = _objectives(data.get("objectives", ["roi"]), problems)
    limits = _constraints(data.get("constraints", []), problems)
    figures = _figures(data.get("figures", []), problems)
    method = _method(data.get("method", "grid"), problems)
    returns = data.get("returns", True)
    if not isinstance(returns, bool):
        problems.append(f"returns: {returns!r} is neither true nor false")
    trials = _count("trials", data.get("trials", USUAL_TRIALS), 1, problems)
    seed = _count("seed", data.get("seed", 0), 0, problems)
    if method is Method.GRID and not problems:
        try:
            size = grid_size(parameters)
        except SpaceInvalid as error:
            problems.append(f"parameters.{error.path}: {error.message}, or take method: tpe")
        else:
            if "trials" in data and size > trials:
                problems.append(f"trials: the grid has {size} combinations, {trials} are allowed: coarsen it or raise")
            trials = size
    if problems:
        raise SearchInvalid(problems)
    assert isinstance(preset, str | dict)
    return SearchDefinition(
        preset=preset,
        parameters=tuple(parameters),
        objectives=tuple(objectives),
        constraints=tuple(limits),
        method=method,
        trials=trials,
        seed=seed,
        returns=returns is True,
        candles=candles,
        figures=tuple(figures),
    )


def _parameters(said: object, problems: list[str]) -> list[Parameter]:
    if not isinstance(said, dict) or not said:
        problems.append("parameters: must map a path of the preset (config.grids) to the values to try")
        return []
    found = []
    for path, space in said.items():
        try:
            found.append(parameter(path, space))
        except SpaceInvalid as error:
            problems.append(f"parameters.{error}")
    return found


def _objectives(said: object, problems: list[str]) -> list[Objective]:
    found = []
    for number, each in enumerate(said if isinstance(said, list) else [said]):
        where = f"objectives.{number}"
        if isinstance(each, str) and each in MEASURES:
            found.append(Objective(each, MEASURES[each].higher_is_better))
        elif (
            isinstance(each, dict)
            and len(each) == 1
            and set(each) <= {"maximise", "minimise"}
            and next(iter(each.values())) in MEASURES
        ):
            ((way, metric),) = each.items()
            found.append(Objective(metric, way == "maximise"))
        else:
            problems.append(f"{where}: {each!r} is no objective: maximise or minimise one of {', '.join(MEASURES)}")
    if len({each.metric for each in found}) < len(found):
        problems.append("objectives: one figure stands there twice; keep one")
    if isinstance(said, list) and not said:
        problems.append("objectives: name one figure at least")
    return found


def _constraints(said: object, problems: list[str]) -> list[Constraint]:
    if not isinstance(said, list):
        problems.append(f"constraints: {said!r} must be a list of limits such as trades >= 30")
        return []
    found = []
    for number, each in enumerate(said):
        try:
            limit = constraint(str(each))
        except ValueError as error:
            problems.append(f"constraints.{number}: {error}")
            continue
        if limit.metric not in MEASURES:
            problems.append(
                f"constraints.{number}: {limit.metric!r} is no figure of a trial; there are {', '.join(MEASURES)}"
            )
        found.append(limit)
    return found


def _figures(said: object, problems: list[str]) -> list[str]:
    if not isinstance(said, list):
        problems.append(f"figures: {said!r} must be a list of figures to keep, such as fees")
        return []
    unknown = [each for each in said if each not in MEASURES]
    problems += [f"figures: {each!r} is no figure of a trial; there are {', '.join(MEASURES)}" for each in unknown]
    return [str(each) for each in said]


def _method(said: object, problems: list[str]) -> Method:
    try:
        return Method(str(said))
    except ValueError:
        problems.append(f"method: {said!r} is not known; there are {', '.join(Method)}")
        return Method.GRID


def _count(name: str, said: object, least: int, problems: list[str]) -> int:
    if isinstance(said, bool) or not isinstance(said, int | Decimal) or said != int(said) or said < least:
        problems.append(f"{name}: {said!r} must be a whole number from {least} on")
        return least
    return int(said)
