"""Optimised on the past, tested on what came after it, again and again (Pardo, 2008).

A window's search sees no candle that opens at or after the end of its training, not even in its features. Its best trial
is run over the test, with the candles before it as warm-up and with new money.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from backtests.analysis.choosing import Chosen, chosen
from backtests.analysis.plain_json import plain
from backtests.analysis.runs import Runs
from backtests.analysis.subject import Subject
from backtests.metrics.inputs import Floats
from backtests.search.definition import SearchDefinition
from backtests.search.evaluation import Asked, Period, Work
from backtests.search.parameters import Value
from backtests.search.store import Trial
from backtests.statistics.walk_forward import Efficiency, Window, efficiency, parameter_drift, windows_for
from strategies.candles import timeframe_ms

# Of the test, beside what the search asks for: what is told, and what the efficiency is made of.
TOLD = ("roi", "max_drawdown", "sharpe", "trades")


@dataclass(frozen=True, slots=True)
class Plan:
    """``embargo`` ms between training and test. Anchored windows train on everything since the beginning."""

    count: int = 5
    train_share: float = 0.75
    embargo: int = 0
    anchored: bool = False


@dataclass(frozen=True, slots=True)
class Tested:
    """One window. Without a best trial (none kept its limits) nothing was traded: both returns are 0."""

    window: Window
    chosen: Chosen
    trained: Trial | None
    tested: Trial | None

    @property
    def in_sample(self) -> float:
        return _roi(self.trained)

    @property
    def out_of_sample(self) -> float:
        return _roi(self.tested)

    @property
    def parameters(self) -> Mapping[str, Value]:
        return {} if self.trained is None else self.trained.parameters

    def to_json(self) -> dict[str, Any]:
        window = self.window
        return {
            "train": [window.train_start, window.train_end],
            "test": [window.test_start, window.test_end],
            "parameters": dict(self.parameters),
            "in_sample": self.trained.measures if self.trained else None,
            "out_of_sample": self.tested.measures if self.tested else None,
            "error": self.tested.error if self.tested and self.tested.error else None,
        }


@dataclass(frozen=True, slots=True)
class WalkForward:
    """``returns`` are the tests' daily returns in their order: what following the procedure would have earned."""

    plan: Plan
    windows: tuple[Tested, ...]
    efficiency: Efficiency
    drift: Mapping[str, float]
    returns: Floats

    @property
    def compounded(self) -> float:
        """Return over all tests, each with all that the one before left."""
        return float(np.prod([1.0 + max(window.out_of_sample, -1.0) for window in self.windows])) - 1.0

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = plain(
            {
                "plan": {
                    "windows": self.plan.count,
                    "train_share": self.plan.train_share,
                    "embargo": self.plan.embargo,
                    "anchored": self.plan.anchored,
                },
                "windows": [window.to_json() for window in self.windows],
                "efficiency": self.efficiency.ratio,
                "efficiency_of_each": self.efficiency.each,
                "consistency": self.efficiency.consistency,
                "parameter_drift": dict(self.drift),
                "out_of_sample_return": self.compounded,
                "out_of_sample_returns": self.returns,
            }
        )
        return found


def planned(subject: Subject, plan: Plan) -> tuple[Window, ...]:
    """The windows in ms, their edges on candles. Raises ``ValueError`` for a span too short."""
    step = timeframe_ms(subject.preset.timeframe)
    first, end = int(subject.candles.timestamp[0]), int(subject.candles.timestamp[-1]) + step
    cut = windows_for(
        first // step,
        end // step,
        count=plan.count,
        train_share=plan.train_share,
        embargo=-(-plan.embargo // step),
        anchored=plan.anchored,
    )
    offset = first % step
    return tuple(
        Window(*(edge * step + offset for edge in (w.train_start, w.train_end, w.test_start, w.test_end))) for w in cut
    )


def walk_forward(subject: Subject, plan: Plan, runs: Runs) -> WalkForward:
    """All windows are searched, then the best of each is run over its training and its test.

    Raises ``ValueError`` when there is no search, the span is too short, or not one trial of a window could be run.
    """
    definition = replace(subject.searched(), returns=False)
    cut = planned(subject, plan)
    found = runs.together([partial(_chosen, definition, subject, window, runs) for window in cut])
    metrics = tuple(dict.fromkeys([*definition.metrics, *TOLD]))
    pieces = [
        piece
        for window, best in zip(cut, found, strict=True)
        if best.front
        for piece in _best_again(best.front[0].parameters, metrics, window)
    ]
    answers = iter(runs.done(subject.preset, subject.market, pieces, "tests"))
    tested, returns = [], []
    for window, best in zip(cut, found, strict=True):
        if not best.front:
            tested.append(Tested(window, best, None, None))
            continue
        (trained,), (after,) = next(answers), next(answers)
        tested.append(Tested(window, best, trained, after))
        if after.returns is not None:
            returns.append(after.returns)
    return _gathered(plan, tested, returns)


def _chosen(definition: SearchDefinition, subject: Subject, window: Window, runs: Runs) -> Chosen:
    training = Period(window.train_start, window.train_end)
    with runs.searched(definition, subject.preset, subject.market, training) as store:
        return chosen(definition, store)


def _best_again(values: Mapping[str, Value], metrics: tuple[str, ...], window: Window) -> tuple[Work, Work]:
    training, test = Period(window.train_start, window.train_end), Period(window.test_start, window.test_end)
    return Work(((0, values),), Asked(metrics), training), Work(((0, values),), Asked(metrics, returns=True), test)


def _gathered(plan: Plan, tested: Sequence[Tested], returns: Sequence[Floats]) -> WalkForward:
    lengths = [(w.window.train_end - w.window.train_start, w.window.test_end - w.window.test_start) for w in tested]
    found = efficiency(
        [window.in_sample for window in tested],
        [window.out_of_sample for window in tested],
        [train for train, _ in lengths],
        [test for _, test in lengths],
    )
    numbers = [
        {
            path: float(value)
            for path, value in window.parameters.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
        for window in tested
        if window.parameters
    ]
    joined = np.concatenate(returns) if returns else np.empty(0)
    return WalkForward(plan, tuple(tested), found, parameter_drift(numbers), joined)


def _roi(trial: Trial | None) -> float:
    if trial is None or trial.measures is None:
        return 0.0
    return trial.measures["roi"] or 0.0
