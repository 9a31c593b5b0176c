"""The way from one point to the next: which standing orders the price meets, in which order, and what it does to them.

The rules are those of ``exchange/matching.py``, whose functions these are the compiled form of.
"""

from __future__ import annotations

import math
from typing import Any

from backtests.loop.money import affords, booked, hold, liquidation_price
from strategies.compiled import compiled
from strategies.kernel import LIMIT, STOP
from strategies.lattice import nearest_count


@compiled
def taker_price(terms: Any, side: int, price: float) -> float:
    """What a taker gets while the market stands at ``price``: slipped, and rounded to the tick against him."""
    if terms.slippage == 0.0:
        return price
    unit, scale = terms.rules.tick_unit, terms.rules.tick_scale
    ratio = (price + side * price * terms.slippage) * scale / unit
    nearest = nearest_count(ratio)
    if abs(ratio - nearest) <= 1e-9 * max(1.0, abs(ratio)):
        return nearest * unit / scale
    count = math.ceil(ratio) if side > 0 else math.floor(ratio)
    return count * unit / scale


@compiled
def drop(terms: Any, t: Any, a: Any, slot: int) -> None:
    """The order of a slot stands no more."""
    order = t.standing[slot]
    hold(terms, a, order, -order.left)
    order.active = False
    a.active -= 1
    last = t.active[a.active]
    t.active[order.place] = last
    t.standing[last].place = order.place


@compiled
def executed(
    terms: Any, t: Any, a: Any, slot: int, amount: float, price: float, is_maker: bool, point: int, timestamp: int
) -> None:
    """One execution of a standing order, a reduce-only one for no more than the position; what is left is dropped."""
    rules = terms.rules
    order = t.standing[slot]
    if order.reduce_only and rules.is_linear:
        amount = min(amount, max(0.0, -order.side * a.amount))
    side = order.side
    whole = amount >= order.left
    drop(terms, t, a, slot)
    if amount <= 0.0:
        return
    rate = rules.maker_fee if is_maker else rules.taker_fee
    in_base = side > 0 and rules.buy_fee_in_base
    fee = amount * rate if in_base else amount * price * rate
    value = side * amount * price
    change = side * amount - fee if in_base else side * amount
    a.quote -= value if in_base else value + fee
    a.fees += fee * price if in_base else fee
    was = a.amount
    booked(terms, a, change, value, 0.0 if in_base else fee)
    if whole:
        order.done = order.sequence
    else:
        order.part_amount = amount + (order.part_amount if order.part == order.sequence else 0.0)
        order.part = order.sequence
    kept = t.fills[a.fills]
    a.fills += 1
    kept.point = point
    kept.timestamp = timestamp
    kept.slot = slot
    kept.sequence = order.sequence
    kept.side = side
    kept.price = price
    kept.amount = amount
    kept.fee = fee
    kept.fee_in_base = in_base
    kept.is_maker = is_maker
    kept.trade = order.trade
    seen = t.seen[a.seen]
    a.seen += 1
    seen.slot = slot
    seen.sequence = order.sequence
    seen.side = side
    seen.price = price
    seen.amount = amount
    seen.fee_base = fee if in_base else 0.0
    seen.timestamp = timestamp
    seen.done = whole
    if rules.is_linear and was != 0.0 and (a.amount == 0.0 or (a.amount > 0.0) != (was > 0.0)):
        drop_reduce_only(terms, t, a)


@compiled
def drop_reduce_only(terms: Any, t: Any, a: Any) -> None:
    """What was to reduce a position that is gone, or has turned, is cancelled with it; what waits for a trigger stays."""
    place = a.active - 1
    while place >= 0:
        order = t.standing[t.active[place]]
        if order.reduce_only and order.trigger == 0.0 and order.side * a.amount >= 0.0:
            drop(terms, t, a, t.active[place])
        place -= 1


@compiled
def liquidate(terms: Any, t: Any, a: Any) -> None:
    """The position is taken over at the price of bankruptcy: nothing is left, and nothing stands."""
    while a.active > 0:
        drop(terms, t, a, t.active[a.active - 1])
    a.realised -= a.quote + a.cost
    a.quote = 0.0
    a.amount = 0.0
    a.cost = 0.0
    a.liquidated = True


@compiled
def move(terms: Any, t: Any, a: Any, start: float, end: float, point: int, timestamp: int) -> None:
    """Fills what the price meets on its way, in the order in which it is met; at one price the earlier arrival first."""
    low = start if start < end else end
    high = start if start > end else end
    count = 0
    for place in range(a.active):
        slot = t.active[place]
        order = t.standing[slot]
        falling = (order.side > 0) == (order.type == LIMIT)
        if (low > order.meets) if falling else (high < order.meets):
            continue
        met = t.met[count]
        met.slot = slot
        met.arrival = order.arrival
        met.distance = max(0.0, order.meets - start if start < end else start - order.meets)
        count += 1
        sift(t, count)
    for number in range(count):
        slot, arrival, distance = t.met[number].slot, t.met[number].arrival, t.met[number].distance
        ruin = liquidation_price(terms, a)
        if not math.isnan(ruin) and low <= ruin <= high and abs(start - ruin) < distance:
            liquidate(terms, t, a)
            return
        order = t.standing[slot]
        if not order.active or order.arrival != arrival:
            continue  # an earlier fill of this segment ended the position that it was to reduce
        if order.type == STOP:
            beyond = max(start, order.trigger) if order.side > 0 else min(start, order.trigger)
            price = taker_price(terms, order.side, beyond)
            if affords(terms, a, order.side, order.left, price, beyond, order.reduce_only):
                executed(terms, t, a, slot, order.left, price, False, point, timestamp)
            else:
                drop(terms, t, a, slot)
        else:
            executed(terms, t, a, slot, order.left, order.price, True, point, timestamp)
    ruin = liquidation_price(terms, a)
    if not math.isnan(ruin) and ((end <= ruin) if a.amount > 0.0 else (end >= ruin)):
        liquidate(terms, t, a)


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
