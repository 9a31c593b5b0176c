"""What a live start asks before a bot places its first order: can all of its orders be paid out of what is free now?

A live bot asks its strategy (``Strategy.preflight``) with the account's free balance, and does not start where anything
stands in its way. So it is here, at the bot's first point, with what the bots before it have left.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from backtests.loop.money import opening_worth
from backtests.portfolio.account import NONE, Pool, on_market
from strategies.contract import MarketKind, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from backtests.running import Prepared

# Exchanges tell balances with so many digits; what sums of floats leave beyond them is nothing.
_DIGITS: Final = Decimal("1e-8")


class StartRefused(ValueError):
    """No bot may start. ``problems`` by the bots' names; ``str()`` puts each on a line of its own, after one that says so."""

    def __init__(self, problems: Mapping[str, Sequence[Problem]]) -> None:
        self.problems = problems
        told = [f"{name}: {each.message}" for name, found in problems.items() for each in found]
        super().__init__("\n".join(["no bot may start:", *told]))


def start_problems(pool: Pool, number: int, ready: Prepared) -> Sequence[Problem]:
    """Everything that stands in the way of the bot's start at its first candle's open."""
    quote, base = free_balances(pool, number, is_linear=ready.market.kind is MarketKind.LINEAR)
    price = Decimal(repr(float(ready.candles.open[0])))
    found: Sequence[Problem] = ready.strategy.preflight(ready.start, ready.market, price, _told(quote), _told(base))
    return found


def free_balances(pool: Pool, number: int, *, is_linear: bool) -> tuple[float, float]:
    """Quote and coins that an exchange tells as free: the wallet without what orders and positions hold. Profit that is not
    realised is none of it."""
    market = pool.market[number]
    wallet = pool.balance
    if not is_linear:
        coins = 0.0
        for each, traded in zip(pool.bots, pool.market, strict=True):
            wallet += float(each.quote) - pool.balance - float(each.locked_quote)
            coins += float(each.amount - each.locked_base) if traded == market else 0.0
        return wallet, coins
    for each in pool.bots:
        wallet += float(each.quote) - pool.balance + float(each.cost)
    for place, price in enumerate(pool.price):
        held, buy_amount, buy_worth, sell_amount, sell_worth = on_market.plain(pool, place, NONE)
        buys, sells = (
            opening_worth.plain(buy_amount, buy_worth, -held),
            opening_worth.plain(sell_amount, sell_worth, held),
        )
        wallet -= (abs(held) * float(price) + max(buys, sells)) / float(pool.leverage[place])
    return wallet, 0.0


def _told(balance: float) -> Decimal:
    return max(Decimal(balance).quantize(_DIGITS), Decimal(0))
