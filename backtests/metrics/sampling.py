"""Equity read at the ends of equal periods, and the returns between them: what all ratios are made of.

Ratios from one-minute returns say more of noise than of the strategy, so equity is sampled once a day unless asked
otherwise. Periods are counted from the epoch, so days end at 00:00 UTC; a market that never closes has 365 of them a
year. The first and the last period count in full even when the run covers a part of them. A period without any candle
(a gap) keeps the equity of the one before: its return is 0. After ruin there are no more returns: the last one is −1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backtests.metrics.inputs import EquityCurve, Floats, Times

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
YEAR_MS = 365 * DAY_MS


@dataclass(frozen=True, slots=True)
class Sampled:
    """``equity`` at ``ends``: of the last candle that ends at or before each. ``rows`` are the rows of these candles (−1
    before the first), ``returns`` those since the end before."""

    ends: Times
    rows: Times
    equity: Floats
    returns: Floats
    periods_per_year: float


def sample(curve: EquityCurve, period: int = DAY_MS) -> Sampled:
    """The curve once a ``period`` (ms). Raises ``ValueError`` for a period that is not above 0."""
    if period <= 0:
        raise ValueError(f"a sampling period of {period} ms: it must be above 0")
    first, last = curve.started_at // period, (int(curve.timestamp[-1]) - 1) // period
    ends = (np.arange(first, last + 1, dtype=np.int64) + 1) * period
    equity, rows = equity_at(curve, ends)
    before = np.concatenate([[curve.initial], equity[:-1]])
    ruined = np.flatnonzero(equity <= 0.0)
    if len(ruined):
        kept = int(ruined[0]) + 1
        ends, rows, equity, before = ends[:kept], rows[:kept], equity[:kept], before[:kept]
    return Sampled(ends, rows, equity, equity / before - 1.0, YEAR_MS / period)


def equity_at(curve: EquityCurve, times: Times) -> tuple[Floats, Times]:
    """Equity as it was known at each time, and its row: the initial one (row −1) before the first row, 0 after ruin."""
    rows = np.searchsorted(curve.timestamp, times, side="right").astype(np.int64) - 1
    equity = np.where(rows >= 0, curve.equity[np.maximum(rows, 0)], curve.initial)
    ruined_at = curve.ruined_at
    if ruined_at is not None:
        equity = np.where(times >= ruined_at, 0.0, equity)
    return equity, rows


def month_starts(first: int, last: int) -> Times:
    """00:00 UTC of the first day of each month from the one of ``first`` to the one after that of ``last`` (ms)."""
    begin = np.datetime64(first, "ms").astype("datetime64[M]")
    end = np.datetime64(last, "ms").astype("datetime64[M]") + np.timedelta64(2, "M")
    starts: Times = np.arange(begin, end).astype("datetime64[ms]").astype(np.int64)
    return starts
