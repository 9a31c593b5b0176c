"""Candles that could have been: the same market with other noise, or its own pieces in another order.

For running a strategy again on each of them. Each candle is taken apart into its opening gap (open / previous close), its
body (close / open) and its wicks (how far high and low pass the body), all as ratios, so that what is put together again
is always a possible candle.
"""

from __future__ import annotations

import numpy as np

from backtests.metrics.inputs import Floats
from backtests.statistics import resampling
from backtests.synthetic import on_ticks
from exchange.candles.files import Candles


def with_noise(candles: Candles, random: np.random.Generator, share: float = 0.1, tick: float = 0.01) -> Candles:
    """Each body is multiplied by lognormal noise with ``share`` of the market's own standard deviation of log returns.

    The noise has mean 1, so that it adds no drift, and it accumulates: the path wanders away from the real one. Raises
    ``ValueError`` for a share below 0 or fewer than two candles.
    """
    if not share >= 0.0 or len(candles) < 2:
        raise ValueError(f"noise of {share} on {len(candles)} candles: a share is not below 0, and two candles needed")
    deviation = share * float(np.std(np.diff(np.log(candles.close))))
    noise = np.exp(random.normal(-(deviation**2) / 2.0, deviation, len(candles)))
    gaps, bodies, above, below = _taken_apart(candles)
    return _put_together(candles, gaps, bodies * noise, above, below, candles.volume, tick)


def resampled(
    candles: Candles, random: np.random.Generator, mean_block: float | None = None, tick: float = 0.01
) -> Candles:
    """A path of the market's own candles, drawn in blocks by the stationary bootstrap, at the times of the real ones.

    It begins at the same price. Blocks keep volatility clusters; ``mean_block`` candles on average, n^(1/3) by default.
    """
    length = float(resampling.usual_block_length(len(candles))) if mean_block is None else mean_block
    rows = resampling.stationary_blocks(len(candles), 1, length, random)[0]
    gaps, bodies, above, below = (column[rows] for column in _taken_apart(candles))
    gaps[0] = 1.0
    return _put_together(candles, gaps, bodies, above, below, candles.volume[rows], tick)


def _taken_apart(candles: Candles) -> tuple[Floats, Floats, Floats, Floats]:
    gaps = np.concatenate([[1.0], candles.open[1:] / candles.close[:-1]])
    bodies = candles.close / candles.open
    above = candles.high / np.maximum(candles.open, candles.close)
    below = candles.low / np.minimum(candles.open, candles.close)
    return gaps, bodies, above, below


def _put_together(
    real: Candles, gaps: Floats, bodies: Floats, above: Floats, below: Floats, volume: Floats, tick: float
) -> Candles:
    close = float(real.open[0]) * np.cumprod(gaps * bodies, dtype=np.float64)
    opened = close / bodies
    high, low = np.maximum(opened, close) * above, np.minimum(opened, close) * below
    return on_ticks(Candles(real.timestamp, opened, high, low, close, volume), tick)
