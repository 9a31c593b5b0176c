"""A longer candle is seen from the base candle on that closes with it, and never earlier."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.indicators import at_rows, closed_rows, ema

MINUTE = 60_000
QUARTER, HOUR = 15 * MINUTE, 60 * MINUTE


def test_an_hour_is_seen_from_its_fourth_quarter_on() -> None:
    quarters = [place * QUARTER for place in range(9)]
    hours = [0, HOUR, 2 * HOUR]
    rows = closed_rows(quarters, QUARTER, hours, HOUR)
    assert rows.tolist() == [-1, -1, -1, 0, 0, 0, 0, 1, 1]
    values = at_rows([10.0, 20.0, 30.0], rows)
    np.testing.assert_array_equal(values, [np.nan] * 3 + [10.0] * 4 + [20.0] * 2)


def test_with_a_missing_hour_the_last_closed_one_stays() -> None:
    quarters = [place * QUARTER for place in range(16)]
    rows = closed_rows(quarters, QUARTER, [0, 2 * HOUR], HOUR)
    assert rows.tolist() == [-1] * 3 + [0] * 8 + [1] * 5


def test_with_missing_quarters_the_hour_is_seen_from_the_next_one_on() -> None:
    quarters = [0, 2 * QUARTER, 4 * QUARTER]  # the one that would close with the hour is missing
    assert closed_rows(quarters, QUARTER, [0], HOUR).tolist() == [-1, -1, 0]


def test_the_same_timeframe_is_seen_row_by_row() -> None:
    opens = [place * HOUR for place in range(5)]
    assert closed_rows(opens, HOUR, opens, HOUR).tolist() == [0, 1, 2, 3, 4]


def test_without_any_higher_candle_nothing_is_known() -> None:
    rows = closed_rows([0, MINUTE], MINUTE, [], HOUR)
    assert rows.tolist() == [-1, -1]
    assert np.isnan(at_rows([], rows)).all()
    assert closed_rows([], MINUTE, [0], HOUR).size == 0


_steps = st.lists(st.integers(1, 9), max_size=30).map(lambda steps: [each * MINUTE for each in accumulate(steps)])


@given(base=_steps, higher=_steps, length=st.integers(1, 9))
def test_it_is_the_last_candle_that_is_closed(base: list[int], higher: list[int], length: int) -> None:
    expected = []
    for opened in base:
        closed = [row for row, start in enumerate(higher) if start + length * MINUTE <= opened + MINUTE]
        expected.append(closed[-1] if closed else -1)
    assert closed_rows(base, MINUTE, higher, length * MINUTE).tolist() == expected


@pytest.mark.parametrize(
    ("base", "base_length", "higher", "higher_length", "words"),
    [
        ([0], 0, [0], HOUR, "above 0"),
        ([0], MINUTE, [0], -1, "above 0"),
        ([MINUTE, 0], MINUTE, [0], HOUR, "order of time"),
        ([0], MINUTE, [0, 0], HOUR, "order of time"),
    ],
)
def test_a_mistake_is_told(
    base: list[int], base_length: int, higher: list[int], higher_length: int, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        closed_rows(base, base_length, higher, higher_length)


def test_real_hours_beside_real_quarters(candles_dir: Path) -> None:
    """The close of the last closed hour is the close of the quarter that ended it, and an indicator of the hours is not
    changed by hours that are not closed yet."""
    quarters = pd.read_parquet(candles_dir / "bybit_ETHUSDT_linear_15m.parquet")
    hours = pd.read_csv(candles_dir / "bybit_ETHUSDT_linear_1h.csv.gz")
    opens, hour_opens = quarters["timestamp"].to_numpy(), hours["timestamp"].to_numpy()
    rows = closed_rows(opens, QUARTER, hour_opens, HOUR)
    ends_an_hour = (opens + QUARTER) % HOUR == 0
    seen = at_rows(hours["close"], rows)
    known = ends_an_hour & (rows >= 0)
    assert known.sum() > 15_000
    np.testing.assert_array_equal(seen[known], quarters["close"].to_numpy()[known])

    averages = at_rows(ema(hours["close"], 20), rows)
    for row in np.random.default_rng(9).integers(0, opens.size, 300).tolist():
        closed = hour_opens + HOUR <= opens[row] + QUARTER
        cut = closed_rows(opens[: row + 1], QUARTER, hour_opens[closed], HOUR)
        then = at_rows(ema(hours["close"][closed], 20), cut)
        np.testing.assert_array_equal(then, averages[: row + 1])
