"""The library empyrical computes the same from the same daily returns."""

from __future__ import annotations

import empyrical
import numpy as np
import pandas as pd
import pytest

from backtests.metrics.sampling import DAY_MS, sample
from backtests.metrics.summary import summarise
from tests.backtests.metrics.cast import START, curve

DAYS = 700


@pytest.mark.parametrize("seed", range(5))
def test_ratios_of_random_runs(seed: int) -> None:
    random = np.random.default_rng(seed)
    market = random.standard_t(4, DAYS) * 0.02
    daily = 0.4 * market + random.normal(0.0005, 0.01, DAYS)
    price = 100.0 * np.cumprod(1.0 + market, dtype=np.float64)
    found = summarise(curve(list(1000.0 * np.cumprod(1.0 + daily))), price=price, first_price=100.0)

    index = pd.date_range(pd.Timestamp(START, unit="ms", tz="UTC"), periods=DAYS, freq="D")
    theirs, factor = pd.Series(daily, index), pd.Series(market, index)
    year = {"annualization": 365}
    assert np.array(found.returns) == pytest.approx(daily)
    assert found.total_return == pytest.approx(empyrical.cum_returns_final(theirs))
    assert found.cagr == pytest.approx(empyrical.cagr(theirs, **year))
    assert found.volatility == pytest.approx(empyrical.annual_volatility(theirs, **year))
    assert found.sharpe == pytest.approx(empyrical.sharpe_ratio(theirs, **year))
    assert found.sortino == pytest.approx(empyrical.sortino_ratio(theirs, **year))
    assert -found.max_drawdown == pytest.approx(empyrical.max_drawdown(theirs))
    assert found.calmar == pytest.approx(empyrical.calmar_ratio(theirs, **year))
    alpha, beta = empyrical.alpha_beta(theirs, factor, **year)
    assert found.beta == pytest.approx(beta)
    assert found.alpha == pytest.approx(alpha)
    months = empyrical.aggregate_returns(theirs, "monthly")
    assert [(each.year, each.month) for each in found.monthly_returns] == list(months.index)
    assert [each.value for each in found.monthly_returns] == pytest.approx(months.to_numpy())


def test_minutes_are_sampled_as_pandas_resamples_them() -> None:
    random = np.random.default_rng(11)
    minutes = 3 * 1440 + 77
    equity = 1000.0 * np.cumprod(1.0 + random.normal(0, 0.001, minutes))
    run = curve(list(equity), candle=60_000)
    # Rows are ends of candles, so a day is closed on its right.
    series = pd.Series(equity, pd.to_datetime(run.timestamp, unit="ms", utc=True))
    theirs = series.resample("1D", closed="right").last().dropna()
    assert sample(run, DAY_MS).equity == pytest.approx(theirs.to_numpy())
