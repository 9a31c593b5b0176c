"""A swing is known once enough candles have followed it, and not before."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.indicators import swings

NONE = math.nan


@pytest.mark.parametrize(
    ("story", "highs", "length", "confirmed"),
    [
        ("a peak, two candles later", [1, 2, 5, 4, 3], 2, [NONE, NONE, NONE, NONE, 5]),
        ("one candle later", [1, 2, 5, 4, 3], 1, [NONE, NONE, NONE, 5, NONE]),
        ("of two equal highs the first", [1, 5, 5, 4, 3], 1, [NONE, NONE, 5, NONE, NONE]),
        ("equal highs far apart, each its own", [1, 5, 1, 5, 1], 1, [NONE, NONE, 5, NONE, 5]),
        ("equal highs within reach, the first", [0, 1, 5, 1, 5, 1, 0], 2, [NONE] * 4 + [5, NONE, NONE]),
        ("a higher high takes its place", [1, 4, 3, 5, 2], 2, [NONE] * 5),
        ("the first candles have no left side", [9, 3, 2, 1, 0], 1, [NONE] * 5),
        ("a candle that is not known", [1, NONE, 5, 4, 3], 1, [NONE] * 5),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_swing_highs(story: str, highs: list[float], length: int, confirmed: list[float]) -> None:
    found = swings(highs, np.zeros(len(highs)), length).high
    np.testing.assert_array_equal(found, confirmed)
    mirrored = swings(np.zeros(len(highs)), [-each for each in highs], length).low
    np.testing.assert_array_equal(mirrored, [-each for each in confirmed])


@given(highs=st.lists(st.integers(0, 6), max_size=40), length=st.integers(1, 5))
def test_swings_are_those_that_the_definition_names(highs: list[int], length: int) -> None:
    expected = [NONE] * len(highs)
    for row in range(length, len(highs) - length):
        before, after = highs[row - length : row], highs[row + 1 : row + length + 1]
        if max(before) < highs[row] and max(after) <= highs[row]:
            expected[row + length] = highs[row]
    np.testing.assert_array_equal(swings(highs, np.zeros(len(highs)), length).high, expected)
