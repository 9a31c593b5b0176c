"""The numbers that the papers print, and simulations whose answer is known."""

from __future__ import annotations

from itertools import combinations
from math import sqrt

import numpy as np
import pytest

from backtests.statistics.sharpe import (
    SharpeEstimate,
    deflated_sharpe,
    estimate,
    expected_maximum_sharpe,
    independent_trials,
    mean_correlation,
    minimum_track_record,
    probabilistic_sharpe,
)


def test_the_hedge_fund_of_the_sharpe_ratio_efficient_frontier() -> None:
    """24 months at a ratio of 0.458: 98.2 % if returns were normal, 91.3 % with their skewness and kurtosis."""
    assert probabilistic_sharpe(SharpeEstimate(0.458, 24)) == pytest.approx(0.982, abs=5e-4)
    assert probabilistic_sharpe(SharpeEstimate(0.458, 24, -2.448, 10.164)) == pytest.approx(0.913, abs=5e-4)


@pytest.mark.parametrize(("periods", "years"), [(250, 2.73), (52, 2.83), (12, 3.24)])
def test_years_to_prove_that_a_ratio_of_two_is_above_one(periods: int, years: float) -> None:
    """As the paper says for daily, weekly and monthly normal returns, at 95 %."""
    found = minimum_track_record(SharpeEstimate(2 / sqrt(periods), 0), 1 / sqrt(periods))
    assert found / periods == pytest.approx(years, abs=5e-3)


def test_years_for_a_typical_hedge_fund() -> None:
    """Skewness −0.72 and kurtosis 5.78 make 4.99 years of the 3.24."""
    found = minimum_track_record(SharpeEstimate(2 / sqrt(12), 0, -0.72, 5.78), 1 / sqrt(12))
    assert found / 12 == pytest.approx(4.99, abs=5e-3)


def test_the_example_of_the_deflated_sharpe_ratio() -> None:
    """2.5 a year over five years of 250 days, the best of 100 trials with a variance of ½ a year."""
    variance = 0.5 / 250
    seen = SharpeEstimate(2.5 / sqrt(250), 1250, -3.0, 10.0)
    assert expected_maximum_sharpe(100, variance) == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(seen, 100, variance) == pytest.approx(0.9004, abs=5e-5)
    # Significant after 46 trials; with normal returns it would have been after 88.
    assert deflated_sharpe(seen, 46, variance) == pytest.approx(0.9505, abs=5e-5)
    assert deflated_sharpe(SharpeEstimate(2.5 / sqrt(250), 1250), 88, variance) == pytest.approx(0.9505, abs=5e-5)


def test_the_examples_of_pseudo_mathematics() -> None:
    """Bailey et al. (2014): ten trials show 1.57 after a year; after five years 45 trials show a ratio of 1."""
    assert expected_maximum_sharpe(10, 1.0) == pytest.approx(1.57, abs=5e-3)
    assert expected_maximum_sharpe(45, 1 / 5) == pytest.approx(1.0, abs=5e-3)


def test_the_best_of_many_draws_is_what_is_expected() -> None:
    random = np.random.default_rng(7)
    best = 0.3 * random.standard_normal((20_000, 50)).max(axis=1)
    # The approximation of the paper is good to a percent; the simulation's own error is 0.001.
    assert expected_maximum_sharpe(50, 0.09) == pytest.approx(float(best.mean()), rel=0.015)


def test_one_trial_is_no_choice() -> None:
    assert expected_maximum_sharpe(1, 1.0) == 0.0
    seen = SharpeEstimate(0.1, 500)
    assert deflated_sharpe(seen, 1, 1.0) == probabilistic_sharpe(seen)
    with pytest.raises(ValueError, match="one at least"):
        expected_maximum_sharpe(0, 1.0)


def test_the_probability_is_right_as_often_as_it_says() -> None:
    """Of series whose true ratio is 0, one in twenty has a probability above 95 %: fat tails or not."""
    random = np.random.default_rng(3)
    for draw in (random.standard_normal((4000, 250)), random.standard_t(5, (4000, 250))):
        found = np.array([probabilistic_sharpe(estimate(row)) for row in draw])
        # Standard error of the share: √(0.05 · 0.95 / 4000) = 0.0034.
        assert np.mean(found > 0.95) == pytest.approx(0.05, abs=0.0105)


def test_moments_by_hand() -> None:
    """0, 0, 0, 4: mean 1, squares 12, cubes 24, fourth powers 84."""
    found = estimate(np.array([0.0, 0.0, 0.0, 4.0]))
    assert found.sharpe == pytest.approx(1 / sqrt(12 / 3))
    assert found.skewness == pytest.approx((24 / 4) / (12 / 4) ** 1.5)
    assert found.kurtosis == pytest.approx((84 / 4) / (12 / 4) ** 2)


def test_what_does_not_vary_has_no_ratio_and_no_probability() -> None:
    for returns in (np.zeros(10), np.array([0.01])):
        found = estimate(returns)
        assert np.isnan(found.sharpe)
        assert np.isnan(probabilistic_sharpe(found))
        assert np.isnan(minimum_track_record(found))


def test_no_record_is_long_enough_for_a_ratio_below_its_benchmark() -> None:
    assert np.isnan(minimum_track_record(SharpeEstimate(0.1, 100), 0.1))
    with pytest.raises(ValueError, match="between 0 and 1"):
        minimum_track_record(SharpeEstimate(0.1, 100), 0.0, 1.0)


def test_correlated_trials_count_for_less() -> None:
    assert independent_trials(100, 0.0) == 100.0
    assert independent_trials(100, 0.5) == 50.5
    assert independent_trials(100, 1.0) == 1.0
    assert independent_trials(100, -0.1) == 100.0


def test_the_mean_correlation_is_that_of_all_pairs() -> None:
    random = np.random.default_rng(1)
    table = random.standard_normal((300, 1)) + random.standard_normal((300, 6))
    pairs = [np.corrcoef(table[:, first], table[:, second])[0, 1] for first, second in combinations(range(6), 2)]
    still = np.column_stack([table, np.zeros(300)])
    assert mean_correlation(still) == pytest.approx(float(np.mean(pairs)))
    assert mean_correlation(np.zeros((10, 3))) == 0.0
