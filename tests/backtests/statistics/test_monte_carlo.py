"""Random histories whose distribution can be counted out."""

from __future__ import annotations

import json
from itertools import permutations
from math import comb

import numpy as np
import pytest

from backtests.statistics import monte_carlo
from backtests.statistics.monte_carlo import drawn_trades, interval, resampled_returns, shuffled_trades


def drawdown(path: list[float]) -> float:
    peak, deepest = 100.0, 0.0
    for equity in path:
        peak = max(peak, equity)
        deepest = max(deepest, 1 - equity / peak)
    return deepest


def test_shuffled_trades_end_alike_and_fall_as_all_orders_do() -> None:
    profits = np.array([10.0, -5.0, 20.0, -15.0, -10.0])
    found = shuffled_trades(profits, 100.0, 40_000, np.random.default_rng(1))
    assert found.final == pytest.approx(np.full(40_000, 100.0))
    every = [drawdown(list(100.0 + np.cumsum(order))) for order in permutations(profits)]
    assert float(found.max_drawdown.mean()) == pytest.approx(float(np.mean(every)), abs=0.002)
    assert float(found.max_drawdown.max()) == pytest.approx(max(every))
    assert float(found.max_drawdown.min()) == pytest.approx(min(every))


def test_drawn_trades_have_the_binomial_distribution() -> None:
    """Ten draws of +1 or −1: the end is 100 + 2 · heads − 10."""
    found = drawn_trades(np.array([1.0, -1.0] * 5), 100.0, 50_000, np.random.default_rng(2))
    for heads in range(11):
        share = float(np.mean(found.final == 100.0 + 2 * heads - 10))
        assert share == pytest.approx(comb(10, heads) / 2**10, abs=0.009)


def test_the_risk_of_ruin_is_that_of_the_reflection_principle() -> None:
    """A fair walk of 16 steps from 8 reaches 4 with probability 2 · P(S < −4) + P(S = −4)."""
    found = drawn_trades(np.array([1.0, -1.0] * 8), 8.0, 50_000, np.random.default_rng(3))
    below = sum(comb(16, up) for up in range(17) if 2 * up - 16 < -4)
    at = sum(comb(16, up) for up in range(17) if 2 * up - 16 == -4)
    assert found.risk_of_ruin(0.5) == pytest.approx((2 * below + at) / 2**16, abs=0.008)


def test_returns_compound_and_keep_their_blocks() -> None:
    returns = np.array([0.1, -0.1] * 20)
    # Blocks so long that each history is the real one from another start: 20 rises and 20 falls.
    found = resampled_returns(returns, 1000.0, 500, np.random.default_rng(4), mean_block=1e9)
    assert found.final == pytest.approx(np.full(500, 1000.0 * 1.1**20 * 0.9**20))
    assert found.probability_of_loss() == 1.0


def test_the_logarithm_of_resampled_returns_has_the_series_own_mean_and_spread() -> None:
    random = np.random.default_rng(5)
    logs = random.normal(0.001, 0.02, 250)
    found = np.log(resampled_returns(np.expm1(logs), 1.0, 20_000, random, mean_block=1.0).final)
    assert float(found.mean()) == pytest.approx(250 * float(logs.mean()), abs=0.01)
    assert float(found.std()) == pytest.approx(np.sqrt(250) * float(logs.std()), rel=0.03)


def test_ruin_is_final() -> None:
    """A return of −100 % ends it even when others follow, and there is no coming back from below."""
    found = resampled_returns(np.array([0.5, -1.2, 0.5]), 100.0, 300, np.random.default_rng(6), mean_block=1e9)
    assert found.final.tolist() == [0.0] * 300
    assert found.max_drawdown.tolist() == [1.0] * 300
    assert found.risk_of_ruin(1.0) == 1.0


def test_a_drawdown_below_zero_equity_is_the_whole() -> None:
    found = shuffled_trades(np.array([-150.0]), 100.0, 3, np.random.default_rng(7))
    assert found.max_drawdown.tolist() == [1.0, 1.0, 1.0]
    assert found.lowest.tolist() == [-50.0] * 3


def test_intervals_are_percentiles() -> None:
    values = np.arange(101.0)
    assert interval(values, 0.9) == pytest.approx((5.0, 50.0, 95.0))
    assert interval(values, 0.5) == pytest.approx((25.0, 50.0, 75.0))
    with pytest.raises(ValueError, match="between 0 and 1"):
        interval(values, 1.0)


def test_large_runs_come_in_portions_of_the_same_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    profits = np.array([3.0, -1.0, -1.0])
    monkeypatch.setattr(monte_carlo, "CHUNK", 10)
    found = shuffled_trades(profits, 10.0, 3000, np.random.default_rng(8))
    # Equity stays at the start or above only when the win comes first: one order of three.
    assert float(np.mean(found.lowest == 10.0)) == pytest.approx(1 / 3, abs=0.03)


def test_the_json_is_plain() -> None:
    found = drawn_trades(np.array([1.0, -1.0]), 100.0, 50, np.random.default_rng(9)).to_json()
    read = json.loads(json.dumps(found, allow_nan=False))
    assert read["runs"] == 50
    assert set(read["final"]) == {"1", "5", "25", "50", "75", "95", "99"}
    assert set(read["risk_of_ruin"]) == {"0.2", "0.5", "1"}


def test_nothing_can_be_drawn_of_nothing() -> None:
    random = np.random.default_rng(1)
    with pytest.raises(ValueError, match="no trades"):
        shuffled_trades(np.empty(0), 100.0, 10, random)
    with pytest.raises(ValueError, match="finite"):
        drawn_trades(np.array([np.nan]), 100.0, 10, random)
    with pytest.raises(ValueError, match="above 0"):
        drawn_trades(np.ones(1), 0.0, 10, random)
    with pytest.raises(ValueError, match="0 runs"):
        drawn_trades(np.ones(1), 1.0, 0, random)
