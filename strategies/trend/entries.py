"""When a trade is entered, how much, and where its stop and targets are to stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from strategies.compiled import compiled
from strategies.kernel import Row, Tick, note
from strategies.lattice import on_tick
from strategies.sizing import capped_size, risked
from strategies.trend.analysis import confidence_of
from strategies.trend.config import MOST_TARGETS
from strategies.trend.features import (
    ADX,
    ATR,
    CLOSE,
    EMA_FAST,
    EMA_SLOW,
    HIGHEST,
    LOWEST,
    MINUS_DI,
    OPEN,
    PLUS_DI,
    VOLUME_RATIO,
    ZONE_HIGH,
    ZONE_LOW,
)
from strategies.trend.notes import TOLD_SIGNAL, TOLD_TOO_SMALL
from strategies.trend.orders import closable
from strategies.trend.parameters import Parameters
from strategies.trend.state import ADVANCE_DOWN, ADVANCE_UP, BREAKOUT, ENTERING, NOTHING, PULLBACK, TrendState

if TYPE_CHECKING:
    from strategies.kernel import Notes


@compiled
def side_to_enter(p: Parameters, market: int) -> int:
    """+1 in a rising advance, −1 in a falling one, 0 where the market or the configuration lets nothing be entered."""
    if market == ADVANCE_UP and p.takes_long:
        return 1
    if market == ADVANCE_DOWN and p.takes_short:
        return -1
    return 0


@compiled
def entry_kind(p: Parameters, row: Row, side: int) -> int:
    """What the newest candle gives a reason to enter for."""
    if side == 0:
        return NOTHING
    close, volume = row[CLOSE], row[VOLUME_RATIO]
    beyond = close > row[HIGHEST] if side > 0 else close < row[LOWEST]
    if p.breakout_entry and beyond and volume >= p.breakout_volume:
        return BREAKOUT
    touched = row[ZONE_LOW] <= 0.0 if side > 0 else row[ZONE_HIGH] >= 0.0
    turned = side * (close - row[EMA_FAST]) > 0.0 and side * (close - row[OPEN]) > 0.0
    if p.pullback_entry and volume >= p.pullback_volume and touched and turned:
        return PULLBACK
    return NOTHING


@compiled
def enter(p: Parameters, s: TrendState, tick: Tick, row: Row, side: int, kind: int, notes: Notes) -> None:
    """Decides a trade at the tick's price, where it is not too uncertain or too small."""
    confidence = confidence_of(p, row, side)
    if confidence * 100.0 < p.min_confidence:
        return
    unit, scale = p.rules.tick_unit, p.rules.tick_scale
    price = on_tick(tick.price, unit, scale)
    stop = on_tick(price - side * p.stop_atr * row[ATR], unit, scale)
    risk = on_tick(side * (price - stop), unit, scale)
    equity = equity_of(p, s, tick)
    amount = entry_size(p, equity, price, stop) if risk > 0.0 and stop > 0.0 else 0.0
    if amount == 0.0:
        note(notes, TOLD_TOO_SMALL, float(kind), price, stop, equity)
        return
    s.phase, s.side, s.kind = ENTERING, side, kind
    s.trade += 1
    s.pnl_before = tick.realised_pnl
    s.entry_price, s.entry_amount, s.risk = price, amount, risk
    s.entry_filled, s.entry_spent = 0.0, 0.0
    s.entry_age = 0
    s.stop, s.stop_amount, s.stop_filled = stop, 0.0, 0.0
    s.stopping, s.even, s.trailing = False, False, False
    for number in range(MOST_TARGETS):
        goal = on_tick(price + side * p.target_multiples[number] * risk, unit, scale)
        s.target_prices[number] = goal if number < p.targets else 0.0
        s.target_amounts[number] = 0.0
        s.target_filled[number] = 0.0
        s.target_open[number] = False
    note(
        notes,
        TOLD_SIGNAL,
        float(tick.timestamp),
        confidence,
        row[ADX],
        row[PLUS_DI],
        row[MINUS_DI],
        row[ATR],
        row[EMA_FAST],
        row[EMA_SLOW],
        row[VOLUME_RATIO],
    )


@compiled
def equity_of(p: Parameters, s: TrendState, tick: Tick) -> float:
    """The investment with what has been earned since the start, in quote. Entries are decided without a position, so
    nothing is unrealised."""
    return p.investment + tick.realised_pnl - s.pnl_start


@compiled
def entry_size(p: Parameters, equity: float, price: float, stop: float) -> float:
    """Base; 0 where it would be too little to be entered, or to be closed again at the stop."""
    cost = (price + stop) * p.rules.taker_fee  # also of a limit order: it may cross
    wished = risked(equity, p.risk_percent, abs(price - stop), cost)
    size = capped_size(wished, price, equity * p.max_position / 100.0, p.rules, p.caps)
    left = size * (1.0 - p.rules.taker_fee) if p.rules.buy_fee_in_base else size
    return size if closable(left, stop, p.rules) > 0.0 else 0.0
