"""Short, standing, silent and odd series: what is given is written down, and nothing breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import indicators
from strategies.indicators import Array
from tests.strategies.indicators.catalogue import Entry, each_indicator
from tests.strategies.indicators.series import Columns, drawn_columns, random_columns


def standing(rows: int, price: float = 7.1, volume: float = 0.0) -> Columns:
    return Columns(*(np.full(rows, value) for value in (price, price, price, volume)))


@each_indicator
@pytest.mark.parametrize("rows", [0, 1, 2, 13, 14, 27, 60])
def test_values_are_known_from_their_first_row_on_and_not_before(entry: Entry, rows: int) -> None:
    chance = np.random.default_rng(3)
    close = 100 + chance.normal(size=rows).cumsum()
    columns = Columns(close + 1, close - 1, close, chance.uniform(1, 2, rows))
    for values, first in zip(entry.compute(columns), entry.first_known, strict=True):
        assert values.dtype == np.float64
        assert values.size == rows
        assert np.isnan(values[:first]).all()
        if not entry.name.startswith("swings"):
            assert np.isfinite(values[first:]).all()


@each_indicator
@given(columns=drawn_columns(most=90))
def test_known_values_are_finite(entry: Entry, columns: Columns) -> None:
    for values in entry.compute(columns):
        assert not np.isinf(values).any()


@pytest.mark.parametrize(
    ("compute", "expected"),
    [
        (lambda c: indicators.sma(c.close, 5), 7.1),
        (lambda c: indicators.ema(c.close, 5), 7.1),
        (lambda c: indicators.rsi(c.close, 5), 100.0),  # as ta: no loss
        (lambda c: indicators.macd(c.close, 2, 5, 3).histogram, 0.0),
        (lambda c: indicators.atr(c.high, c.low, c.close, 5), 0.0),
        (lambda c: indicators.atr_percent(c.high, c.low, c.close, 5), 0.0),
        (lambda c: indicators.bollinger(c.close, 5).upper, 7.1),
        (lambda c: indicators.bollinger(c.close, 5).lower, 7.1),
        (lambda c: indicators.directional_movement(c.high, c.low, c.close, 5).adx, 0.0),
        (lambda c: indicators.directional_movement(c.high, c.low, c.close, 5).plus_di, 0.0),
        (lambda c: indicators.rolling_max(c.high, 5), 7.1),
        (lambda c: indicators.rolling_min(c.low, 5), 7.1),
        (lambda c: indicators.swings(c.high, c.low, 2).high, np.nan),  # nothing is above its neighbours
        (lambda c: indicators.volume_mean(c.volume, 5), 0.0),
        (lambda c: indicators.volume_ratio(c.volume, 5), 1.0),
    ],
)
def test_a_market_that_stands_still_without_a_trade(compute: Callable[[Columns], Array], expected: float) -> None:
    assert compute(standing(40))[-1] == pytest.approx(expected, nan_ok=True)


def test_a_price_that_is_not_above_zero_has_no_percentage() -> None:
    zeros = np.zeros(20)
    assert np.isnan(indicators.atr_percent(zeros + 1, zeros, zeros, 3)).all()


def test_infinity_is_a_gap_like_nan() -> None:
    columns = random_columns(8, 200)
    infinite = Columns(
        *(np.where(np.isnan(getattr(columns, e.name)), np.inf, getattr(columns, e.name)) for e in fields(columns))
    )
    for here, there in (
        (indicators.ema(columns.close, 5), indicators.ema(infinite.close, 5)),
        (indicators.rsi(columns.close, 5), indicators.rsi(infinite.close, 5)),
        (indicators.sma(columns.volume, 5), indicators.sma(infinite.volume, 5)),
    ):
        assert np.array_equal(here, there, equal_nan=True)
        assert np.isfinite(here).any()


def test_the_mean_after_a_huge_volume_is_exact() -> None:
    volume = np.array([1e18, 0.1, 0.2, 0.3])
    assert indicators.volume_mean(volume, 3)[-1] == pytest.approx(0.2, rel=1e-15)


@given(columns=drawn_columns(), period=st.integers(1, 8))
def test_windows_are_those_of_numpy(columns: Columns, period: int) -> None:
    if len(columns) < period:
        assert np.isnan(indicators.sma(columns.close, period)).all()
        return
    windows = np.lib.stride_tricks.sliding_window_view(columns.close, period)
    for ours, numpys in (
        (indicators.sma(columns.close, period), windows.mean(axis=1)),
        (indicators.rolling_max(columns.close, period), windows.max(axis=1)),
        (indicators.rolling_min(columns.close, period), windows.min(axis=1)),
        (indicators.bollinger(columns.close, period, 1.0).upper, windows.mean(axis=1) + windows.std(axis=1)),
    ):
        np.testing.assert_allclose(ours[period - 1 :], numpys, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: indicators.ema([1.0], 0), "period is 0"),
        (lambda: indicators.swings([1.0], [1.0], 0), "length is 0"),
        (lambda: indicators.macd([1.0], 26, 12), "fast must be shorter"),
        (lambda: indicators.bollinger([1.0], 20, -1.0), "deviations is -1.0"),
        (lambda: indicators.atr([1.0, 2.0], [1.0], [1.0, 1.0]), "differ in length"),
        (lambda: indicators.ema([[1.0, 2.0]], 1), "has one dimension"),
    ],
)
def test_a_mistake_is_told(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_what_is_given_is_left_as_it_was() -> None:
    columns = random_columns(2, 100)
    for each in fields(columns):
        getattr(columns, each.name).setflags(write=False)
    before = Columns(*(getattr(columns, each.name).copy() for each in fields(columns)))
    indicators.directional_movement(columns.high, columns.low, columns.close)
    indicators.volume_ratio(columns.volume, 5)
    for each in fields(columns):
        assert np.array_equal(getattr(columns, each.name), getattr(before, each.name), equal_nan=True)
