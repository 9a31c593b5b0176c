"""When a grid ends, and the stop order that guards it at the exchange."""

from __future__ import annotations

from strategies.compiled import compiled
from strategies.grid.codes import (
    NO_EXIT,
    REBUILDING,
    RUNNING,
    STOP_LOSS_PERCENT,
    STOP_LOSS_PRICE,
    TAKE_PROFIT_PERCENT,
    TAKE_PROFIT_PRICE,
)
from strategies.grid.parameters import GridParameters
from strategies.grid.state import GridState, held
from strategies.kernel import Tick
from strategies.lattice import floor_to_step


@compiled
def stop_price(p: GridParameters, s: GridState, amount: float) -> float:
    """Where the stop order stands that closes with ``amount`` (negative sells), or 0."""
    if p.direction == 0 and amount > 0.0:
        return p.stop_upper
    if p.stop == 0.0 or (p.direction < 0) != (amount > 0.0):
        return 0.0
    return trailed_stop(p, s)


@compiled
def guard(p: GridParameters, s: GridState) -> None:
    """What the protective stop has to close: all that is held. It is a new wish each time that something is held anew."""
    amount = 0.0
    is_stopped = p.stop > 0.0 or p.stop_upper > 0.0
    if is_stopped and p.rules.is_linear and p.closes_on_stop and (s.phase == RUNNING or s.phase == REBUILDING):
        holding = held(s, p.grids)
        amount = floor_to_step(min(abs(holding), p.rules.max_amount), p.rules.step_unit, p.rules.step_scale)
        if holding > 0.0:
            amount = -amount
        if abs(amount) < p.rules.min_amount * (1 - 1e-9) or stop_price(p, s, amount) == 0.0:
            amount = 0.0
    if amount != 0.0 and (s.stop_amount == 0.0 or (s.stop_amount > 0.0) != (amount > 0.0)):
        s.stop_sequence += 1
    s.stop_amount = amount


@compiled
def met_exit(p: GridParameters, s: GridState, tick: Tick) -> tuple[int, float, float]:
    """The exit that is met: its code, the value and the limit."""
    price = tick.price
    is_short = p.direction < 0
    if p.stop > 0.0:
        limit = trailed_stop(p, s)
        if (price >= limit) if is_short else (price <= limit):
            return STOP_LOSS_PRICE, price, limit
    if p.stop_upper > 0.0 and price >= p.stop_upper:
        return STOP_LOSS_PRICE, price, p.stop_upper
    if p.take_profit > 0.0 and ((price <= p.take_profit) if is_short else (price >= p.take_profit)):
        return TAKE_PROFIT_PRICE, price, p.take_profit
    if p.stop_percent == 0.0 and p.take_profit_percent == 0.0:
        return NO_EXIT, 0.0, 0.0
    percent = (tick.realised_pnl + tick.unrealised_pnl - s.pnl_start) / p.investment * 100.0
    if p.stop_percent > 0.0 and percent <= -p.stop_percent:
        return STOP_LOSS_PERCENT, percent, -p.stop_percent
    if p.take_profit_percent > 0.0 and percent >= p.take_profit_percent:
        return TAKE_PROFIT_PERCENT, percent, p.take_profit_percent
    return NO_EXIT, 0.0, 0.0


@compiled
def trailed_stop(p: GridParameters, s: GridState) -> float:
    """The stop loss price as far along as the range has trailed, where only one direction trails."""
    if not p.stop_trails or s.shift == 0:
        return p.stop
    if p.is_geometric:
        return p.stop * s.lines[0] / s.lower
    return p.stop + s.lines[0] - s.lower
