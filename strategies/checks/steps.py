"""Decisions: the same again from the stored state, and the same without having been shown what comes later."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Generic, TypeVar

import numpy as np

from strategies.candles import closed_by
from strategies.checks.violations import Check, Violation
from strategies.contract import (
    CandleSeries,
    Decision,
    FillSeen,
    MarketSpec,
    Point,
    PositionView,
    Strategy,
    StrategyConfig,
    UsesFeatures,
)
from strategies.feature_rows import feature_table

S = TypeVar("S")
C = TypeVar("C", bound=StrategyConfig)

# How many points before a cut are decided again: those of its last five candles.
STEPS_BEFORE_A_CUT = 20


@dataclass(frozen=True, slots=True)
class Step(Generic[S]):
    """What one step was given and what it decided. ``before`` is the state it was given, as JSON."""

    before: str
    point: Point
    position: PositionView
    fills: tuple[FillSeen, ...]
    decision: Decision[S]


class Recording(Generic[C, S]):
    """A strategy that keeps what its steps were given and decided; give it to whatever runs a strategy."""

    name: ClassVar[str] = "recording"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Recording"
    description: ClassVar[str] = "Keeps what another strategy's steps were given and decided."

    def __init__(self, strategy: Strategy[C, S]) -> None:
        self.strategy = strategy
        self.Config: type[C] = strategy.Config
        self.steps: list[Step[S]] = []
        self.initial_state, self.dump, self.load = strategy.initial_state, strategy.dump, strategy.load
        self.preflight, self.levels = strategy.preflight, strategy.levels

    def step(
        self,
        config: C,
        market: MarketSpec,
        state: S,
        point: Point,
        position: PositionView,
        fills: Sequence[FillSeen],
    ) -> Decision[S]:
        before = _stored(self.strategy, state)
        # Copied: a strategy that writes into what it is given shall not write into the record.
        given = replace(point, features=dict(point.features))
        decision = self.strategy.step(config, market, state, point, position, fills)
        self.steps.append(Step(before, given, position, tuple(fills), decision))
        return decision


def check_steps(
    strategy: Strategy[C, S],
    config: C,
    market: MarketSpec,
    steps: Sequence[Step[S]],
    *,
    candles: Mapping[str, CandleSeries] | None = None,
    cuts: int = 200,
    seed: int = 0,
) -> list[Violation]:
    """Takes every recorded step again from its stored state, and compares decision and next state.

    With ``candles``, it further shows the strategy at ``cuts`` random steps only the candles that had closed by then
    and takes the steps before it again, with the rows it makes of these. At most one violation of each kind.
    """
    found: dict[Check, Violation] = {}
    for violation in _again(strategy, config, market, steps):
        found.setdefault(violation.check, violation)
    if candles is not None and isinstance(strategy, UsesFeatures) and steps:
        for violation in _with_less(strategy, config, market, steps, candles, cuts=cuts, seed=seed):
            found.setdefault(violation.check, violation)
    return list(found.values())


def _again(strategy: Strategy[C, S], config: C, market: MarketSpec, steps: Sequence[Step[S]]) -> Iterator[Violation]:
    for number, step in enumerate(steps):
        if number and step.before != (stored := _stored(strategy, steps[number - 1].decision.state)):
            yield Violation(Check.STATE, "", number, step.before, stored, "the state changed after its step")
        state = strategy.load(json.loads(step.before))
        if (stored := _stored(strategy, state)) != step.before:
            yield Violation(Check.STATE, "", number, step.before, stored, "stored, loaded and stored again")
        decision = _taken(strategy, config, market, step, state, step.point)
        if not _is_same(strategy, decision, step.decision):
            shown = _shown(strategy, step.decision), _shown(strategy, decision)
            yield Violation(Check.STATE, "", number, *shown, "decided from the stored state")
        if (stored := _stored(strategy, state)) != step.before:
            yield Violation(Check.INPUT, "", number, step.before, stored, "the step wrote into the state it was given")
        fresh = strategy.load(json.loads(step.before))
        repeated = _taken(strategy, config, market, step, fresh, step.point)
        if not _is_same(strategy, repeated, decision):
            shown = _shown(strategy, decision), _shown(strategy, repeated)
            yield Violation(Check.REPEAT, "", number, *shown, "decided twice from the same state")


def _with_less(
    strategy: Strategy[C, S],
    config: C,
    market: MarketSpec,
    steps: Sequence[Step[S]],
    candles: Mapping[str, CandleSeries],
    *,
    cuts: int,
    seed: int,
) -> Iterator[Violation]:
    assert isinstance(strategy, UsesFeatures)
    chance = np.random.default_rng(seed)
    for last in sorted(chance.choice(len(steps), min(cuts, len(steps)), replace=False).tolist()):
        now = steps[last].point.timestamp
        known = {timeframe: closed_by(series, now) for timeframe, series in candles.items()}
        table = feature_table(strategy, config, known)
        for number in range(max(0, last + 1 - STEPS_BEFORE_A_CUT), last + 1):
            step = steps[number]
            row = table.row(table.row_at(step.point.timestamp))
            point = replace(step.point, features=row.values, candle_close=row.candle_close)
            decision = _taken(strategy, config, market, step, strategy.load(json.loads(step.before)), point)
            if not _is_same(strategy, decision, step.decision):
                shown = _shown(strategy, step.decision), _shown(strategy, decision)
                yield Violation(Check.DECISION, "", number, *shown, f"candles shown up to step {last} only")


def _taken(
    strategy: Strategy[C, S], config: C, market: MarketSpec, step: Step[S], state: S, point: Point
) -> Decision[S]:
    given = replace(point, features=dict(point.features))
    return strategy.step(config, market, state, given, step.position, step.fills)


def _is_same(strategy: Strategy[C, S], one: Decision[S], other: Decision[S]) -> bool:
    return _shown(strategy, one) == _shown(strategy, other)


def _shown(strategy: Strategy[C, S], decision: Decision[S]) -> str:
    """All of a decision as text, the state as it is stored; NaN is NaN."""
    told = (decision.wanted, decision.signal, decision.notes, decision.finish)
    return f"{told!r} with state {_stored(strategy, decision.state)}"


def _stored(strategy: Strategy[C, S], state: S) -> str:
    return json.dumps(strategy.dump(state), sort_keys=True)
