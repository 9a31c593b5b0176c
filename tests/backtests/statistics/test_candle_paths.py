"""Candles that could have been are possible candles, and like the real ones in what they are said to keep."""

from __future__ import annotations

import numpy as np
import pytest

from backtests.statistics import candle_paths
from backtests.synthetic import Layout, Phase, random_walk, regime_switching, with_price_gap
from exchange.candles import files

REAL = with_price_gap(regime_switching(Layout(5000, tick=0.0001), 1), 2500, 0.05, 0.0001)


def test_perturbed_candles_are_possible_and_keep_their_times() -> None:
    random = np.random.default_rng(1)
    for candles in (
        candle_paths.with_noise(REAL, random, 0.3),
        candle_paths.resampled(REAL, random),
        candle_paths.resampled(REAL, random, 1.0),
    ):
        files.check(candles, "perturbed")
        assert candles.timestamp.tolist() == REAL.timestamp.tolist()
        assert candles.close.tolist() != REAL.close.tolist()


def test_without_noise_they_are_the_real_ones() -> None:
    same = candle_paths.with_noise(REAL, np.random.default_rng(1), 0.0, tick=0.0001)
    for column in ("open", "high", "low", "close", "volume"):
        assert getattr(same, column) == pytest.approx(getattr(REAL, column), abs=1.01e-4)


def test_the_same_seed_makes_the_same_candles() -> None:
    for make in (candle_paths.with_noise, candle_paths.resampled):
        first, again, other = (make(REAL, np.random.default_rng(seed)).close.tolist() for seed in (5, 5, 6))
        assert first == again
        assert first != other


def test_noise_has_the_share_of_the_volatility_and_no_drift() -> None:
    walk = random_walk(Layout(20_000, tick=1e-7), 2, volatility=0.002)
    noisy = candle_paths.with_noise(walk, np.random.default_rng(3), 0.5, tick=1e-7)
    noise = np.log((noisy.close / noisy.open) / (walk.close / walk.open))
    assert float(noise.std()) == pytest.approx(0.5 * 0.002, rel=0.03)
    assert np.array_equal(walk.open[1:], walk.close[:-1])
    assert noisy.open[1:] == pytest.approx(noisy.close[:-1])


def test_noise_has_mean_one() -> None:
    """10,000 factors with a deviation of 0.1: without the correction their mean would be 1.005."""
    random = np.random.default_rng(7)
    short = random_walk(Layout(50, tick=1e-7), 3, volatility=0.01)
    share = 0.1 / float(np.std(np.diff(np.log(short.close))))
    bodies = short.close / short.open
    noisy = [candle_paths.with_noise(short, random, share, tick=1e-7) for _ in range(200)]
    factors = np.concatenate([each.close / each.open / bodies for each in noisy])
    assert float(factors.mean()) == pytest.approx(1.0, abs=3 * 0.1 / np.sqrt(10_000))


def test_resampled_candles_are_the_real_ones_in_another_order() -> None:
    found = candle_paths.resampled(REAL, np.random.default_rng(4), 20.0, tick=1e-9)
    assert found.open[0] == pytest.approx(REAL.open[0])
    bodies = {round(float(body), 5) for body in REAL.close / REAL.open}
    assert all(round(float(body), 5) in bodies for body in found.close / found.open)
    ranges = np.sort(REAL.high / REAL.low)
    assert float((found.high / found.low).mean()) == pytest.approx(float(ranges.mean()), rel=0.05)


def test_blocks_keep_clusters_of_volatility() -> None:
    def clustering(close: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
        size = np.abs(np.diff(np.log(close)))
        return float(np.corrcoef(size[1:], size[:-1])[0, 1])

    phases = (Phase(0.0, 0.0003, 200.0), Phase(0.0, 0.003, 200.0))
    real = regime_switching(Layout(5000, tick=1e-7), 6, phases=phases)
    blocks = candle_paths.resampled(real, np.random.default_rng(5), 100.0, tick=1e-7)
    single = candle_paths.resampled(real, np.random.default_rng(5), 1.0, tick=1e-7)
    assert clustering(real.close) > 0.2
    assert clustering(blocks.close) > 0.8 * clustering(real.close)
    assert abs(clustering(single.close)) < 0.05


def test_noise_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="not below 0"):
        candle_paths.with_noise(REAL, np.random.default_rng(1), -0.1)
