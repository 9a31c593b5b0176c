"""The synthetic market: the same for a seed, possible in every candle, and shaped like a real one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from exchange.candles.files import COLUMNS, Candles, check
from exchange.candles.synthetic import COINS, REGIMES, synthetic_market

MONTH = 30 * 1440
SEEDS = (1, 7, 42)


@pytest.fixture(scope="module", params=SEEDS)
def market(request: pytest.FixtureRequest) -> dict[str, Candles]:
    return synthetic_market(["BTCUSDT", "ETHUSDT", "SHIBUSDT", "UNKNOWNUSDT"], minutes=MONTH, seed=request.param)


def returns(one: Candles) -> NDArray[np.float64]:
    return np.diff(np.log(one.close))


def autocorrelation(values: NDArray[np.float64], lag: int) -> float:
    return float(np.corrcoef(values[:-lag], values[lag:])[0, 1])


def test_a_seed_always_gives_the_same_market_and_another_seed_another() -> None:
    first, again = (synthetic_market(["BTCUSDT"], minutes=2000, seed=5)["BTCUSDT"] for _ in range(2))
    for column in COLUMNS:
        assert np.array_equal(getattr(first, column), getattr(again, column))
    other = synthetic_market(["BTCUSDT"], minutes=2000, seed=6)["BTCUSDT"]
    assert not np.array_equal(first.close, other.close)


def test_a_symbol_does_not_depend_on_what_else_is_asked_for() -> None:
    alone = synthetic_market(["ETHUSDT"], minutes=2000, seed=5)["ETHUSDT"]
    together = synthetic_market(["BTCUSDT", "ETHUSDT"], minutes=2000, seed=5)["ETHUSDT"]
    assert np.array_equal(alone.close, together.close)


def test_every_candle_is_possible_and_follows_the_one_before(market: dict[str, Candles]) -> None:
    for symbol, one in market.items():
        check(one, symbol)
        assert len(one) == MONTH
        assert np.array_equal(one.open[1:], one.close[:-1])
        assert np.all(np.diff(one.timestamp) == 60_000)


def test_prices_are_multiples_of_the_tick(market: dict[str, Candles]) -> None:
    for symbol in ("BTCUSDT", "ETHUSDT", "SHIBUSDT"):
        ticks = market[symbol].close / COINS[symbol].tick
        assert np.allclose(ticks, np.round(ticks), rtol=0, atol=1e-6)


def test_volatility_clusters_while_returns_do_not(market: dict[str, Candles]) -> None:
    for symbol in ("BTCUSDT", "ETHUSDT"):
        moved = returns(market[symbol])
        for lag in (1, 5, 30):
            assert autocorrelation(np.abs(moved), lag) > 0.1
            assert autocorrelation(np.abs(moved), lag) > 3 * abs(autocorrelation(moved, lag))


def test_returns_have_fat_tails(market: dict[str, Candles]) -> None:
    moved = returns(market["BTCUSDT"])
    kurtosis = float(np.mean((moved - moved.mean()) ** 4) / moved.var() ** 2)
    assert kurtosis > 4.0  # a normal distribution has 3


def test_volume_rises_with_volatility(market: dict[str, Candles]) -> None:
    one = market["BTCUSDT"]
    assert np.corrcoef(np.abs(returns(one)), one.volume[1:])[0, 1] > 0.25


def test_coins_move_together(market: dict[str, Candles]) -> None:
    together = np.corrcoef(returns(market["BTCUSDT"]), returns(market["ETHUSDT"]))[0, 1]
    assert 0.3 < together < 0.95


def test_a_month_is_of_the_size_that_months_are(market: dict[str, Candles]) -> None:
    """BTC's volatility has been 30 to 110 % a year, and no month took it down by more than 60 %."""
    one = market["BTCUSDT"]
    yearly = float(returns(one).std() * np.sqrt(365 * 1440))
    assert 0.3 < yearly < 1.6
    assert 0.4 < one.close[-1] / one.open[0] < 2.5


def test_regimes_cover_trends_ranges_and_crashes() -> None:
    assert {regime.name for regime in REGIMES} == {"range", "trend up", "trend down", "crash", "recovery"}
    assert sum(regime.weight for regime in REGIMES) == pytest.approx(1.0)


def test_a_range_stays_nearer_to_where_it_began_than_a_walk_would() -> None:
    """With the regimes' pull the price of a long range has a bounded spread; without it the spread grows on."""
    from exchange.candles.synthetic import _pulled

    random = np.random.default_rng(3)
    moves = random.normal(0, 1, 200_000)
    assert np.std(_pulled(moves, 0.01)) < 12  # 1/√(2·0.01) is 7.1
    assert np.std(_pulled(moves, 0.0)) > 50
