"""What a fill does to a grid: an opened interval wants to close, a closed one to open again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from strategies.compiled import compiled
from strategies.grid.codes import (
    CLOSE_SLOT,
    CLOSING,
    ENTRY_SLOT,
    FIRST_INTERVAL,
    NO_EXIT,
    REBUILDING,
    RUNNING,
    STOP_LOSS_PRICE,
    STOP_SLOT,
    TOLD_CYCLE,
)
from strategies.grid.core import AWAITING_ENTRY, HOLDING, HOLDING_ENTRY, WAITING, closing_amount
from strategies.grid.parameters import GridParameters
from strategies.grid.state import GridState, interval_of
from strategies.kernel import FillRow, note

if TYPE_CHECKING:
    from strategies.kernel import Notes


@compiled
def book(p: GridParameters, s: GridState, fill: FillRow, notes: Notes) -> None:
    """Books one fill. One of an order that was given up meanwhile changes only what is held without an interval."""
    signed = fill.side * fill.amount - fill.fee_base
    interval = -1
    if s.phase == RUNNING and fill.slot >= FIRST_INTERVAL:
        interval = interval_of(s, p.grids, fill.slot - FIRST_INTERVAL)
    if interval >= 0 and fill.sequence == s.sequences[interval] and s.phases[interval] != AWAITING_ENTRY:
        s.lots[interval] += signed
        s.filled[interval] += fill.amount
        s.spent[interval] += fill.amount * fill.price
        if fill.done and s.phases[interval] == WAITING:
            _opened(p, s, interval)
        elif fill.done:
            _closed(s, interval, notes)
        return
    s.dust += signed
    if s.phase == RUNNING and fill.slot == ENTRY_SLOT and fill.sequence == s.entry_sequence:
        s.entry_filled += fill.amount
        s.entry_spent += fill.amount * fill.price
        if fill.done:
            distribute(p, s)
    elif s.phase == CLOSING and fill.slot == CLOSE_SLOT and fill.sequence == s.close_sequence and fill.done:
        s.close_amount = 0.0
    elif fill.slot == STOP_SLOT:
        _stopped_out(s, fill.price)


@compiled
def _stopped_out(s: GridState, price: float) -> None:
    """The stop order that guards the position was carried out, wherever the price stands by now."""
    if s.phase == CLOSING:
        # It filled while it was being withdrawn: what the close was to trade is less now.
        s.close_amount = 0.0
    elif (s.phase == RUNNING or s.phase == REBUILDING) and s.finish_code == NO_EXIT:
        s.finish_code = STOP_LOSS_PRICE
        s.finish_value = price


@compiled
def _opened(p: GridParameters, s: GridState, interval: int) -> None:
    opening = s.openings[interval]
    opened_at = s.spent[interval] / s.filled[interval]
    available = opening * (s.lots[interval] + s.dust)
    rest = _hold(p, s, interval, HOLDING, available, s.spent[interval], opened_at)
    s.dust = opening * rest
    s.sequences[interval] += 1


@compiled
def _closed(s: GridState, interval: int, notes: Notes) -> None:
    opening = s.openings[interval]
    opened_at = s.opened_at[interval]
    amount = s.filled[interval]
    closed_at = s.spent[interval] / amount
    s.cycles += 1
    profit = opening * (closed_at - opened_at) * amount
    note(notes, TOLD_CYCLE, float(s.slots[interval]), opened_at, closed_at, amount, profit)
    s.dust += s.lots[interval]
    wait(s, interval)
    s.sequences[interval] += 1


@compiled
def wait(s: GridState, interval: int) -> None:
    """Makes an interval that is bound to nothing want its opening order."""
    s.phases[interval] = WAITING
    s.amounts[interval] = s.open_amounts[interval]
    s.filled[interval] = 0.0
    s.spent[interval] = 0.0
    s.lots[interval] = 0.0
    s.opened_at[interval] = 0.0


@compiled
def distribute(p: GridParameters, s: GridState) -> None:
    """Shares what is held without an interval among those that wait for the entry, by their amounts, from below.

    Each rounding remainder goes on to the next one; the last is left as dust.
    """
    price = s.entry_spent / s.entry_filled if s.entry_filled > 0.0 else s.entry_price
    s.entry_side = 0
    total = 0.0
    opening = 0
    for i in range(p.grids):
        if s.phases[i] == AWAITING_ENTRY:
            total += s.amounts[i]
            opening = s.openings[i]
    if opening == 0:
        return
    pool = opening * s.dust
    carried = 0.0
    for i in range(p.grids):
        if s.phases[i] != AWAITING_ENTRY:
            continue
        if total == 0.0:  # an investment too small for a single step: the preflight says so, here nothing is traded
            wait(s, i)
            continue
        amount = s.amounts[i]
        carried += amount * pool / total
        carried = _hold(p, s, i, HOLDING_ENTRY, carried, amount * price, price)
    if total > 0.0:
        s.dust = opening * carried


@compiled
def _hold(
    p: GridParameters, s: GridState, interval: int, phase: int, available: float, cost: float, opened_at: float
) -> float:
    """Makes an interval want to close what of ``available`` can be; gives back what is left without an interval.

    What is too little to be closed is all left, and the interval waits again.
    """
    opening = s.openings[interval]
    rules = p.rules
    close_line = s.lines[interval + 1] if opening > 0 else s.lines[interval]
    needed = cost / (close_line * (1.0 - rules.maker_fee)) if p.profit_in_base else math.inf
    amount = closing_amount(
        available, needed, close_line, rules.step_unit, rules.step_scale, rules.min_amount, rules.min_notional
    )
    if amount == 0.0:
        wait(s, interval)
        return available
    s.phases[interval] = phase
    s.amounts[interval] = amount
    s.lots[interval] = opening * amount
    s.filled[interval] = 0.0
    s.spent[interval] = 0.0
    s.opened_at[interval] = opened_at
    left = available - amount
    if p.profit_in_base:
        s.kept += left
        return 0.0
    return left
