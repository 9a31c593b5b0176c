"""How a trade is left: the stop that only ever tightens, and the targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from strategies.compiled import compiled
from strategies.kernel import note
from strategies.lattice import floor_to_step, on_tick
from strategies.trend.config import MOST_TARGETS
from strategies.trend.notes import TOLD_BREAK_EVEN, TOLD_ENTERED, TOLD_MISSED, TOLD_TRAILED
from strategies.trend.orders import closable
from strategies.trend.parameters import NEVER, Parameters
from strategies.trend.state import ENTERING, FLAT, HOLDING, TrendState, average_of

if TYPE_CHECKING:
    from strategies.kernel import Notes


@compiled
def give_up_entry(p: Parameters, s: TrendState, notes: Notes) -> None:
    """The entry is over, filled or not: targets are laid out for what is held."""
    if s.phase != ENTERING:
        return
    if not s.stopping and closable(abs(s.held), s.stop, p.rules) == 0.0:
        s.phase = FLAT
        note(notes, TOLD_MISSED, s.entry_filled, average_of(s), s.entry_amount)
        return
    s.phase = HOLDING
    note(notes, TOLD_ENTERED, s.entry_filled, average_of(s), s.entry_amount, s.stop)
    if not s.stopping:
        lay_out_targets(p, s)


@compiled
def lay_out_targets(p: Parameters, s: TrendState) -> None:
    """Shares what is held among the targets, each rounded down to the step.

    What is too little for an order of its own is left to the next target; what is in no target, and could not be
    closed on its own either, to the last one.
    """
    total = abs(s.held)
    carried, given = 0.0, 0.0
    last = -1
    for number in range(p.targets):
        carried += p.target_shares[number] * total
        price = s.target_prices[number]
        amount = closable(carried, price, p.rules) if price > 0.0 else 0.0  # a short's may lie below nothing
        if amount > 0.0:
            s.target_amounts[number] = amount
            last = number
            carried -= amount
            given += amount
    if last < 0:
        return
    rest = total - given
    if closable(rest, s.stop, p.rules) == 0.0:
        whole = s.target_amounts[last] + rest
        s.target_amounts[last] = floor_to_step(whole, p.rules.step_unit, p.rules.step_scale)


@compiled
def is_unfilled(s: TrendState, number: int) -> bool:
    """Whether something of a target is left to be traded."""
    return s.target_amounts[number] - s.target_filled[number] > s.target_amounts[number] * 1e-9


@compiled
def meet_targets(p: Parameters, s: TrendState, price: float) -> None:
    """Which targets are wanted at this price.

    On linear markets they rest, but not while the price is beyond the stop: it closes everything, and what a target
    bought or sold then would be a position of its own. On spot a target is sold at market once the price is there: the
    coins are bound by the stop order until then.
    """
    if s.phase != HOLDING or s.stopping:
        return
    beyond_stop = s.side * (price - s.stop) <= 0.0
    for number in range(MOST_TARGETS):
        if p.rules.is_linear:
            s.target_open[number] = is_unfilled(s, number) and not beyond_stop
        elif is_unfilled(s, number) and s.side * (price - s.target_prices[number]) >= 0.0:
            s.target_open[number] = True


@compiled
def break_even_price(p: Parameters, s: TrendState) -> float:
    """Where entry and the fees of both ways are paid."""
    fees = 2.0 * p.rules.taker_fee
    return on_tick(average_of(s) * (1.0 + s.side * fees), p.rules.tick_unit, p.rules.tick_scale)


@compiled
def move_to_break_even(p: Parameters, s: TrendState, price: float, notes: Notes) -> None:
    """Once the price has come far enough, and beyond what the fees of both ways take."""
    if s.even or not reached(s, price, p.break_even):
        return
    even = break_even_price(p, s)
    if s.side * (price - even) <= 0.0:
        return
    s.even = True
    if tighten(s, even):
        note(notes, TOLD_BREAK_EVEN, price, even)


@compiled
def start_trailing(p: Parameters, s: TrendState, price: float) -> None:
    if reached(s, price, p.trail_from):
        s.trailing = True


@compiled
def trail(p: Parameters, s: TrendState, close: float, atr: float, notes: Notes) -> None:
    """Moves the stop after a candle's close."""
    if not s.trailing or not atr > 0.0:  # also NaN: a row that is not known
        return
    stop = on_tick(close - s.side * p.trail_atr * atr, p.rules.tick_unit, p.rules.tick_scale)
    if tighten(s, stop):
        note(notes, TOLD_TRAILED, close, stop)


@compiled
def guard(p: Parameters, s: TrendState) -> None:
    """What the stop order has to close: what is held, and on spot is not being sold by a target already.

    The amount is that of the whole order, with what has filled of it. It is a new wish each time that there was none.
    """
    bound = 0.0
    if not p.rules.is_linear:
        for number in range(MOST_TARGETS):
            if s.target_open[number]:
                bound += s.target_amounts[number] - s.target_filled[number]
    amount = closable(abs(s.held) - bound, s.stop, p.rules)
    if s.stopping and s.stop_amount > 0.0:
        # It grows by what came in late, and keeps what is left of it where that is too little for an order.
        if amount > 0.0:
            s.stop_amount = floor_to_step(s.stop_filled + amount, p.rules.step_unit, p.rules.step_scale)
        return
    if amount > 0.0 and s.stop_amount == 0.0:
        s.stop_sequence += 1
        s.stop_filled = 0.0
    s.stop_amount = amount


@compiled
def reached(s: TrendState, price: float, multiple: float) -> bool:
    """Whether the price has come so many R. It never comes as far as :data:`NEVER`."""
    return multiple < NEVER and s.side * (price - s.entry_price) >= multiple * s.risk * (1.0 - 1e-9)


@compiled
def tighten(s: TrendState, stop: float) -> bool:
    """Moves the stop unless that would loosen it."""
    if s.side * (stop - s.stop) <= 0.0:
        return False
    s.stop = stop
    return True
