"""A long series in few points: nothing that could be seen is lost."""

from __future__ import annotations

import numpy as np

from backtests.reports.axes import Scale, scale_beside, time_ticks, value_ticks
from backtests.reports.outlines import cells, outline


def test_each_column_keeps_its_first_lowest_highest_and_last() -> None:
    times = np.arange(20, dtype=np.int64)
    values = np.array([5, 9, 1, 4, 3, 3, 3, 3, 3, 3, 0, 7, 2, 6, 8, 1, 1, 1, 1, 9], dtype=np.float64)
    # Two columns of ten: 5 9 1 … 3 and 0 7 … 9, whose lowest is its first and whose highest is its last.
    assert outline(times, values, 2).tolist() == [0, 1, 2, 9, 10, 19]


def test_a_short_series_is_drawn_whole() -> None:
    assert outline(np.arange(8, dtype=np.int64), np.zeros(8), 2).tolist() == list(range(8))


def test_a_year_of_minutes_is_four_points_a_column_and_keeps_a_spike_of_one_minute() -> None:
    times = np.arange(525_600, dtype=np.int64) * 60_000
    values = np.zeros(525_600)
    values[123_456] = 1.0
    kept = outline(times, values, 480)
    assert len(kept) <= 4 * 480
    assert 123_456 in kept


def test_a_gap_in_time_leaves_its_columns_empty() -> None:
    times = np.concatenate([np.arange(50), np.arange(950, 1000)]).astype(np.int64)
    kept = outline(times, np.arange(100, dtype=np.float64), 10)
    assert set(times[kept].tolist()) == {0, 49, 950, 999}


def test_of_marks_in_one_cell_the_first_stays() -> None:
    x, y = np.array([0.01, 0.02, 0.51, 1.0]), np.array([0.01, 0.02, 0.01, 1.0])
    assert cells(x, y, 2, 2).tolist() == [0, 2, 3]


def test_ticks_stand_at_round_numbers() -> None:
    ticks = value_ticks(Scale(0.0, 100.0), lambda value: f"{value:g}")
    assert [tick.label for tick in ticks] == ["0", "20", "40", "60", "80", "100"]
    assert [round(tick.share, 6) for tick in ticks] == [1.0, 0.8, 0.6, 0.4, 0.2, 0.0]


def test_times_of_a_year_are_marked_at_firsts_of_months() -> None:
    first = 1_735_689_600_000  # 2025-01-01
    labels = [tick.label for tick in time_ticks(first, first + 365 * 86_400_000)]
    assert labels == ["Jan 2025", "Apr 2025", "Jul 2025", "Oct 2025", "Jan 2026"]


def test_a_line_that_runs_away_does_not_flatten_the_other() -> None:
    scale, fits = scale_beside(np.array([100.0, 110.0]), np.array([100.0, 1000.0]))
    assert not fits
    # The line's own 100 … 110, as much again above (a tenth of its height, 11), and a margin.
    assert scale.high < 125
