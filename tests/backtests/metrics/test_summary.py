"""All figures at once: they are those of the single functions, and their JSON is plain."""

from __future__ import annotations

import json
import math
from dataclasses import fields

import numpy as np
import pytest

from backtests.metrics.summary import summarise
from tests.backtests.metrics.cast import DAY, START, curve, trades
from tests.backtests.metrics.cast import fills as made

RUN = curve([1100.0, 990.0, 1089.0, 1089.0], exposure=[0.5, 0.5, 0.0, 0.0])


def test_everything_of_a_small_run() -> None:
    found = summarise(
        RUN,
        trades=trades([100.0, -110.0, 99.0]),
        fills=made([(0, 1, 100.0, 5.0, 0.5), (5, -1, 110.0, 5.0, 0.55)]),
        price=np.array([100.0, 110.0, 120.0, 125.0]),
        first_price=100.0,
    )
    assert (found.initial_equity, found.final_equity, found.ruined_at) == (1000.0, 1089.0, None)
    assert found.total_return == pytest.approx(0.089)
    assert found.max_drawdown == pytest.approx(0.1)
    assert found.calmar == pytest.approx(found.cagr / 0.1)
    assert (found.max_drawdown_peak_at, found.max_drawdown_trough_at) == (START + DAY, START + 2 * DAY)
    assert (found.max_drawdown_recovered_at, found.max_drawdown_length) == (None, 3 * DAY)
    assert (found.trades, found.fills, found.fees) == (3, 2, pytest.approx(1.05))
    assert found.win_rate == pytest.approx(2 / 3)
    assert found.profit_factor == pytest.approx(199 / 110)
    assert found.time_in_market == 0.5
    assert found.buy_and_hold_return == pytest.approx(0.25)
    assert found.excess_return == pytest.approx(0.089 - 0.25)


def test_the_json_is_plain_and_complete() -> None:
    found = summarise(RUN, trades=trades([1.0]))
    text = json.dumps(found.to_json(), allow_nan=False)
    read = json.loads(text)
    assert set(read) == {field.name for field in fields(found)}
    assert read["monthly_returns"] == [{"year": 2025, "month": 1, "return": pytest.approx(0.089)}]
    assert read["returns"] == pytest.approx([0.1, -0.1, 0.1, 0.0])
    # No loss, no price: not defined.
    assert read["profit_factor"] is None
    assert read["buy_and_hold_return"] is None


def test_a_run_that_did_nothing() -> None:
    found = summarise(curve([1000.0, 1000.0]))
    assert (found.total_return, found.volatility, found.max_drawdown, found.trades) == (0.0, 0.0, 0.0, 0)
    assert found.max_drawdown_peak_at is None
    for value in (found.sharpe, found.calmar, found.win_rate, found.expectancy):
        assert math.isnan(value)


def test_a_run_of_one_candle() -> None:
    found = summarise(curve([999.0], candle=60_000)).to_json()
    assert found["total_return"] == pytest.approx(-0.001)
    assert (found["cagr"], found["volatility"], found["sharpe"], found["calmar"]) == (None,) * 4
    assert found["max_drawdown"] == pytest.approx(0.001)


def test_a_run_that_is_ruined() -> None:
    found = summarise(curve([400.0, 0.0, 0.0]))
    assert found.ruined_at == START + 2 * DAY
    assert (found.total_return, found.cagr, found.max_drawdown, found.calmar) == (-1.0, -1.0, 1.0, -1.0)
    assert list(found.returns) == pytest.approx([-0.6, -1.0])
    json.dumps(found.to_json(), allow_nan=False)


def test_prices_fit_the_rows_and_are_above_zero() -> None:
    with pytest.raises(ValueError, match="3 prices for 4 rows"):
        summarise(RUN, price=np.ones(3))
    with pytest.raises(ValueError, match="above 0"):
        summarise(RUN, price=np.array([1.0, 0.0, 1.0, 1.0]))
