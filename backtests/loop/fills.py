"""What a fill, a cancel and a liquidation do to the tables and the account."""

from __future__ import annotations

from typing import Any

from backtests.loop.money import booked, hold, hold_nothing, liquidation_price
from backtests.loop.prices import fillable
from strategies.compiled import compiled
from strategies.lattice import floor_to_step


@compiled
def drop(terms: Any, t: Any, a: Any, slot: int) -> None:
    """The order of a slot stands no more."""
    order = t.standing[slot]
    hold(terms, a, order, -order.left)
    order.active = False
    if order.taking:
        order.taking = False
        a.taking -= 1
    a.active -= 1
    last = t.active[a.active]
    t.active[order.place] = last
    t.standing[last].place = order.place
    if a.active == 0:
        hold_nothing(a)


@compiled
def take_later(a: Any, order: Any) -> None:
    """What is left of a taker is tried again at the next points."""
    if not order.taking:
        order.taking = True
        a.taking += 1


@compiled
def note_denial(order: Any, sequence: int, timestamp: int) -> None:
    """The exchange itself refused the order, or threw it out unfilled."""
    if order.denied != sequence:
        order.denied = sequence
        order.denials = 0
    order.denials += 1
    order.denied_at = timestamp


@compiled
def executed(terms: Any, t: Any, a: Any, slot: int, price: float, is_maker: bool, point: int, timestamp: int) -> None:
    """One execution of a standing order: a reduce-only one for no more than the position, what is left of it being
    cancelled; any one for no more than the candle's volume leaves, what is left of it standing on."""
    rules = terms.rules
    order = t.standing[slot]
    side = order.side
    wished = order.left
    if order.reduce_only and rules.is_linear:
        wished = min(wished, max(0.0, -side * (a.amount + a.beside)))
    if wished <= 0.0:
        drop(terms, t, a, slot)
        note_denial(order, order.sequence, timestamp)
        a.refusing = True
        return
    amount = fillable(terms, a, wished)
    if amount < wished and not is_maker:
        take_later(a, order)
    if amount <= 0.0:
        return
    whole = amount >= order.left
    if amount >= wished:
        drop(terms, t, a, slot)
    else:
        hold(terms, a, order, -amount)
        order.left = floor_to_step(order.left - amount, rules.step_unit, rules.step_scale)
    rate = rules.maker_fee if is_maker else rules.taker_fee
    in_base = side > 0 and rules.buy_fee_in_base
    fee = amount * rate if in_base else amount * price * rate
    value = side * amount * price
    change = side * amount - fee if in_base else side * amount
    a.quote -= value if in_base else value + fee
    a.fees += fee * price if in_base else fee
    a.taken += amount
    was = a.amount + a.beside
    booked(terms, a, change, value, 0.0 if in_base else fee)
    if whole:
        order.done = order.sequence
    else:
        keep_part(terms, order, amount, price)
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
    tell(t, a, slot, order.sequence, side, price, amount, fee if in_base else 0.0, timestamp, whole)
    held = a.amount + a.beside
    if rules.is_linear and was != 0.0 and (held == 0.0 or (held > 0.0) != (was > 0.0)):
        drop_reduce_only(terms, t, a)


@compiled
def keep_part(terms: Any, order: Any, amount: float, price: float) -> None:
    """A wish may be filled in parts, by one order or by several."""
    if order.part != order.sequence:
        order.part = order.sequence
        order.part_amount = 0.0
        order.part_value = 0.0
    order.part_amount = floor_to_step(order.part_amount + amount, terms.rules.step_unit, terms.rules.step_scale)
    order.part_value += amount * price


@compiled
def tell(
    t: Any,
    a: Any,
    slot: int,
    sequence: int,
    side: int,
    price: float,
    amount: float,
    fee_base: float,
    timestamp: int,
    done: bool,
) -> None:
    """What the strategy sees at its next step."""
    seen = t.seen[a.seen]
    a.seen += 1
    seen.slot = slot
    seen.sequence = sequence
    seen.side = side
    seen.price = price
    seen.amount = amount
    seen.fee_base = fee_base
    seen.timestamp = timestamp
    seen.done = done


@compiled
def drop_reduce_only(terms: Any, t: Any, a: Any) -> None:
    """What was to reduce a position that is gone, or has turned, is cancelled with it; what waits for a trigger stays."""
    place = a.active - 1
    while place >= 0:
        order = t.standing[t.active[place]]
        if order.reduce_only and not order.waits and order.side * (a.amount + a.beside) >= 0.0:
            drop(terms, t, a, t.active[place])
        place -= 1


@compiled
def liquidate(terms: Any, t: Any, a: Any, point: int, timestamp: int) -> None:
    """The position is taken over at the price of bankruptcy: nothing is left, and nothing stands. Of a shared account
    the positions of all bots are, by who leads them."""
    while a.active > 0:
        drop(terms, t, a, t.active[a.active - 1])
    a.ruin_point = point
    a.ruin_time = timestamp
    if a.shared:
        a.ruin_price = liquidation_price(terms, a)
        a.liquidated = True
        return
    a.ruin_price = -a.quote / a.amount
    a.realised -= a.quote + a.cost
    a.quote = 0.0
    a.amount = 0.0
    a.cost = 0.0
    a.liquidated = True
