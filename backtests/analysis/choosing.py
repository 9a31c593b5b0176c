"""The end of a search: the best trial, and how likely it is that it was only chosen well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from backtests.analysis.plain_json import plain
from backtests.search.definition import SearchDefinition
from backtests.search.running import best_of
from backtests.search.store import Trial, TrialStore
from backtests.statistics import sharpe
from backtests.statistics.overfitting import probability_of_overfitting

# Trials whose returns are compared with each other; 2,000 over a year of days take five seconds and 100 MB.
MOST_COMPARED: Final = 2_000
BLOCKS: Final = 16
FEWEST_DAYS: Final = 2 * BLOCKS


@dataclass(frozen=True, slots=True)
class Chosen:
    """``front`` is the best trial, or the Pareto front, best in the first objective first. ``trials`` were different ones.

    ``deflated_sharpe`` is that of the first of the front after ``independent`` trials' worth of choosing, ``overfitting`` the
    probability that the choice is no better than the median elsewhere; ``None`` without returns, or too few of them.
    """

    front: tuple[Trial, ...]
    trials: int
    failed: int
    independent: float | None = None
    deflated_sharpe: float | None = None
    overfitting: float | None = None

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = plain(
            {
                "trials": self.trials,
                "failed": self.failed,
                "best": _trial(self.front[0]) if self.front else None,
                "front": [_trial(trial) for trial in self.front],
                "independent_trials": self.independent,
                "deflated_sharpe": self.deflated_sharpe,
                "probability_of_overfitting": self.overfitting,
            }
        )
        return found


def chosen(definition: SearchDefinition, store: TrialStore) -> Chosen:
    front, trials, failed = tuple(best_of(definition, store)), store.count(), store.failed()
    if not front or not definition.returns:
        return Chosen(front, trials, failed)
    numbers, returns = store.returns(MOST_COMPARED)
    best = store.returns_of(front[0].number)
    if best is None or len(returns) < 2 or returns.shape[1] < 2:
        return Chosen(front, trials, failed)
    if front[0].number not in numbers:
        returns = np.column_stack([returns, _as_long(best, len(returns))])
    ratios = [sharpe.estimate(column).sharpe for column in returns.T]
    defined = np.array([ratio for ratio in ratios if np.isfinite(ratio)])
    # Correlation is that of those compared; the count is of all trials.
    independent = sharpe.independent_trials(trials, sharpe.mean_correlation(returns))
    deflated = (
        sharpe.deflated_sharpe(sharpe.estimate(best), independent, float(np.var(defined, ddof=1)))
        if len(defined) > 1
        else None
    )
    overfitting = probability_of_overfitting(returns, BLOCKS).probability if len(returns) >= FEWEST_DAYS else None
    return Chosen(front, trials, failed, independent, deflated, overfitting)


def _trial(trial: Trial) -> dict[str, Any]:
    return {"number": trial.number, "parameters": dict(trial.parameters), "measures": trial.measures}


def _as_long(returns: Any, length: int) -> Any:
    return np.concatenate([returns, np.zeros(max(0, length - len(returns)))])[:length]
