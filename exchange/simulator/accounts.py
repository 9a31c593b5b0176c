"""One account's coins, positions and open orders, and what of them can still be spent.

Spot orders lock coins. Linear positions and orders are margined in the quote coin, cross margin over the account,
one-way mode, as in a unified account whose only collateral is that coin.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from exchange.simulator.instruments import Instrument
from exchange.simulator.orders import ZERO, Order, average

DEFAULT_LEVERAGE = Decimal(10)
MAINTENANCE_RATE = Decimal("0.005")
RECENT_ORDERS = 500


@dataclass(slots=True)
class Coin:
    """``wallet`` is all there is; ``locked`` is what resting spot orders hold of it; ``realised`` is from linear."""

    wallet: Decimal = ZERO
    locked: Decimal = ZERO
    realised: Decimal = ZERO


@dataclass(slots=True)
class Position:
    """One-way: ``size`` is negative for a short.

    ``entry_value`` is the signed sum that was paid for what is held, exact: the average price is derived from it and
    may be rounded, the money never is. Closing a part takes its share of the entry value, to 18 decimals; what it
    takes too little or too much stays in the rest, so that wallet + size × price − entry_value never moves by rounding.
    """

    symbol: str
    size: Decimal = ZERO
    entry_value: Decimal = ZERO
    leverage: Decimal = DEFAULT_LEVERAGE
    realised: Decimal = ZERO
    created: int = 0
    updated: int = 0

    @property
    def average_price(self) -> Decimal:
        return average(self.entry_value, self.size) if self.size else ZERO

    def unrealised(self, price: Decimal) -> Decimal:
        return self.size * price - self.entry_value

    def fill(self, is_buy: bool, price: Decimal, qty: Decimal) -> tuple[Decimal, Decimal]:
        """Books a fill; returns (realised profit in quote before fees, how much of it closed)."""
        signed = qty if is_buy else -qty
        if self.size * signed >= 0:
            self.size += signed
            self.entry_value += signed * price
            return ZERO, ZERO
        closed = min(abs(self.size), qty)
        if closed == abs(self.size):
            released = self.entry_value
        else:
            released = round(self.entry_value * closed / abs(self.size), 18)
        direction = 1 if self.size > 0 else -1
        profit = direction * closed * price - released
        self.size -= direction * closed
        self.entry_value -= released
        if opened := qty - closed:
            self.size = opened if is_buy else -opened
            self.entry_value = self.size * price
        return profit, closed


@dataclass(slots=True)
class Exposure:
    """What the open linear orders of one symbol add up to, per side; reduce-only and waiting ones do not count."""

    buy_qty: Decimal = ZERO
    buy_value: Decimal = ZERO
    sell_qty: Decimal = ZERO
    sell_value: Decimal = ZERO

    def add(self, is_buy: bool, qty: Decimal, value: Decimal) -> None:
        if is_buy:
            self.buy_qty += qty
            self.buy_value += value
        else:
            self.sell_qty += qty
            self.sell_value += value


@dataclass(slots=True)
class Market:
    """An instrument and where its price stands."""

    instrument: Instrument
    last: Decimal


@dataclass(slots=True)
class Account:
    api_key: str
    api_secret: str
    coins: dict[str, Coin] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    exposures: dict[str, Exposure] = field(default_factory=dict)
    open_orders: dict[str, Order] = field(default_factory=dict)
    by_market: dict[tuple[str, str], dict[str, Order]] = field(default_factory=dict)
    by_link: dict[tuple[str, str], Order] = field(default_factory=dict)
    recent: dict[str, OrderedDict[str, Order]] = field(default_factory=dict)

    def coin(self, name: str) -> Coin:
        held = self.coins.get(name)
        if held is None:
            held = self.coins[name] = Coin()
        return held

    def position(self, symbol: str) -> Position:
        held = self.positions.get(symbol)
        if held is None:
            held = self.positions[symbol] = Position(symbol)
        return held

    # Orders

    def opened(self, order: Order, instrument: Instrument) -> None:
        self.open_orders[order.order_id] = order
        self.by_market.setdefault((order.category, order.symbol), {})[order.order_id] = order
        if order.link_id:
            self.by_link[order.category, order.link_id] = order
        self._hold(order, instrument, 1)

    def closed(self, order: Order) -> None:
        """The order leaves the open ones; what it held must have been released before it changed."""
        self.open_orders.pop(order.order_id, None)
        self.by_market[order.category, order.symbol].pop(order.order_id, None)
        if order.link_id:
            self.by_link.pop((order.category, order.link_id), None)
        # Bybit answers for the newest 500 closed orders of a category without going to the history.
        recent = self.recent.setdefault(order.category, OrderedDict())
        recent[order.order_id] = order
        if len(recent) > RECENT_ORDERS:
            recent.popitem(last=False)

    def hold(self, order: Order, instrument: Instrument) -> None:
        self._hold(order, instrument, 1)

    def release(self, order: Order, instrument: Instrument) -> None:
        self._hold(order, instrument, -1)

    def _hold(self, order: Order, instrument: Instrument, sign: int) -> None:
        if order.status == "Untriggered":
            return
        left = order.left
        if instrument.is_spot:
            if order.is_buy:
                self.coin(instrument.quote).locked += sign * left * order.price
            else:
                self.coin(instrument.base).locked += sign * left
        elif not order.reduce_only:
            exposure = self.exposures.get(order.symbol)
            if exposure is None:
                exposure = self.exposures[order.symbol] = Exposure()
            exposure.add(order.is_buy, sign * left, sign * left * order.price)

    # Money

    def order_margin(self, symbol: str, extra: Exposure | None = None) -> Decimal:
        """Initial margin of a symbol's orders: the dearer side, less what only closes the position."""
        exposure = self.exposures.get(symbol)
        if exposure is None and extra is None:
            return ZERO
        buy_qty = buy_value = sell_qty = sell_value = ZERO
        for one in (exposure, extra):
            if one is not None:
                buy_qty += one.buy_qty
                buy_value += one.buy_value
                sell_qty += one.sell_qty
                sell_value += one.sell_value
        position = self.positions.get(symbol)
        size = position.size if position else ZERO
        leverage = position.leverage if position else DEFAULT_LEVERAGE
        buys = _opening_value(buy_qty, buy_value, -size)
        sells = _opening_value(sell_qty, sell_value, size)
        return max(buys, sells) / leverage

    def position_margin(self, symbol: str, price: Decimal) -> Decimal:
        position = self.positions.get(symbol)
        return abs(position.size) * price / position.leverage if position else ZERO

    def linear_symbols(self) -> Iterable[str]:
        return self.positions.keys() | self.exposures.keys()

    def margins(self, quote: str, markets: dict[str, Market]) -> tuple[Decimal, Decimal, Decimal]:
        """(unrealised profit, position margin, order margin) of the linear markets settled in ``quote``."""
        unrealised = positions = orders = ZERO
        for symbol in self.linear_symbols():
            market = markets[symbol]
            if market.instrument.quote != quote:
                continue
            position = self.positions.get(symbol)
            if position is not None and position.size:
                unrealised += position.unrealised(market.last)
                positions += self.position_margin(symbol, market.last)
            orders += self.order_margin(symbol)
        return unrealised, positions, orders

    def available(self, coin: str, markets: dict[str, Market]) -> Decimal:
        """What new orders may use of a coin: profit that is not realised counts for linear, never for spot."""
        held = self.coins.get(coin)
        if held is None:
            return ZERO
        unrealised, positions, orders = self.margins(coin, markets)
        return held.wallet - held.locked + unrealised - positions - orders

    def spendable(self, coin: str, markets: dict[str, Market]) -> Decimal:
        """What spot orders may use of a coin: neither borrowed nor unrealised money."""
        held = self.coins.get(coin)
        if held is None:
            return ZERO
        unrealised, positions, orders = self.margins(coin, markets)
        return held.wallet - held.locked + min(unrealised, ZERO) - positions - orders


def _opening_value(qty: Decimal, value: Decimal, closes: Decimal) -> Decimal:
    """The part of one side's orders that would open or add to a position; ``closes`` is what they first close."""
    if not qty:
        return ZERO
    if closes <= 0:
        return value
    return value * max(qty - closes, ZERO) / qty
