"""What fills do to a trade, and what its end does to the next ones."""

from __future__ import annotations

from strategies.candles import timeframe_ms
from strategies.contract import FillSeen, MarketSpec, Point, PositionView, Reason, Side
from strategies.trend.config import TrendConfig
from strategies.trend.entries import equity_of
from strategies.trend.exits import give_up_entry
from strategies.trend.orders import ENTRY_SLOT, STOP_SLOT, closable, target_slot
from strategies.trend.state import FLAT, HOLDING, TrendState

DAY_MS = 86_400_000


def book(state: TrendState, config: TrendConfig, spec: MarketSpec, fill: FillSeen, notes: list[Reason]) -> None:
    """Books one fill. One of an order that was given up meanwhile changes only what is held."""
    state.held += (fill.amount if fill.side is Side.BUY else -fill.amount) - fill.fee_base
    if abs(state.held) < float(spec.step) * 1e-6:
        state.held = 0.0  # what sums of floats leave
    if fill.slot == ENTRY_SLOT and fill.sequence == state.trade:
        state.entry_filled += fill.amount
        state.entry_spent += fill.amount * fill.price
        if fill.done:
            give_up_entry(state, config, spec, notes)
    elif fill.slot == STOP_SLOT and fill.sequence == state.stop_sequence:
        state.stop_filled += fill.amount
        # The price is beyond the stop: nothing else is to be traded any more.
        state.stopping = True
        state.target_open = [False] * len(state.target_open)
        give_up_entry(state, config, spec, notes)
        if fill.done:
            state.stop_amount = 0.0
    elif fill.sequence == state.trade:
        for number in range(len(state.target_open)):
            if fill.slot == target_slot(number):
                state.target_filled[number] += fill.amount
                if fill.done:
                    state.target_open[number] = False
                    state.target_amounts[number] = state.target_filled[number]


def settle(
    state: TrendState,
    config: TrendConfig,
    spec: MarketSpec,
    point: Point,
    position: PositionView,
    notes: list[Reason],
) -> None:
    """Ends a trade of which nothing is left that could be traded, and takes one up again that a late fill has left."""
    left = closable(abs(state.held), state.stop, spec)
    if state.phase == HOLDING and not left:
        _end(state, config, point, position, notes)
    elif state.phase == FLAT and left:
        # An entry that filled while it was being cancelled. Its stop stands where the trade's did.
        state.phase = HOLDING
        state.stopping = False
    if state.phase == HOLDING and state.held:
        state.side = 1 if state.held > 0.0 else -1


def _end(state: TrendState, config: TrendConfig, point: Point, position: PositionView, notes: list[Reason]) -> None:
    state.phase = FLAT
    state.stop_amount, state.stopping = 0.0, False
    state.target_open = [False] * len(state.target_open)
    profit = position.realised_pnl - state.pnl_before
    notes.append(Reason("trend.closed", {"trade": state.trade, "profit": profit, "entry": state.average}))
    state.losses = state.losses + 1 if profit < 0.0 else 0
    if config.max_losses and state.losses >= config.max_losses:
        state.paused_until = point.timestamp + config.loss_pause * timeframe_ms(config.timeframe)
        notes.append(Reason("trend.paused_losses", {"losses": state.losses, "candles": config.loss_pause}))
        state.losses = 0


def begin_day(state: TrendState, point: Point, position: PositionView) -> None:
    """Days are UTC's, by the time of the price."""
    day = point.timestamp // DAY_MS
    if day != state.day:
        state.day, state.day_pnl, state.day_told = day, position.realised_pnl, False


def is_paused(
    state: TrendState, config: TrendConfig, point: Point, position: PositionView, notes: list[Reason]
) -> bool:
    """Whether nothing may be entered now: after losses in a row, or for the rest of a day that lost too much."""
    if point.timestamp < state.paused_until:
        return True
    if config.daily_loss is None:
        return False
    lost = state.day_pnl - position.realised_pnl
    equity = equity_of(state, config, position) + lost
    limit = equity * float(config.daily_loss) / 100.0
    if lost <= 0.0 or lost < limit:
        return False
    if not state.day_told:
        state.day_told = True
        notes.append(Reason("trend.paused_day", {"lost": lost, "limit": limit}))
    return True
