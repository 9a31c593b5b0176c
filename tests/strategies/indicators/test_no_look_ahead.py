"""A value is the same whatever comes after it, to the last bit."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import indicators
from tests.strategies.indicators import catalogue
from tests.strategies.indicators.catalogue import Entry, each_indicator
from tests.strategies.indicators.series import REAL, Columns, drawn_columns, random_columns, real_columns

ROWS, CUTS = 3000, 300


def test_every_public_indicator_is_in_the_catalogue() -> None:
    """``at_rows`` and ``closed_rows`` have tests of their own; the rest of what is exported are types and warm-ups."""
    functions = {name for name in indicators.__all__ if inspect.isfunction(getattr(indicators, name))}
    warm_ups = {name for name in functions if name.endswith("_warmup")}
    used = set(re.findall(r"indicators\.(\w+)\(", Path(catalogue.__file__).read_text()))
    assert functions - {"at_rows", "closed_rows", "compiled"} <= used
    assert warm_ups <= used


def assert_equal_up_to(entry: Entry, cut: int, full: Columns, other: Columns) -> None:
    for here, there in zip(entry.compute(full), entry.compute(other), strict=True):
        assert np.array_equal(here[:cut], there[:cut], equal_nan=True), f"{entry.name} differs before row {cut}"


@each_indicator
@pytest.mark.parametrize("name", REAL)
def test_nothing_changes_when_the_future_is_cut_off(candles_dir: Path, name: str, entry: Entry) -> None:
    columns = real_columns(candles_dir, name, ROWS)
    full = entry.compute(columns)
    cuts = np.random.default_rng(4).integers(1, len(columns) + 1, CUTS)
    for cut in cuts.tolist():
        for whole, part in zip(full, entry.compute(columns.rows(0, cut)), strict=True):
            assert np.array_equal(whole[:cut], part, equal_nan=True), f"{entry.name} at {cut} of {name}"


@each_indicator
@pytest.mark.parametrize("name", REAL)
def test_nothing_changes_when_the_future_is_another(candles_dir: Path, name: str, entry: Entry) -> None:
    columns = real_columns(candles_dir, name, ROWS)
    chance = np.random.default_rng(5)
    for cut in chance.integers(1, len(columns), CUTS // 3).tolist():
        future = random_columns(int(chance.integers(1 << 32)), len(columns) - cut)
        assert_equal_up_to(entry, cut, columns, columns.rows(0, cut).joined(future))


@each_indicator
@given(past=drawn_columns(least=1), future=drawn_columns())
def test_no_drawn_future_changes_a_drawn_past(entry: Entry, past: Columns, future: Columns) -> None:
    assert_equal_up_to(entry, len(past), past, past.joined(future))


def test_the_check_catches_a_value_from_the_next_candle() -> None:
    tomorrow = Entry("tomorrow", lambda c: (np.append(c.close[1:], np.nan),), 1, (0,))
    columns = random_columns(1, 50)
    with pytest.raises(AssertionError, match="tomorrow differs before row 30"):
        assert_equal_up_to(tomorrow, 30, columns, columns.rows(0, 30))


@each_indicator
@given(columns=drawn_columns(most=120), data=st.data())
def test_after_a_gap_everything_is_as_if_the_series_began_there(
    entry: Entry, columns: Columns, data: st.DataObject
) -> None:
    """A gap in every column: a candle that is not known."""
    gap = Columns(*(np.array([np.nan]) for _ in fields(Columns)))
    after = data.draw(drawn_columns(most=120))
    joined = entry.compute(columns.joined(gap).joined(after))
    for before, values, alone in zip(entry.compute(columns), joined, entry.compute(after), strict=True):
        assert np.array_equal(values, np.concatenate([before, [np.nan], alone]), equal_nan=True)
