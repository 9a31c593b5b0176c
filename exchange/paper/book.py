"""Matching on paper: one market of one account, by the rules of :mod:`exchange.matching`. Pure: no database, no clock.

The account's orders stand in no real queue: a resting limit order fills whole, at its own price, as maker, as soon as
the price touches it. What trades at once does so at the last price, moved by the slippage, as taker.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from exchange.errors import InsufficientFunds, OrderNotFound, OrderRejected
from exchange.matching import RestingOrders, crosses, path_order, slipped
from exchange.paper.models import PaperStatus
from exchange.paper.orders import ZERO, BookOrder, Execution, Market, PricePoint
from exchange.paper.purse import Need, Purse
from exchange.port import OrderRequest
from strategies.contract import MarketKind, MarketSpec, OrderType, Side

POST_ONLY_CROSSED = "A post-only order would have taken liquidity."
NOTHING_TO_REDUCE = "There is no position (any more) that it could reduce."


@dataclass(slots=True)
class Counters:
    """The last numbers that were given out."""

    orders: int = 0
    executions: int = 0
    arrivals: int = 0


@dataclass(slots=True)
class Book:
    """``market`` is the one that is matched; the purse holds the account's open orders on all of them.

    ``changed`` and ``executions`` are what a caller has to store.
    """

    spec: MarketSpec
    market: Market
    purse: Purse
    counters: Counters
    slippage: Decimal = ZERO
    changed: dict[int, BookOrder] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    _resting: RestingOrders[int] = field(default_factory=RestingOrders)

    def __post_init__(self) -> None:
        for order in self.purse.orders.values():
            if order.symbol == self.spec.symbol:
                self._rest(order)

    # --- The market moves ----------------------------------------------------------------------------------------

    def follow(self, points: Iterable[PricePoint]) -> None:
        """Moves the price along the points that are not older than the last look; what it meets is filled.

        A point that was followed before changes nothing, so that the same path may come twice.
        """
        for point in points:
            if point.at >= self.market.seen_at:
                self._move(point)

    def _move(self, point: PricePoint) -> None:
        start, end = self.market.price, point.price
        self.market.price, self.market.seen_at = point.price, point.at
        ahead = self._resting.take(start, end, ZERO)
        while ahead:
            met = ahead.pop(0)
            order = self.purse.orders.get(met.order_id)
            if order is None:
                continue  # an earlier fill of this segment ended the position that it was to reduce
            if not met.triggered:
                self._fill(order, met.price, is_maker=True)
                continue
            self._trigger(order, met.price)
            if met.order_id in self._resting:
                woken = self._resting.take(met.price, end, ZERO, travelled=met.distance)
                ahead = list(heapq.merge(ahead, woken, key=path_order))

    # --- What is asked of it -------------------------------------------------------------------------------------

    def place(self, request: OrderRequest) -> BookOrder:
        """Raises ``OrderRejected``, and then nothing has changed."""
        is_buy, now = request.side is Side.BUY, self.market.seen_at
        # Spot has no positions to reduce.
        reduce_only = request.reduce_only and self.spec.kind is MarketKind.LINEAR
        waits = request.trigger_price is not None
        rising = waits and self._rising(request, request.trigger_price or ZERO)
        taken_at = self._taker_price(is_buy, self.market.price)
        self._check_value(request.amount, request.price or request.trigger_price or taken_at, reduce_only)
        if not waits:
            if reduce_only:
                self._check_reduces(is_buy)
            self.purse.check(Need(request.symbol, is_buy, request.amount, request.price or taken_at, reduce_only))
        self.counters.orders += 1
        order = BookOrder(
            number=self.counters.orders,
            client_order_id=request.client_order_id,
            symbol=request.symbol,
            side=request.side,
            type=request.type,
            amount=request.amount,
            price=request.price if request.type is OrderType.LIMIT else None,
            trigger_price=request.trigger_price,
            rising=rising,
            post_only=request.post_only,
            reduce_only=reduce_only,
            status=PaperStatus.WAITING if waits else PaperStatus.OPEN,
            arrival=self._next_arrival(),
            created=now,
            updated=now,
        )
        self.purse.orders[order.number] = order
        self._note(order)
        if waits:
            self._rest(order)
        else:
            self._enter(order, taken_at if order.price is None else self.market.price)
        return order

    def amend(
        self, order: BookOrder, *, amount: Decimal, price: Decimal | None, trigger_price: Decimal | None
    ) -> BookOrder:
        """``None`` leaves a price as it is. Raises ``OrderRejected`` and ``OrderNotFound``; then nothing has changed."""
        if not order.is_open:
            raise OrderNotFound(f"Order {order.client_order_id} is {order.status}; nothing stands to be amended.")
        new_price = order.price if price is None else price
        new_trigger = order.trigger_price if trigger_price is None else trigger_price
        if (amount, new_price, new_trigger) == (order.amount, order.price, order.trigger_price):
            return order
        waiting = order.status == PaperStatus.WAITING
        if trigger_price is not None and not waiting and new_trigger != order.trigger_price:
            raise OrderRejected(f"Order {order.client_order_id} does not wait for a trigger (any more).")
        self._check_value(amount, new_price or new_trigger or self.market.price, order.reduce_only)
        if not waiting and new_price is not None:
            need = Need(order.symbol, order.is_buy, amount, new_price, order.reduce_only)
            self.purse.check(need, without=order)
        self._resting.remove(order.number)
        if new_price != order.price or new_trigger != order.trigger_price or amount > order.amount:
            order.arrival = self._next_arrival()
        if new_trigger is not None and new_trigger != order.trigger_price:
            order.rising = new_trigger > self.market.price
        order.amount, order.price, order.trigger_price = amount, new_price, new_trigger
        self._note(order)
        if waiting:
            self._rest(order)
        else:
            self._enter(order, self.market.price)
        return order

    def cancel(self, order: BookOrder) -> None:
        """Raises ``OrderNotFound`` when it is over."""
        if not order.is_open:
            raise OrderNotFound(f"Order {order.client_order_id} is {order.status}; there is nothing to cancel.")
        self._close(order, PaperStatus.CANCELED)

    # --- An order's way ------------------------------------------------------------------------------------------

    def _enter(self, order: BookOrder, price: Decimal) -> None:
        """An active order meets the market standing at ``price``: trades, rests, or goes."""
        if order.price is None:
            self._fill(order, price, is_maker=False)
        elif crosses(order.is_buy, order.price, price):
            if order.post_only:
                self._close(order, PaperStatus.REJECTED, POST_ONLY_CROSSED)
            else:
                self._fill(order, price, is_maker=False)
        else:
            self._rest(order)

    def _trigger(self, order: BookOrder, price: Decimal) -> None:
        order.triggered = True
        if order.price is None:
            price = self._taker_price(order.is_buy, price)
        need = Need(order.symbol, order.is_buy, order.amount, order.price or price, order.reduce_only)
        try:
            self.purse.check(need)
        except InsufficientFunds as error:
            self._close(order, PaperStatus.REJECTED, error.detail)
            return
        order.status = PaperStatus.OPEN
        self._enter(order, price)

    def _fill(self, order: BookOrder, price: Decimal, *, is_maker: bool) -> None:
        """Fills what is left of the order at one price; a reduce-only order no more than the position."""
        amount = self._fillable(order)
        if not amount:
            self._close(order, PaperStatus.CANCELED, NOTHING_TO_REDUCE)
            return
        value = price * amount
        rate = self.spec.maker_fee if is_maker else self.spec.taker_fee
        closed = False
        if self.spec.kind is MarketKind.SPOT:
            in_base = order.is_buy and self.spec.buy_fee_in_base
            fee_currency, fee = (self.spec.base, amount * rate) if in_base else (self.spec.quote, value * rate)
            self.purse.add(self.spec.base, amount if order.is_buy else -amount)
            self.purse.add(self.spec.quote, -value if order.is_buy else value)
        else:
            fee_currency, fee = self.spec.quote, value * rate
            profit, closed = self.market.fill(is_buy=order.is_buy, price=price, amount=amount)
            self.purse.add(fee_currency, profit)
        fee = round(fee, 18)
        self.purse.add(fee_currency, -fee)
        order.filled += amount
        order.filled_value += value
        self.counters.executions += 1
        self.executions.append(
            Execution(
                order=order,
                number=self.counters.executions,
                price=price,
                amount=amount,
                fee=fee,
                fee_currency=fee_currency,
                is_maker=is_maker,
                timestamp=self.market.seen_at,
            )
        )
        done = order.filled == order.amount
        self._close(order, PaperStatus.FILLED if done else PaperStatus.CANCELED, "" if done else NOTHING_TO_REDUCE)
        if closed:
            self._drop_reduce_only()

    def _fillable(self, order: BookOrder) -> Decimal:
        if not order.reduce_only:
            return order.left
        return min(order.left, max(ZERO, -self.market.size if order.is_buy else self.market.size))

    def _drop_reduce_only(self) -> None:
        """What was to reduce a position that is gone, or has turned, is cancelled with it."""
        size = self.market.size
        for order in list(self.purse.orders.values()):
            stale = size == 0 or (size > 0) == order.is_buy
            if order.reduce_only and order.symbol == self.spec.symbol and order.status == PaperStatus.OPEN and stale:
                self._close(order, PaperStatus.CANCELED, NOTHING_TO_REDUCE)

    def _rest(self, order: BookOrder) -> None:
        if order.status == PaperStatus.WAITING and order.trigger_price is not None:
            self._resting.add_trigger(
                order.number, rising=order.rising, price=order.trigger_price, arrival=order.arrival
            )
        elif order.price is not None:
            self._resting.add_limit(order.number, is_buy=order.is_buy, price=order.price, arrival=order.arrival)

    def _close(self, order: BookOrder, status: PaperStatus, reason: str = "") -> None:
        self._resting.remove(order.number)
        order.status, order.reason = status, reason
        del self.purse.orders[order.number]
        self._note(order)

    def _note(self, order: BookOrder) -> None:
        order.updated = self.market.seen_at
        self.changed[order.number] = order

    def _next_arrival(self) -> int:
        self.counters.arrivals += 1
        return self.counters.arrivals

    # --- Checks --------------------------------------------------------------------------------------------------

    def _taker_price(self, is_buy: bool, price: Decimal) -> Decimal:
        """What a market order gets while the market stands at ``price``: slipped, and rounded against it."""
        if not self.slippage:
            return price
        return self.spec.against_taker(slipped(is_buy, price, self.slippage), is_buy=is_buy)

    def _rising(self, request: OrderRequest, trigger: Decimal) -> bool:
        """Spot has no trigger direction: the side that the trigger lies on gives it. A linear stop lies beyond the
        market, and is refused where the market is already beyond it."""
        price = self.market.price
        if self.spec.kind is MarketKind.SPOT:
            return trigger > price
        is_buy = request.side is Side.BUY
        if trigger <= price if is_buy else trigger >= price:
            side = "above" if is_buy else "below"
            raise OrderRejected(f"{request.client_order_id}: trigger price {trigger:f} has to be {side} {price:f}.")
        return is_buy

    def _check_reduces(self, is_buy: bool) -> None:
        if self.market.size == 0 or (self.market.size > 0) == is_buy:
            raise OrderRejected(f"{self.spec.symbol}: the reduce-only order has no position to reduce.")

    def _check_value(self, amount: Decimal, price: Decimal, reduce_only: bool) -> None:
        spec = self.spec
        if spec.max_amount is not None and amount > spec.max_amount:
            raise OrderRejected(f"amount {amount:f} is above the maximum of {spec.max_amount:f} {spec.base}.")
        least = spec.min_notional
        if least is not None and amount * price < least and not reduce_only:
            raise OrderRejected(f"value {amount * price:f} is below the minimum of {least:f} {spec.quote}.")
