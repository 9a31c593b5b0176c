"""Sizes from equity, price and the distance of the stop. Each gives base, before any limit (see ``limits``).

An account that is empty or in debt trades nothing.
"""

from __future__ import annotations

from strategies.compiled import compiled


def fixed_value(value: float, price: float) -> float:
    """The same ``value`` in quote each time. Raises ``ValueError`` when a number is not above 0."""
    _above_zero(value=value, price=price)
    return value / price


def percent_of_equity(equity: float, percent: float, price: float) -> float:
    """A position worth ``percent`` of the equity (fixed fractional by value)."""
    _above_zero(percent=percent, price=price)
    return max(equity, 0.0) * percent / 100.0 / price


def risk_percent(equity: float, percent: float, stop_distance: float, cost: float = 0.0) -> float:
    """A position that loses ``percent`` of the equity when it is closed ``stop_distance`` (quote) from its entry.

    ``cost`` is what one coin costs besides, in quote: the fees of entry and exit. The percent risk model of Van K.
    Tharp, Trade Your Way to Financial Freedom, 1998. 20,000 at 1 % with the stop 50 away: 200 / 50 = 4 coins.
    """
    _above_zero(percent=percent, stop_distance=stop_distance)
    if cost < 0.0:
        raise ValueError(f"cost is {cost}: it cannot be below 0.")
    return risked.plain(equity, percent, stop_distance, cost)


@compiled
def risked(equity: float, percent: float, stop_distance: float, cost: float) -> float:
    """:func:`risk_percent` for compiled steps: nothing is checked."""
    return max(equity, 0.0) * percent / 100.0 / (stop_distance + cost)


def atr_amount(equity: float, percent: float, atr: float, multiple: float = 1.0) -> float:
    """A position of which a move by ``multiple`` average true ranges (quote) is worth ``percent`` of the equity.

    The unit of the Turtles (Curtis Faith, The Original Turtle Trading Rules, 2003): 1 % of the account over
    N = ATR. Their example: heating oil with N = 0.0141 and 42,000 gallons a contract on an account of 1,000,000 gives
    10,000 / (0.0141 × 42,000) = 16.88, which is 16 contracts.
    """
    _above_zero(percent=percent, atr=atr, multiple=multiple)
    return max(equity, 0.0) * percent / 100.0 / (multiple * atr)


def _above_zero(**numbers: float) -> None:
    for name, value in numbers.items():
        if not value > 0.0:
            raise ValueError(f"{name} is {value}: it must be above 0.")
