"""When, in which order and at which price orders fill as the price moves from one point to the next.

One set of rules for the back-test, the paper gateway and the simulator. A candle is read as four points
(:func:`four_points`); from each point to the next the price is taken to pass every price in between exactly once, so
a segment ``start → end`` is all that a resting order has to be held against. The close of one candle and the open of
the next make a segment too.

* A limit order that rests fills at its own price as maker when the segment touches it (``margin`` 0) or passes it by
  ``margin`` (one tick).
* A trigger order is met when the segment reaches its price. A stop fills at the worse of its price and the segment's
  start (the market was already there), moved by the slippage, as taker.
* Orders met in one segment fill in the order in which the price meets them; at the same price, the earlier arrival
  first.
* An order placed at a point trades at that point's price at once when it is a market order or a limit order that
  crosses (:func:`crosses`), else it rests and can fill only from the next segment on.
* A limit order that a trigger brings to life within a segment is as if placed where the price stood then: it trades
  there if it crosses, else it rests and the rest of the segment can already fill it.

The functions are generic: ``Decimal`` in the simulator and the paper gateway, ``float`` in back-tests, where numba
compiles them; so they hold nothing but comparisons and arithmetic. All numbers of one call are of one type.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeVar

Number = TypeVar("Number", float, Decimal)
OrderId = TypeVar("OrderId")


def four_points(open: Number, high: Number, low: Number, close: Number) -> tuple[Number, Number, Number, Number]:
    """A candle's prices in the order in which they are taken to have happened.

    Open; the extreme nearer to the open; the other extreme; close. Where both are equally near, low comes first.
    The high is nearer when ``high − open < open − low``: the rule that TradingView documents for its broker emulator.
    """
    if high - open < open - low:
        return open, high, low, close
    return open, low, high, close


def crosses(is_buy: bool, limit: Number, price: Number) -> bool:
    """Whether a limit order placed while the market stands at ``price`` would trade at once."""
    if is_buy:
        return limit >= price
    return limit <= price


def limit_fills(is_buy: bool, limit: Number, start: Number, end: Number, margin: Number) -> bool:
    """Whether the segment fills a resting limit order. ``margin`` is 0 for touch, one tick for through."""
    if is_buy:
        return (start if start < end else end) <= limit - margin
    return (start if start > end else end) >= limit + margin


def trigger_met(rising: bool, trigger: Number, start: Number, end: Number) -> bool:
    """Whether the segment reaches a trigger that waits for the price to rise (or else to fall) to it."""
    if rising:
        return (start if start > end else end) >= trigger
    return (start if start < end else end) <= trigger


def trigger_price_met(rising: bool, trigger: Number, start: Number) -> Number:
    """Where the price stands when the trigger goes off: at it, or at the start when that was already beyond it."""
    if rising:
        return start if start > trigger else trigger
    return start if start < trigger else trigger


def slipped(is_buy: bool, price: Number, slippage: Number) -> Number:
    """``price`` moved against the order by the fraction ``slippage``. Not rounded to the tick."""
    if is_buy:
        return price + price * slippage
    return price - price * slippage


def stop_fill_price(is_buy: bool, trigger: Number, start: Number, slippage: Number) -> Number:
    """What a triggered stop gets: the worse of its price and the segment's start, with slippage.

    A buy stop waits for a rise and a sell stop for a fall, so the worse one is where the price stood. Written out
    rather than made of the functions above, which numba could not call without their being compiled first.
    """
    if is_buy:
        met = start if start > trigger else trigger
        return met + met * slippage
    met = start if start < trigger else trigger
    return met - met * slippage


@dataclass(frozen=True, slots=True)
class Met(Generic[OrderId]):
    """An order that a segment met, at the price where it was met. ``triggered`` is false for resting limits.

    ``distance`` is how far the price had come from the segment's start; with ``arrival`` it gives the order of fills.
    """

    order_id: OrderId
    price: Decimal
    triggered: bool
    distance: Decimal
    arrival: int


_AFTER_ALL_ARRIVALS = 1 << 62
_NOTHING = Decimal(0)

# In each ladder an entry sorts by the distance the price has to travel, then by arrival.
_Entry = tuple[Decimal, int]


class _Ladder(Generic[OrderId]):
    """Orders of one kind, nearest first. ``sign`` +1 when they wait for a rise, −1 when for a fall."""

    __slots__ = ("_entries", "_ids", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self._entries: list[_Entry] = []
        self._ids: dict[int, OrderId] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, order_id: OrderId, price: Decimal, arrival: int) -> None:
        insort(self._entries, (self.sign * price, arrival))
        self._ids[arrival] = order_id

    def remove(self, price: Decimal, arrival: int) -> None:
        del self._entries[bisect_left(self._entries, (self.sign * price, arrival))]
        del self._ids[arrival]

    def take(self, extreme: Decimal, margin: Decimal) -> Iterator[tuple[Decimal, int, OrderId]]:
        """Removes and yields (price where it is met, arrival, id) of every order met by a move to ``extreme``."""
        reach = self.sign * extreme - margin
        count = bisect_left(self._entries, (reach, _AFTER_ALL_ARRIVALS))
        met, self._entries = self._entries[:count], self._entries[count:]
        for distance, arrival in met:
            yield self.sign * distance, arrival, self._ids.pop(arrival)


class RestingOrders(Generic[OrderId]):
    """The orders of one market that wait for the price: O(log n) to add and remove, O(log n + met) per segment.

    ``arrival`` numbers are given by the caller, unique per market and rising; they break ties at one price.
    """

    def __init__(self) -> None:
        self._buys: _Ladder[OrderId] = _Ladder(-1)
        self._sells: _Ladder[OrderId] = _Ladder(+1)
        self._rising: _Ladder[OrderId] = _Ladder(+1)
        self._falling: _Ladder[OrderId] = _Ladder(-1)
        self._where: dict[OrderId, tuple[_Ladder[OrderId], Decimal, int]] = {}

    def __len__(self) -> int:
        return len(self._where)

    def __contains__(self, order_id: OrderId) -> bool:
        return order_id in self._where

    def add_limit(self, order_id: OrderId, *, is_buy: bool, price: Decimal, arrival: int) -> None:
        self._add(self._buys if is_buy else self._sells, order_id, price, arrival)

    def add_trigger(self, order_id: OrderId, *, rising: bool, price: Decimal, arrival: int) -> None:
        self._add(self._rising if rising else self._falling, order_id, price, arrival)

    def _add(self, ladder: _Ladder[OrderId], order_id: OrderId, price: Decimal, arrival: int) -> None:
        if order_id in self._where:
            raise ValueError(f"order {order_id!r} rests already; remove it before adding it again")
        ladder.add(order_id, price, arrival)
        self._where[order_id] = (ladder, price, arrival)

    def remove(self, order_id: OrderId) -> bool:
        """False when the order does not rest here (any more)."""
        place = self._where.pop(order_id, None)
        if place is None:
            return False
        ladder, price, arrival = place
        ladder.remove(price, arrival)
        return True

    def take(
        self, start: Decimal, end: Decimal, margin: Decimal, *, travelled: Decimal = _NOTHING
    ) -> list[Met[OrderId]]:
        """Removes every order that the segment meets and returns them in the order in which the price meets them.

        Limits need the price to come ``margin`` beyond their own; triggers need a touch. An order that the start is
        already beyond (a trigger placed on the wrong side) is met at the start, before all others, whichever way the
        price goes. ``travelled`` is what the price had come already when ``start`` lies within a longer segment.
        """
        low, high = (start, end) if start < end else (end, start)
        found: list[Met[OrderId]] = []
        for ladder, extreme, ladder_margin, triggered in (
            (self._buys, low, margin, False),
            (self._sells, high, margin, False),
            (self._rising, high, _NOTHING, True),
            (self._falling, low, _NOTHING, True),
        ):
            if not ladder:
                continue
            for price, arrival, order_id in ladder.take(extreme, ladder_margin):
                del self._where[order_id]
                distance = ladder.sign * (price - start) + ladder_margin
                at = trigger_price_met(ladder.sign > 0, price, start) if triggered else price
                found.append(Met(order_id, at, triggered, travelled + max(distance, _NOTHING), arrival))
        found.sort(key=path_order)
        return found


def path_order(met: Met[OrderId]) -> tuple[Decimal, int]:
    """What orders met in one segment are sorted by."""
    return met.distance, met.arrival
