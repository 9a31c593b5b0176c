"""What a decision does to the standing orders: what is no longer wanted goes, what is missing comes."""

from __future__ import annotations

import math
from typing import Any

from backtests.loop.fills import drop, executed, note_denial, tell
from backtests.loop.money import affords, hold
from backtests.loop.prices import crosses, meeting_price, taker_price
from backtests.loop.records import (
    CROSSES,
    MOST_REFUSED,
    NOTHING_TO_REDUCE,
    TOO_CHEAP,
    TOO_LARGE,
    TOO_POOR,
    TOO_SMALL,
    WRONG_SIDE,
)
from backtests.loop.segment import falls_to
from strategies.compiled import compiled
from strategies.kernel import FOREVER, LIMIT, MARKET, STOP
from strategies.lattice import floor_to_step
from strategies.retrying import wait_ms


@compiled
def reconcile(terms: Any, t: Any, a: Any, first: int, count: int, price: float, point: int, timestamp: int) -> None:
    """Makes what stands what ``count`` rows of ``wanted`` from ``first`` on say; market orders fill at once."""
    a.refusing = False
    a.retry_at = FOREVER
    if count == 0 and a.active == 0:
        return
    a.stamp += 1
    a.leaving_buys, a.leaving_sells = False, False
    for number in range(first, first + count):
        order = t.standing[t.wanted[number].slot]
        order.stamp = a.stamp
        order.want = number
    place = a.active - 1
    while place >= 0:
        slot = t.active[place]
        order = t.standing[slot]
        if order.stamp != a.stamp or not stands_as(order, t.wanted[order.want]):
            if order.protective and (order.stamp != a.stamp or order.sequence != t.wanted[order.want].sequence):
                a.leaving_buys = a.leaving_buys or order.side > 0
                a.leaving_sells = a.leaving_sells or order.side < 0
            drop(terms, t, a, slot)
        place -= 1
    for number in range(first, first + count):
        wanted = t.wanted[number]
        order = t.standing[wanted.slot]
        if not order.active and order.done < wanted.sequence:
            placed(terms, t, a, wanted, price, point, timestamp)


@compiled
def stands_as(order: Any, wanted: Any) -> bool:
    return bool(
        order.sequence == wanted.sequence
        and order.wished == wanted.amount
        and order.price == wanted.price
        and order.trigger == wanted.trigger
        and order.side == wanted.side
        and order.type == wanted.type
    )


@compiled
def placed(terms: Any, t: Any, a: Any, wanted: Any, price: float, point: int, timestamp: int) -> None:
    """Places one order, or keeps why it cannot be; it is then tried again while it is wanted, as a bot tries it."""
    slot, side = wanted.slot, wanted.side
    order = t.standing[slot]
    if order.denied == wanted.sequence:
        retry_at = order.denied_at + wait_ms(order.denials, wanted.protective)
        if timestamp < retry_at:
            if terms.latency > 0:
                a.refusing = True  # what is sent later comes later
            else:
                a.retry_at = min(a.retry_at, retry_at)
            return
    left = wanted.amount
    if order.part == wanted.sequence:
        left = max(0.0, floor_to_step(left - order.part_amount, terms.rules.step_unit, terms.rules.step_scale))
    passed = wanted.type == STOP and side * (wanted.trigger - price) <= 0.0
    # A bot's watchdog closes at market where a protective stop cannot stand any more.
    at_market = wanted.type == MARKET or (passed and wanted.protective)
    if at_market and (a.leaving_buys if side > 0 else a.leaving_sells):
        # The stop that is being withdrawn may be filling: a bot waits for the proof that it is not.
        a.refusing = True
        return
    at_once = at_market or (wanted.type == LIMIT and crosses(terms, side, wanted.price, price))
    taken_at = taker_price(terms, a, wanted.type, side, wanted.price, left, price) if at_once else 0.0
    why = refusal(terms, a, wanted, left, taken_at, at_market, at_once, price)
    if why != 0:
        refuse(t, a, wanted, why, point, timestamp)
        return
    order.denials = 0
    a.arrival += 1
    order.active = True
    order.place = a.active
    order.sequence = wanted.sequence
    order.side = side
    order.type = wanted.type
    order.wished = wanted.amount
    order.left = left
    order.price = wanted.price
    order.trigger = wanted.trigger
    order.waits = wanted.type == STOP and not at_market
    order.held_at = taken_at if at_market else wanted.price
    order.reduce_only = wanted.reduce_only
    order.protective = wanted.protective
    order.trade = wanted.trade
    order.arrival = a.arrival
    order.meets = meeting_price(terms, wanted.type, side, wanted.price, wanted.trigger)
    t.active[a.active] = slot
    a.active += 1
    hold(terms, a, order, left)
    if at_once:
        executed(terms, t, a, slot, taken_at, False, point, timestamp)


