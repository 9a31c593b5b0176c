"""Decisions: the same again from the stored state, and the same without having been shown what comes later."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import ClassVar, Generic, TypeVar

import numpy as np

from strategies.candles import closed_by
from strategies.checks.causality import altered_after
from strategies.checks.decisions import difference, stored
from strategies.checks.violations import Check, Place, Violation
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

Candles = Mapping[str, CandleSeries]

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
        before = stored(self.strategy, state)
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
    candles: Candles | None = None,
    cuts: int = 200,
    seed: int = 0,
) -> list[Violation]:
    """Takes every recorded step again from its stored state, and compares decision and next state.

    With ``candles``, it further shows the strategy at ``cuts`` random steps only the candles that had closed by then, then
    other candles after these, and takes the steps before again, with the rows it makes of them. At most one violation
    of each kind for orders, signal, notes, finish and state.
    """
    violations = _again(strategy, config, market, steps)
    if candles is not None and isinstance(strategy, UsesFeatures) and steps:
        violations = chain(violations, _with_less(strategy, config, market, steps, candles, cuts=cuts, seed=seed))
    found: dict[tuple[Check, str], Violation] = {}
    for violation in violations:
        found.setdefault((violation.check, violation.column.partition(" ")[0]), violation)
    return list(found.values())


def _again(strategy: Strategy[C, S], config: C, market: MarketSpec, steps: Sequence[Step[S]]) -> Iterator[Violation]:
    for number, step in enumerate(steps):
        if number and step.before != (kept := stored(strategy, steps[number - 1].decision.state)):
            yield _of_state(Check.STATE, number, step, kept, "the state changed after its step")
        state = strategy.load(json.loads(step.before))
        if (kept := stored(strategy, state)) != step.before:
            yield _of_state(Check.STATE, number, step, kept, "stored, loaded and stored again")
        decision = _taken(strategy, config, market, step, state, step.point)
        yield from _differs(
            strategy, Check.STATE, number, step, step.decision, decision, "decided from the stored state"
        )
        if (kept := stored(strategy, state)) != step.before:
            yield _of_state(Check.INPUT, number, step, kept, "the step wrote into the state it was given")
        fresh = strategy.load(json.loads(step.before))
        repeated = _taken(strategy, config, market, step, fresh, step.point)
        yield from _differs(
            strategy, Check.REPEAT, number, step, decision, repeated, "decided twice from the same state"
        )


def _with_less(
    strategy: Strategy[C, S],
    config: C,
    market: MarketSpec,
    steps: Sequence[Step[S]],
    candles: Candles,
    *,
    cuts: int,
    seed: int,
) -> Iterator[Violation]:
    assert isinstance(strategy, UsesFeatures)
    chance = np.random.default_rng(seed)
    for last in sorted(chance.choice(len(steps), min(cuts, len(steps)), replace=False).tolist()):
        now = steps[last].point.timestamp
        known = {timeframe: closed_by(series, now) for timeframe, series in candles.items()}
        altered = {timeframe: altered_after(series, now, chance) for timeframe, series in candles.items()}
        for shown, detail in ((known, "taken away"), (altered, "given other prices")):
            table = feature_table(strategy, config, shown)
            for number in range(max(0, last + 1 - STEPS_BEFORE_A_CUT), last + 1):
                step = steps[number]
                row = table.row(table.row_at(step.point.timestamp))
                point = replace(step.point, features=row.values, candle_close=row.candle_close)
                state = strategy.load(json.loads(step.before))
                decision = _taken(strategy, config, market, step, state, point)
                said = f"candles after step {last} {detail}"
                yield from _differs(strategy, Check.DECISION, number, step, step.decision, decision, said)


def _taken(
    strategy: Strategy[C, S], config: C, market: MarketSpec, step: Step[S], state: S, point: Point
) -> Decision[S]:
    given = replace(point, features=dict(point.features))
    return strategy.step(config, market, state, given, step.position, step.fills)


def _differs(
    strategy: Strategy[C, S],
    check: Check,
    number: int,
    step: Step[S],
    expected: Decision[S],
    found: Decision[S],
    detail: str,
) -> Iterator[Violation]:
    differing = difference(strategy, expected, found)
    if differing is not None:
        part, one, other = differing
        yield Violation(check, part, number, one, other, detail, Place.STEP, step.point.timestamp)


def _of_state(check: Check, number: int, step: Step[S], kept: str, detail: str) -> Violation:
    return Violation(check, "state", number, step.before, kept, detail, Place.STEP, step.point.timestamp)
