"""What a fill does to a deal, and how a deal ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from strategies.compiled import compiled
from strategies.dca import notes as told
from strategies.dca.deal import (
    amount_of,
    average_of,
    closable,
    close_all,
    enter,
    lay_out,
    leave,
    reprice,
    safety_orders_left,
    steps_held,
)
from strategies.dca.exact import rounded
from strategies.dca.orders import BASE_SLOT, CLOSE_SLOT, STOP_SLOT, profit_step_of, safety_of
from strategies.dca.parameters import DcaParameters
from strategies.dca.state import (
    AFTER_ALL_DEALS,
    AFTER_STOP_LOSS,
    CLOSING,
    FINISHED,
    LEFT_OVER,
    OPEN,
    STARTING,
    STOP_LOSS,
    TOOK_PROFIT,
    WAITING,
    DcaState,
)
from strategies.kernel import FillRow, note

if TYPE_CHECKING:
    from strategies.kernel import Notes


@compiled
def book(p: DcaParameters, s: DcaState, fill: FillRow, notes: Notes) -> None:
    """Books one fill. One of an order that was given up meanwhile changes only what is held."""
    if fill.side == p.sign:
        enter(p, s, fill.price, fill.amount, fill.fee_base)
        _entered(p, s, fill, notes)
    else:
        leave(p, s, fill.price, fill.amount, fill.fee_base)
        _left(p, s, fill, notes)
    reprice(p, s)
    safety = safety_of(fill.slot, p.safety_orders)
    if fill.done and s.phase == OPEN and fill.sequence == s.deal and safety >= 0:
        note(notes, told.AVERAGED, float(safety + 1), average_of(s), s.profit_prices[p.steps - 1])


@compiled
def _entered(p: DcaParameters, s: DcaState, fill: FillRow, notes: Notes) -> None:
    if fill.sequence != s.deal:
        return
    safety = safety_of(fill.slot, p.safety_orders)
    if fill.slot == BASE_SLOT and s.phase == STARTING:
        s.base_filled = rounded(s.base_filled + fill.amount, p.amount_scale)
        s.base_spent = rounded(s.base_spent + fill.amount * fill.price, p.base_scale)
        if fill.done:
            s.phase = OPEN
            lay_out(p, s, fill.price)
            note(notes, told.OPENED, float(s.deal), s.base_price, float(safety_orders_left(p, s)))
    elif s.phase == OPEN and safety >= 0:
        if fill.done:
            s.safety_done[safety] = True
        s.best = 0.0  # the take profit lies elsewhere now


@compiled
def _left(p: DcaParameters, s: DcaState, fill: FillRow, notes: Notes) -> None:
    step = profit_step_of(fill.slot, p.steps)
    if s.phase == OPEN and step >= 0:
        if fill.sequence == s.profit_sequences[step]:
            _took_profit(p, s, step, fill, notes)
    elif s.phase == OPEN and fill.slot == STOP_SLOT:
        note(notes, told.STOPPED, fill.price, s.stop_price)
        close_all(s, STOP_LOSS)
    elif s.phase == CLOSING and fill.slot == CLOSE_SLOT and fill.sequence == s.close_sequence:
        s.close_filled = rounded(s.close_filled + fill.amount, p.amount_scale)
        if fill.done:
            s.close_sequence += 1
            s.close_filled = 0.0


@compiled
def _took_profit(p: DcaParameters, s: DcaState, step: int, fill: FillRow, notes: Notes) -> None:
    s.profit_filled[step] = rounded(s.profit_filled[step] + fill.amount, p.amount_scale)
    if not fill.done:
        return
    note(notes, told.TOOK_PROFIT, float(step + 1), float(p.steps), fill.price, s.held)
    s.profit_done[step] = True
    for other in range(p.steps):
        if not s.profit_done[other]:
            return
    if closable(p, s, fill.price) > 0:
        # A safety order was filled while the take profit was being filled at its old amount.
        s.profit_done[step] = False
        s.profit_sequences[step] += 1
        s.profit_filled[step] = 0.0


@compiled
def settle(p: DcaParameters, s: DcaState, price: float, timestamp: int, notes: Notes) -> None:
    """Ends a deal that holds nothing any more; else works out what is still to be closed at market."""
    if s.phase == OPEN and _to_take(p, s) == 0.0:
        if s.exited == 0.0:
            note(notes, told.TOO_LITTLE, s.held, float(s.deal))
        _end(p, s, TOOK_PROFIT, timestamp, notes)
    if (s.phase == WAITING or s.phase == FINISHED) and closable(p, s, price) > 0:
        note(notes, told.LEFT_OVER, s.held)
        close_all(s, LEFT_OVER)
    if s.phase == CLOSING:
        left = closable(p, s, price)
        if left == 0 and s.close_filled > 0.0:
            left = steps_held(p, s)
        s.close_amount = 0.0
        if left > 0:
            s.close_amount = min(rounded(amount_of(p, left) + s.close_filled, p.amount_scale), p.most_at_market)
        else:
            _end(p, s, s.close_code, timestamp, notes)


@compiled
def _to_take(p: DcaParameters, s: DcaState) -> float:
    """What the take profit's orders are for."""
    amount = 0.0
    for step in range(p.steps):
        amount += s.profit_amounts[step]
    return amount


@compiled
def _end(p: DcaParameters, s: DcaState, code: int, timestamp: int, notes: Notes) -> None:
    if code != LEFT_OVER:
        note(notes, told.OVER, float(s.deal), s.earned, float(code))
        s.ended_at = timestamp
        if code == STOP_LOSS and p.stops_for_good:
            s.finish_code = AFTER_STOP_LOSS
        elif p.max_deals > 0 and s.deal >= p.max_deals:
            s.finish_code = AFTER_ALL_DEALS
    s.phase = FINISHED if s.finish_code != 0 else WAITING
    s.base_amount = 0.0
    s.base_filled = 0.0
    s.base_spent = 0.0
    s.base_price = 0.0
    for k in range(p.safety_orders):
        s.safety_prices[k] = 0.0
        s.safety_amounts[k] = 0.0
        s.safety_done[k] = False
    for step in range(p.steps):
        s.profit_prices[step] = 0.0
        s.profit_amounts[step] = 0.0
        s.profit_filled[step] = 0.0
        s.profit_done[step] = False
    s.entered = 0.0
    s.spent = 0.0
    s.exited = 0.0
    s.earned = 0.0
    s.best = 0.0
    s.stop_price = 0.0
    s.beyond_since = 0
    s.close_amount = 0.0
    s.close_filled = 0.0
    s.close_code = 0
