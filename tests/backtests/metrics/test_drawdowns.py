"""Falls from the peak, by hand."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from backtests.metrics import drawdowns
from backtests.metrics.sampling import sample
from tests.backtests.metrics.cast import DAY, START, curve

# Peak 1200 on day 2, lowest 900 on day 4, back on day 6; then a small one from 1250 that stays.
CURVE = curve([1100.0, 1200.0, 960.0, 900.0, 1000.0, 1200.0, 1250.0, 1125.0, 1200.0])


def test_the_deepest_drawdown_and_its_dates() -> None:
    found = drawdowns.deepest(CURVE)
    assert found is not None
    assert found.depth == pytest.approx(0.25)
    assert found.peak_at == START + 2 * DAY
    assert found.trough_at == START + 4 * DAY
    assert found.recovered_at == START + 6 * DAY
    assert found.length == 4 * DAY
    assert found.recovery == 2 * DAY


def test_the_longest_and_the_average() -> None:
    assert drawdowns.longest(CURVE) == 4 * DAY
    # 25 % and 10 %.
    assert drawdowns.average(sample(CURVE), 1000.0) == pytest.approx(0.175)


def test_a_drawdown_may_begin_with_the_first_row_and_never_end() -> None:
    lost = curve([900.0, 800.0, 950.0])
    found = drawdowns.deepest(lost)
    assert found is not None
    assert (found.depth, found.peak_at, found.recovered_at) == (pytest.approx(0.2), START, None)
    assert found.recovery is None
    assert found.length == drawdowns.longest(lost) == 3 * DAY


def test_the_longest_need_not_be_the_deepest() -> None:
    found = curve([500.0, 1000.0, 999.0, 999.0, 999.0, 1000.0])
    assert drawdowns.deepest(found) == drawdowns.Drawdown(0.5, START, START + DAY, START + 2 * DAY, 2 * DAY)
    assert drawdowns.longest(found) == 4 * DAY


def test_what_only_rises_has_none() -> None:
    rising = curve([1000.0, 1000.0, 1001.0])
    assert drawdowns.deepest(rising) is None
    assert drawdowns.longest(rising) == 0
    assert drawdowns.average(sample(rising), 1000.0) == 0.0
    assert drawdowns.ulcer_index(sample(rising), 1000.0) == 0.0


def test_the_ulcer_index_is_the_root_of_the_mean_square() -> None:
    # Depths 0, 10 %, 20 %, 0.
    found = drawdowns.ulcer_index(sample(curve([1000.0, 900.0, 800.0, 1100.0])), 1000.0)
    assert found == pytest.approx(sqrt((0.01 + 0.04) / 4))


def test_who_is_ruined_has_lost_all_and_stays_so() -> None:
    assert drawdowns.depths(np.array([1200.0, 600.0, -50.0, 300.0]), 1000.0).tolist() == [0.0, 0.5, 1.0, 1.0]
    found = drawdowns.deepest(curve([1200.0, -50.0, 2000.0]))
    assert found is not None
    assert (found.depth, found.recovered_at) == (1.0, None)
