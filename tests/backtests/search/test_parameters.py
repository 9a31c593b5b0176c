"""Search spaces: which values a line of a search file stands for."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from backtests.search.parameters import SpaceInvalid, combination, grid_size, parameter, trial_key


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ([10, 20, Decimal("0.1")], (10, 20, 0.1)),
        ({"from": 1, "to": 9, "step": 2}, (1, 3, 5, 7, 9)),
        ({"from": 1, "to": 8, "step": 3}, (1, 4, 7)),
        ({"from": Decimal("0.1"), "to": Decimal("0.5"), "step": Decimal("0.1")}, (0.1, 0.2, 0.3, 0.4, 0.5)),
        ({"from": 1, "to": 10_000, "log": True, "count": 5}, (1, 10.0, 100.0, 1000.0, 10_000)),
        ({"choice": ["b", "a"]}, ("b", "a")),
        ([True, False], (True, False)),
    ],
)
def test_a_line_stands_for_these_values(said: Any, values: tuple[Any, ...]) -> None:
    assert parameter("config.x", said).values == values


def test_words_have_no_neighbours_and_numbers_do() -> None:
    assert parameter("x", [1, 2, 3]).ordered
    assert not parameter("x", ["a", "b"]).ordered
    assert not parameter("x", {"choice": [1, 2]}).ordered


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ([], "config.x: [] must be a list of one value or more"),
        ([1, 2, 1], "config.x: 1 stands there twice; keep one"),
        ("10", "config.x: '10' is no search space: write a list of values, {from: 1, to: 9, step: 2},"),
        ({"from": 3, "to": 1, "step": 1}, "config.x: from 3 to 1 is no range: to must be above from"),
        ({"from": 1, "to": 3, "step": 0}, "config.x.step: 0 must be above 0"),
        ({"from": 1, "to": 3, "steps": 1}, "config.x: steps is not known of a range: from, to and step, or log"),
        ({"from": 0, "to": 3, "log": True, "count": 4}, "config.x.from: 0 has no logarithm: it must be above 0"),
        ({"from": 1, "to": 3, "log": True, "count": 1}, "config.x.count: 1 must be a whole number from 2 on"),
        ({"from": 1, "to": "b", "step": 1}, "config.x.to: 'b' is no number"),
        ({"from": 0, "to": 3_000_000, "step": 1}, "config.x.step: 1 makes 3000001 values: take a larger one"),
        ([[1]], "config.x: [1] is neither a number, a word nor true or false"),
    ],
)
def test_what_is_no_space_is_told_with_its_mend(said: Any, message: str) -> None:
    with pytest.raises(SpaceInvalid) as refused:
        parameter("config.x", said)
    assert str(refused.value).startswith(message)


def test_a_grid_is_every_combination_once_the_last_changing_fastest() -> None:
    space = [parameter("a", [1, 2]), parameter("b", ["x", "y", "z"]), parameter("c", [0.5, 0.25])]
    expected = [{"a": a, "b": b, "c": c} for a, b, c in product([1, 2], ["x", "y", "z"], [0.5, 0.25])]
    assert [combination(space, number) for number in range(grid_size(space))] == expected


def test_a_grid_of_anything_between_two_ends_is_refused() -> None:
    with pytest.raises(SpaceInvalid, match="is no grid: give step or count"):
        grid_size([parameter("a", {"from": 1, "to": 2})])


def test_the_key_is_of_the_values_not_of_how_they_are_written() -> None:
    assert trial_key({"a": 20, "b": 0.5}) == trial_key({"b": 0.5, "a": 20.0})
    assert trial_key({"a": 20}) != trial_key({"a": 20.5})
    assert trial_key({"a": "20"}) != trial_key({"a": 20})
