"""What a paper account has, and what of it can still be spent.

As in a unified account whose only collateral is the quote coin: spot orders hold coins; linear positions and orders are
margined in quote, cross margin, one-way. Nothing is ever liquidated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from exchange.errors import InsufficientFunds
from exchange.paper.models import PaperStatus
from exchange.paper.orders import ZERO, BookOrder, Market
from strategies.contract import MarketKind, MarketSpec


@dataclass(frozen=True, slots=True)
class Need:
    """What an order asks of the account at ``price``: it is held against the funds before it may stand."""

    symbol: str
    is_buy: bool
    amount: Decimal
    price: Decimal
    reduce_only: bool


@dataclass(slots=True)
class Purse:
    """``totals`` by coin, ``markets`` by symbol; ``orders`` are the account's open ones, on every market."""

    specs: Mapping[str, MarketSpec]
    totals: dict[str, Decimal]
    markets: dict[str, Market]
    orders: dict[int, BookOrder] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)

    def add(self, coin: str, amount: Decimal) -> None:
        self.totals[coin] = self.totals.get(coin, ZERO) + amount
        self.touched.add(coin)

    def check(self, need: Need, *, without: BookOrder | None = None) -> None:
        """Raises ``InsufficientFunds``. ``without`` is the order that an amended one takes the place of."""
        spec = self.specs[need.symbol]
        standing = [order for order in self._standing() if order is not without]
        if spec.kind is MarketKind.SPOT:
            needed, coin = (
                (_cost(spec, need.amount, need.price), spec.quote) if need.is_buy else (need.amount, spec.base)
            )
            free = self._spendable(coin, standing)
            if needed > free:
                raise InsufficientFunds(_too_little(need, needed, free, coin))
            return
        if need.reduce_only:
            return
        before = self._order_margin(need.symbol, standing)
        margin = self._order_margin(need.symbol, standing, need) - before
        fee = need.amount * need.price * spec.taker_fee
        free = self._available(spec.quote, standing)
        if margin > 0 and margin + fee > free:
            raise InsufficientFunds(_too_little(need, margin + fee, free, spec.quote))

    def used(self, coin: str) -> Decimal:
        """What open spot orders, linear positions and linear orders hold of a coin."""
        standing = list(self._standing())
        _, positions, orders = self._margins(coin, standing)
        return self._locked(coin, standing) + round(positions, 8) + round(orders, 8)

    def _standing(self) -> Iterator[BookOrder]:
        """Orders that hold something: those that wait for a trigger do not."""
        return (order for order in self.orders.values() if order.status == PaperStatus.OPEN)

    def _locked(self, coin: str, standing: Iterable[BookOrder]) -> Decimal:
        held = ZERO
        for order in standing:
            spec = self.specs[order.symbol]
            if spec.kind is not MarketKind.SPOT or order.price is None:
                continue
            if order.is_buy and spec.quote == coin:
                held += _cost(spec, order.left, order.price)
            elif not order.is_buy and spec.base == coin:
                held += order.left
        return held

    def _available(self, coin: str, standing: list[BookOrder]) -> Decimal:
        """For linear: profit that is not realised counts."""
        unrealised, positions, orders = self._margins(coin, standing)
        return self.totals.get(coin, ZERO) - self._locked(coin, standing) + unrealised - positions - orders

    def _spendable(self, coin: str, standing: list[BookOrder]) -> Decimal:
        """For spot: neither borrowed nor unrealised money."""
        unrealised, positions, orders = self._margins(coin, standing)
        return self.totals.get(coin, ZERO) - self._locked(coin, standing) + min(unrealised, ZERO) - positions - orders

    def _margins(self, coin: str, standing: list[BookOrder]) -> tuple[Decimal, Decimal, Decimal]:
        """(unrealised profit, position margin, order margin) of the linear markets that are settled in ``coin``."""
        unrealised = positions = orders = ZERO
        for symbol, market in self.markets.items():
            spec = self.specs.get(symbol)
            if spec is None or spec.kind is not MarketKind.LINEAR or spec.quote != coin:
                continue
            unrealised += market.unrealised
            positions += market.margin
            orders += self._order_margin(symbol, standing)
        return unrealised, positions, orders

    def _order_margin(self, symbol: str, standing: Iterable[BookOrder], extra: Need | None = None) -> Decimal:
        """Initial margin of a symbol's orders: the dearer side, less what only closes the position."""
        amounts = {True: ZERO, False: ZERO}
        values = {True: ZERO, False: ZERO}
        for order in standing:
            if order.symbol == symbol and not order.reduce_only and order.price is not None:
                amounts[order.is_buy] += order.left
                values[order.is_buy] += order.left * order.price
        if extra is not None:
            amounts[extra.is_buy] += extra.amount
            values[extra.is_buy] += extra.amount * extra.price
        market = self.markets[symbol]
        buys = _opening_value(amounts[True], values[True], closes=-market.size)
        sells = _opening_value(amounts[False], values[False], closes=market.size)
        return max(buys, sells) / market.leverage


def _cost(spec: MarketSpec, amount: Decimal, price: Decimal) -> Decimal:
    """What a spot purchase may take of the quote coin: its fee too, where that is not taken from what was bought."""
    value = amount * price
    return value if spec.buy_fee_in_base else value * (1 + max(spec.maker_fee, spec.taker_fee))


def _opening_value(amount: Decimal, value: Decimal, *, closes: Decimal) -> Decimal:
    """The part of one side's orders that would open or add to a position; ``closes`` is what they first close."""
    if not amount:
        return ZERO
    return value if closes <= 0 else value * max(amount - closes, ZERO) / amount


def _too_little(need: Need, needed: Decimal, free: Decimal, coin: str) -> str:
    side = "buying" if need.is_buy else "selling"
    return (
        f"The paper account has {_short(free)} {coin} free, and {side} {_short(need.amount)} {need.symbol} takes "
        f"{_short(needed)}."
    )


def _short(number: Decimal) -> str:
    return f"{round(number, 8).normalize():f}"
