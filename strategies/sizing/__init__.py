"""How much to trade. Pure functions from equity, prices and records of trades to an amount of the base coin.

Each rule says what it would like; :func:`capped` then says what may be traded: limits on value and leverage, and the
market's own step and limits. Equity, prices and profits are in quote, amounts in base, percentages written as 5 for 5 %.
"""

from strategies.sizing.limits import Limits, capped
from strategies.sizing.records import (
    kelly_amount,
    kelly_fraction,
    kelly_of_trades,
    optimal_f,
    optimal_f_amount,
    terminal_wealth,
)
from strategies.sizing.rules import atr_amount, fixed_value, percent_of_equity, risk_percent

__all__ = [
    "Limits",
    "atr_amount",
    "capped",
    "fixed_value",
    "kelly_amount",
    "kelly_fraction",
    "kelly_of_trades",
    "optimal_f",
    "optimal_f_amount",
    "percent_of_equity",
    "risk_percent",
    "terminal_wealth",
]
