"""Markets with known answers have the properties that they are made for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests import synthetic
from backtests.synthetic import Layout, Phase
from exchange.candles import files
from exchange.candles.files import Candles
from tests.properties import examples

Make = Callable[[Layout, int], Candles]
MARKETS: dict[str, Make] = {
    "random walk": lambda layout, seed: synthetic.random_walk(layout, seed, volatility=0.01),
    "trend": lambda layout, seed: synthetic.trend(layout, seed, drift=0.001, volatility=0.005),
    "mean reverting": lambda layout, seed: synthetic.mean_reverting(layout, seed, pull=0.05, volatility=0.01),
    "sine": lambda layout, seed: synthetic.sine(layout, period=7.3 + seed % 50, amplitude=20.0),
    "regimes": synthetic.regime_switching,
    "gap": lambda layout, seed: synthetic.with_price_gap(
        synthetic.random_walk(layout, seed), layout.rows // 2, -0.1, layout.tick
    ),
    "crash": lambda layout, seed: synthetic.with_flash_crash(
        synthetic.random_walk(layout, seed), layout.rows // 3, 0.4, 5, layout.tick
    ),
}


@pytest.mark.parametrize("name", MARKETS)
@given(seed=st.integers(0, 10_000), rows=st.integers(10, 60), tick=st.sampled_from([0.01, 0.05, 0.001, 0.25]))
@examples(25)
def test_candles_are_possible_and_on_ticks(name: str, seed: int, rows: int, tick: float) -> None:
    candles = MARKETS[name](Layout(rows, tick=tick), seed)
    files.check(candles, name)
    assert len(candles) == rows
    for column in (candles.open, candles.high, candles.low, candles.close):
        ticks = column / tick
        assert np.abs(ticks - np.round(ticks)).max() < 1e-6
        # The float is the one that the price's shortest text gives.
        assert column.tolist() == [float(f"{price:.6f}") for price in column]
    opened_at_close = candles.open[1:] == candles.close[:-1]
    assert int(np.sum(~opened_at_close)) <= (1 if name == "gap" else 0)


@pytest.mark.parametrize("name", sorted(set(MARKETS) - {"sine"}))
def test_the_same_seed_makes_the_same_market(name: str) -> None:
    layout = Layout(200)
    first, again, other = (MARKETS[name](layout, seed) for seed in (3, 3, 4))
    assert first.close.tolist() == again.close.tolist()
    assert first.close.tolist() != other.close.tolist()


def test_the_layout_is_kept() -> None:
    candles = synthetic.random_walk(Layout(5, start=1_000_000, timeframe=300_000, volume=7.0), 1)
    assert candles.timestamp.tolist() == [1_000_000 + 300_000 * row for row in range(5)]
    assert candles.volume.tolist() == [7.0] * 5


def test_a_random_walk_earns_nothing_on_average_and_spreads_as_told() -> None:
    """The mean of 3000 last prices is the first one, within its own error; log returns have the volatility asked for."""
    fine = Layout(100, tick=1e-6)
    last = np.array([synthetic.random_walk(fine, seed, volatility=0.02).close[-1] for seed in range(3000)])
    assert float(last.mean()) == pytest.approx(100.0, abs=3 * float(last.std()) / np.sqrt(3000))
    assert float(np.log(last / 100.0).std()) == pytest.approx(0.02 * np.sqrt(100), rel=0.04)


def test_the_returns_of_a_random_walk_do_not_depend_on_each_other() -> None:
    close = synthetic.random_walk(Layout(50_000, tick=1e-6), 1, volatility=0.001).close
    moves = np.diff(np.log(close))
    assert float(moves.std()) == pytest.approx(0.001, rel=0.02)
    assert abs(float(np.corrcoef(moves[1:], moves[:-1])[0, 1])) < 3 / np.sqrt(50_000)


def test_the_range_of_a_candle_is_nearly_that_of_a_continuous_path() -> None:
    """A Brownian path's mean range is √(8/π) σ; twelve steps see a part of it."""
    candles = synthetic.random_walk(Layout(20_000, tick=1e-6), 2, volatility=0.001)
    ranges = np.log(candles.high / candles.low)
    whole = np.sqrt(8 / np.pi) * 0.001
    assert 0.7 * whole < float(ranges.mean()) < whole


def test_a_trend_without_noise_is_a_straight_line_in_logarithms() -> None:
    close = synthetic.trend(Layout(100, tick=1e-8), 0, drift=0.01).close
    assert np.log(close / 100.0) == pytest.approx(0.01 * np.arange(1, 101), abs=1e-9)


