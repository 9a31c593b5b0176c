"""What the round trips say. Profits are net of fees and in quote; a trade of exactly 0 neither won nor lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backtests.metrics.inputs import Floats, Trades
from backtests.metrics.returns import NAN


@dataclass(frozen=True, slots=True)
class Streaks:
    """The longest rows of trades, in the order of closing, that all won or all lost; a trade of 0 ends both."""

    winning: int
    losing: int


@dataclass(frozen=True, slots=True)
class Excursions:
    """Maximum adverse and favourable excursion (Sweeney, 1996) in quote, before fees: the means, and the furthest."""

    average_mae: float
    worst_mae: float
    average_mfe: float
    best_mfe: float


def win_rate(trades: Trades) -> float:
    """Trades that won / all trades."""
    return float(np.mean(trades.profit > 0.0)) if len(trades) else NAN


def profit_factor(trades: Trades) -> float:
    """All that was won / all that was lost. Not defined while nothing was lost."""
    lost = -float(np.sum(trades.profit[trades.profit < 0.0]))
    return float(np.sum(trades.profit[trades.profit > 0.0])) / lost if lost > 0.0 else NAN


def expectancy(trades: Trades) -> float:
    """Mean profit of a trade, which is win rate × average win + loss rate × average loss."""
    return _mean(trades.profit)


def average_win(trades: Trades) -> float:
    return _mean(trades.profit[trades.profit > 0.0])


def average_loss(trades: Trades) -> float:
    """Negative."""
    return _mean(trades.profit[trades.profit < 0.0])


def payoff(trades: Trades) -> float:
    """Average win / average loss, as a positive number."""
    return average_win(trades) / -average_loss(trades)


def system_quality_number(trades: Trades) -> float:
    """√n × mean profit / standard deviation of the profits (n − 1) (Van Tharp, 2008, there with R multiples).

    ``n`` is not capped at 100 as some do, so runs with different numbers of trades are not compared by it. Not defined
    for fewer than two trades or equal profits.
    """
    count = len(trades)
    if count < 2:
        return NAN
    mean, deviation = float(np.mean(trades.profit)), float(np.std(trades.profit, ddof=1))
    # Equal profits differ by the rounding of their prices.
    if deviation <= 1e-9 * abs(mean):
        return NAN
    return float(np.sqrt(count)) * mean / deviation


def best_trade(trades: Trades) -> float:
    return float(np.max(trades.profit)) if len(trades) else NAN


def worst_trade(trades: Trades) -> float:
    return float(np.min(trades.profit)) if len(trades) else NAN


def average_duration(trades: Trades) -> float:
    """Milliseconds from the first entry to the last exit."""
    return _mean((trades.closed_at - trades.opened_at).astype(np.float64))


def streaks(trades: Trades) -> Streaks:
    return Streaks(_longest(trades.profit > 0.0), _longest(trades.profit < 0.0))


def excursions(trades: Trades) -> Excursions:
    if not len(trades):
        return Excursions(NAN, NAN, NAN, NAN)
    return Excursions(_mean(trades.mae), float(np.min(trades.mae)), _mean(trades.mfe), float(np.max(trades.mfe)))


def _longest(marks: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marks, [False]]).astype(np.int8)))
    return int(np.max(edges[1::2] - edges[::2], initial=0))


def _mean(values: Floats) -> float:
    return float(np.mean(values)) if len(values) else NAN
