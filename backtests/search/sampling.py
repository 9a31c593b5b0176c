"""What a sampler tries next: Optuna's tree-structured Parzen estimator, in steps that can be made again.

Trials are proposed in batches of a fixed size, and the sampler's chance begins anew with each batch: what a batch proposes
depends on the seed, its place and the results before it, not on the number of workers or on when the search was interrupted.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

from backtests.search.goals import Constraint, Objective, feasible
from backtests.search.parameters import Parameter, Value
from backtests.search.store import Trial

# Enough to keep the workers of one computer busy, few enough to learn from.
BATCH: Final = 8
# Drawn at random before the estimator has anything to go by.
STARTUP: Final = 10
# What a limit counts as missed by when its figure is not defined.
_FAR: Final = 1e12


@dataclass
class Sampler:
    """Proposes :data:`BATCH` trials at a time, and is told what came of them, in their order."""

    parameters: Sequence[Parameter]
    objectives: Sequence[Objective]
    constraints: Sequence[Constraint]
    seed: int
    _told: int = 0
    _asked: list[optuna.Trial] = field(default_factory=list)

    def __post_init__(self) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._distributions = {each.path: _distribution(each) for each in self.parameters}
        directions = [StudyDirection.MAXIMIZE if each.maximise else StudyDirection.MINIMIZE for each in self.objectives]
        self._study = optuna.create_study(directions=directions)

    @property
    def told(self) -> int:
        return self._told

    def propose(self) -> list[dict[str, Value]]:
        """The next batch. Told before it has to be everything that was proposed before."""
        seed = int(np.random.SeedSequence([self.seed, self._told]).generate_state(1)[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study.sampler = optuna.samplers.TPESampler(
                seed=seed, n_startup_trials=STARTUP, multivariate=True, constant_liar=True
            )
        self._asked = [self._study.ask(self._distributions) for _ in range(BATCH)]
        return [self._values(trial.params) for trial in self._asked]

    def tell(self, trials: Sequence[Trial]) -> None:
        """What came of the first of the proposed ones; the rest is forgotten."""
        for asked, trial in zip(self._asked, trials, strict=False):
            measures = trial.measures
            if measures is None or not feasible(measures, self.objectives, ()):
                self._study.tell(asked, state=TrialState.FAIL)
                continue
            for limit, missed in self._missed(trial).items():
                asked.set_constraint(limit, missed)
            self._study.tell(asked, [_number(measures[each.metric]) for each in self.objectives])
        for asked in self._asked[len(trials) :]:
            self._study.tell(asked, state=TrialState.FAIL)
        self._told += len(trials)
        self._asked = []

    def remember(self, trials: Iterable[Trial]) -> None:
        """Whole batches of an interrupted search, by number."""
        for trial in trials:
            measures = trial.measures
            known: dict[str, Any] = {
                "params": {each.path: _encoded(each, trial.parameters[each.path]) for each in self.parameters},
                "distributions": self._distributions,
            }
            if measures is None or not feasible(measures, self.objectives, ()):
                self._study.add_trial(create_trial(state=TrialState.FAIL, **known))
            else:
                values = [_number(measures[each.metric]) for each in self.objectives]
                self._study.add_trial(create_trial(values=values, constraints=self._missed(trial), **known))
            self._told += 1

    def _missed(self, trial: Trial) -> dict[str, float]:
        assert trial.measures is not None
        return {str(limit): min(limit.missed_by(trial.measures), _FAR) for limit in self.constraints}

    def _values(self, params: Mapping[str, Any]) -> dict[str, Value]:
        return {each.path: _decoded(each, params[each.path]) for each in self.parameters}


def _distribution(parameter: Parameter) -> BaseDistribution:
    if not parameter.values:
        return FloatDistribution(parameter.low, parameter.high, log=parameter.log)
    if parameter.ordered:
        # Places, so that values are exactly those of the list and neighbours stay neighbours.
        return IntDistribution(0, len(parameter.values) - 1)
    return CategoricalDistribution(parameter.values)


def _decoded(parameter: Parameter, given: Any) -> Value:
    value: Value = parameter.values[given] if parameter.values and parameter.ordered else given
    return value


def _encoded(parameter: Parameter, value: Value) -> Value:
    return parameter.values.index(value) if parameter.values and parameter.ordered else value


def _number(value: float | None) -> float:
    assert value is not None
    assert not math.isnan(value)
    return value
