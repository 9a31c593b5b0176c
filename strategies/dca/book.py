"""What a fill does to a deal, and how a deal ends."""

from __future__ import annotations

from decimal import Decimal

from strategies.contract import FillSeen, MarketSpec, Reason
from strategies.dca.config import AfterStopLoss, DcaConfig
from strategies.dca.deal import closable, close_all, enter, exact, lay_out, leave, reprice
from strategies.dca.ladder import floor_to_step, opening, opening_side
from strategies.dca.orders import BASE_SLOT, CLOSE_SLOT, STOP_SLOT, profit_step_of, safety_of
from strategies.dca.state import CLOSING, FINISHED, OPEN, STARTING, WAITING, DcaState


def book(state: DcaState, config: DcaConfig, market: MarketSpec, fill: FillSeen, notes: list[Reason]) -> None:
    """Books one fill. One of an order that was given up meanwhile changes only what is held."""
    if fill.side is opening_side(config):
        enter(state, market, fill.price, fill.amount, fill.fee_base)
        _entered(state, config, market, fill, notes)
    else:
        leave(state, market, opening(config), fill.price, fill.amount, fill.fee_base)
        _left(state, market, fill, notes)
    reprice(state, config, market)
    if fill.done and state.phase == OPEN and fill.sequence == state.deal and safety_of(fill.slot) >= 0:
        numbers = {"number": safety_of(fill.slot) + 1, "average": state.average, "price": state.profit_prices[-1]}
        notes.append(Reason("dca.averaged", numbers))


def _entered(state: DcaState, config: DcaConfig, market: MarketSpec, fill: FillSeen, notes: list[Reason]) -> None:
    if fill.sequence != state.deal:
        return
    if fill.slot == BASE_SLOT and state.phase == STARTING:
        state.base_filled += fill.amount
        state.base_spent += fill.amount * fill.price
        if fill.done:
            state.phase = OPEN
            lay_out(state, config, market)
            numbers = {"deal": state.deal, "price": state.base_price, "safety_orders": state.safety_done.count(False)}
            notes.append(Reason("dca.opened", numbers))
    elif state.phase == OPEN and safety_of(fill.slot) >= 0:
        if fill.done:
            state.safety_done[safety_of(fill.slot)] = True
        state.best = 0.0  # the take profit lies elsewhere now


def _left(state: DcaState, market: MarketSpec, fill: FillSeen, notes: list[Reason]) -> None:
    step = profit_step_of(fill.slot)
    if state.phase == OPEN and step >= 0:
        if step < len(state.profit_sequences) and fill.sequence == state.profit_sequences[step]:
            _took_profit(state, market, step, fill, notes)
    elif state.phase == OPEN and fill.slot == STOP_SLOT:
        notes.append(Reason("dca.stop_loss", {"price": fill.price, "limit": state.stop_price}))
        close_all(state, "dca.stop_loss")
    elif state.phase == CLOSING and fill.slot == CLOSE_SLOT and fill.sequence == state.close_sequence:
        state.close_filled += fill.amount
        if fill.done:
            state.close_sequence += 1
            state.close_filled = 0.0


def _took_profit(state: DcaState, market: MarketSpec, step: int, fill: FillSeen, notes: list[Reason]) -> None:
    state.profit_filled[step] += fill.amount
    if not fill.done:
        return
    numbers = {"step": step + 1, "steps": len(state.profit_done), "price": fill.price, "held": state.held}
    notes.append(Reason("dca.took_profit", numbers))
    state.profit_done[step] = True
    if all(state.profit_done) and closable(state, market, fill.price):
        # A safety order was filled while the take profit was being filled at its old amount.
        state.profit_done[step] = False
        state.profit_sequences[step] += 1
        state.profit_filled[step] = 0.0


def settle(
    state: DcaState, config: DcaConfig, market: MarketSpec, price: float, timestamp: int, notes: list[Reason]
) -> None:
    """Ends a deal that holds nothing any more; else works out what is still to be closed at market."""
    if state.phase == OPEN and not any(state.profit_amounts):
        if not state.exited:
            notes.append(Reason("dca.too_little", {"amount": state.held, "deal": state.deal}))
        _end(state, config, "dca.took_profit", timestamp, notes)
    if state.phase in (WAITING, FINISHED) and closable(state, market, price):
        notes.append(Reason("dca.left_over", {"amount": state.held}))
        close_all(state, "dca.left_over")
    if state.phase == CLOSING:
        left = closable(state, market, price)
        if not left and state.close_filled:
            left = floor_to_step(market, exact(max(0.0, state.held)))
        limits = [most for most in (market.max_amount, market.max_market_amount) if most is not None]
        whole = min([left + exact(state.close_filled), *limits])
        state.close_amount = float(whole) if left else 0.0
        if left == Decimal(0):
            _end(state, config, state.close_code, timestamp, notes)


def _end(state: DcaState, config: DcaConfig, code: str, timestamp: int, notes: list[Reason]) -> None:
    if code != "dca.left_over":
        cause = code.removeprefix("dca.")
        notes.append(Reason("dca.over", {"deal": state.deal, "profit": state.earned, "cause": cause}))
        state.ended_at = timestamp
        if code == "dca.stop_loss" and config.after_stop_loss is AfterStopLoss.STOP:
            state.finish_code = "dca.finished_by_stop_loss"
        elif config.max_deals is not None and state.deal >= config.max_deals:
            state.finish_code = "dca.finished"
    state.phase = FINISHED if state.finish_code else WAITING
    state.base_amount = state.base_filled = state.base_spent = state.base_price = 0.0
    state.safety_prices, state.safety_amounts, state.safety_done = [], [], []
    state.profit_prices, state.profit_amounts, state.profit_filled, state.profit_done = [], [], [], []
    state.entered = state.spent = state.exited = state.earned = 0.0
    state.best = state.stop_price = 0.0
    state.beyond_since = 0
    state.close_amount = state.close_filled = 0.0
    state.close_code = ""
