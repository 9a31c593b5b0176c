"""The account of a run: what a fill changes, what an order needs, when it is liquidated.

``quote`` is what is left after every purchase at its full worth, for linear markets too: there a long position makes it
negative, and ``quote + amount × price`` is the equity all the same. Where several bots share the account, each has its own
and is told what the others leave (``backtests.portfolio``); a market's position is that of all bots on it.
"""

from __future__ import annotations

import math
from typing import Any

from strategies.compiled import compiled
from strategies.lattice import nearest_count

# A share of a step below which a position is none: what sums of floats leave over.
NOTHING = 1e-6
# Money that is short by so small a share is enough: limits are decimals, sums are floats.
FORGIVEN = 1e-9


@compiled
def summed(terms: Any, amount: float, change: float) -> float:
    """A linear position is whole steps; a spot one is not where a fee is taken of what was bought."""
    total = amount + change
    if not terms.rules.is_linear:
        return total
    unit, scale = terms.rules.step_unit, terms.rules.step_scale
    return float(nearest_count(total * scale / unit) * unit / scale)


@compiled
def booked(terms: Any, a: Any, change: float, value: float, fee_quote: float) -> None:
    """Average cost. ``change`` in base after a fee in base; ``value`` is price × amount, negative for a sell."""
    a.realised -= fee_quote
    if a.amount == 0.0 or (a.amount > 0.0) == (change > 0.0):
        a.amount = summed(terms, a.amount, change)
        a.cost += value
        return
    held = abs(a.amount)
    traded = abs(change)
    closed = min(traded, held)
    cost = a.cost * closed / held
    closing = value * closed / traded
    a.realised -= cost + closing
    a.amount = summed(terms, a.amount, change)
    a.cost = value - closing if traded > held else a.cost - cost
    if abs(a.amount) < NOTHING * terms.rules.step_unit / terms.rules.step_scale:
        a.amount = 0.0
        a.cost = 0.0


@compiled
def liquidation_price(terms: Any, a: Any) -> float:
    """Where the equity is the maintenance margin: (equity) = maintenance × worth. NaN where there is no such price."""
    held = a.amount + a.beside
    if terms.maintenance <= 0.0 or held == 0.0 or not terms.rules.is_linear:
        return math.nan
    rest = a.quote + a.beyond
    price = -rest / (held * (1.0 - terms.maintenance)) if held > 0.0 else rest / (-held * (1.0 + terms.maintenance))
    return price if price > 0.0 else math.nan


@compiled
def is_ruined(terms: Any, a: Any, here: float, there: float, at_the_end: bool) -> bool:
    """Whether the account is liquidated on the way from ``here`` to ``there``; at ``there`` itself only on request, as
    an order that stands at this price is filled first."""
    ruin = liquidation_price(terms, a)
    if math.isnan(ruin):
        return False
    if a.amount + a.beside > 0.0:
        return here <= ruin or (there <= ruin if at_the_end else there < ruin)
    return here >= ruin or (there >= ruin if at_the_end else there > ruin)


@compiled
def hold(terms: Any, a: Any, order: Any, amount: float) -> None:
    """Binds (or, with a negative amount, frees) what a standing order needs; one that waits for its trigger needs
    nothing yet."""
    if order.waits:
        return
    if not terms.rules.is_linear:
        if order.side > 0:
            a.locked_quote += amount * order.held_at
        else:
            a.locked_base += amount
    elif not order.reduce_only:
        if order.side > 0:
            a.buy_amount += amount
            a.buy_worth += amount * order.held_at
        else:
            a.sell_amount += amount
            a.sell_worth += amount * order.held_at


@compiled
def hold_nothing(a: Any) -> None:
    """Where no order stands: what the sums of floats leave over."""
    a.locked_quote = 0.0
    a.locked_base = 0.0
    a.buy_amount = 0.0
    a.buy_worth = 0.0
    a.sell_amount = 0.0
    a.sell_worth = 0.0


@compiled
def opening_worth(amount: float, worth: float, closes: float) -> float:
    """The part of one side's orders that would open or add to a position; ``closes`` is what they first close."""
    if amount <= 0.0:
        return 0.0
    if closes <= 0.0:
        return worth
    return worth * max(amount - closes, 0.0) / amount


@compiled
def order_margin(terms: Any, a: Any, side: int, amount: float, worth: float) -> float:
    """Initial margin of the open orders and one more: the dearer side, less what only closes the position."""
    held = a.amount + a.beside
    buys_amount = a.buy_amount + a.beside_buy_amount + (amount if side > 0 else 0.0)
    buys_worth = a.buy_worth + a.beside_buy_worth + (worth if side > 0 else 0.0)
    sells_amount = a.sell_amount + a.beside_sell_amount + (amount if side < 0 else 0.0)
    sells_worth = a.sell_worth + a.beside_sell_worth + (worth if side < 0 else 0.0)
    buys = opening_worth(buys_amount, buys_worth, -held)
    sells = opening_worth(sells_amount, sells_worth, held)
    return float(max(buys, sells) / terms.leverage)


@compiled
def affords(terms: Any, a: Any, side: int, amount: float, at: float, price: float, reduce_only: bool) -> bool:
    """Whether the account has what an order at ``at`` needs while the market stands at ``price``."""
    worth = amount * at
    if not terms.rules.is_linear:
        if side > 0:
            return bool(worth <= (a.quote - a.locked_quote + a.spare) + FORGIVEN * worth)
        return bool(amount <= (a.amount - a.locked_base + a.spare_base) + FORGIVEN * amount)
    if reduce_only:
        return True
    before = order_margin(terms, a, side, 0.0, 0.0)
    needed = order_margin(terms, a, side, amount, worth) - before
    if needed <= FORGIVEN * worth:
        return True
    held = a.amount + a.beside
    equity = a.quote + a.spare + held * price
    free = equity - abs(held) * price / terms.leverage - before
    return bool(needed + worth * terms.rules.taker_fee <= free + FORGIVEN * worth)
