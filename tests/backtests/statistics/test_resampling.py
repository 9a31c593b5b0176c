"""Rows that are drawn anew: the same from the same seed, and distributed as the method says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from backtests.statistics import resampling
from backtests.statistics.resampling import Rows

Draw = Callable[[np.random.Generator], Rows]
DRAWS: dict[str, Draw] = {
    "shuffled": lambda random: resampling.shuffled(50, 200, random),
    "drawn": lambda random: resampling.drawn(50, 200, random),
    "stationary": lambda random: resampling.stationary_blocks(50, 200, 5.0, random),
    "circular": lambda random: resampling.circular_blocks(50, 200, 5, random),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_the_same_seed_draws_the_same_and_another_seed_other_rows(draw: Draw) -> None:
    first = draw(np.random.default_rng(1))
    assert first.tolist() == draw(np.random.default_rng(1)).tolist()
    assert first.tolist() != draw(np.random.default_rng(2)).tolist()


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_every_row_is_as_likely_as_any_other(draw: Draw) -> None:
    counts = np.bincount(
        np.concatenate([draw(np.random.default_rng(seed)).ravel() for seed in range(10)]), minlength=50
    )
    # 2000 runs: each row 2000 times on average; blocks of five make the counts' deviation √5 times √2000.
    assert counts == pytest.approx(np.full(50, 2000), abs=5 * np.sqrt(5 * 2000))


def test_shuffling_keeps_every_row_once() -> None:
    rows = resampling.shuffled(20, 100, np.random.default_rng(1))
    assert np.sort(rows, axis=1).tolist() == [list(range(20))] * 100


def test_stationary_blocks_have_geometric_lengths() -> None:
    rows = resampling.stationary_blocks(1000, 200, 8.0, np.random.default_rng(1))
    goes_on = (rows[:, 1:] - rows[:, :-1]) % 1000 == 1
    # A new block may by chance begin where the old one would have gone on: 1 in 1000.
    assert float(np.mean(goes_on)) == pytest.approx(1 - 1 / 8, abs=0.004)
    # Memoryless: whether a block goes on does not depend on whether it did so before.
    assert float(np.mean(goes_on[:, 1:][goes_on[:, :-1]])) == pytest.approx(1 - 1 / 8, abs=0.004)


def test_circular_blocks_have_one_length() -> None:
    rows = resampling.circular_blocks(100, 50, 7, np.random.default_rng(1))
    goes_on = (rows[:, 1:] - rows[:, :-1]) % 100 == 1
    assert goes_on[:, [each for each in range(99) if (each + 1) % 7]].all()
    assert float(np.mean(goes_on[:, 6::7])) < 0.05


def test_blocks_keep_what_hangs_together_and_single_draws_do_not() -> None:
    """A series in which each value comes twice: its autocorrelation is one half."""
    random = np.random.default_rng(2)
    series = np.repeat(random.standard_normal(2000), 2)

    def correlation(rows: Rows) -> float:
        drawn = series[rows[0]]
        return float(np.corrcoef(drawn[1:], drawn[:-1])[0, 1])

    assert correlation(resampling.stationary_blocks(4000, 1, 50.0, random)) == pytest.approx(0.49, abs=0.06)
    assert correlation(resampling.drawn(4000, 1, random)) == pytest.approx(0.0, abs=0.06)


def test_the_usual_block_length_is_the_cube_root() -> None:
    assert [resampling.usual_block_length(count) for count in (1, 27, 1000)] == [1, 3, 10]


def test_nothing_can_be_drawn_of_nothing() -> None:
    random = np.random.default_rng(1)
    with pytest.raises(ValueError, match="one of each"):
        resampling.drawn(0, 1, random)
    with pytest.raises(ValueError, match="at least 1"):
        resampling.stationary_blocks(10, 1, 0.5, random)
    with pytest.raises(ValueError, match="at least 1"):
        resampling.circular_blocks(10, 1, 0, random)
