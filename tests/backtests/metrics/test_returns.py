"""Returns and ratios of runs that are worked out by hand."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from backtests.metrics import returns
from backtests.metrics.inputs import EquityCurve
from backtests.metrics.sampling import DAY_MS, HOUR_MS, sample
from tests.backtests.metrics.cast import DAY, START, curve

# Returns of +10 %, −10 %, +10 %, 0: mean 0.025, squares of the deviations 0.0275.
FOUR_DAYS = curve([1100.0, 990.0, 1089.0, 1089.0])


def test_four_days_by_hand() -> None:
    sampled = sample(FOUR_DAYS)
    assert sampled.returns == pytest.approx([0.1, -0.1, 0.1, 0.0])
    assert returns.total_return(FOUR_DAYS) == pytest.approx(0.089)
    assert returns.cagr(FOUR_DAYS) == pytest.approx(1.089 ** (365 / 4) - 1)
    assert returns.volatility(sampled) == pytest.approx(sqrt(0.0275 / 3) * sqrt(365))
    assert returns.sharpe(sampled) == pytest.approx(0.025 / sqrt(0.0275 / 3) * sqrt(365))
    # One shortfall of 0.1 in four days.
    assert returns.sortino(sampled) == pytest.approx(0.025 / sqrt(0.01 / 4) * sqrt(365))


def test_a_risk_free_rate_is_taken_off_by_the_period() -> None:
    sampled = sample(FOUR_DAYS)
    daily = 1.05 ** (1 / 365) - 1
    assert returns.sharpe(sampled, 0.05) == pytest.approx((0.025 - daily) / sqrt(0.0275 / 3) * sqrt(365))
    shortfalls = [0.0, -0.1 - daily, 0.0, -daily]
    downside = sqrt(sum(each**2 for each in shortfalls) / 4)
    assert returns.sortino(sampled, 0.05) == pytest.approx((0.025 - daily) / downside * sqrt(365))


def test_minutes_are_sampled_at_the_end_of_each_day() -> None:
    minutes = 1440 * 2 + 60
    equity = 1000.0 + np.arange(1, minutes + 1) / 1440
    sampled = sample(curve(list(equity), candle=60_000))
    assert sampled.equity == pytest.approx([1001.0, 1002.0, 1002.0 + 60 / 1440])
    assert sampled.returns == pytest.approx([1001 / 1000 - 1, 1002 / 1001 - 1, (1002 + 60 / 1440) / 1002 - 1])
    assert sampled.ends.tolist() == [START + DAY, START + 2 * DAY, START + 3 * DAY]


def test_other_periods_have_other_numbers_a_year() -> None:
    hours = curve([1000.0 + each for each in range(1, 49)], candle=HOUR_MS)
    assert len(sample(hours, HOUR_MS).returns) == 48
    assert sample(hours, HOUR_MS).periods_per_year == 8760
    assert len(sample(hours, DAY_MS).returns) == 2
    with pytest.raises(ValueError, match="above 0"):
        sample(hours, 0)


def test_a_gap_keeps_the_equity_of_the_day_before() -> None:
    """Days 2 and 3 have no candles."""
    gap = EquityCurve(START + DAY * np.array([1, 4]), np.array([1100.0, 1210.0]), START, 1000.0)
    assert sample(gap).returns == pytest.approx([0.1, 0.0, 0.0, 0.1])


def test_a_first_period_without_rows_has_the_initial_equity() -> None:
    """The first candle opens on the first day and ends on the second."""
    late = EquityCurve(START + DAY * np.array([2]), np.array([1100.0]), START, 1000.0)
    assert sample(late).equity == pytest.approx([1000.0, 1100.0])


def test_without_volatility_there_is_no_ratio() -> None:
    flat = sample(curve([1000.0] * 10))
    assert returns.volatility(flat) == 0.0
    assert np.isnan(returns.sharpe(flat))
    assert np.isnan(returns.sortino(flat))
    steady = sample(curve([1000.0 * 1.01**day for day in range(1, 30)]))
    assert returns.volatility(steady) == 0.0
    assert np.isnan(returns.sharpe(steady))


def test_without_a_losing_period_there_is_no_sortino_but_a_sharpe() -> None:
    rising = sample(curve([1010.0, 1030.0, 1031.0]))
    assert np.isnan(returns.sortino(rising))
    assert returns.sharpe(rising) > 0


def test_one_row_has_a_return_and_nothing_else() -> None:
    one = curve([1001.0], candle=60_000)
    assert returns.total_return(one) == pytest.approx(0.001)
    assert np.isnan(returns.cagr(one))
    sampled = sample(one)
    assert sampled.returns == pytest.approx([0.001])
    for ratio in (returns.volatility, returns.sharpe, returns.sortino):
        assert np.isnan(ratio(sampled))


def test_growth_beyond_all_numbers_is_not_defined() -> None:
    assert np.isnan(returns.cagr(curve([1e8], initial=1.0)))


def test_ruin_ends_the_returns() -> None:
    ruined = curve([500.0, -50.0, 400.0])
    assert sample(ruined).returns == pytest.approx([-0.5, -1.0])
    assert returns.cagr(ruined) == -1.0
    assert returns.total_return(curve([500.0, -50.0])) == pytest.approx(-1.05)
    assert [each.value for each in returns.monthly_returns(ruined)] == [-1.0]


def test_ruin_inside_a_day_is_ruin_at_its_end() -> None:
    equity = [1000.0] * 24
    equity[5] = 0.0
    assert sample(curve(equity, candle=HOUR_MS)).returns == pytest.approx([-1.0])


def test_monthly_returns_by_calendar_month() -> None:
    """1000 to 31 January, 1100 at its end, unchanged through February, 990 at the end of 3 March."""
    equity = [1000.0] * 30 + [1100.0] * 29 + [1100.0, 1100.0, 990.0]
    assert returns.monthly_returns(curve(equity)) == (
        (2025, 1, pytest.approx(0.1)),
        (2025, 2, 0.0),
        (2025, 3, pytest.approx(-0.1)),
    )


def test_months_of_years_and_of_a_single_row() -> None:
    across = returns.monthly_returns(curve([1000.0] * 60, start=START - 31 * DAY))
    assert [(each.year, each.month) for each in across] == [(2024, 12), (2025, 1)]
    # The last candle ends at 00:00 of 1 February: it belongs to January.
    whole = returns.monthly_returns(curve([1000.0] * 31))
    assert [(each.year, each.month) for each in whole] == [(2025, 1)]


def test_buying_and_holding() -> None:
    price = np.array([100.0, 90.0, 120.0])
    assert returns.hold_return(price) == pytest.approx(0.2)
    assert returns.hold_return(price, first_price=80.0) == pytest.approx(0.5)
    # 1000 buy 999 worth at 80: 999 × 1.5.
    assert returns.hold_return(price, first_price=80.0, fee=0.001) == pytest.approx(0.4985)


def test_half_the_market_and_a_bit_every_day() -> None:
    """Each day half the market's move and 0.1 % more: beta is a half, alpha 0.1 % a day."""
    moves = np.array([0.02, -0.01, 0.03, -0.02, 0.0])
    price = 100.0 * np.cumprod(1 + moves)
    equity = 1000.0 * np.cumprod(1 + moves / 2 + 0.001)
    found = returns.against_market(sample(curve(list(equity))), price, first_price=100.0)
    assert found.beta == pytest.approx(0.5)
    assert found.alpha == pytest.approx(1.001**365 - 1)


def test_against_a_price_that_never_moves_nothing_is_known() -> None:
    found = returns.against_market(sample(FOUR_DAYS), np.full(4, 100.0))
    assert np.isnan(found.alpha)
    assert np.isnan(found.beta)
