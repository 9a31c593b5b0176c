"""Whatever is registered: rows and decisions on ``candles[:k]`` are those on the whole series, and no later candle changes
an earlier one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.candles.merging import taken
from strategies.candles import closed_by, closes_of
from strategies.checks import Step, check_features
from strategies.checks.decisions import difference
from strategies.checks.violations import ROUNDING, first_differences
from strategies.contract import CandleSeries, UsesFeatures
from tests.strategies.shown.cases import CASES_WITH_FEATURES, SETTINGS, Case, each_case, each_case_with_features
from tests.strategies.shown.point_in_time import Seen, altered, point_in_time, steps_of, table_of

CUTS = 200
# Of the source: rows of features that are compared beside those of the warm-up.
COMPARED = 600


def assert_same_steps(case: Case, expected: list[Step[Any]], found: list[Step[Any]]) -> None:
    """As many of ``expected`` as were ``found``."""
    for number, (one, other) in enumerate(zip(expected, found, strict=False)):
        differing = difference(case.fresh(), one.decision, other.decision)
        assert differing is None, f"step {number}: {differing}"
        assert one.before == other.before
        assert one.fills == other.fills


@each_case_with_features
def test_rows_do_not_change_when_later_candles_are_taken_away_or_changed(case: Case) -> None:
    strategy = case.fresh()
    assert isinstance(strategy, UsesFeatures)
    assert check_features(strategy, case.config, case.recent(COMPARED), cuts=CUTS, seed=11) == []


@each_case_with_features
@pytest.mark.parametrize("seen", [closed_by, altered(12)], ids=["taken away", "changed"])
def test_a_back_test_decides_the_same_when_it_is_shown_no_later_candle(case: Case, seen: Seen) -> None:
    candles = case.recent(case.setting.walked)
    whole, other = case.fresh(), case.fresh()
    expected, _ = steps_of(case, whole, case.walk, table_of(case, whole, candles))
    found, _ = steps_of(case, other, case.walk, point_in_time(other, case.config, candles, seen))
    assert len(found) == len(expected) == 4 * case.setting.walked
    assert_same_steps(case, expected, found)


@each_case
def test_a_back_test_over_the_first_candles_is_the_beginning_of_that_over_all(case: Case) -> None:
    candles, walk = case.recent(case.setting.walked), case.walk
    whole = case.fresh()
    expected, fills = steps_of(case, whole, walk, table_of(case, whole, candles))
    assert fills or case.name not in SETTINGS
    for count in np.random.default_rng(13).integers(1, len(walk), 6).tolist():
        now = int(walk.timestamp[count - 1]) + case.length_ms
        known = {timeframe: closed_by(series, now) for timeframe, series in candles.items()}
        strategy = case.fresh()
        first = taken(walk, np.arange(count))
        found, _ = steps_of(case, strategy, first, table_of(case, strategy, known))
        assert len(found) == min(4 * count, len(expected))
        assert_same_steps(case, expected, found)


@settings(max_examples=300, deadline=None)  # the first call compiles
@given(case=st.sampled_from(CASES_WITH_FEATURES), data=st.data())
def test_no_drawn_change_of_one_later_candle_changes_a_row_before(case: Case, data: st.DataObject) -> None:
    """Anywhere in the series, any later candle of any timeframe that is looked at: another price, or missing."""
    strategy = case.fresh()
    assert isinstance(strategy, UsesFeatures)
    candles = case.recent(100, end=data.draw(st.integers(2000, len(case.candles)), label="end"))
    base = candles[case.needs[0].timeframe]
    rows = data.draw(st.integers(len(base.timestamp) // 2, len(base.timestamp) - 1), label="rows")
    now = int(closes_of(base)[rows - 1])
    timeframe = data.draw(st.sampled_from([name for name in candles if closes_of(candles[name])[-1] > now]))
    series = candles[timeframe]
    first = int(closes_of(series).searchsorted(now, side="right"))
    place = data.draw(st.integers(first, len(series.timestamp) - 1), label=f"candle of {timeframe}")
    factor = data.draw(st.sampled_from([None, 0.01, 0.9, 1.0001, 30.0]), label="factor")
    other = {**candles, timeframe: _changed(series, place, factor)}
    expected, found = (strategy.features(case.config, each) for each in (candles, other))
    heads = ({name: column[:rows] for name, column in columns.items()} for columns in (expected, found))
    assert list(first_differences(*heads, tolerance=ROUNDING)) == []


def _changed(series: CandleSeries, place: int, factor: float | None) -> CandleSeries:
    columns = {name: getattr(series, name) for name in ("timestamp", "open", "high", "low", "close", "volume")}
    if factor is None:
        return CandleSeries(series.timeframe, **{name: np.delete(column, place) for name, column in columns.items()})
    for name in ("open", "high", "low", "close", "volume"):
        columns[name] = columns[name].copy()
        columns[name][place] *= factor
    return CandleSeries(series.timeframe, **columns)
