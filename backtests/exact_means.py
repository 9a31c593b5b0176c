"""What an account of the exact loop can pay for, and what a market takes at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from backtests.exact_records import ZERO, Book, Result, Standing
from strategies.contract import MarketKind, MarketSpec, Side

ROUNDING = Decimal("1e-9")


@dataclass(slots=True)
class Means:
    """The money and the position that an order would need; ``standing`` are the open orders, which hold some of it back."""

    market: MarketSpec
    leverage: Decimal
    result: Result[Any]
    book: Book
    standing: Mapping[Any, Standing]
    locked_quote: Decimal = ZERO
    locked_base: Decimal = ZERO

    def misfit(self, order: Standing, taken_at: Decimal) -> str:
        """Why it cannot be an order on this market, or an empty string. ``taken_at`` is the price it has at market."""
        most = self.market.max_amount
        if most is not None and order.amount > most:
            return f"amount {plain(order.amount)} above the maximum {plain(most)}"
        return self.too_little(order, taken_at)

    def too_little(self, order: Standing, taken_at: Decimal) -> str:
        amount, least = order.amount, self.market.min_notional
        if amount < self.market.min_amount or amount <= 0:
            return f"amount {plain(amount)} below the minimum {plain(self.market.min_amount)}"
        worth = amount * (order.price or order.trigger or taken_at)
        if least is not None and worth < least and not self.reduces(order):
            return f"worth {plain(worth)} below the minimum {plain(least)}"
        return ""

    def what_is_free(self, order: Standing, worth: Decimal) -> str:
        if self.market.kind is MarketKind.LINEAR:
            return f"worth {plain(worth)}: more than the margin that is free"
        if order.wanted.side is Side.BUY:
            return f"worth {plain(worth)}, free are {plain(self.result.quote - self.locked_quote)}"
        return f"sells {plain(order.amount)}, free are {plain(self.result.base - self.locked_base)}"

    def reduces(self, order: Standing) -> bool:
        return order.wanted.reduce_only and self.market.kind is MarketKind.LINEAR

    def affords(self, order: Standing, at: Decimal, price: Decimal) -> bool:
        """Spot needs the coins; linear the margin of what would open a position, and the fee."""
        is_buy, worth = order.wanted.side is Side.BUY, order.amount * at
        if self.market.kind is MarketKind.SPOT:
            if is_buy:
                return worth <= self.result.quote - self.locked_quote
            return order.amount <= self.result.base - self.locked_base
        if self.reduces(order):
            return True
        bound = self._order_margin()
        needed = self._order_margin(order, at) - bound
        equity = self.result.quote + self.book.amount * price
        free = equity - abs(self.book.amount) * price / self.leverage - bound
        # What a division leaves over is no margin.
        return needed <= worth * ROUNDING or needed + worth * self.market.taker_fee <= free

    def _order_margin(self, extra: Standing | None = None, at: Decimal = ZERO) -> Decimal:
        """Initial margin of the open orders: the dearer side, less what only closes the position."""
        open_orders = [(each, each.price) for each in self.standing.values() if each.price and not self.reduces(each)]
        margins = []
        for side, closes in ((Side.BUY, -self.book.amount), (Side.SELL, self.book.amount)):
            same = [(each.amount, price) for each, price in open_orders if each.wanted.side is side and price]
            if extra is not None and extra.wanted.side is side:
                same.append((extra.amount, at))
            amount = sum((each for each, _ in same), ZERO)
            worth = sum((each * price for each, price in same), ZERO)
            margins.append(worth * max(amount - max(closes, ZERO), ZERO) / amount if amount else ZERO)
        return max(margins) / self.leverage

    def lock(self, order: Standing, sign: int) -> None:
        """Spot orders hold back what they would spend; one that waits for its trigger nothing yet."""
        if order.trigger is not None:
            return
        if order.wanted.side is Side.SELL:
            self.locked_base += sign * order.amount
        elif order.price is not None:
            self.locked_quote += sign * order.amount * order.price


def is_passed(is_buy: bool, trigger: Decimal, price: Decimal) -> bool:
    """Whether the price is where a stop waits for it to come: an exchange refuses such an order."""
    return trigger <= price if is_buy else trigger >= price


def plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
