"""The best of a search: one trial, or with several objectives those that no other one beats in all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backtests.search.goals import Constraint, Objective, dominates, feasible
from backtests.search.store import Trial


def best_front(
    trials: Iterable[Trial], objectives: Sequence[Objective], constraints: Sequence[Constraint]
) -> list[Trial]:
    """The Pareto front of the trials that keep every limit, best in the first objective first.

    With one objective, the best trial alone; of equals the one with the lowest number stays. Holds the front only,
    however many trials pass by.
    """
    front: list[tuple[tuple[float, ...], Trial]] = []
    for trial in trials:
        if trial.measures is None or not feasible(trial.measures, objectives, constraints):
            continue
        scores = tuple(objective.score(trial.measures) for objective in objectives)
        if any(scores == held or dominates(held, scores) for held, _ in front):
            continue
        front = [(held, each) for held, each in front if not dominates(scores, held)]
        front.append((scores, trial))
    front.sort(key=lambda entry: (tuple(-score for score in entry[0]), entry[1].number))
    return [trial for _, trial in front]
