"""Laying a grid out at a price, and moving it after the price."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from strategies.compiled import compiled
from strategies.grid.book import distribute, wait
from strategies.grid.codes import (
    REBUILDING,
    RUNNING,
    TOLD_BUILT,
    TOLD_RANGE_LEFT,
    TOLD_TRAILED_DOWN,
    TOLD_TRAILED_UP,
)
from strategies.grid.core import AWAITING_ENTRY, WAITING, opening_of, starts_waiting
from strategies.grid.ladder import amount_at, equal_amount, line, line_ticks, price_of, range_moved_to, ticks_of
from strategies.grid.parameters import GridParameters
from strategies.grid.state import GridState
from strategies.kernel import note
from strategies.lattice import floor_to_step, tradable

if TYPE_CHECKING:
    from strategies.kernel import Notes


@compiled
def build(p: GridParameters, s: GridState, lower: float, upper: float, price: float, notes: Notes) -> None:
    """Lays the grid out at ``price``. What is held already (``dust``) counts towards what the holding intervals need."""
    count = p.grids
    low, high = ticks_of(p, lower), ticks_of(p, upper)
    # Back to the order of the intervals' numbers: each goes on counting its orders.
    first = s.shift % count
    turn(s.slots, count, count - first)
    turn(s.sequences, count, count - first)
    s.lower = price_of(p, low)
    s.upper = price_of(p, high)
    s.shift = 0
    for i in range(count + 1):
        s.lines[i] = price_of(p, line_ticks(p, low, high, i))
    _look_beyond(p, s)
    same = equal_amount(p, low, high) if p.in_equal_base else 0.0
    needed = 0.0
    for i in range(count):
        s.sequences[i] += 1
        s.open_amounts[i] = same if p.in_equal_base else amount_at(p, s.lines[i])
        wait(s, i)
        s.openings[i] = opening_of(p.direction, s.lines[i + 1], price)
        if not starts_waiting(s.openings[i], s.lines[i], s.lines[i + 1], price):
            s.phases[i] = AWAITING_ENTRY
            needed += s.openings[i] * s.amounts[i]
    missing = needed - s.dust
    s.phase = RUNNING
    s.outside_since = 0
    s.entry_price = price
    s.entry_filled = 0.0
    s.entry_spent = 0.0
    s.entry_amount = floor_to_step(abs(missing), p.rules.step_unit, p.rules.step_scale)
    note(notes, TOLD_BUILT, price, s.lower, s.upper, float(count))
    if tradable(s.entry_amount, price, p.rules.min_amount, p.rules.min_notional):
        s.entry_sequence += 1
        s.entry_side = 1 if missing > 0.0 else -1
    else:
        distribute(p, s)


@compiled
def trail(p: GridParameters, s: GridState, price: float, notes: Notes) -> None:
    """Moves the grid by as many intervals as the price is beyond it.

    Above the grid every interval rests a buy, below it a sell: moving up takes the lowest buy to the old top line,
    moving down the highest sell to the old bottom line. It waits while that order is being filled, while an entry is
    pending, at the limit, and where the exchange would refuse the new interval's orders.
    """
    while can_trail_up(p, s) and s.line_above <= price and _shift(p, s, 1):
        note(notes, TOLD_TRAILED_UP, price, s.lines[0], s.lines[p.grids])
    while can_trail_down(p, s) and s.line_below >= price and _shift(p, s, -1):
        note(notes, TOLD_TRAILED_DOWN, price, s.lines[0], s.lines[p.grids])


@compiled
def can_trail_up(p: GridParameters, s: GridState) -> bool:
    """Whether the grid moves up once the price is at the line above it."""
    return (
        p.trailing_up
        and s.entry_side == 0
        and s.line_above > 0.0
        and s.line_above <= p.trailing_up_limit
        and _rests(s, 0) > 0
    )


@compiled
def can_trail_down(p: GridParameters, s: GridState) -> bool:
    """Whether the grid moves down once the price is at the line below it."""
    return (
        p.trailing_down
        and s.entry_side == 0
        and s.line_below > 0.0
        and s.line_below >= p.trailing_down_limit
        and _rests(s, p.grids - 1) < 0
    )


@compiled
def leave(p: GridParameters, s: GridState, price: float, timestamp: int, notes: Notes) -> None:
    """Gives the grid up when the price has been outside by a whole interval for long enough."""
    if not p.recentres:
        return
    if not is_outside(s, price):
        s.outside_since = 0
        return
    if s.outside_since == 0:
        s.outside_since = timestamp
    if s.entry_side != 0 or timestamp - s.outside_since < p.recentre_after:
        return
    note(notes, TOLD_RANGE_LEFT, price, s.lines[0], s.lines[p.grids])
    unbind(p, s)
    s.phase = REBUILDING


@compiled
def rebuild(p: GridParameters, s: GridState, price: float, notes: Notes) -> None:
    """Builds the grid again around ``price``; on the old lines when the range would reach below the first tick."""
    lower, upper = range_moved_to(p, s.lower, s.upper, price)
    build(p, s, lower, upper, price, notes)


@compiled
def unbind(p: GridParameters, s: GridState) -> None:
    """Takes what the intervals hold from them: every order is given up."""
    bound = 0.0
    for i in range(p.grids):
        bound += s.lots[i]
        s.lots[i] = 0.0
    s.dust += bound
    s.entry_side = 0


@compiled
def is_outside(s: GridState, price: float) -> bool:
    return (s.line_above > 0.0 and price >= s.line_above) or price <= s.line_below


@compiled
def _rests(s: GridState, interval: int) -> int:
    """+1 when an untouched buy rests in the interval, -1 for a sell, 0 when the order is partly filled."""
    if s.filled[interval] > 0.0:
        return 0
    return s.openings[interval] if s.phases[interval] == WAITING else -s.openings[interval]


@compiled
def _shift(p: GridParameters, s: GridState, by: int) -> bool:
    """Moves the grid by one interval up (+1) or down (-1); false when the market would not take its new orders."""
    count = p.grids
    opening_line = line(p, s.lower, s.upper, s.shift + count if by > 0 else s.shift - 1)
    amount = s.open_amounts[0] if p.in_equal_base else amount_at(p, opening_line)
    if not tradable(amount, opening_line, p.rules.min_amount, p.rules.min_notional):
        return False
    s.shift += by
    # The line that the grid leaves comes round to where the new one is.
    turn(s.lines, count + 1, 1 if by > 0 else count)
    if by > 0:
        s.lines[count] = s.line_above
    else:
        s.lines[0] = s.line_below
    places = 1 if by > 0 else count - 1
    turn(s.slots, count, places)
    turn(s.sequences, count, places)
    turn(s.openings, count, places)
    turn(s.phases, count, places)
    turn(s.open_amounts, count, places)
    turn(s.amounts, count, places)
    turn(s.filled, count, places)
    turn(s.spent, count, places)
    turn(s.lots, count, places)
    turn(s.opened_at, count, places)
    moved = count - 1 if by > 0 else 0
    s.sequences[moved] += 1
    s.open_amounts[moved] = amount
    if s.phases[moved] == WAITING:
        wait(s, moved)
    _look_beyond(p, s)
    return True


@compiled
def _look_beyond(p: GridParameters, s: GridState) -> None:
    above = line(p, s.lower, s.upper, s.shift + p.grids + 1)
    below = line(p, s.lower, s.upper, s.shift - 1)
    s.line_above = above if above > s.lines[p.grids] else 0.0
    s.line_below = below if below > 0.0 and below < s.lines[0] else 0.0


@compiled
def turn(values: Any, count: int, places: int) -> None:
    """Turns the first ``count`` values round by so many places, in place: the one at ``places`` becomes the first."""
    if 0 < places < count:
        _reverse(values, 0, places)
        _reverse(values, places, count)
        _reverse(values, 0, count)


@compiled
def _reverse(values: Any, start: int, end: int) -> None:
    for i in range((end - start) // 2):
        kept = values[start + i]
        values[start + i] = values[end - 1 - i]
        values[end - 1 - i] = kept
