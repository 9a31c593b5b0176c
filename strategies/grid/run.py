"""One step of a grid, and how far the price may move before the next one has anything to do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from strategies.compiled import compiled
from strategies.grid.book import book
from strategies.grid.codes import (
    ARMED,
    CLOSING,
    FINISHED,
    NEW,
    NO_EXIT,
    REBUILDING,
    RUNNING,
    TOLD_ARMED,
    TOLD_EXIT,
    TOLD_TRIGGERED,
)
from strategies.grid.core import crossed
from strategies.grid.exits import guard, met_exit, stop_price, trailed_stop
from strategies.grid.ladder import range_around
from strategies.grid.parameters import GridParameters
from strategies.grid.shape import build, can_trail_down, can_trail_up, is_outside, leave, rebuild, trail, unbind
from strategies.grid.state import GridState
from strategies.kernel import FOREVER, NEVER_QUIET, FillRow, Quiet, Row, Tick, note
from strategies.lattice import floor_to_step, tradable

if TYPE_CHECKING:
    from strategies.kernel import Notes


@compiled
def advance(
    p: GridParameters, s: GridState, tick: Tick, row: Row, fills: Sequence[FillRow], count: int, notes: Notes
) -> bool:
    """See ``strategies.kernel``. Raises ``RangeUnknown`` when a range in ATRs was not resolved before the start."""
    for i in range(count):
        book(p, s, fills[i], notes)
    if s.phase == NEW or s.phase == ARMED:
        _start(p, s, tick, notes)
    elif s.phase == RUNNING or s.phase == REBUILDING:
        _run(p, s, tick, notes)
    guard(p, s)
    if s.phase == CLOSING or s.phase == FINISHED:
        _wind_up(p, s, tick.price)
    return s.phase == FINISHED


@compiled
def quiet(p: GridParameters, s: GridState, tick: Tick) -> Quiet:
    """See ``strategies.kernel``: between the trigger, or all exits and the lines that the grid follows."""
    if s.phase == CLOSING and s.close_amount != 0.0:
        return -math.inf, math.inf, FOREVER, False
    if s.phase == ARMED:
        if s.first_price < p.trigger:
            return -math.inf, p.trigger, FOREVER, False
        return p.trigger, math.inf, FOREVER, False
    if s.phase != RUNNING or s.finish_code != NO_EXIT:
        return NEVER_QUIET
    low, high = _between_exits(p, s, tick)
    if can_trail_up(p, s):
        high = min(high, s.line_above)
    if can_trail_down(p, s):
        low = max(low, s.line_below)
    until = FOREVER
    if p.recentres:
        above = s.line_above if s.line_above > 0.0 else math.inf
        if s.outside_since == 0:
            low = max(low, s.line_below)
            high = min(high, above)
        elif not is_outside(s, tick.price):
            return NEVER_QUIET
        else:
            if tick.price >= above:
                low = max(low, above)
            else:
                high = min(high, s.line_below)
            if s.entry_side == 0:
                until = s.outside_since + p.recentre_after
    return low, high, until, False


@compiled
def _between_exits(p: GridParameters, s: GridState, tick: Tick) -> tuple[float, float]:
    """The prices between which no exit is met by the position of this tick."""
    low, high = -math.inf, math.inf
    is_short = p.direction < 0
    if p.stop > 0.0:
        if is_short:
            high = trailed_stop(p, s)
        else:
            low = trailed_stop(p, s)
    if p.stop_upper > 0.0:
        high = min(high, p.stop_upper)
    if p.take_profit > 0.0:
        if is_short:
            low = max(low, p.take_profit)
        else:
            high = min(high, p.take_profit)
    if p.stop_percent == 0.0 and p.take_profit_percent == 0.0:
        return low, high
    earned = tick.realised_pnl + tick.unrealised_pnl - s.pnl_start
    # Sums of floats: what is nearer to a limit than they can tell is left to the step.
    unsure = 1e-9 * (
        p.investment + abs(tick.realised_pnl) + abs(s.pnl_start) + abs(tick.amount) * (tick.price + tick.average_price)
    )
    to_lose, to_gain = math.inf, math.inf
    if p.stop_percent > 0.0:
        to_lose = earned + p.stop_percent / 100.0 * p.investment - unsure
    if p.take_profit_percent > 0.0:
        to_gain = p.take_profit_percent / 100.0 * p.investment - earned - unsure
    if to_lose <= 0.0 or to_gain <= 0.0:
        return math.inf, -math.inf
    if tick.amount > 0.0:
        low = max(low, tick.price - to_lose / tick.amount)
        high = min(high, tick.price + to_gain / tick.amount)
    elif tick.amount < 0.0:
        low = max(low, tick.price + to_gain / tick.amount)
        high = min(high, tick.price - to_lose / tick.amount)
    return low, high


@compiled
def _start(p: GridParameters, s: GridState, tick: Tick, notes: Notes) -> None:
    price = tick.price
    if s.phase == NEW:
        s.first_price = price
    if p.trigger > 0.0:
        if not crossed(s.first_price, price, p.trigger):
            if s.phase == NEW:
                note(notes, TOLD_ARMED, price, p.trigger)
            s.phase = ARMED
            return
        note(notes, TOLD_TRIGGERED, price, p.trigger)
    lower, upper = s.lower, s.upper
    if lower == 0.0:
        lower, upper = range_around(p, price)
    s.pnl_start = tick.realised_pnl + tick.unrealised_pnl
    build(p, s, lower, upper, price, notes)


@compiled
def _run(p: GridParameters, s: GridState, tick: Tick, notes: Notes) -> None:
    if s.finish_code != NO_EXIT:  # the stop order was carried out
        code, value, limit = s.finish_code, s.finish_value, stop_price(p, s, s.stop_amount)
    else:
        code, value, limit = met_exit(p, s, tick)
    if code != NO_EXIT:
        s.finish_code = code
        s.finish_value = value
        s.finish_limit = limit
        note(notes, TOLD_EXIT, value, limit)
        unbind(p, s)
        s.phase = CLOSING if p.closes_on_stop else FINISHED
    elif s.phase == REBUILDING:
        rebuild(p, s, tick.price, notes)
    else:
        trail(p, s, tick.price, notes)
        leave(p, s, tick.price, tick.timestamp, notes)


@compiled
def _wind_up(p: GridParameters, s: GridState, price: float) -> None:
    """Wants a close for what is still held, again if fills came in late, until too little is left to be traded.

    A reduce-only order, as on linear markets, may be worth less than the market's minimum.
    """
    if not p.closes_on_stop or s.close_amount != 0.0:
        return
    rules = p.rules
    amount = floor_to_step(min(abs(s.dust), rules.max_amount), rules.step_unit, rules.step_scale)
    least_worth = 0.0 if rules.is_linear else rules.min_notional
    if tradable(amount, price, rules.min_amount, least_worth):
        s.phase = CLOSING
        s.close_sequence += 1
        s.close_amount = -amount if s.dust > 0.0 else amount
    else:
        s.phase = FINISHED
