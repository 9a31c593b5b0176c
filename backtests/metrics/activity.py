"""How much of the time and of the money was at work, and what trading cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backtests.metrics.inputs import EquityCurve, Fills
from backtests.metrics.returns import NAN


@dataclass(frozen=True, slots=True)
class Exposure:
    """Shares of equity, without sign; ``time_in_market`` is the share of candles that ended with a position."""

    average: float
    highest: float
    time_in_market: float


def exposure(curve: EquityCurve) -> Exposure:
    """Counted by candles, so gaps do not count. Not defined when the curve does not carry its exposure."""
    if curve.exposure is None:
        return Exposure(NAN, NAN, NAN)
    size = np.abs(curve.exposure)
    return Exposure(float(np.mean(size)), float(np.max(size)), float(np.count_nonzero(size)) / len(size))


def traded_value(fills: Fills) -> float:
    """Price × amount of all fills, in quote."""
    return float(np.sum(fills.value))


def turnover(curve: EquityCurve, fills: Fills) -> float:
    """How often the mean equity was traded over the whole run: value traded / mean equity. A round trip counts twice."""
    mean = float(np.mean(curve.equity))
    return traded_value(fills) / mean if mean > 0.0 else NAN


def fees(fills: Fills) -> float:
    """In quote; below 0 when rebates were more."""
    return float(np.sum(fills.fee))


def maker_share(fills: Fills) -> float:
    """Share of the traded value that rested in the book first."""
    value = traded_value(fills)
    return float(np.sum(fills.value[fills.is_maker])) / value if value > 0.0 else NAN
