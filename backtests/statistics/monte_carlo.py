"""What else could have come of the same trades or returns: final equity, drawdown and ruin over many random histories.

* ``shuffled_trades``: the same profits in another order. The end is always the same; only the way there differs.
* ``drawn_trades``: as many profits, drawn with replacement. Says what other trades of the same kind could have earned.
* ``resampled_returns``: the returns of equal periods in blocks, compounded. Keeps rows of bad days together.

Profits are added, as of a fixed size; returns are compounded. Candle paths for running the strategy again are in
``candle_paths``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backtests.metrics.inputs import Floats
from backtests.statistics import resampling

# So many numbers are held at a time: 16 MB a table.
CHUNK = 2_000_000
PERCENTILES = (1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0)

Draw = Callable[[int], resampling.Rows]


class Interval(NamedTuple):
    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One entry per run: ``final`` equity, the ``lowest`` on the way, and ``max_drawdown`` as a positive fraction ≤ 1."""

    initial: float
    final: Floats
    lowest: Floats
    max_drawdown: Floats

    def final_interval(self, confidence: float = 0.9) -> Interval:
        return interval(self.final, confidence)

    def drawdown_interval(self, confidence: float = 0.9) -> Interval:
        return interval(self.max_drawdown, confidence)

    def risk_of_ruin(self, loss: float = 0.5) -> float:
        """The share of runs that at some time had lost at least ``loss`` (a fraction) of the initial equity."""
        # Half a billionth of forgiveness: equity is a sum of floats.
        return float(np.mean(self.lowest <= self.initial * (1.0 - loss + 5e-10)))

    def probability_of_loss(self) -> float:
        return float(np.mean(self.final < self.initial))

    def to_json(self) -> dict[str, object]:
        """Percentiles of final equity and drawdown, risk of ruin at losses of 20, 50 and 100 %, and of any loss."""
        return {
            "runs": len(self.final),
            "initial": self.initial,
            "final": _percentiles(self.final),
            "max_drawdown": _percentiles(self.max_drawdown),
            "risk_of_ruin": {f"{loss:g}": self.risk_of_ruin(loss) for loss in (0.2, 0.5, 1.0)},
            "probability_of_loss": self.probability_of_loss(),
        }


def interval(values: Floats, confidence: float = 0.9) -> Interval:
    """The middle ``confidence`` of the values, and their median: 0.9 is from the 5th to the 95th percentile."""
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence is {confidence}: it must be between 0 and 1")
    tail = 50.0 * (1.0 - confidence)
    low, middle, high = np.percentile(values, [tail, 50.0, 100.0 - tail])
    return Interval(float(low), float(middle), float(high))


def shuffled_trades(profits: Floats, initial: float, runs: int, random: np.random.Generator) -> Outcomes:
    return _added(profits, initial, runs, lambda part: resampling.shuffled(len(profits), part, random))


def drawn_trades(profits: Floats, initial: float, runs: int, random: np.random.Generator) -> Outcomes:
    return _added(profits, initial, runs, lambda part: resampling.drawn(len(profits), part, random))


def resampled_returns(
    returns: Floats, initial: float, runs: int, random: np.random.Generator, mean_block: float | None = None
) -> Outcomes:
    """By the stationary bootstrap, with blocks of n^(1/3) periods on average unless told otherwise."""
    _check(returns, initial)
    length = float(resampling.usual_block_length(len(returns))) if mean_block is None else mean_block
    # A return of −1 ends it: what is multiplied with 0 stays there.
    factors = np.maximum(1.0 + returns, 0.0)

    def paths(part: int) -> Floats:
        rows = resampling.stationary_blocks(len(returns), part, length, random)
        return initial * np.cumprod(factors[rows], axis=1, dtype=np.float64)

    return _outcomes(paths, len(returns), initial, runs)


def _added(profits: Floats, initial: float, runs: int, draw: Draw) -> Outcomes:
    _check(profits, initial)
    return _outcomes(lambda part: initial + np.cumsum(profits[draw(part)], axis=1), len(profits), initial, runs)


def _outcomes(paths: Callable[[int], Floats], count: int, initial: float, runs: int) -> Outcomes:
    if runs < 1:
        raise ValueError(f"{runs} runs: there must be one at least")
    final, lowest, deepest = np.empty(runs), np.empty(runs), np.empty(runs)
    portion = max(1, CHUNK // count)
    for begin in range(0, runs, portion):
        end = min(runs, begin + portion)
        path = paths(end - begin)
        peaks = np.maximum(np.maximum.accumulate(path, axis=1), initial)
        final[begin:end] = path[:, -1]
        lowest[begin:end] = np.minimum(path.min(axis=1), initial)
        deepest[begin:end] = np.minimum((1.0 - path / peaks).max(axis=1), 1.0)
    return Outcomes(initial, final, lowest, np.maximum(deepest, 0.0))


def _percentiles(values: Floats) -> dict[str, float]:
    found: NDArray[np.float64] = np.percentile(values, PERCENTILES)
    return {f"{percentile:g}": float(value) for percentile, value in zip(PERCENTILES, found, strict=True)}


def _check(values: Floats, initial: float) -> None:
    if not len(values):
        raise ValueError("there is nothing to draw from: no trades, no returns")
    if not np.isfinite(values).all():
        raise ValueError("profits and returns must be finite")
    if not initial > 0.0:
        raise ValueError(f"initial equity is {initial}: it must be above 0")
