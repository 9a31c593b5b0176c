"""Where orders meet the price: markets, what rests in them, triggers and fills.

Nothing here is saved or told; every method notes what it changed in ``changes``, and the engine, which wraps each
call in a transaction, sees to the rest.
"""

from __future__ import annotations

import heapq
import uuid
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import orjson

from exchange.matching import RestingOrders, crosses, path_order, slipped
from exchange.simulator.accounts import Account, Market
from exchange.simulator.checks import check_funds, check_funds_in_quote
from exchange.simulator.errors import Refusal
from exchange.simulator.instruments import CATEGORIES, Fees, Instrument, instruments_for
from exchange.simulator.orders import NOTHING_TO_FILL, POST_ONLY_CROSSED, ZERO, Execution, Order
from exchange.simulator.replay import Replay
from exchange.simulator.requests import unknown_symbol


@dataclass(slots=True)
class Changes:
    """What one transaction changed: orders by id, (account, execution, its rendering), (account, coin or symbol)."""

    orders: dict[str, Order] = field(default_factory=dict)
    executions: list[tuple[Execution, bytes]] = field(default_factory=list)
    coins: set[tuple[str, str]] = field(default_factory=set)
    positions: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Matching:
    """Options of the fills; the defaults are the zero point that everything else is measured from."""

    through: bool = False
    slippage: Decimal = ZERO


