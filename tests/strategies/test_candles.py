"""Candles as columns: their length, their closes, and which had closed when."""

from __future__ import annotations

import pytest

from strategies.candles import closed_by, closes_of, rows_of, timeframe_ms
from tests.strategies.checks.candles import HOUR_MS, START_MS, walk


@pytest.mark.parametrize(
    ("written", "length"), [("1m", 60_000), ("15m", 900_000), ("4h", 14_400_000), ("1d", 86_400_000)]
)
def test_timeframes_are_read(written: str, length: int) -> None:
    assert timeframe_ms(written) == length


def test_a_timeframe_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="'1x' is not understood"):
        timeframe_ms("1x")


@pytest.mark.parametrize(
    ("now", "closed"),
    [
        (START_MS, 0),
        (START_MS + HOUR_MS - 1, 0),
        (START_MS + HOUR_MS, 1),
        (START_MS + 2 * HOUR_MS - 1, 1),
        (START_MS + 3 * HOUR_MS, 3),
        (START_MS + 99 * HOUR_MS, 3),
    ],
)
def test_a_candle_has_closed_when_its_time_is_over(now: int, closed: int) -> None:
    series = walk(3)
    assert closed_by(series, now).close.tolist() == series.close[:closed].tolist()


def test_a_candle_closes_when_the_next_one_opens() -> None:
    assert closes_of(walk(2)).tolist() == [START_MS + HOUR_MS, START_MS + 2 * HOUR_MS]


def test_rows_are_taken_of_every_column() -> None:
    series = walk(10)
    part = rows_of(series, 2, 5)
    assert part.timeframe == "1h"
    assert part.timestamp.tolist() == series.timestamp[2:5].tolist()
    assert part.volume.tolist() == series.volume[2:5].tolist()
