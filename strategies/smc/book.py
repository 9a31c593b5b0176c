"""What fills do to the trades."""

from __future__ import annotations

from typing import TYPE_CHECKING

from strategies.compiled import compiled
from strategies.kernel import FillRow, note
from strategies.lattice import Rules, floor_to_step, tradable
from strategies.smc import codes
from strategies.smc.parameters import SmcParameters
from strategies.smc.slots import CLOSE, ENTRY, PARTIAL, STOP, TARGET, TIDY
from strategies.smc.state import CLOSING, ENTERING, FREE, MOST_POSITIONS, OPEN, SmcState

if TYPE_CHECKING:
    from strategies.kernel import Notes


@compiled
def closable(rules: Rules, amount: float, price: float) -> float:
    """``amount`` rounded down to the step, or 0 where the market would not take it. What closes a position on a linear
    market may be worth less than its minimum."""
    size = floor_to_step(max(amount, 0.0), rules.step_unit, rules.step_scale)
    least = 0.0 if rules.is_linear else rules.min_notional
    return size if tradable(size, price, rules.min_amount, least) else 0.0


@compiled
def book(p: SmcParameters, s: SmcState, fill: FillRow, notes: Notes) -> None:
    signed = fill.side * fill.amount - fill.fee_base
    if fill.slot == TIDY:
        s.dust += signed
        if fill.sequence == s.tidy_sequence and fill.done:
            s.tidy = 0.0
        return
    kind, slot = fill.slot // MOST_POSITIONS, fill.slot % MOST_POSITIONS
    if fill.slot < 0 or not is_of_trade(s, kind, slot, fill.sequence):
        s.dust += signed
        return
    if kind == ENTRY:
        enter(p, s, slot, fill, signed)
    else:
        leave(p, s, kind, slot, fill)
    if s.phase[slot] != ENTERING and closable(p.rules, s.held[slot], fill.price) == 0.0:
        end(s, slot, notes)


@compiled
def is_of_trade(s: SmcState, kind: int, slot: int, sequence: int) -> bool:
    if s.phase[slot] == FREE:
        return False
    return sequence == (s.closing_sequence[slot] if kind == CLOSE else s.trade[slot])


@compiled
def enter(p: SmcParameters, s: SmcState, slot: int, fill: FillRow, signed: float) -> None:
    s.filled[slot] += fill.amount
    s.spent[slot] += fill.amount * fill.price
    s.held[slot] += signed * s.side[slot]
    if s.filled[slot] > 0.0:
        s.entry[slot] = s.spent[slot] / s.filled[slot]
    s.best[slot] = s.entry[slot]
    if not fill.done:
        return
    if s.phase[slot] == ENTERING:
        s.phase[slot] = OPEN
    s.risk[slot] = abs(s.entry[slot] - s.stop[slot])
    whole = closable(p.rules, s.held[slot], s.entry[slot])
    part = closable(p.rules, whole * p.partial_share / 100.0, s.entry[slot])
    rest = closable(p.rules, whole - part, s.entry[slot])
    s.partial[slot] = part if rest > 0.0 else 0.0
    s.rest[slot] = rest if rest > 0.0 else whole


@compiled
def leave(p: SmcParameters, s: SmcState, kind: int, slot: int, fill: FillRow) -> None:
    s.held[slot] -= fill.amount
    s.profit[slot] += (fill.price - s.entry[slot]) * fill.amount * s.side[slot]
    if kind == STOP:
        s.stopped[slot] += fill.amount
        s.stop_done[slot] = fill.done
        s.phase[slot] = CLOSING
    elif kind == CLOSE and fill.done:
        s.closing[slot] = 0.0
    elif kind == PARTIAL and fill.done:
        s.partial_done[slot] = True
        if p.break_even and (s.entry[slot] - s.stop[slot]) * s.side[slot] > 0.0:
            s.stop[slot] = s.entry[slot]
    elif kind == TARGET and fill.done:
        s.rest_done[slot] = True


@compiled
def end(s: SmcState, slot: int, notes: Notes) -> None:
    s.phase[slot] = FREE
    s.dust += s.held[slot] * s.side[slot]
    if s.filled[slot] == 0.0:
        return
    if s.profit[slot] > 0.0:
        s.wins += 1
    else:
        s.losses += 1
    note(notes, codes.CLOSED, s.trade[slot], s.profit[slot], s.entry[slot])