class Floor:
    """All markets of the exchange at one point of the replay."""

    def __init__(self, replay: Replay, *, fees: Fees, matching: Matching) -> None:
        self.replay = replay
        self.changes = Changes()
        self.markets: dict[str, dict[str, Market]] = {category: {} for category in CATEGORIES}
        self.execution_sequence = 0
        self.arrival = 0
        self.namespace = uuid.UUID(int=0)
        self._matching = matching
        self._units = {symbol: track.series.unit for symbol, track in replay.tracks.items()}
        self._books: dict[tuple[str, str], RestingOrders[str]] = {}
        self._owners: dict[str, Account] = {}
        for symbol, track in replay.tracks.items():
            for instrument in instruments_for(track.series, fees):
                self.markets[instrument.category][symbol] = Market(instrument, self._price(symbol))
                self._books[instrument.category, symbol] = RestingOrders()

    def market(self, category: str, symbol: str) -> Market:
        found = self.markets.get(category, {}).get(symbol)
        if found is None:
            raise unknown_symbol(category, symbol)
        return found

    def instrument(self, category: str, symbol: str) -> Instrument:
        return self.market(category, symbol).instrument

    def _price(self, symbol: str) -> Decimal:
        return Decimal(self.replay.tracks[symbol].price(self.replay.point)) * self._units[symbol]

    def taker_price(self, instrument: Instrument, is_buy: bool, price: Decimal) -> Decimal:
        """What a market order gets while the market stands at ``price``: slipped, and rounded against it."""
        if not self._matching.slippage:
            return price
        exact = slipped(is_buy, price, self._matching.slippage)
        rounding = ROUND_CEILING if is_buy else ROUND_FLOOR
        return (exact / instrument.tick).to_integral_value(rounding=rounding) * instrument.tick

    def move(self) -> None:
        """On to the next point; what the price meets on the way is filled."""
        self.replay.point += 1
        for symbol in self.replay.tracks:
            end = self._price(symbol)
            for category, markets in self.markets.items():
                market = markets[symbol]
                start, market.last = market.last, end
                book = self._books[category, symbol]
                if not book:
                    continue
                self._pass(book, start, end, market.instrument.tick if self._matching.through else ZERO)

    def _pass(self, book: RestingOrders[str], start: Decimal, end: Decimal, margin: Decimal) -> None:
        """The price passes from ``start`` to ``end``; orders are filled or triggered as it meets them."""
        ahead = book.take(start, end, margin)
        while ahead:
            met = ahead.pop(0)
            account = self._owners.get(met.order_id)
            if account is None:
                continue  # an earlier fill of this segment ended the position that it was to reduce
            order = account.open_orders[met.order_id]
            if not met.triggered:
                self._fill(account, order, order.price, is_maker=True)
                continue
            self._trigger(account, order, met.price)
            if order.order_id in book:
                woken = book.take(met.price, end, margin, travelled=met.distance)
                ahead = list(heapq.merge(ahead, woken, key=path_order))

    # An order's way

    def enter(self, account: Account, order: Order, price: Decimal) -> None:
        """An active order meets the market standing at ``price``: trades, rests, or goes."""
        if order.is_market:
            self._fill(account, order, price, is_maker=False)
        elif crosses(order.is_buy, order.price, price):
            if order.time_in_force == "PostOnly":
                self.close(account, order, "Cancelled", reason=POST_ONLY_CROSSED)
            else:
                self._fill(account, order, price, is_maker=False)
        elif order.time_in_force in ("IOC", "FOK"):
            self.close(account, order, "Cancelled", reason=NOTHING_TO_FILL)
        else:
            self.rest(account, order)
            self.changed(order)

    def rest(self, account: Account, order: Order) -> None:
        book = self._books[order.category, order.symbol]
        if order.status == "Untriggered":
            book.add_trigger(
                order.order_id, rising=order.trigger_rising, price=order.trigger_price, arrival=order.arrival
            )
        else:
            book.add_limit(order.order_id, is_buy=order.is_buy, price=order.price, arrival=order.arrival)
        self._owners[order.order_id] = account

    def withdraw(self, order: Order) -> None:
        """Takes the order out of the market, to come back by :meth:`enter` or :meth:`rest`."""
        self._books[order.category, order.symbol].remove(order.order_id)

    def close(
        self, account: Account, order: Order, status: str, *, cancel_type: str = "UNKNOWN", reason: str = "EC_NoError"
    ) -> None:
        """Ends an order that is not filled to the end."""
        instrument = self.instrument(order.category, order.symbol)
        self.withdraw(order)
        self._owners.pop(order.order_id, None)
        account.release(order, instrument)
        order.finish(status, self.replay.time, cancel_type=cancel_type, reason=reason)
        account.closed(order)
        self.changed(order)

    def changed(self, order: Order) -> None:
        order.rendered = b""
        self.changes.orders[order.order_id] = order
        # What a spot order locks shows in the wallet.
        if order.category == "spot":
            instrument = self.instrument(order.category, order.symbol)
            self.changes.coins.add((order.account, instrument.quote if order.is_buy else instrument.base))

    def next_arrival(self) -> int:
        self.arrival += 1
        return self.arrival

    def make_id(self, category: str, kind: str, sequence: int) -> str:
        """Spot ids are numbers, linear ids are UUIDs, as Bybit's are."""
        if category == "spot":
            return str((self.namespace.int % 9_000_000 + 1_000_000) * 10**12 + sequence * 2 + (kind == "order"))
        return str(uuid.uuid5(self.namespace, f"{kind} {sequence}"))

    def _trigger(self, account: Account, order: Order, price: Decimal) -> None:
        instrument = self.instrument(order.category, order.symbol)
        linear = self.markets["linear"]
        if order.is_market:
            price = self.taker_price(instrument, order.is_buy, price)
        try:
            if order.in_quote:
                check_funds_in_quote(account, instrument, order.is_buy, order.qty, price, linear)
            else:
                needed_at = order.price or price
                check_funds(account, instrument, order.is_buy, order.qty, needed_at, order.reduce_only, linear)
        except Refusal:
            self.close(account, order, "Rejected", reason="EC_Others")
            return
        order.status = "New"
        account.hold(order, instrument)
        order.changed(self.replay.time)
        self.enter(account, order, price)

    # Fills

    def _fill(self, account: Account, order: Order, price: Decimal, *, is_maker: bool) -> None:
        """Fills what is left of the order at one price; a reduce-only order no more than the position."""
        instrument = self.instrument(order.category, order.symbol)
        qty = self._fillable(account, order, instrument, price)
        if not qty:
            self.close(account, order, "Cancelled", cancel_type="CancelByReduceOnly")
            return
        account.release(order, instrument)
        value = price * qty
        rate = instrument.maker_fee if is_maker else instrument.taker_fee
        closed = ZERO
        if instrument.is_spot:
            fee_coin, fee = (instrument.base, qty * rate) if order.is_buy else (instrument.quote, value * rate)
            self._exchange_coins(account, instrument, order.is_buy, qty, value)
            account.coin(fee_coin).wallet -= fee
        else:
            fee_coin, fee = instrument.quote, value * rate
            closed = self._fill_position(account, instrument, order.is_buy, price, qty, fee)
        order.filled += qty
        order.filled_value += value
        order.fee += fee
        order.fee_coin = fee_coin
        done = order.in_quote or order.filled == order.qty
        order.status = "Filled" if done else "PartiallyFilled"
        order.changed(self.replay.time)
        self.execution_sequence += 1
        execution = Execution(
            exec_id=self.make_id(order.category, "execution", self.execution_sequence),
            sequence=self.execution_sequence,
            order=order,
            price=price,
            qty=qty,
            value=value,
            fee=fee,
            fee_rate=rate,
            fee_coin=fee_coin,
            is_maker=is_maker,
            closed=closed,
            left=ZERO if done else order.left,
            time=self.replay.time,
        )
        self.changes.executions.append((execution, orjson.dumps(execution.describe())))
        if done:
            self._owners.pop(order.order_id, None)
            account.closed(order)
            self.changed(order)
        else:
            account.hold(order, instrument)
            self.close(account, order, "Cancelled", cancel_type="CancelByReduceOnly")
        if closed:
            self._drop_reduce_only(account, order.symbol)

    def _drop_reduce_only(self, account: Account, symbol: str) -> None:
        """What was to reduce a position that is gone, or has turned, is cancelled with it."""
        size = account.position(symbol).size
        stale = [
            order
            for order in account.open_orders.values()
            if order.reduce_only
            and order.symbol == symbol
            and order.status != "Untriggered"
            and (size == 0 or (size > 0) == order.is_buy)
        ]
        for order in stale:
            self.close(account, order, "Cancelled", cancel_type="CancelByReduceOnly")

    def _fillable(self, account: Account, order: Order, instrument: Instrument, price: Decimal) -> Decimal:
        if order.in_quote:
            return (order.qty / price / instrument.step).to_integral_value(rounding=ROUND_FLOOR) * instrument.step
        if not order.reduce_only:
            return order.left
        size = account.position(order.symbol).size
        return min(order.left, max(ZERO, -size if order.is_buy else size))

    def _exchange_coins(
        self, account: Account, instrument: Instrument, is_buy: bool, qty: Decimal, value: Decimal
    ) -> None:
        account.coin(instrument.base).wallet += qty if is_buy else -qty
        account.coin(instrument.quote).wallet += -value if is_buy else value
        self.changes.coins |= {(account.api_key, instrument.base), (account.api_key, instrument.quote)}

    def _fill_position(
        self, account: Account, instrument: Instrument, is_buy: bool, price: Decimal, qty: Decimal, fee: Decimal
    ) -> Decimal:
        """Returns how much of the fill closed."""
        position = account.position(instrument.symbol)
        if position.size == 0:
            position.created = self.replay.time
        profit, closed = position.fill(is_buy, price, qty)
        position.updated = self.replay.time
        position.realised += profit - fee
        coin = account.coin(instrument.quote)
        coin.wallet += profit - fee
        coin.realised += profit - fee
        self.changes.coins.add((account.api_key, instrument.quote))
        self.changes.positions.add((account.api_key, instrument.symbol))
        return closed
