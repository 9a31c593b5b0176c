"""Where orders meet the price: markets, what rests in them, triggers and fills.

Nothing here is saved or told; every method notes what it changed in ``changes``, and the engine, which wraps each
call in a transaction, sees to the rest.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from exchange.matching import RestingOrders, crosses, path_order, slipped
from exchange.simulator.accounts import Account, Market
from exchange.simulator.checks import check_funds, check_funds_in_quote
from exchange.simulator.errors import Refusal
from exchange.simulator.faults.fills import resting_part, taking_parts
from exchange.simulator.faults.parameters import Points
from exchange.simulator.faults.plan import FaultPlan
from exchange.simulator.instruments import CATEGORIES, Fees, Instrument, OwnRules, instruments_for
from exchange.simulator.lags import Births
from exchange.simulator.orders import (
    NOT_ENOUGH_TO_FILL,
    NOTHING_TO_FILL,
    POST_ONLY_CROSSED,
    ZERO,
    Order,
)
from exchange.simulator.replay import Replay
from exchange.simulator.requests import unknown_symbol
from exchange.simulator.settlement import Changes, Settlement


@dataclass(frozen=True, slots=True)
class Matching:
    """Options of the fills; the defaults are the zero point that everything else is measured from."""

    through: bool = False
    slippage: Decimal = ZERO


class Floor:
    """All markets of the exchange at one point of the replay."""

    def __init__(
        self, replay: Replay, *, fees: Fees, matching: Matching, faults: FaultPlan, rules: OwnRules | None = None
    ) -> None:
        self.replay = replay
        self.births = Births()
        self.changes = Changes()
        self.markets: dict[str, dict[str, Market]] = {category: {} for category in CATEGORIES}
        self.settlement = Settlement(replay, self.births)
        self.arrival = 0
        self._matching = matching
        self._faults = faults
        self._units = {symbol: track.series.unit for symbol, track in replay.tracks.items()}
        self._books: dict[tuple[str, str], RestingOrders[str]] = {}
        self._owners: dict[str, Account] = {}
        # Triggered orders that do not trade yet, with the point at which they will.
        self._stalled: dict[str, int] = {}
        for symbol, track in replay.tracks.items():
            for instrument in instruments_for(track.series, fees, rules):
                self.markets[instrument.category][symbol] = Market(instrument, self.price_at(symbol, replay.point))
                self._books[instrument.category, symbol] = RestingOrders()

    def market(self, category: str, symbol: str) -> Market:
        found = self.markets.get(category, {}).get(symbol)
        if found is None:
            raise unknown_symbol(category, symbol)
        return found

    def instrument(self, category: str, symbol: str) -> Instrument:
        return self.market(category, symbol).instrument

    def price_at(self, symbol: str, point: int) -> Decimal:
        return Decimal(self.replay.tracks[symbol].price(point)) * self._units[symbol]

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
            end = self.price_at(symbol, self.replay.point)
            for category, markets in self.markets.items():
                market = markets[symbol]
                start, market.last = market.last, end
                book = self._books[category, symbol]
                if not book:
                    continue
                self._pass(book, start, end, market.instrument.tick if self._matching.through else ZERO)
        for order_id in [order_id for order_id, due in self._stalled.items() if due <= self.replay.point]:
            del self._stalled[order_id]
            account = self._owners[order_id]
            order = account.open_orders[order_id]
            self._activate(account, order, self.market(order.category, order.symbol).last)

    def _pass(self, book: RestingOrders[str], start: Decimal, end: Decimal, margin: Decimal) -> None:
        """The price passes from ``start`` to ``end``; orders are filled or triggered as it meets them."""
        ahead = book.take(start, end, margin)
        partly_filled = []
        while ahead:
            met = ahead.pop(0)
            account = self._owners.get(met.order_id)
            if account is None:
                continue  # an earlier fill of this segment ended the position that it was to reduce
            order = account.open_orders[met.order_id]
            if not met.triggered:
                if self._fill(account, order, order.price, is_maker=True):
                    partly_filled.append((account, order))
                continue
            self._trigger(account, order, met.price)
            if order.order_id in book:
                woken = book.take(met.price, end, margin, travelled=met.distance)
                ahead = list(heapq.merge(ahead, woken, key=path_order))
        # Back only now: an order is met once in a segment.
        for account, order in partly_filled:
            if order.order_id in account.open_orders:
                self.rest(account, order)

    # An order's way

    def enter(self, account: Account, order: Order, price: Decimal) -> None:
        """An active order meets the market standing at ``price``: trades, rests, or goes."""
        if not order.is_market and not crosses(order.is_buy, order.price, price):
            if order.time_in_force in ("IOC", "FOK"):
                self.close(account, order, "Cancelled", reason=NOTHING_TO_FILL)
            else:
                self.rest(account, order)
                self.changed(order)
        elif order.time_in_force == "PostOnly":
            self.close(account, order, "Cancelled", reason=POST_ONLY_CROSSED)
        elif self._fill(account, order, price, is_maker=False):
            if order.time_in_force == "IOC":
                self.close(account, order, "Cancelled", reason=NOT_ENOUGH_TO_FILL)
            else:
                self.rest(account, order)

    def rest(self, account: Account, order: Order) -> None:
        book = self._books[order.category, order.symbol]
        if order.status == "Untriggered":
            book.add_trigger(
                order.order_id, rising=order.trigger_rising, price=order.trigger_price, arrival=order.arrival
            )
        elif order.is_market:
            # Only a triggered one that was waiting to trade when the process ended comes here.
            self._stalled[order.order_id] = self.replay.point + 1
        else:
            book.add_limit(order.order_id, is_buy=order.is_buy, price=order.price, arrival=order.arrival)
        self._owners[order.order_id] = account

    def withdraw(self, order: Order) -> None:
        """Takes the order out of the market, to come back by :meth:`enter` or :meth:`rest`."""
        self._books[order.category, order.symbol].remove(order.order_id)
        self._stalled.pop(order.order_id, None)

    def close(
        self, account: Account, order: Order, status: str, *, cancel_type: str = "UNKNOWN", reason: str = "EC_NoError"
    ) -> None:
        """Ends an order that is not filled to the end. What was ``Cancelled`` is told in Bybit's words for it."""
        if status == "Cancelled" and order.status == "Untriggered":
            status = "Deactivated"
        elif status == "Cancelled" and order.filled and order.category == "spot":
            status = "PartiallyFilledCanceled"
        instrument = self.instrument(order.category, order.symbol)
        self.withdraw(order)
        self._owners.pop(order.order_id, None)
        account.release(order, instrument)
        order.finish(status, self.replay.time, cancel_type=cancel_type, reason=reason)
        account.closed(order)
        self.births.note(f"closed {order.order_id}")
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

    def _trigger(self, account: Account, order: Order, price: Decimal) -> None:
        if order.is_market:
            price = self.taker_price(self.instrument(order.category, order.symbol), order.is_buy, price)
        stalled = self._faults.happens("trigger-without-fill", order.market, account.api_key)
        if stalled is None:
            self._activate(account, order, price)
            return
        order.status = "New"
        account.hold(order, self.instrument(order.category, order.symbol))
        order.changed(self.replay.time)
        self.changed(order)
        self._stalled[order.order_id] = self.replay.point + stalled.parameters(Points).count

    def _activate(self, account: Account, order: Order, price: Decimal) -> None:
        """A triggered order comes to the market; it is rejected when what it needs is not there (any more)."""
        instrument = self.instrument(order.category, order.symbol)
        linear = self.markets["linear"]
        account.release(order, instrument)
        order.status = "New"
        try:
            if order.in_quote:
                check_funds_in_quote(account, instrument, order.is_buy, order.qty, price, linear)
            else:
                needed_at = order.price or price
                check_funds(account, instrument, order.is_buy, order.qty, needed_at, order.reduce_only, linear)
        except Refusal:
            account.hold(order, instrument)
            self.close(account, order, "Rejected", reason="EC_Others")
            return
        account.hold(order, instrument)
        order.changed(self.replay.time)
        self.enter(account, order, price)

    # Fills

    def _fill(self, account: Account, order: Order, price: Decimal, *, is_maker: bool) -> bool:
        """Fills what is left of the order at one price; a reduce-only order no more than the position.

        Returns whether a fault left a part of it open, which the caller has to rest or to cancel.
        """
        instrument = self.instrument(order.category, order.symbol)
        qty = self._fillable(account, order, instrument, price)
        if not qty:
            self.close(account, order, "Cancelled", cancel_type="CancelByReduceOnly")
            return False
        parts = self._parts(order, instrument, qty, is_maker=is_maker)
        account.release(order, instrument)
        closed = ZERO
        for number, part in enumerate(parts, start=1):
            all_of_it = number == len(parts) and sum(parts) == qty
            closed += self.settlement.execute(
                self.changes, account, order, instrument, price, part, is_maker=is_maker, last=all_of_it
            )
        open_still = sum(parts) < qty
        if order.status == "Filled":
            self._owners.pop(order.order_id, None)
            account.closed(order)
            self.births.note(f"closed {order.order_id}")
        else:
            account.hold(order, instrument)
            if not open_still:
                self.close(account, order, "Cancelled", cancel_type="CancelByReduceOnly")
        self.changed(order)
        if closed:
            self._drop_reduce_only(account, order.symbol)
        return open_still and order.order_id in account.open_orders

    def _parts(self, order: Order, instrument: Instrument, qty: Decimal, *, is_maker: bool) -> list[Decimal]:
        """The amounts of the executions that ``qty`` is filled in."""
        fault = None
        if order.time_in_force != "FOK":
            fault = self._faults.happens("partial-fills", order.market, order.account)
        if fault is None:
            return [qty]
        if is_maker:
            return [resting_part(fault, order.qty, qty, instrument.step)]
        return taking_parts(fault, qty, instrument.step)

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
