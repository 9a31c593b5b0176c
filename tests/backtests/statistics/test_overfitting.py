"""Over-fitting where the answer is known, and against a naive reckoning."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from backtests.metrics.inputs import Floats
from backtests.statistics.overfitting import probability_of_overfitting


def naive(returns: Floats, blocks: int) -> tuple[list[float], list[float], list[float]]:
    parts = np.array_split(returns, blocks)
    ranks, inside, outside = [], [], []
    for chosen in combinations(range(blocks), blocks // 2):
        seen = np.concatenate([parts[block] for block in chosen])
        unseen = np.concatenate([parts[block] for block in range(blocks) if block not in chosen])
        ratios = [column.mean() / column.std(ddof=1) for column in seen.T]
        best = int(np.argmax(ratios))
        others = [column.mean() / column.std(ddof=1) for column in unseen.T]
        ranks.append((1 + sum(other < others[best] for other in others)) / (len(others) + 1))
        inside.append(ratios[best])
        outside.append(others[best])
    return ranks, inside, outside


def test_every_split_is_that_of_a_naive_reckoning() -> None:
    returns = np.random.default_rng(4).normal(0.0, 0.01, (60, 7))
    found = probability_of_overfitting(returns, blocks=6)
    ranks, inside, outside = naive(returns, 6)
    assert found.rank == pytest.approx(ranks)
    assert found.in_sample == pytest.approx(inside)
    assert found.out_of_sample == pytest.approx(outside)
    assert found.probability == np.mean(np.array(ranks) <= 0.5)
    assert found.loss == np.mean(np.array(outside) < 0)
    assert found.slope == pytest.approx(np.polyfit(inside, outside, 1)[0])
    assert found.logits == pytest.approx([np.log(rank / (1 - rank)) for rank in ranks])


def test_a_trial_that_is_really_better_is_found_again() -> None:
    returns = np.random.default_rng(5).normal(0.0, 0.01, (1000, 50))
    returns[:, 17] += 0.004
    found = probability_of_overfitting(returns)
    assert len(found.rank) == 12_870
    assert found.probability < 0.001
    assert found.loss < 0.001


def test_choosing_among_noise_is_a_coin() -> None:
    """Over many histories; one alone may be anything, for its splits share their rows."""
    found = [
        probability_of_overfitting(np.random.default_rng(seed).normal(0.0, 0.01, (400, 30)), blocks=8).probability
        for seed in range(60)
    ]
    # Out of sample the best is a little below the middle: what one half has above its mean the other has below.
    error = float(np.std(found) / np.sqrt(len(found)))
    assert float(np.mean(found)) == pytest.approx(0.5, abs=0.1 + 3 * error)
    assert float(np.mean(found)) > 0.4


def test_what_was_won_in_one_half_and_lost_in_the_other_is_over_fitted_for_certain() -> None:
    """Each trial earns the same over all blocks, so the more in one half the less in the other."""
    random = np.random.default_rng(6)
    levels = random.normal(0.0, 0.01, (8, 40))
    levels -= levels.mean(axis=0)
    noise = np.tile([1.0, -1.0], 10)[:, None] * 1e-2
    returns = np.concatenate([level[None, :] + noise for level in levels])
    found = probability_of_overfitting(returns, blocks=8)
    assert found.probability > 0.99
    assert found.slope < 0


def test_rows_that_fill_no_block_are_left_out_at_the_beginning() -> None:
    returns = np.random.default_rng(8).normal(0.0, 0.01, (43, 5))
    assert (
        probability_of_overfitting(returns, 4).rank.tolist() == probability_of_overfitting(returns[3:], 4).rank.tolist()
    )


def test_equal_trials_share_the_mean_of_their_places() -> None:
    """Two of three are the same and better: places 2 and 3 of 3, so 2.5 / 4."""
    good = np.random.default_rng(11).normal(0.01, 0.01, 200)
    found = probability_of_overfitting(np.column_stack([good, good, good - 0.02]), 8)
    assert found.rank.tolist() == [0.625] * 70


def test_a_trial_that_never_traded_has_a_ratio_of_nothing() -> None:
    returns = np.random.default_rng(9).normal(-0.005, 0.01, (400, 5))
    returns[:, 2] = 0.0
    found = probability_of_overfitting(returns, 8)
    # All others lose, so doing nothing is best in every half.
    assert found.in_sample.tolist() == [0.0] * 70
    assert found.probability == 0.0


def test_large_tables_are_looked_through_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    returns = np.random.default_rng(10).normal(0.0, 0.01, (100, 9))
    whole = probability_of_overfitting(returns, 8)
    monkeypatch.setattr("backtests.statistics.overfitting.CHUNK", 100)
    assert probability_of_overfitting(returns, 8).rank.tolist() == whole.rank.tolist()


@pytest.mark.parametrize(
    ("shape", "blocks", "why"),
    [((100, 1), 4, "at least two trials"), ((100, 3), 5, "even number"), ((7, 3), 4, "two rows each")],
)
def test_what_cannot_be_split_is_refused(shape: tuple[int, int], blocks: int, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        probability_of_overfitting(np.zeros(shape), blocks)


def test_returns_are_numbers() -> None:
    with pytest.raises(ValueError, match="finite"):
        probability_of_overfitting(np.full((100, 3), np.nan), 4)
