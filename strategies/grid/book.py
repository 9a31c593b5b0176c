"""What a fill does to a grid: an opened interval wants to close, a closed one to open again."""

from __future__ import annotations

import math

from strategies.contract import FillSeen, Reason, Side
from strategies.grid.config import GridConfig, ProfitIn
from strategies.grid.core import (
    AWAITING_ENTRY,
    HOLDING,
    HOLDING_ENTRY,
    WAITING,
    closing_amount,
)
from strategies.grid.state import CLOSING, REBUILDING, RUNNING, GridState, Rules

ENTRY_SLOT = "entry"
CLOSE_SLOT = "close"
STOP_SLOT = "stop"


def slot_name(slot: int) -> str:
    return f"grid:{slot}"


def book(state: GridState, config: GridConfig, rules: Rules, fill: FillSeen, notes: list[Reason]) -> None:
    """Books one fill. One of an order that was given up meanwhile changes only what is held without an interval."""
    signed = (fill.amount if fill.side is Side.BUY else -fill.amount) - fill.fee_base
    interval = -1
    if state.phase == RUNNING and fill.slot.startswith("grid:"):
        interval = state.interval_of(int(fill.slot[5:]))
    if interval >= 0 and fill.sequence == state.sequences[interval] and state.phases[interval] != AWAITING_ENTRY:
        state.lots[interval] += signed
        state.filled[interval] += fill.amount
        state.spent[interval] += fill.amount * fill.price
        if fill.done and state.phases[interval] == WAITING:
            _opened(state, config, rules, interval)
        elif fill.done:
            _closed(state, interval, notes)
        return
    state.dust += signed
    if state.phase == RUNNING and fill.slot == ENTRY_SLOT and fill.sequence == state.entry_sequence:
        state.entry_filled += fill.amount
        state.entry_spent += fill.amount * fill.price
        if fill.done:
            distribute(state, config, rules)
    elif state.phase == CLOSING and fill.slot == CLOSE_SLOT and fill.sequence == state.close_sequence and fill.done:
        state.close_amount = 0.0
    elif fill.slot == STOP_SLOT:
        _stopped_out(state, fill)


def _stopped_out(state: GridState, fill: FillSeen) -> None:
    """The stop order that guards the position was carried out, wherever the price stands by now."""
    if state.phase == CLOSING:
        # It filled while it was being withdrawn: what the close was to trade is less now.
        state.close_amount = 0.0
    elif state.phase in (RUNNING, REBUILDING) and not state.finish_code:
        state.finish_code, state.finish_value = "grid.stop_loss_price", fill.price


def _opened(state: GridState, config: GridConfig, rules: Rules, interval: int) -> None:
    opening = state.openings[interval]
    opened_at = state.spent[interval] / state.filled[interval]
    available = opening * (state.lots[interval] + state.dust)
    rest = _hold(state, config, rules, interval, HOLDING, available, state.spent[interval], opened_at)
    state.dust = opening * rest
    state.sequences[interval] += 1


def _closed(state: GridState, interval: int, notes: list[Reason]) -> None:
    opening, opened_at = state.openings[interval], state.opened_at[interval]
    closed_at = state.spent[interval] / state.filled[interval]
    amount = state.filled[interval]
    state.cycles += 1
    notes.append(
        Reason(
            "grid.cycle",
            {
                "interval": state.slots[interval],
                "opened_at": opened_at,
                "closed_at": closed_at,
                "amount": amount,
                "gross_profit": opening * (closed_at - opened_at) * amount,
            },
        )
    )
    state.dust += state.lots[interval]
    wait(state, interval)
    state.sequences[interval] += 1


def wait(state: GridState, interval: int) -> None:
    """Makes an interval that is bound to nothing want its opening order."""
    state.phases[interval] = WAITING
    state.amounts[interval] = state.open_amounts[interval]
    state.filled[interval] = state.spent[interval] = state.lots[interval] = state.opened_at[interval] = 0.0


def distribute(state: GridState, config: GridConfig, rules: Rules) -> None:
    """Shares what is held without an interval among those that wait for the entry, by their amounts, from below.

    Each rounding remainder goes on to the next one; the last is left as dust.
    """
    awaiting = [i for i, phase in enumerate(state.phases) if phase == AWAITING_ENTRY]
    price = state.entry_spent / state.entry_filled if state.entry_filled else state.entry_price
    state.entry_side = 0
    if not awaiting:
        return
    opening = state.openings[awaiting[0]]
    pool = opening * state.dust
    total = sum(state.amounts[i] for i in awaiting)
    if total == 0.0:  # an investment too small for a single step: the preflight says so, here nothing is traded
        for interval in awaiting:
            wait(state, interval)
        return
    carried = 0.0
    for interval in awaiting:
        amount = state.amounts[interval]
        carried += amount * pool / total
        carried = _hold(state, config, rules, interval, HOLDING_ENTRY, carried, amount * price, price)
    state.dust = opening * carried


def _hold(
    state: GridState,
    config: GridConfig,
    rules: Rules,
    interval: int,
    phase: int,
    available: float,
    cost: float,
    opened_at: float,
) -> float:
    """Makes an interval want to close what of ``available`` can be; gives back what is left without an interval.

    What is too little to be closed is all left, and the interval waits again.
    """
    opening = state.openings[interval]
    close_line = state.lines[interval + 1] if opening > 0 else state.lines[interval]
    in_base = config.profit_in is ProfitIn.BASE
    needed = cost / (close_line * (1.0 - rules.maker_fee)) if in_base else math.inf
    amount = closing_amount(
        available, needed, close_line, rules.unit, rules.scale, rules.min_amount, rules.min_notional
    )
    if amount == 0.0:
        wait(state, interval)
        return available
    state.phases[interval] = phase
    state.amounts[interval] = amount
    state.lots[interval] = opening * amount
    state.filled[interval] = state.spent[interval] = 0.0
    state.opened_at[interval] = opened_at
    left = available - amount
    if in_base:
        state.kept += left
        return 0.0
    return left
