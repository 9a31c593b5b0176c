"""The grid system on one coin: classify, search coarsely, search finely, test on the worst weeks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from backtests.analysis.grid_system.classification import Classified, classify
from backtests.analysis.grid_system.spaces import coarse_space, fine_space
from backtests.analysis.grid_system.stress import Storm, storms
from backtests.analysis.plain_json import plain
from backtests.analysis.runs import Market, Runs
from backtests.preset import Preset, with_changes
from backtests.search.definition import Method, SearchDefinition
from backtests.search.evaluation import Asked, Work
from backtests.search.goals import Constraint, Objective
from backtests.search.parameters import Parameter, Values, grid_size
from backtests.search.running import best_of
from backtests.search.store import Trial

OBJECTIVES: Final = ("roi", "sharpe", "calmar", "profit_factor")
TOLD: Final = (*OBJECTIVES, "max_drawdown", "trades", "fees")


@dataclass(frozen=True, slots=True)
class Settings:
    """``objective`` is one of :data:`OBJECTIVES`; a grid with fewer than ``fewest_trades`` was not tried out."""

    objective: str = "sharpe"
    fewest_trades: int = 20
    storm_days: float = 7.0
    storms: int = 3

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES:
            raise ValueError(f"--objective {self.objective}: a grid is chosen by one of {', '.join(OBJECTIVES)}")


@dataclass(frozen=True, slots=True)
class Stressed:
    storm: Storm
    trial: Trial


@dataclass(frozen=True, slots=True)
class GridSystem:
    """``best`` is ``None`` when no grid traded enough: there is no preset then, and nothing was stressed."""

    name: str
    classified: Classified
    coarse: int
    fine: int
    best: Trial | None
    preset: Preset | None
    stressed: tuple[Stressed, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = plain(
            {
                "name": self.name,
                **self.classified.to_json(),
                "trials": {"coarse": self.coarse, "fine": self.fine},
                "best": None
                if self.best is None
                else {"parameters": dict(self.best.parameters), "measures": self.best.measures},
                "stress": [
                    {
                        "period": [each.storm.period.begin, each.storm.period.end],
                        "range": each.storm.moved,
                        "change": each.storm.change,
                        "measures": each.trial.measures,
                        "error": each.trial.error or None,
                    }
                    for each in self.stressed
                ],
                "preset": None if self.preset is None else self.preset.model_dump(mode="json"),
            }
        )
        return found


def grid_system(name: str, preset: Preset, market: Market, settings: Settings, runs: Runs) -> GridSystem:
    """``preset`` is a grid's, of which range and number of lines are searched. Raises ``ValueError`` when the coin cannot be
    classified or not one grid could be run."""
    if preset.strategy != "grid":
        raise ValueError(f"strategy is {preset.strategy}: the grid system searches presets of strategy grid")
    classified = classify(market.candles, preset.timeframe)
    coarse = coarse_space(classified.coin_class)
    first, count = _searched(coarse, preset, market, settings, runs)
    if first is None:
        return GridSystem(name, classified, count, 0, None, None)
    fine, finer = _searched(fine_space(coarse, first.parameters), preset, market, settings, runs)
    best = _better(settings, first, fine)
    stressed = _stressed(best.parameters, preset, market, settings, runs)
    return GridSystem(name, classified, count, finer, best, with_changes(preset, best.parameters), stressed)


def _searched(
    space: Sequence[Parameter], preset: Preset, market: Market, settings: Settings, runs: Runs
) -> tuple[Trial | None, int]:
    definition = SearchDefinition(
        preset=preset.strategy,
        parameters=tuple(space),
        objectives=(Objective(settings.objective, maximise=True),),
        constraints=(Constraint("trades", ">=", float(settings.fewest_trades)),),
        figures=TOLD,
        method=Method.GRID,
        trials=grid_size(space),
        returns=False,
    )
    with runs.searched(definition, preset, market) as store:
        front = best_of(definition, store)
        return (front[0] if front else None), store.count()


def _better(settings: Settings, coarse: Trial, fine: Trial | None) -> Trial:
    if fine is None:
        return coarse
    objective = Objective(settings.objective, maximise=True)
    assert coarse.measures is not None
    assert fine.measures is not None
    return fine if objective.score(fine.measures) > objective.score(coarse.measures) else coarse


def _stressed(
    parameters: Values, preset: Preset, market: Market, settings: Settings, runs: Runs
) -> tuple[Stressed, ...]:
    found = storms(market.candles, preset.timeframe, days=settings.storm_days, count=settings.storms)
    pieces = [Work(((0, parameters),), Asked(TOLD), storm.period) for storm in found]
    answers = runs.done(preset, market, pieces, "storms")
    return tuple(Stressed(storm, trial) for storm, (trial,) in zip(found, answers, strict=True))
