"""Probability of back-test over-fitting by combinatorially symmetric cross-validation.

Bailey, Borwein, López de Prado & Zhu, "The Probability of Backtest Overfitting", Journal of Computational Finance (2015).
The history is cut into S blocks; of each way to take half of them, the trial that is best there is looked up in the
other half. Choosing is worth something when it is still above the median there.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from backtests.metrics.inputs import Floats
from backtests.metrics.returns import ROUNDING

# So many numbers are held at a time: 32 MB a matrix.
CHUNK = 4_000_000


@dataclass(frozen=True, slots=True)
class Overfitting:
    """One entry per split: Sharpe ratio (per period) of the trial chosen in sample, there and out of sample, and its rank.

    ``rank`` out of sample is between 0 (worst) and 1 (best). ``loss`` is the share of splits in which the chosen trial
    lost money out of sample, ``slope`` that of the line through out-of-sample over in-sample ratios: below 0, what looked
    better did worse.
    """

    probability: float
    rank: Floats
    in_sample: Floats
    out_of_sample: Floats
    loss: float
    slope: float

    @property
    def logits(self) -> Floats:
        return np.log(self.rank / (1.0 - self.rank))


def probability_of_overfitting(returns: Floats, blocks: int = 16) -> Overfitting:
    """``returns``: one row per period, one column per trial, all that were tried and not only the good ones.

    ``blocks`` is even; rows that do not fill a block are left out at the beginning. A trial that did not vary in a half
    has a ratio of 0 there. Probability: the share of splits in which the chosen one is not above the median. Raises
    ``ValueError`` for fewer than two trials, an odd number of blocks, fewer than two rows a block, or what is no number.
    """
    if returns.ndim != 2 or returns.shape[1] < 2:
        raise ValueError("over-fitting is asked of a table with a column for each of at least two trials")
    if blocks < 2 or blocks % 2 or len(returns) < 2 * blocks:
        raise ValueError(f"{len(returns)} rows in {blocks} blocks: an even number of blocks, of two rows each at least")
    if not np.isfinite(returns).all():
        raise ValueError("returns must be finite")
    size = len(returns) // blocks
    cut = returns[len(returns) - size * blocks :].reshape(blocks, size, -1)
    sums, squares = cut.sum(axis=1), np.square(cut).sum(axis=1)
    halves = np.zeros((comb(blocks, blocks // 2), blocks))
    for row, chosen in enumerate(combinations(range(blocks), blocks // 2)):
        halves[row, chosen] = 1.0
    portion = max(1, CHUNK // returns.shape[1])
    parts = [
        _looked_up(halves[begin : begin + portion], sums, squares, size * blocks // 2)
        for begin in range(0, len(halves), portion)
    ]
    inside, outside, rank = (np.concatenate(column) for column in zip(*parts, strict=True))
    away = inside - inside.mean()
    spread = float(np.dot(away, away))
    return Overfitting(
        probability=float(np.mean(rank <= 0.5)),
        rank=rank,
        in_sample=inside,
        out_of_sample=outside,
        loss=float(np.mean(outside < 0.0)),
        slope=float(np.dot(away, outside)) / spread if spread > ROUNDING else float("nan"),
    )


def _looked_up(halves: Floats, sums: Floats, squares: Floats, count: int) -> tuple[Floats, Floats, Floats]:
    """Of each split: the best trial's ratio in sample, out of sample, and its relative rank there."""
    inside = _ratios(halves @ sums, halves @ squares, count)
    outside = _ratios((1.0 - halves) @ sums, (1.0 - halves) @ squares, count)
    rows, best = np.arange(len(halves)), np.argmax(inside, axis=1)
    chosen = outside[rows, best]
    lower = np.sum(outside < chosen[:, None], axis=1)
    equal = np.sum(outside == chosen[:, None], axis=1)
    # Equals share the mean of their places; divided by N + 1, so that neither 0 nor 1 is reached.
    rank = (lower + (equal + 1) / 2) / (outside.shape[1] + 1)
    return inside[rows, best], chosen, rank


def _ratios(sums: Floats, squares: Floats, count: int) -> Floats:
    mean = sums / count
    variance = (squares - sums * mean) / (count - 1)
    # Below this share of its own square the difference is what rounding left of nothing.
    varies = variance > 1e-12 * squares / count
    return np.divide(mean, np.sqrt(np.where(varies, variance, 1.0)), out=np.zeros_like(mean), where=varies)
