"""Windows drawn on paper, and what holds for all of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.statistics.walk_forward import Window, efficiency, parameter_drift, windows, windows_for


def test_rolling_windows() -> None:
    assert windows(0, 100, train=40, test=20) == (
        Window(0, 40, 40, 60),
        Window(20, 60, 60, 80),
        Window(40, 80, 80, 100),
    )


def test_anchored_windows() -> None:
    found = windows(0, 100, train=40, test=20, anchored=True)
    assert found == (Window(0, 40, 40, 60), Window(0, 60, 60, 80), Window(0, 80, 80, 100))


def test_an_embargo_lies_between_training_and_test() -> None:
    assert windows(10, 75, train=40, test=10, embargo=5) == (Window(10, 50, 55, 65), Window(20, 60, 65, 75))


def test_a_last_test_that_is_shorter_is_kept_on_wish() -> None:
    assert windows(0, 65, train=40, test=20) == (Window(0, 40, 40, 60),)
    assert windows(0, 65, train=40, test=20, keep_last=True)[-1] == Window(20, 60, 60, 65)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        windows(0, 59, train=40, test=20)
    with pytest.raises(ValueError, match="above 0"):
        windows(0, 100, train=0, test=20)
    with pytest.raises(ValueError, match="embargo"):
        windows(0, 100, train=10, test=20, embargo=-1)


SPANS = st.tuples(st.integers(0, 50), st.integers(1, 40), st.integers(1, 40), st.integers(0, 9), st.integers(0, 300))


@given(SPANS, st.booleans(), st.booleans())
def test_no_window_looks_ahead_and_no_row_is_tested_twice(
    span: tuple[int, int, int, int, int], anchored: bool, keep_last: bool
) -> None:
    start, train, test, embargo, more = span
    end = start + train + embargo + test + more
    found = windows(start, end, train=train, test=test, embargo=embargo, anchored=anchored, keep_last=keep_last)
    for window in found:
        assert start <= window.train_start < window.train_end == window.test_start - embargo
        assert window.test_start < window.test_end <= end
        length = window.train_end - window.train_start
        assert length == train or (anchored and window.train_start == start)
    for before, after in pairwise(found):
        assert after.test_start == before.test_end
    left = end - found[-1].test_end
    assert left == 0 if keep_last else 0 <= left < test


@given(st.integers(1, 12), st.floats(0.2, 0.9), st.integers(0, 20), st.integers(2000, 10_000), st.booleans())
def test_as_many_windows_as_wanted(count: int, share: float, embargo: int, length: int, anchored: bool) -> None:
    found = windows_for(0, length, count=count, train_share=share, embargo=embargo, anchored=anchored)
    assert len(found) == count
    assert found[-1].test_end == length
    first = found[0]
    train, test = first.train_end - first.train_start, first.test_end - first.test_start
    # Whole units: the share is met within one of them, and hardly anything is left over.
    assert train == pytest.approx(test * share / (1 - share), abs=1)
    assert first.train_start <= count + share / (1 - share) + 1


def test_windows_for_refuses_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="too short"):
        windows_for(0, 5, count=10)
    with pytest.raises(ValueError, match="share"):
        windows_for(0, 500, count=2, train_share=1.0)


def test_efficiency_by_hand() -> None:
    """12 % in 4 and 5 % in 1 unit of training: 3 % and 5 % a unit, 4 % on average; tests earned 3 % and −1 % a unit."""
    found = efficiency([0.12, 0.05], [0.03, -0.02], [4, 1], [1, 2])
    assert found.ratio == pytest.approx(0.01 / 0.04)
    assert found.each == pytest.approx([1.0, -0.2])
    assert found.consistency == 0.5


def test_efficiency_is_not_defined_where_nothing_was_earned_in_training() -> None:
    found = efficiency([-0.1, 0.05], [0.1, 0.1], [1, 1], [1, 1])
    assert np.isnan(found.each[0])
    assert np.isnan(found.ratio)
    assert found.consistency == 1.0
    with pytest.raises(ValueError, match="same number"):
        efficiency([0.1], [0.1, 0.2], [1], [1, 1])


def test_parameters_that_stay_do_not_drift() -> None:
    found = parameter_drift([{"fast": 10, "slow": 50}, {"fast": 20, "slow": 50}, {"fast": 15, "slow": 50}])
    # Changes of 10 and 5, a mean of 15.
    assert found == {"fast": pytest.approx(0.5), "slow": 0.0}
    assert np.isnan(parameter_drift([{"fast": 10}])["fast"])
