"""The way from one point to the next: which standing orders the price meets, in which order, and what it does to them.

The rules are those of ``exchange/matching.py``, whose functions these are the compiled form of.
"""

from __future__ import annotations

from typing import Any

from backtests.loop.fills import drop, executed, liquidate, note_denial
from backtests.loop.money import affords, hold, is_ruined
from backtests.loop.prices import crosses, taker_price
from strategies.compiled import compiled
from strategies.kernel import LIMIT, STOP


@compiled
def falls_to(order: Any) -> bool:
    """Whether the price has to fall to meet it, or else to rise."""
    return bool((order.side > 0) == (order.type == LIMIT))


@compiled
def move(terms: Any, t: Any, a: Any, start: float, end: float, point: int, timestamp: int) -> None:
    """Fills what the price meets on its way, in the order in which it is met; at one price the earlier arrival first."""
    low = start if start < end else end
    high = start if start > end else end
    count = 0
    for place in range(a.active):
        slot = t.active[place]
        order = t.standing[slot]
        falling = falls_to(order)
        if order.taking or ((low > order.meets) if falling else (high < order.meets)):
            continue
        met = t.met[count]
        met.slot = slot
        met.arrival = order.arrival
        # What a candle's volume left of an order is beyond the start: it is met there.
        met.distance = max(0.0, start - order.meets if falling else order.meets - start)
        count += 1
        sift(t, count)
    here = start
    for number in range(count):
        slot, arrival, distance = t.met[number].slot, t.met[number].arrival, t.met[number].distance
        order = t.standing[slot]
        if not order.active or order.arrival != arrival:
            continue  # an earlier fill of this segment ended the position that it was to reduce
        at = start if distance == 0.0 else order.meets
        if terms.maintenance > 0.0 and at != here and is_ruined(terms, a, here, at, False):
            liquidate(terms, t, a, point, timestamp)
            return
        here = at
        if order.type != STOP:
            executed(terms, t, a, slot, order.price, True, point, timestamp)
            continue
        beyond = max(start, order.trigger) if order.side > 0 else min(start, order.trigger)
        take(terms, t, a, slot, beyond, point, timestamp)
    if terms.maintenance > 0.0 and is_ruined(terms, a, here, end, True):
        liquidate(terms, t, a, point, timestamp)
    elif a.taking > 0:
        take_rests(terms, t, a, end, point, timestamp)


@compiled
def take(terms: Any, t: Any, a: Any, slot: int, price: float, point: int, timestamp: int) -> None:
    """Takes what it can of a triggered stop, or of what is left of a taker; it goes where the money is not there."""
    order = t.standing[slot]
    hold(terms, a, order, -order.left)
    order.waits = False
    order.held_at = taker_price(terms, a, order.type, order.side, order.price, order.left, price)
    can = affords(terms, a, order.side, order.left, order.held_at, price, order.reduce_only)
    hold(terms, a, order, order.left)
    if can:
        executed(terms, t, a, slot, order.held_at, False, point, timestamp)
    else:
        drop(terms, t, a, slot)
        note_denial(order, order.sequence, timestamp)
        a.refusing = True


@compiled
def take_rests(terms: Any, t: Any, a: Any, price: float, point: int, timestamp: int) -> None:
    """What is left of takers, at a point's price, the earlier arrival first. A limit order that the price has left rests."""
    last = -1
    while a.taking > 0:
        slot, arrival = -1, 0
        for place in range(a.active):
            order = t.standing[t.active[place]]
            if order.taking and order.arrival > last and (slot < 0 or order.arrival < arrival):
                slot, arrival = t.active[place], order.arrival
        if slot < 0:
            return
        last = arrival
        order = t.standing[slot]
        if order.type == LIMIT and not crosses(terms, order.side, order.price, price):
            order.taking = False
            a.taking -= 1
        else:
            take(terms, t, a, slot, price, point, timestamp)


@compiled
def sift(t: Any, count: int) -> None:
    """Brings the last of the orders met to its place."""
    place = count - 1
    while place > 0:
        one, two = t.met[place - 1], t.met[place]
        if one.distance < two.distance or (one.distance == two.distance and one.arrival < two.arrival):
            return
        one.slot, two.slot = two.slot, one.slot
        one.arrival, two.arrival = two.arrival, one.arrival
        one.distance, two.distance = two.distance, one.distance
        place -= 1
