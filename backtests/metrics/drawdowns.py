"""How far below its best, and for how long. Depths are positive fractions of the peak: 0.25 is a quarter lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backtests.metrics.inputs import EquityCurve, Floats, Times
from backtests.metrics.sampling import Sampled


@dataclass(frozen=True, slots=True)
class Drawdown:
    """From the peak to the lowest row (``depth``, at most 1), and on to the first row at the peak's height again.

    Times are ms UTC. ``recovered_at`` is ``None`` for one that lasts to the end; its ``length`` counts up to there.
    """

    depth: float
    peak_at: int
    trough_at: int
    recovered_at: int | None
    length: int

    @property
    def recovery(self) -> int | None:
        """Milliseconds from the lowest row to the recovery."""
        return None if self.recovered_at is None else self.recovered_at - self.trough_at


def depths(equity: Floats, initial: float) -> Floats:
    """Each row's distance from the highest equity so far, the initial one included: 1 − equity / peak, at most 1."""
    peaks = np.maximum(np.maximum.accumulate(equity), initial)
    below = 1.0 - equity / peaks
    # Who is ruined has lost all there was, whatever comes afterwards.
    gone = equity <= 0.0
    if gone.any():
        below[int(np.argmax(gone)) :] = 1.0
    return below


def deepest(curve: EquityCurve, below: Floats | None = None) -> Drawdown | None:
    """The drawdown with the greatest depth, the first of equals; ``None`` when equity never fell below its peak.

    ``below``: ``depths`` of every row, when they are known already.
    """
    below = depths(curve.equity, curve.initial) if below is None else below
    lowest = int(np.argmax(below))
    if below[lowest] <= 0.0:
        return None
    dry = below <= 0.0
    before = np.flatnonzero(dry[:lowest])
    peak_at = int(curve.timestamp[before[-1]]) if len(before) else curve.started_at
    after = int(np.argmax(dry[lowest:]))
    recovered_at = int(curve.timestamp[lowest + after]) if after else None
    end = int(curve.timestamp[-1]) if recovered_at is None else recovered_at
    return Drawdown(float(below[lowest]), peak_at, int(curve.timestamp[lowest]), recovered_at, end - peak_at)


def longest(curve: EquityCurve, below: Floats | None = None) -> int:
    """The longest time (ms) from a peak until equity was as high again, or the end; 0 when it never fell."""
    below = depths(curve.equity, curve.initial) if below is None else below
    # 1 where a stretch under water begins, −1 at the first row after it.
    edges = np.diff(np.concatenate([[False], below > 0.0, [False]]).astype(np.int8))
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if not len(begins):
        return 0
    times: Times = np.concatenate([[curve.started_at], curve.timestamp])
    recoveries = curve.timestamp[np.minimum(ends, len(curve) - 1)]
    # Row i of ``times`` is the row before row i of the curve: the peak's.
    return int(np.max(recoveries - times[begins]))


def average(sampled: Sampled, initial: float) -> float:
    """The mean depth of all drawdowns of the sampled equity, each from a peak to the next row at its height; 0 if none.

    Of the sampled equity, because at one-minute rows thousands of ticks below a peak would hide the real ones.
    """
    below = depths(sampled.equity, initial)
    under = np.concatenate([[False], below > 0.0])
    begins = np.flatnonzero(under[1:] & ~under[:-1])
    if not len(begins):
        return 0.0
    # Rows between drawdowns have depth 0, so each stretch's maximum is its drawdown's.
    return float(np.mean(np.maximum.reduceat(below, begins)))


def ulcer_index(sampled: Sampled, initial: float) -> float:
    """Root of the mean squared depth of the sampled equity (Martin & McCann, 1989), as a fraction."""
    return float(np.sqrt(np.mean(np.square(depths(sampled.equity, initial)))))
