"""An account of a linear market in decimals, written from docs/backtesting/engine.md: market and limit orders, funding, and
liquidation by the path.

It looks at every order on every way and at every funding time at every point, and knows nothing of what can be passed over.
Raises :class:`TooPoor` where money for an order might lack: what is refused then is no question of these rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from strategies.kernel import MARKET, OrderRow

MINUTE = 60_000
OFFSETS = (0, 20_000, 40_000, 59_999)
LIQUIDATED = -1
ZERO = Decimal(0)


class TooPoor(Exception):
    pass


class Terms(NamedTuple):
    """Fractions, and ``funding`` as (ms, rate) in the order of time."""

    maker_fee: Decimal
    taker_fee: Decimal
    leverage: Decimal
    maintenance: Decimal
    funding: Sequence[tuple[int, Decimal]]


class Trade(NamedTuple):
    """``slot`` is :data:`LIQUIDATED` for what the exchange takes over."""

    point: int
    slot: int
    side: int
    price: Decimal
    amount: Decimal
    is_maker: bool


class Order(NamedTuple):
    slot: int
    sequence: int
    side: int
    is_market: bool
    amount: Decimal
    limit: Decimal


@dataclass
class Account:
    terms: Terms
    quote: Decimal  # less what positions cost, so that equity is quote + amount × price
    amount: Decimal = ZERO
    funding: Decimal = ZERO
    standing: list[Order] = field(default_factory=list)  # in the order of their arrival
    done: set[tuple[int, int]] = field(default_factory=set)
    trades: list[Trade] = field(default_factory=list)
    equity: list[Decimal] = field(default_factory=list)
    liquidated: bool = False

    def is_ruined(self, price: Decimal) -> bool:
        worth = abs(self.amount) * price
        return self.terms.maintenance > 0 and worth > 0 and self.equity_at(price) <= self.terms.maintenance * worth

    def equity_at(self, price: Decimal) -> Decimal:
        return self.quote + self.amount * price

    def fill(self, point: int, order: Order, price: Decimal, *, is_maker: bool) -> None:
        fee = order.amount * price * (self.terms.maker_fee if is_maker else self.terms.taker_fee)
        self.quote -= order.side * order.amount * price + fee
        self.amount += order.side * order.amount
        self.done.add(order[:2])
        self.trades.append(Trade(point, order.slot, order.side, price, order.amount, is_maker))

    def go(self, point: int, start: Decimal, end: Decimal) -> None:
        """Equity less margin is a straight line between two prices: it is nothing on the way if it is at one of its ends."""
        here = start
        met = [each for each in self.standing if min(start, end) <= each.limit <= max(start, end)]
        for order in sorted(met, key=lambda each: abs(each.limit - start)):
            if order.limit != here and (self.is_ruined(here) or self.is_ruined(order.limit)):
                return self.take_over(point)
            here = order.limit
            self.standing.remove(order)
            self.fill(point, order, here, is_maker=True)
        if self.is_ruined(here) or self.is_ruined(end):
            self.take_over(point)
        return None

    def take_over(self, point: int) -> None:
        """At the price that leaves nothing."""
        side = -1 if self.amount > 0 else 1
        self.trades.append(Trade(point, LIQUIDATED, side, -self.quote / self.amount, abs(self.amount), is_maker=False))
        self.quote = self.amount = ZERO
        self.liquidated = True

    def pay(self, since: int, now: int, price: Decimal) -> None:
        """What fell due after ``since``, up to now."""
        for time, rate in self.terms.funding:
            if since < time <= now:
                self.quote -= self.amount * price * rate
                self.funding += self.amount * price * rate

    def want(self, point: int, wanted: Sequence[Order], price: Decimal) -> None:
        self.standing = [each for each in self.standing if each in wanted]
        for order in wanted:
            if order[:2] in self.done or order in self.standing:
                continue
            self.require_money(order, price)
            if order.is_market or order.side * (order.limit - price) >= 0:
                self.fill(point, order, price, is_maker=False)
            else:
                self.standing.append(order)

    def require_money(self, order: Order, price: Decimal) -> None:
        """More than can be asked for: the margin of all orders and the position together."""
        worth = sum((each.amount * each.limit for each in self.standing), order.amount * (order.limit or price))
        margin = (worth + abs(self.amount) * price) / self.terms.leverage
        if self.equity_at(price) <= margin + order.amount * max(order.limit, price) * self.terms.taker_fee:
            raise TooPoor


def path(candle: Sequence[Decimal]) -> tuple[Decimal, ...]:
    opened, high, low, close = candle
    return (opened, high, low, close) if high - opened < opened - low else (opened, low, high, close)


def played(
    script: Sequence[tuple[int, Sequence[OrderRow]]], candles: Sequence[Sequence[Decimal]], quote: Decimal, terms: Terms
) -> Account:
    """``candles`` of a minute as (open, high, low, close), the first one at 0; the script's last set before a time is wanted."""
    account, last, since = Account(terms, quote), None, -1
    for point, (time, price) in enumerate(points(candles)):
        if last is not None:
            account.go(point, last, price)
        account.pay(since, time, price)
        if not account.liquidated:
            wanted = [rows for begin, rows in script if begin <= time]
            account.want(point, [order_of(row) for row in wanted[-1]] if wanted else [], price)
        if account.liquidated or point % 4 == 3:
            account.equity.append(account.equity_at(price))
        if account.liquidated:
            break
        last, since = price, time
    return account


def points(candles: Sequence[Sequence[Decimal]]) -> Iterator[tuple[int, Decimal]]:
    for number, candle in enumerate(candles):
        for offset, price in zip(OFFSETS, path(candle), strict=True):
            yield number * MINUTE + offset, price


def order_of(row: OrderRow) -> Order:
    amount, limit = Decimal(str(row.amount)), Decimal(str(row.price))
    return Order(row.slot, row.sequence, row.side, row.type == MARKET, amount, limit)
