"""Figures of round trips and of activity, by hand."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from backtests.metrics import activity, trading
from backtests.metrics.inputs import no_fills, no_trades
from tests.backtests.metrics.cast import curve, fills, trades

# Won 60 in three, lost 30 in two, one at nothing.
SIX = trades([10.0, 20.0, 0.0, 30.0, -10.0, -20.0])


def test_six_trades_by_hand() -> None:
    assert trading.win_rate(SIX) == 0.5
    assert trading.profit_factor(SIX) == 2.0
    assert trading.expectancy(SIX) == 5.0
    assert trading.average_win(SIX) == 20.0
    assert trading.average_loss(SIX) == -15.0
    assert trading.payoff(SIX) == pytest.approx(4 / 3)
    assert (trading.best_trade(SIX), trading.worst_trade(SIX)) == (30.0, -20.0)
    assert trading.average_duration(SIX) == 7_200_000
    # Squares of the deviations from 5: 25 + 225 + 25 + 625 + 225 + 625 = 1750.
    assert trading.system_quality_number(SIX) == pytest.approx(sqrt(6) * 5 / sqrt(1750 / 5))


def test_a_trade_of_nothing_ends_a_streak() -> None:
    assert trading.streaks(SIX) == trading.Streaks(winning=2, losing=2)
    assert trading.streaks(trades([-1.0, -1.0, -1.0])) == trading.Streaks(winning=0, losing=3)


def test_excursions() -> None:
    found = trading.excursions(trades([1.0, 2.0], mae=[-3.0, -5.0], mfe=[4.0, 2.0]))
    assert found == trading.Excursions(average_mae=-4.0, worst_mae=-5.0, average_mfe=3.0, best_mfe=4.0)


def test_without_trades_nothing_is_defined_but_the_counts() -> None:
    none = no_trades()
    for figure in (
        trading.win_rate,
        trading.profit_factor,
        trading.expectancy,
        trading.average_win,
        trading.average_loss,
        trading.payoff,
        trading.system_quality_number,
        trading.best_trade,
        trading.worst_trade,
        trading.average_duration,
    ):
        assert np.isnan(figure(none)), figure
    assert trading.streaks(none) == trading.Streaks(0, 0)
    assert np.isnan(trading.excursions(none).worst_mae)


def test_a_profit_factor_without_losses_is_not_infinite() -> None:
    winners = trades([1.0, 2.0])
    assert np.isnan(trading.profit_factor(winners))
    assert np.isnan(trading.payoff(winners))
    assert trading.win_rate(winners) == 1.0


def test_equal_profits_have_no_quality_number() -> None:
    assert np.isnan(trading.system_quality_number(trades([0.1 + 0.2, 0.3, 0.3])))
    assert np.isnan(trading.system_quality_number(trades([1.0])))


def test_exposure_counts_size_without_sign() -> None:
    found = activity.exposure(curve([1000.0] * 4, exposure=[0.0, 0.5, -1.5, 0.0]))
    assert found == activity.Exposure(average=0.5, highest=1.5, time_in_market=0.5)
    assert np.isnan(activity.exposure(curve([1000.0])).average)


def test_value_turnover_fees_and_makers() -> None:
    two = fills([(0, 1, 100.0, 3.0, 0.3), (1, -1, 110.0, 1.0, -0.02)], maker=[False, True])
    assert activity.traded_value(two) == 410.0
    assert activity.fees(two) == pytest.approx(0.28)
    assert activity.maker_share(two) == pytest.approx(110 / 410)
    assert activity.turnover(curve([1000.0, 1050.0]), two) == pytest.approx(410 / 1025)
    assert activity.traded_value(no_fills()) == 0.0
    assert np.isnan(activity.maker_share(no_fills()))