def test_a_sine_reaches_its_crests_even_inside_a_candle() -> None:
    """Periods of 10 candles: the crest at 2.5 is inside the third candle."""
    candles = synthetic.sine(Layout(40), period=10, amplitude=20.0)
    assert np.flatnonzero(candles.high == 120.0).tolist() == [2, 12, 22, 32]
    assert np.flatnonzero(candles.low == 80.0).tolist() == [7, 17, 27, 37]
    assert candles.close[4::5] == pytest.approx(np.full(8, 100.0))
    assert candles.close[1] == round(100 + 20 * np.sin(2 * np.pi * 0.2), 2)


def test_a_crest_at_the_end_of_a_candle_is_its_close() -> None:
    candles = synthetic.sine(Layout(8), period=4, amplitude=10.0)
    assert candles.close.tolist() == [110.0, 100.0, 90.0, 100.0] * 2
    assert candles.high.tolist() == [110.0, 110.0, 100.0, 100.0] * 2


def test_a_pull_brings_the_price_back_and_holds_the_spread() -> None:
    """It settles at σ / √(2 · pull); correlation over a candle is e^−pull."""
    candles = synthetic.mean_reverting(Layout(60_000, tick=1e-6), 3, pull=0.1, volatility=0.01)
    distance = np.log(candles.close / 100.0)
    assert float(distance.std()) == pytest.approx(0.01 / np.sqrt(0.2), rel=0.03)
    assert float(np.corrcoef(distance[1:], distance[:-1])[0, 1]) == pytest.approx(np.exp(-0.1), abs=0.01)
    # So strong a pull leaves the Euler scheme's spread a quarter too wide.
    strong = synthetic.mean_reverting(Layout(20_000, tick=1e-6), 4, pull=6.0, volatility=0.01)
    assert float(np.log(strong.close / 100.0).std()) == pytest.approx(0.01 / np.sqrt(12.0), rel=0.03)
    still = synthetic.mean_reverting(Layout(50, tick=1e-8), 0, pull=0.1, volatility=0.0, begin=120.0)
    assert np.log(still.close / 100.0) == pytest.approx(np.log(1.2) * np.exp(-0.1 * np.arange(1, 51)), abs=1e-9)


def test_regimes_last_as_long_and_move_as_much_as_told() -> None:
    calm_and_wild = (Phase(0.0, 0.0001, 50.0), Phase(0.0, 0.01, 150.0))
    close = synthetic.regime_switching(Layout(60_000, tick=1e-9), 4, phases=calm_and_wild).close
    wild = np.abs(np.diff(np.log(close))) > 0.0005
    # 4 % of the moves at 0.01 are below 0.0005.
    assert float(wild.mean()) == pytest.approx(0.96 * 0.75, abs=0.05)
    with pytest.raises(ValueError, match="two phases"):
        synthetic.regime_switching(Layout(10), 1, phases=calm_and_wild[:1])


def test_a_gap_is_at_its_place_only() -> None:
    walk = synthetic.random_walk(Layout(20), 5)
    gap = synthetic.with_price_gap(walk, 10, -0.5)
    assert gap.close[:10].tolist() == walk.close[:10].tolist()
    assert gap.open[10] == pytest.approx(walk.close[9] / 2, abs=0.01)
    assert gap.close[10:] == pytest.approx(walk.close[10:] / 2, abs=0.01)


def test_a_flash_crash_is_deep_and_over() -> None:
    flat = synthetic.trend(Layout(12), 0, drift=0.0)
    crash = synthetic.with_flash_crash(flat, 4, 0.4, 4)
    assert crash.close.tolist() == [100.0] * 4 + [80.0, 60.0, 80.0, 100.0] + [100.0] * 4
    assert crash.low.min() == 60.0


def test_a_hole_in_time() -> None:
    hole = synthetic.without_rows(synthetic.random_walk(Layout(10), 6), 4, 3)
    assert len(hole) == 7
    assert np.diff(hole.timestamp).tolist() == [60_000] * 3 + [240_000] + [60_000] * 2


def test_what_cannot_be_is_refused() -> None:
    walk = synthetic.random_walk(Layout(10), 1)
    for make in (
        lambda: Layout(0),
        lambda: Layout(5, tick=0.0),
        lambda: synthetic.sine(Layout(5), period=0.0, amplitude=1.0),
        lambda: synthetic.sine(Layout(5), period=5.0, amplitude=100.0),
        lambda: synthetic.mean_reverting(Layout(5), 1, pull=0.0),
        lambda: synthetic.with_price_gap(walk, 10, 0.1),
        lambda: synthetic.with_flash_crash(walk, 7, 0.5, 4),
        lambda: synthetic.with_flash_crash(walk, 0, 1.0, 4),
    ):
        with pytest.raises(ValueError):
            make()
