"""Plateaus and needles."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backtests.statistics.sensitivity import Axis, Surface, combinations, surface

FAST, SLOW = Axis("fast", (5, 10, 15)), Axis("slow", (20, 30, 40, 50))
# A hill around (10, 40), and a needle at (5, 20).
HILL = [9.0, 1.0, 4.0, 3.0, 1.0, 5.0, 6.0, 5.0, 1.0, 4.0, 5.0, 4.0]
FOUND = surface((FAST, SLOW), HILL)


def test_combinations_and_scores_are_in_one_order() -> None:
    every = list(combinations((FAST, SLOW)))
    assert len(every) == 12
    assert every[0] == {"fast": 5, "slow": 20}
    assert every[6] == {"fast": 10, "slow": 40} == FOUND.parameters((1, 2))
    assert FOUND.scores[1, 2] == 6.0
    for number, parameters in enumerate(every):
        index = tuple(int(place) for place in np.unravel_index(number, FOUND.scores.shape))
        assert FOUND.parameters(index) == parameters


def test_the_best_is_the_needle_and_the_most_robust_the_hill() -> None:
    assert FOUND.best() == (0, 0)
    # (9 + 1 + 1 + 5) / 4 = 4 at the needle; (1+4+3+5+6+5+4+5+4) / 9 = 37/9 on the hill; its edge (3 + 4 + 5 + 6 …) has more.
    smooth = FOUND.smoothed()
    assert smooth[0, 0] == pytest.approx(4.0)
    assert smooth[1, 2] == pytest.approx(37 / 9)
    assert smooth[2, 2] == pytest.approx((5 + 6 + 5 + 4 + 5 + 4) / 6)
    assert FOUND.most_robust() == (2, 3)
    assert smooth[2, 3] == pytest.approx((6 + 5 + 5 + 4) / 4)


def test_a_needle_has_no_plateau_and_a_hill_has_one() -> None:
    # Neighbours 1, 1, 5 of 9.
    assert FOUND.plateau((0, 0)) == (0.0, pytest.approx(7 / 27), 3)
    # Of eight around 6, those with at least 4.2: 5, 5, 5; mean (1+4+3+5+5+4+5+4) / 8.
    assert FOUND.plateau((1, 2)) == (3 / 8, pytest.approx(31 / 8 / 6), 8)
    assert FOUND.plateau((1, 2), tolerance=0.5).share == 7 / 8


def test_neighbours_in_one_and_two_dimensions() -> None:
    assert FOUND.neighbours((0, 0)) == ((0, 1), (1, 0), (1, 1))
    assert len(FOUND.neighbours((1, 1))) == 8
    assert len(FOUND.neighbours((1, 1), radius=2)) == 11
    line = surface((SLOW,), [1.0, 2.0, 3.0, 2.0])
    assert line.neighbours((3,)) == ((2,),)
    assert line.neighbours((1,), radius=2) == ((0,), (2,), (3,))


def test_failed_combinations_are_bad_neighbours() -> None:
    line = surface((SLOW,), [None, 2.0, 2.0, 1.0])
    assert line.best() == (1,)
    assert line.plateau((1,)) == (0.5, pytest.approx(0.5), 2)
    # The failed one counts as the worst score, 1.
    assert line.smoothed()[1:] == pytest.approx([5 / 3, 5 / 3, 1.5])
    assert math.isnan(line.smoothed()[0])


def test_when_all_failed_there_is_no_best() -> None:
    lost = surface((SLOW,), [None] * 4)
    with pytest.raises(ValueError, match="every combination failed"):
        lost.best()
    with pytest.raises(ValueError, match="every combination failed"):
        lost.most_robust()


def test_a_score_that_is_not_above_zero_has_no_plateau() -> None:
    line = surface((SLOW,), [-1.0, 0.0, -1.0, -2.0])
    assert math.isnan(line.plateau((1,)).share)
    assert math.isnan(surface((Axis("one", (1,)),), [5.0]).plateau((0,)).share)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="3 scores for 4"):
        surface((SLOW,), [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="no value twice"):
        Axis("levels", (5, 5))
    with pytest.raises(ValueError, match="shape"):
        Surface((SLOW,), np.zeros((2, 2)))