@compiled
def refuse(t: Any, a: Any, wanted: Any, why: int, point: int, timestamp: int) -> None:
    """Keeps the first refusal of a wish. Where a part of it was filled and the rest is too little for the market, the
    wish is done: a strategy is told so by a fill of nothing, as a bot tells it."""
    order = t.standing[wanted.slot]
    if why in (TOO_SMALL, TOO_CHEAP) and order.part == wanted.sequence:
        order.done = wanted.sequence
        average = order.part_value / order.part_amount
        tell(t, a, wanted.slot, wanted.sequence, wanted.side, average, 0.0, 0.0, timestamp, True)
        return
    a.refusing = True
    if why not in (TOO_SMALL, TOO_CHEAP, TOO_LARGE):  # those a bot does not even send
        note_denial(order, wanted.sequence, timestamp)
    if order.refused == wanted.sequence:
        return
    order.refused = wanted.sequence
    if a.refused < MOST_REFUSED:
        kept = t.refused[a.refused]
        kept.point = point
        kept.slot = wanted.slot
        kept.sequence = wanted.sequence
        kept.why = why
    a.refused += 1


@compiled
def refusal(
    terms: Any, a: Any, wanted: Any, left: float, taken_at: float, at_market: bool, at_once: bool, price: float
) -> int:
    """Why the exchange would not take the order, or 0."""
    rules = terms.rules
    if left <= 0.0 or left < rules.min_amount * (1.0 - 1e-9):
        return TOO_SMALL
    if left > rules.max_amount * (1.0 + 1e-9):
        return TOO_LARGE
    reduces = wanted.reduce_only and rules.is_linear
    at = taken_at if at_market else (wanted.trigger if wanted.type == STOP else wanted.price)
    if left * at < rules.min_notional * (1.0 - 1e-9) and not reduces:
        return TOO_CHEAP
    if wanted.post_only and at_once:
        return CROSSES
    if wanted.type == STOP and not at_market:
        return WRONG_SIDE if wanted.side * (wanted.trigger - price) <= 0.0 else 0
    if reduces and wanted.side * (a.amount + a.beside) >= 0.0:
        return NOTHING_TO_REDUCE
    return 0 if affords(terms, a, wanted.side, left, at, price, reduces) else TOO_POOR


@compiled
def reach(t: Any, a: Any) -> None:
    """The prices between which nothing standing is met, within those between which the strategy rests."""
    low, high = a.quiet_low, a.quiet_high
    for place in range(a.active):
        order = t.standing[t.active[place]]
        if falls_to(order):
            low = max(low, order.meets)
        else:
            high = min(high, order.meets)
    a.low = low
    a.high = high
    if a.taking > 0 or math.isnan(low) or math.isnan(high):
        a.low, a.high = math.inf, -math.inf


@compiled
def has_both(t: Any, a: Any, low: float, high: float) -> bool:
    """Whether a stop and a target of the position both lie within these prices."""
    stop, target = False, False
    for place in range(a.active):
        order = t.standing[t.active[place]]
        if order.side * a.amount < 0.0 and low <= order.meets <= high:
            stop = stop or order.waits
            target = target or order.type == LIMIT
    return stop and target
