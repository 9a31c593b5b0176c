"""What fills do to a trade, and what its end does to the next ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from strategies.compiled import compiled
from strategies.kernel import FillRow, Tick, note
from strategies.trend.config import MOST_TARGETS
from strategies.trend.entries import equity_of
from strategies.trend.exits import give_up_entry
from strategies.trend.notes import TOLD_CLOSED, TOLD_PAUSED_DAY, TOLD_PAUSED_LOSSES
from strategies.trend.orders import ENTRY_SLOT, FIRST_TARGET_SLOT, STOP_SLOT, closable
from strategies.trend.parameters import NEVER, Parameters
from strategies.trend.state import FLAT, HOLDING, TrendState, average_of

if TYPE_CHECKING:
    from strategies.kernel import Notes

DAY_MS: Final = 86_400_000


@compiled
def book(p: Parameters, s: TrendState, fill: FillRow, notes: Notes) -> None:
    """Books one fill. One of an order that was given up meanwhile changes only what is held."""
    s.held += (fill.amount if fill.side > 0 else -fill.amount) - fill.fee_base
    if abs(s.held) < p.rules.step_unit / p.rules.step_scale * 1e-6:
        s.held = 0.0  # what sums of floats leave
    if fill.slot == ENTRY_SLOT and fill.sequence == s.trade:
        s.entry_filled += fill.amount
        s.entry_spent += fill.amount * fill.price
        if fill.done:
            give_up_entry(p, s, notes)
    elif fill.slot == STOP_SLOT and fill.sequence == s.stop_sequence:
        s.stop_filled += fill.amount
        # The price is beyond the stop: nothing else is to be traded any more.
        s.stopping = True
        close_targets(s)
        give_up_entry(p, s, notes)
        if fill.done:
            s.stop_amount = 0.0
    elif fill.slot >= FIRST_TARGET_SLOT and fill.sequence == s.trade:
        number = fill.slot - FIRST_TARGET_SLOT
        s.target_filled[number] += fill.amount
        if fill.done:
            s.target_open[number] = False
            s.target_amounts[number] = s.target_filled[number]


@compiled
def close_targets(s: TrendState) -> None:
    for number in range(MOST_TARGETS):
        s.target_open[number] = False


@compiled
def settle(p: Parameters, s: TrendState, tick: Tick, notes: Notes) -> None:
    """Ends a trade of which nothing is left that could be traded, and takes one up again that a late fill has left."""
    left = closable(abs(s.held), s.stop, p.rules)
    if s.phase == HOLDING and left == 0.0:
        end(p, s, tick, notes)
    elif s.phase == FLAT and left > 0.0:
        # An entry that filled while it was being cancelled. Its stop stands where the trade's did.
        s.phase = HOLDING
        s.stopping = False
    if s.phase == HOLDING and s.held != 0.0:
        s.side = 1 if s.held > 0.0 else -1


@compiled
def end(p: Parameters, s: TrendState, tick: Tick, notes: Notes) -> None:
    """The trade is over: a loss counts towards a pause."""
    s.phase = FLAT
    s.stop_amount = 0.0
    s.stopping = False
    close_targets(s)
    profit = tick.realised_pnl - s.pnl_before
    note(notes, TOLD_CLOSED, float(s.trade), profit, average_of(s))
    s.losses = s.losses + 1 if profit < 0.0 else 0
    if p.max_losses > 0 and s.losses >= p.max_losses:
        s.paused_until = tick.timestamp + p.loss_pause_ms
        note(notes, TOLD_PAUSED_LOSSES, float(s.losses))
        s.losses = 0


@compiled
def begin_day(s: TrendState, tick: Tick) -> None:
    """Days are UTC's, by the time of the price."""
    day = tick.timestamp // DAY_MS
    if day != s.day:
        s.day = day
        s.day_pnl = tick.realised_pnl
        s.day_told = False


@compiled
def is_paused(p: Parameters, s: TrendState, tick: Tick, notes: Notes) -> bool:
    """Whether nothing may be entered now: after losses in a row, or for the rest of a day that lost too much."""
    if tick.timestamp < s.paused_until:
        return True
    if p.daily_loss == NEVER:
        return False
    lost = s.day_pnl - tick.realised_pnl
    limit = (equity_of(p, s, tick) + lost) * p.daily_loss / 100.0
    if lost <= 0.0 or lost < limit:
        return False
    if not s.day_told:
        s.day_told = True
        note(notes, TOLD_PAUSED_DAY, lost, limit)
    return True
