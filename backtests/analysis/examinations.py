"""The examinations as they are asked for by a command or as a study: each takes its subject, its options
(``backtests.analysis.kinds``) and whoever makes the runs, and ends with one JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Generic, TypeVar

from backtests.analysis.choosing import Chosen, chosen
from backtests.analysis.grid_system import running as grids
from backtests.analysis.grid_system.coins import GridSystems, Load, grid_systems
from backtests.analysis.monte_carlo import MonteCarlo, Settings, monte_carlo
from backtests.analysis.plain_json import plain
from backtests.analysis.ranking import Ranking, rank
from backtests.analysis.robustness import verdict
from backtests.analysis.runs import Runs
from backtests.analysis.sensitivity import Sensitivity, axes_around, axes_of, sensitivity
from backtests.analysis.sources import NamedSource
from backtests.analysis.subject import Subject
from backtests.analysis.walk_forward import Plan, WalkForward, walk_forward
from backtests.preset import Preset, with_changes
from backtests.search.definition import SearchDefinition
from backtests.search.store import Trial, TrialStore
from backtests.statistics.verdict import Verdict

T = TypeVar("T")
Asked = Mapping[str, Any]
# Trials that a study of a search tells; all of them are where its trials are kept.
TOLD: Final = 50
# Trials drawn beside a Pareto front.
MOST_DRAWN: Final = 400
HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Examined(Generic[T]):
    """``found`` is what it came to, ``contents`` the same as JSON with the verdict in it."""

    found: T
    contents: dict[str, Any]
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Coins:
    """Many candle sources, each a coin. ``preset`` is of any coin; the grid system has a usual one. ``load`` reads the
    candles of one for a preset; ``store`` is where the candle store lies."""

    preset: Preset | None
    sources: tuple[NamedSource, ...]
    load: Load
    since: int | None = None
    until: int | None = None
    store: str | None = None


@dataclass(frozen=True, slots=True)
class Believed:
    """What was found out about the best trial of a search; without a walk-forward, or a map where no parameter has
    neighbours."""

    best: Subject
    chosen: Chosen
    monte_carlo: MonteCarlo
    sensitivity: Sensitivity | None
    walk_forward: WalkForward | None = None


def examine_search(subject: Subject, asked: Asked, runs: Runs) -> Examined[Believed | None]:
    """The best trials of a search, other histories of the best one and its neighbourhood; none of it when no trial keeps
    every limit."""
    definition = subject.searched()
    with runs.searched(definition, subject.preset, subject.market) as store:
        found = chosen(definition, store)
        told: dict[str, Any] = {
            "chosen": found.to_json(),
            "ranking": _ranking(definition, store),
            "objectives": [
                {"metric": each.metric, "maximise": each.maximise, "values": values}
                for each, values in zip(definition.objectives, _spread(definition, store, found.trials), strict=True)
            ],
        }
    if not found.front:
        return Examined(None, told)
    best = _best(subject, found)
    settings = Settings(asked["runs"], asked["reruns"], seed=asked["seed"])
    asks: list[Callable[[], Any]] = [partial(_around, best, found, runs), partial(monte_carlo, best, settings, runs)]
    surface, histories = runs.together(asks)
    judged = verdict(
        chosen=found, monte_carlo=histories, sensitivity=surface, tolerable_drawdown=asked["tolerable_drawdown"]
    )
    told |= {
        "preset": best.preset.model_dump(mode="json"),
        "monte_carlo": histories.to_json(),
        "sensitivity": None if surface is None else surface.to_json(),
        "verdict": judged.to_json(),
    }
    return Examined(Believed(best, found, histories, surface), told, judged)


def examine_walk_forward(subject: Subject, asked: Asked, runs: Runs) -> Examined[WalkForward]:
    plan = Plan(asked["windows"], asked["train_share"], round(asked["embargo_hours"] * HOUR_MS), asked["anchored"])
    found = walk_forward(subject, plan, runs)
    judged = verdict(walk_forward=found)
    contents = {
        "search": subject.searched().to_json(),
        "preset": subject.preset.model_dump(mode="json"),
        **found.to_json(),
        "verdict": judged.to_json(),
    }
    return Examined(found, contents, judged)


def examine_sensitivity(subject: Subject, asked: Asked, runs: Runs) -> Examined[Sensitivity]:
    found = sensitivity(subject, axes_of(subject.searched(), asked["parameter"]), runs)
    judged = verdict(sensitivity=found)
    contents = {
        "preset": subject.preset.model_dump(mode="json"),
        **found.to_json(),
        "verdict": judged.to_json(),
    }
    return Examined(found, contents, judged)


def examine_monte_carlo(subject: Subject, asked: Asked, runs: Runs) -> Examined[MonteCarlo]:
    """Of a search, its best trial."""
    settings = Settings(asked["runs"], asked["reruns"], asked["noise"], asked["seed"])
    searched = None
    if subject.definition is not None:
        searched = _searched(subject.definition, subject, runs)
        subject = _best(subject, searched)
    found = monte_carlo(subject, settings, runs)
    judged = verdict(
        chosen=searched if searched and searched.deflated_sharpe is not None else None,
        monte_carlo=found,
        tolerable_drawdown=asked["tolerable_drawdown"],
    )
    contents = {
        "preset": subject.preset.model_dump(mode="json"),
        **found.to_json(),
        "verdict": judged.to_json(),
    }
    return Examined(found, contents, judged)


def examine_robustness(subject: Subject, asked: Asked, runs: Runs) -> Examined[Believed]:
    """Everything at once. Raises ``ValueError`` when no trial keeps every limit."""
    searched = _searched(replace(subject.searched(), returns=True), subject, runs)
    best = _best(subject, searched)
    plan = Plan(asked["windows"], anchored=asked["anchored"])
    settings = Settings(asked["runs"], asked["reruns"], seed=asked["seed"])
    asks: list[Callable[[], Any]] = [
        partial(walk_forward, subject, plan, runs),
        partial(_around, best, searched, runs),
        partial(monte_carlo, best, settings, runs),
    ]
    walked, mapped, histories = runs.together(asks)
    judged = verdict(
        chosen=searched,
        walk_forward=walked,
        monte_carlo=histories,
        sensitivity=mapped,
        tolerable_drawdown=asked["tolerable_drawdown"],
    )
    contents = {
        "preset": best.preset.model_dump(mode="json"),
        "best": dict(searched.front[0].parameters),
        "search": searched.to_json(),
        "walk_forward": walked.to_json(),
        "sensitivity": None if mapped is None else mapped.to_json(),
        "monte_carlo": histories.to_json(),
        "verdict": judged.to_json(),
    }
    return Examined(Believed(best, searched, histories, mapped, walked), contents, judged)


def examine_ranking(coins: Coins, asked: Asked, runs: Runs) -> Examined[Ranking]:
    if coins.preset is None:
        raise ValueError("coins are ranked by the results of a preset: give one")
    found = rank(
        coins.preset, coins.sources, runs, by=asked["by"], since=coins.since, until=coins.until, store=coins.store
    )
    return Examined(found, {"preset": coins.preset.model_dump(mode="json"), **found.to_json()})


def examine_grids(coins: Coins, asked: Asked, runs: Runs) -> Examined[GridSystems]:
    settings = grids.Settings(asked["objective"], asked["fewest_trades"], asked["stress_days"], asked["stress_windows"])
    found = grid_systems(coins.preset, coins.sources, coins.load, settings, runs)
    return Examined(found, found.to_json())


def _searched(definition: SearchDefinition, subject: Subject, runs: Runs) -> Chosen:
    with runs.searched(definition, subject.preset, subject.market) as store:
        found = chosen(definition, store)
    if not found.front:
        raise ValueError("no trial of the search keeps every limit: there is nothing to examine")
    return found


def _best(subject: Subject, found: Chosen) -> Subject:
    return replace(subject, preset=with_changes(subject.preset, found.front[0].parameters))


def _around(best: Subject, found: Chosen, runs: Runs) -> Sensitivity | None:
    values = found.front[0].parameters
    axes = axes_around(best.searched(), values)
    return sensitivity(best, axes, runs, at=values) if axes else None


def _ranking(definition: SearchDefinition, store: TrialStore) -> list[dict[str, Any]]:
    """The best by the first objective, those that miss a limit last."""
    objective = definition.objectives[0]

    def place(trial: Trial) -> tuple[bool, float]:
        assert trial.measures is not None
        score = objective.score(trial.measures)
        missed = any(limit.missed_by(trial.measures) for limit in definition.constraints)
        return missed, -score if score == score else float("inf")

    best: list[Trial] = []
    for trial in store.trials():
        if trial.measures is not None:
            best.append(trial)
            if len(best) >= 4 * TOLD:
                best = sorted(best, key=place)[:TOLD]
    return [
        {
            "number": trial.number,
            "parameters": dict(trial.parameters),
            "measures": trial.measures,
            "keeps_limits": not place(trial)[0],
        }
        for trial in sorted(best, key=place)[:TOLD]
    ]


def _spread(definition: SearchDefinition, store: TrialStore, trials: int) -> list[list[float]]:
    """Of each objective the values of trials spread evenly over all, for a picture of what there is beside the front."""
    if len(definition.objectives) < 2:
        return [[] for _ in definition.objectives]
    stride = max(1, -(-trials // MOST_DRAWN))
    rows = []
    for place, trial in enumerate(store.trials()):
        measures = trial.measures
        if place % stride == 0 and measures is not None:
            values = [measures[each.metric] for each in definition.objectives]
            if None not in values:
                rows.append(values)
    spread: list[list[float]] = plain([list(column) for column in zip(*rows, strict=True)])
    return spread or [[] for _ in definition.objectives]
