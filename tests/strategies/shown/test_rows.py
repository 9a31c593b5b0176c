"""Whatever is registered: the rows on ``candles[:k]`` are those on the whole series, and no later candle changes an
earlier row."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from strategies.candles import closes_of
from strategies.checks import check_features
from strategies.checks.violations import ROUNDING, first_differences
from strategies.contract import CandleSeries, UsesFeatures
from tests.properties import examples
from tests.strategies.shown.cases import CASES_WITH_FEATURES, Case, each_case_with_features

CUTS = 200
# Of the source: rows of features that are compared beside those of the warm-up.
COMPARED = 600


@each_case_with_features
def test_rows_do_not_change_when_later_candles_are_taken_away_or_changed(case: Case) -> None:
    strategy = case.fresh()
    assert isinstance(strategy, UsesFeatures)
    assert check_features(strategy, case.config, case.recent(COMPARED), cuts=CUTS, seed=11) == []


@examples(300)
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
