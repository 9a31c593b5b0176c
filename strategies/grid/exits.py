"""When a grid ends, and the stop order that guards it at the exchange."""

from __future__ import annotations

from strategies.contract import Direction, MarketKind, MarketSpec, OrderType, PositionView, Reason, Side, WantedOrder
from strategies.grid.book import CLOSE_SLOT, STOP_SLOT
from strategies.grid.config import GridConfig, OnStop, Spacing
from strategies.grid.core import floor_to_step
from strategies.grid.state import REBUILDING, RUNNING, GridState, Rules


def protective_stop(config: GridConfig, state: GridState) -> WantedOrder:
    price = stop_price(config, state, state.stop_amount)
    assert price is not None
    return WantedOrder(
        STOP_SLOT,
        state.stop_sequence,
        Side.BUY if state.stop_amount > 0 else Side.SELL,
        OrderType.STOP,
        abs(state.stop_amount),
        Reason("grid.stop", {"amount": abs(state.stop_amount), "price": price}),
        trigger_price=price,
        reduce_only=True,
        trade=CLOSE_SLOT,
        protective=True,
    )


def stop_price(config: GridConfig, state: GridState, amount: float) -> float | None:
    """Where the stop order stands that closes with ``amount`` (negative sells), or ``None``."""
    if config.direction is Direction.NEUTRAL and amount > 0:
        return None if config.stop_loss_price_upper is None else float(config.stop_loss_price_upper)
    on_its_side = (config.direction is Direction.SHORT) == (amount > 0)
    if config.stop_loss_price is None or not on_its_side:
        return None
    return _trailed_stop(config, state, float(config.stop_loss_price))


def guard(state: GridState, config: GridConfig, market: MarketSpec, rules: Rules) -> None:
    """What the protective stop has to close: all that is held. It is a new wish each time that something is held anew."""
    amount = 0.0
    if market.kind is MarketKind.LINEAR and config.on_stop is OnStop.CLOSE and state.phase in (RUNNING, REBUILDING):
        held = state.base
        amount = floor_to_step(min(abs(held), rules.max_amount), rules.unit, rules.scale)
        amount = -amount if held > 0 else amount
        if abs(amount) < rules.min_amount * (1 - 1e-9) or stop_price(config, state, amount) is None:
            amount = 0.0
    if amount and (state.stop_amount == 0.0 or (state.stop_amount > 0) != (amount > 0)):
        state.stop_sequence += 1
    state.stop_amount = amount


def met_exit(
    config: GridConfig, state: GridState, price: float, position: PositionView
) -> tuple[str, float, float] | None:
    """The exit that is met: its code, the value and the limit."""
    short = config.direction is Direction.SHORT
    if config.stop_loss_price is not None:
        limit = _trailed_stop(config, state, float(config.stop_loss_price))
        if price >= limit if short else price <= limit:
            return "grid.stop_loss_price", price, limit
    if config.stop_loss_price_upper is not None and price >= float(config.stop_loss_price_upper):
        return "grid.stop_loss_price", price, float(config.stop_loss_price_upper)
    if config.take_profit_price is not None:
        limit = float(config.take_profit_price)
        if price <= limit if short else price >= limit:
            return "grid.take_profit_price", price, limit
    if config.stop_loss_percent is None and config.take_profit_percent is None:
        return None
    pnl = position.realised_pnl + position.unrealised_pnl - state.pnl_start
    percent = pnl / float(config.investment) * 100.0
    if config.stop_loss_percent is not None and percent <= -float(config.stop_loss_percent):
        return "grid.stop_loss_percent", percent, -float(config.stop_loss_percent)
    if config.take_profit_percent is not None and percent >= float(config.take_profit_percent):
        return "grid.take_profit_percent", percent, float(config.take_profit_percent)
    return None


def _trailed_stop(config: GridConfig, state: GridState, stop: float) -> float:
    """The stop loss price as far along as the range has trailed, where only one direction trails."""
    alone_up = config.direction is Direction.LONG and config.trailing_up and not config.trailing_down
    alone_down = config.direction is Direction.SHORT and config.trailing_down and not config.trailing_up
    if not config.trail_stop_loss or state.shift == 0 or not (alone_up or alone_down):
        return stop
    if config.spacing is Spacing.ARITHMETIC:
        return stop + state.lines[0] - state.lower
    return stop * state.lines[0] / state.lower


def finish_reason(state: GridState) -> Reason:
    return Reason(state.finish_code, {"value": state.finish_value, "limit": state.finish_limit, "left": state.dust})
