"""Whatever is registered, in back-tests on real candles: every decision knows nothing to come, is the same from the
stored state, and can be told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from string import Formatter
from typing import Any

import numpy as np
import pytest

from exchange.candles.merging import taken
from strategies.candles import closed_by
from strategies.checks import Step, check_steps
from strategies.checks.decisions import difference
from strategies.contract import Decision, Reason, Side
from strategies.explanations import ENGLISH, explain
from tests.strategies.shown.cases import CASES, SETTINGS, Case
from tests.strategies.shown.point_in_time import altered, point_in_time, steps_of, table_of


@dataclass(frozen=True)
class Whole:
    """A back-test over the whole walk, its features made of the whole series."""

    case: Case
    steps: list[Step[Any]]


@pytest.fixture(scope="module", params=CASES, ids=str)
def whole(request: pytest.FixtureRequest) -> Whole:
    case: Case = request.param
    strategy = case.fresh()
    return Whole(case, steps_of(case, strategy, case.walk, table_of(case, strategy, case.recent(case.setting.walked))))


def test_it_trades(whole: Whole) -> None:
    """What is shown of a back-test without fills says little. A strategy without settings here may wait for a better day."""
    seen = Counter(fill.side for step in whole.steps for fill in step.fills)
    assert whole.steps
    assert whole.case.name not in SETTINGS or min(seen[Side.BUY], seen[Side.SELL]) > 0


def test_it_decides_the_same_when_it_is_shown_no_later_candle(whole: Whole) -> None:
    """``candles[:k]`` for every *k* of the walk."""
    case, strategy = whole.case, whole.case.fresh()
    if case.needs:
        table = point_in_time(strategy, case.config, case.recent(case.setting.walked), closed_by)
        assert_same_steps(case, whole.steps, steps_of(case, strategy, case.walk, table))


def test_it_decides_the_same_when_later_candles_are_others(whole: Whole) -> None:
    case, strategy = whole.case, whole.case.fresh()
    if case.needs:
        table = point_in_time(strategy, case.config, case.recent(case.setting.walked), altered(12))
        assert_same_steps(case, whole.steps, steps_of(case, strategy, case.walk, table))


def test_over_the_first_candles_it_is_the_beginning_of_that_over_all(whole: Whole) -> None:
    case = whole.case
    candles, walk = case.recent(case.setting.walked), case.walk
    for count in np.random.default_rng(13).integers(1, len(walk), 4).tolist():
        now = int(walk.timestamp[count - 1]) + case.length_ms
        known = {timeframe: closed_by(series, now) for timeframe, series in candles.items()}
        strategy = case.fresh()
        found = steps_of(case, strategy, taken(walk, np.arange(count)), table_of(case, strategy, known))
        assert_same_steps(case, whole.steps[: 4 * count], found)


def test_every_decision_is_the_same_from_the_stored_state(whole: Whole) -> None:
    """After every point the state becomes JSON text, as it does between two ticks."""
    assert check_steps(whole.case.fresh(), whole.case.config, whole.case.market, whole.steps) == []


def test_every_decision_can_be_told_with_all_of_its_numbers(whole: Whole) -> None:
    said = {(reason.code, frozenset(reason.numbers)): reason for step in whole.steps for reason in told(step.decision)}
    assert said or whole.case.name not in SETTINGS
    for (code, numbers), reason in said.items():
        assert numbers == {name for _, name, _, _ in Formatter().parse(ENGLISH[code]) if name}, code
        assert explain(reason).endswith(".")


def told(decision: Decision[Any]) -> Iterator[Reason]:
    yield from decision.notes
    yield from (order.reason for order in decision.wanted)
    if decision.finish is not None:
        yield decision.finish.reason


def assert_same_steps(case: Case, expected: list[Step[Any]], found: list[Step[Any]]) -> None:
    assert len(found) == len(expected)
    for number, (one, other) in enumerate(zip(expected, found, strict=True)):
        differing = difference(case.fresh(), one.decision, other.decision)
        assert differing is None, f"step {number}: {differing}"
        assert one.before == other.before
        assert one.fills == other.fills
