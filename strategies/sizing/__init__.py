"""How much to trade. Pure functions from equity, prices and records of trades to an amount of the base coin.

Each rule says what it would like; :func:`capped` then says what may be traded: limits on value and leverage, and the
market's own step and limits. ``risked``, ``kelly_risked`` and ``capped_size`` are the same arithmetic for compiled
steps (``strategies.kernel``), without the checks. Equity, prices and profits are in quote, amounts in base, percentages written as 5 for 5 %.
"""

from strategies.sizing.limits import Caps, Limits, capped, capped_size, caps_of
from strategies.sizing.records import (
    kelly_amount,
    kelly_fraction,
    kelly_of_trades,
    kelly_risked,
    kelly_share,
    optimal_f,
    optimal_f_amount,
    terminal_wealth,
)
from strategies.sizing.rules import atr_amount, fixed_value, percent_of_equity, risk_percent, risked

__all__ = [
    "Caps",
    "Limits",
    "atr_amount",
    "capped",
    "capped_size",
    "caps_of",
    "fixed_value",
    "kelly_amount",
    "kelly_fraction",
    "kelly_of_trades",
    "kelly_risked",
    "kelly_share",
    "optimal_f",
    "optimal_f_amount",
    "percent_of_equity",
    "risk_percent",
    "risked",
    "terminal_wealth",
]
