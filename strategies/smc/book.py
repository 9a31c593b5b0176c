"""What fills do to the trades."""

from __future__ import annotations

from strategies.contract import FillSeen, MarketSpec, Reason, Side
from strategies.smc.config import SmcConfig
from strategies.smc.state import CLOSING, ENTERING, OPEN, SmcState, Trade

ENTRY, STOP, PARTIAL, TARGET, CLOSE = "entry", "stop", "partial", "target", "close"
TIDY = "tidy"


def slot_name(kind: str, trade: Trade) -> str:
    return f"{kind}:{trade.slot}"


def tradable(market: MarketSpec, amount: float, price: float, *, closing: bool) -> float:
    """``amount`` rounded down to the step, or 0 where the market would not take it. What closes a position on a linear
    market may be worth less than its minimum."""
    size = market.quantise_amount(max(amount, 0.0))
    if size < max(market.min_amount, market.step):
        return 0.0
    small = market.min_notional is not None and float(size) * price < float(market.min_notional)
    return 0.0 if small and not (closing and not market.buy_fee_in_base) else float(size)


def book(state: SmcState, config: SmcConfig, market: MarketSpec, fill: FillSeen, notes: list[Reason]) -> None:
    signed = fill.amount - fill.fee_base if fill.side is Side.BUY else -fill.amount - fill.fee_base
    kind, _, number = fill.slot.partition(":")
    if kind == TIDY:
        state.dust += signed
        if fill.sequence == state.tidy_sequence and fill.done:
            state.tidy = 0.0
        return
    trade = _trade_of(state, kind, int(number), fill.sequence)
    if trade is None:
        state.dust += signed
        return
    if kind == ENTRY:
        _enter(trade, config, market, fill, signed)
    else:
        _leave(trade, config, kind, fill)
    if trade.phase != ENTERING and tradable(market, trade.held, fill.price, closing=True) == 0.0:
        _end(state, trade, notes)


def _trade_of(state: SmcState, kind: str, slot: int, sequence: int) -> Trade | None:
    if kind != CLOSE:
        return state.trade_of(slot, sequence)
    return next((each for each in state.trades if each.slot == slot and each.close_sequence == sequence), None)


def _enter(trade: Trade, config: SmcConfig, market: MarketSpec, fill: FillSeen, signed: float) -> None:
    trade.filled += fill.amount
    trade.spent += fill.amount * fill.price
    trade.held += signed * trade.side
    if trade.filled > 0.0:
        trade.entry = trade.spent / trade.filled
    trade.best = trade.entry
    if not fill.done:
        return
    trade.phase = OPEN if trade.phase == ENTERING else trade.phase
    trade.risk = abs(trade.entry - trade.stop)
    whole = tradable(market, trade.held, trade.entry, closing=True)
    part = tradable(market, whole * float(config.partial_share) / 100.0, trade.entry, closing=True)
    rest = tradable(market, whole - part, trade.entry, closing=True)
    trade.partial, trade.rest = (part, rest) if rest else (0.0, whole)


def _leave(trade: Trade, config: SmcConfig, kind: str, fill: FillSeen) -> None:
    trade.held -= fill.amount
    trade.profit += (fill.price - trade.entry) * fill.amount * trade.side
    if kind == STOP:
        trade.stopped += fill.amount
        trade.stop_done = fill.done
        trade.phase = CLOSING
    elif kind == CLOSE and fill.done:
        trade.closing = 0.0
    elif kind == PARTIAL and fill.done:
        trade.partial_done = True
        if config.break_even and (trade.entry - trade.stop) * trade.side > 0.0:
            trade.stop = trade.entry
    elif kind == TARGET and fill.done:
        trade.rest_done = True


def _end(state: SmcState, trade: Trade, notes: list[Reason]) -> None:
    state.trades.remove(trade)
    state.dust += trade.held * trade.side
    if trade.filled == 0.0:
        return
    state.wins += trade.profit > 0.0
    state.losses += trade.profit <= 0.0
    notes.append(Reason("smc.closed", {"number": trade.number, "profit": trade.profit, "entry": trade.entry}))
