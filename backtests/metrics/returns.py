"""How much, how steadily, and against holding. Fractions throughout: 0.1 is 10 %."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backtests.metrics.inputs import EquityCurve, Floats
from backtests.metrics.sampling import DAY_MS, YEAR_MS, Sampled, equity_at, month_starts

# A ratio of two doubles near 1 is off by some 1e-16: what spreads less than this does not spread at all.
ROUNDING = 1e-14
NAN = float("nan")


class MonthlyReturn(NamedTuple):
    year: int
    month: int
    value: float


class AgainstMarket(NamedTuple):
    """``alpha`` a year, ``beta`` per unit of the market's return."""

    alpha: float
    beta: float


def total_return(curve: EquityCurve) -> float:
    """Final equity / initial − 1; below −1 when more was lost than was there."""
    return curve.final / curve.initial - 1.0


def cagr(curve: EquityCurve) -> float:
    """Compound annual growth rate: (final / initial)^(365 days / elapsed) − 1. −1 after ruin.

    Not defined for less than a day: what an hour earned says nothing of a year.
    """
    if curve.ruined_at is not None:
        return -1.0
    if curve.elapsed < DAY_MS:
        return NAN
    with np.errstate(over="ignore"):
        grown = float(np.exp(np.log(curve.final / curve.initial) * (YEAR_MS / curve.elapsed)))
    return grown - 1.0 if np.isfinite(grown) else NAN


def volatility(sampled: Sampled) -> float:
    """Standard deviation of the returns (n − 1), times √(periods a year). Not defined for fewer than two."""
    return _deviation(sampled.returns) * float(np.sqrt(sampled.periods_per_year))


def sharpe(sampled: Sampled, risk_free: float = 0.0) -> float:
    """Mean excess return / standard deviation (n − 1), times √(periods a year) (Sharpe, "The Sharpe Ratio", 1994).

    ``risk_free`` a year, spread over the periods by compounding. Not defined without volatility.
    """
    deviation = _deviation(sampled.returns)
    if not deviation > 0.0:
        return NAN
    excess = float(np.mean(sampled.returns)) - _per_period(risk_free, sampled)
    return excess / deviation * float(np.sqrt(sampled.periods_per_year))


def sortino(sampled: Sampled, risk_free: float = 0.0) -> float:
    """Mean excess return / downside deviation, times √(periods a year) (Sortino & Price, 1994).

    Downside deviation: the root of the mean, over all periods, of the squared shortfall below the risk-free return. Not
    defined when no period fell short, or for fewer than two.
    """
    if len(sampled.returns) < 2:
        return NAN
    excess = sampled.returns - _per_period(risk_free, sampled)
    downside = float(np.sqrt(np.mean(np.square(np.minimum(excess, 0.0)))))
    if downside <= ROUNDING:
        return NAN
    return float(np.mean(excess)) / downside * float(np.sqrt(sampled.periods_per_year))


def monthly_returns(curve: EquityCurve) -> tuple[MonthlyReturn, ...]:
    """Each calendar month (UTC) that the run touches, the first and the last perhaps in part; none after ruin."""
    starts = month_starts(curve.started_at, int(curve.timestamp[-1]) - 1)
    equity, _ = equity_at(curve, starts[1:])
    found: list[MonthlyReturn] = []
    before = curve.initial
    for start, value in zip(starts[:-1], equity, strict=True):
        if before <= 0.0:
            break
        month = int(np.datetime64(int(start), "ms").astype("datetime64[M]").astype(np.int64))
        found.append(MonthlyReturn(1970 + month // 12, 1 + month % 12, float(value) / before - 1.0))
        before = float(value)
    return tuple(found)


def hold_return(price: Floats, first_price: float | None = None, fee: float = 0.0) -> float:
    """Bought with all the money at ``first_price`` (else the first close) for a fee of that fraction, and held.

    ``price`` are closes; the position is valued at the last one, not sold.
    """
    begin = float(price[0]) if first_price is None else first_price
    return float(price[-1]) / begin * (1.0 - fee) - 1.0


def against_market(sampled: Sampled, price: Floats, first_price: float | None = None) -> AgainstMarket:
    """Jensen's alpha and beta (1968): the line of least squares through the strategy's over the market's returns.

    The market is the price itself, sampled with the equity; alpha, what is left per period when the market's part is
    taken off, is compounded to a year. Not defined for fewer than two returns or a price that never moves.
    """
    begin = float(price[0]) if first_price is None else first_price
    prices = np.where(sampled.rows >= 0, price[np.maximum(sampled.rows, 0)], begin)
    market = prices / np.concatenate([[begin], prices[:-1]]) - 1.0
    if not _deviation(market) > 0.0:
        return AgainstMarket(NAN, NAN)
    away = market - np.mean(market)
    beta = float(np.dot(away, sampled.returns) / np.dot(away, away))
    alpha = float(np.mean(sampled.returns)) - beta * float(np.mean(market))
    with np.errstate(over="ignore", invalid="ignore"):
        yearly = float(np.power(1.0 + alpha, sampled.periods_per_year)) - 1.0
    return AgainstMarket(yearly if np.isfinite(yearly) else NAN, beta)


def _per_period(risk_free: float, sampled: Sampled) -> float:
    return float((1.0 + risk_free) ** (1.0 / sampled.periods_per_year)) - 1.0


def _deviation(returns: Floats) -> float:
    if len(returns) < 2:
        return NAN
    found = float(np.std(returns, ddof=1))
    return found if found > ROUNDING else 0.0
