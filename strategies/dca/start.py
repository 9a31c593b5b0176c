"""Whether a deal may start now, and why not."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from strategies.compiled import compiled
from strategies.dca import notes as told
from strategies.dca.deal import amount_of, bought, tradable
from strategies.dca.parameters import DcaParameters
from strategies.dca.state import (
    CONDITION,
    COOL_DOWN,
    DAILY_LOSS,
    MAX_PRICE,
    MIN_PRICE,
    NOTHING,
    SIZE,
    STARTING,
    DcaState,
)
from strategies.kernel import FOREVER, NEVER_QUIET, Quiet, Row, Tick, note

if TYPE_CHECKING:
    from strategies.kernel import Notes

# The columns of a step's features.
RSI: Final = "rsi"
EMA_CROSS: Final = "ema_cross"
EMA_FAST: Final = "ema_fast"
EMA_SLOW: Final = "ema_slow"
BOLLINGER: Final = "bollinger_percent"
# A signal from outside: +1 to buy, -1 to sell, and when it was given (milliseconds UTC).
SIGNAL: Final = "signal"
SIGNAL_AT: Final = "signal_at"
COLUMNS: Final = (RSI, EMA_CROSS, EMA_FAST, EMA_SLOW, BOLLINGER, SIGNAL, SIGNAL_AT)
# Their places in a row.
_RSI: Final = 0
_CROSS: Final = 1
_FAST: Final = 2
_SLOW: Final = 3
_BOLLINGER: Final = 4
_SIGNAL: Final = 5
_SIGNAL_AT: Final = 6

DAY_MS: Final = 86_400_000


@compiled
def start(p: DcaParameters, s: DcaState, tick: Tick, row: Row, notes: Notes) -> None:
    """Starts the next deal unless something hinders it. What hinders it is told when it is something else than before.

    Each condition that is met is told when a deal starts. What is not known yet (NaN) is not met.
    """
    rsi, cross, bollinger = _met_rsi(p, row), _met_cross(p, s, tick, row), _met_bollinger(p, row)
    price, signal = _met_price(p, tick.price), _met_signal(p, s, row)
    met = int(rsi) + int(cross) + int(bollinger) + int(price) + int(signal)
    hindrance, value, limit = _hindrance(p, s, tick, met)
    if hindrance != NOTHING:
        if hindrance != s.hindrance:
            note(notes, told.WAITS + hindrance, value, limit)
            s.hindrance = hindrance
        return
    s.phase = STARTING
    s.hindrance = NOTHING
    s.deal += 1
    s.started_at = tick.timestamp
    s.base_amount = amount_of(p, bought(p, tick.price, p.base.size, p.base.high, p.base.low))
    if rsi:
        note(notes, told.MET_RSI, row[_RSI], p.rsi_limit)
    if cross:
        note(notes, told.MET_CROSS, row[_FAST], row[_SLOW])
        s.used_row = tick.candle_close if tick.candle_close != 0 else -1
    if bollinger:
        note(notes, told.MET_BOLLINGER, row[_BOLLINGER])
    if price:
        note(notes, told.MET_PRICE, tick.price, p.start_price)
    if signal:
        note(notes, told.MET_SIGNAL)
        s.used_signal = row[_SIGNAL_AT]
    note(notes, told.STARTED, float(s.deal), tick.price, float(met))


@compiled
def note_day(p: DcaParameters, s: DcaState, timestamp: int, realised: float) -> None:
    """Remembers what had been earned when the UTC day began. ``realised`` is the bot's profit and loss so far, in quote."""
    if not p.has_loss_limit:
        return
    if s.day != timestamp // DAY_MS:
        s.day_realised = s.realised if s.day >= 0 else realised
        s.day = timestamp // DAY_MS
    s.realised = realised


@compiled
def still_hindered(p: DcaParameters, s: DcaState, tick: Tick) -> Quiet:
    """The zone (``strategies.kernel``) in which what was last told to hinder a start goes on to be what does."""
    if s.hindrance == COOL_DOWN and tick.timestamp < s.ended_at + p.cool_down:
        return -math.inf, math.inf, s.ended_at + p.cool_down, False
    if s.hindrance == DAILY_LOSS:
        return -math.inf, math.inf, FOREVER, False  # until midnight, which is the caller's
    if s.hindrance == MIN_PRICE:
        return -math.inf, p.min_price, FOREVER, False
    if s.hindrance == MAX_PRICE:
        return p.max_price, math.inf, FOREVER, False
    if s.hindrance != CONDITION:
        return NEVER_QUIET
    low = p.min_price if p.min_price > 0.0 else -math.inf
    high = p.max_price
    on_row = p.on_rsi or p.on_cross or p.on_bollinger or p.on_signal
    if p.start_price == 0.0:
        return low, high, FOREVER, True
    met = on_row and _met_price(p, tick.price)
    if met == p.start_below:
        high = min(high, p.start_price)
    else:
        low = max(low, p.start_price)
    # Where all are needed and the price is not met, no row makes a difference.
    return low, high, FOREVER, on_row and (met or p.any_condition)


@compiled
def _hindrance(p: DcaParameters, s: DcaState, tick: Tick, met: int) -> tuple[int, float, float]:
    """What hinders a start, and its numbers."""
    if s.ended_at != 0 and tick.timestamp < s.ended_at + p.cool_down:
        return COOL_DOWN, float(p.cool_down // 1000), 0.0
    lost = s.day_realised - s.realised
    if p.has_loss_limit and lost >= p.daily_loss_limit:
        return DAILY_LOSS, lost, p.daily_loss_limit
    if tick.price < p.min_price:
        return MIN_PRICE, tick.price, p.min_price
    if tick.price > p.max_price:
        return MAX_PRICE, tick.price, p.max_price
    needed = int(p.on_rsi) + int(p.on_cross) + int(p.on_bollinger) + int(p.start_price != 0.0) + int(p.on_signal)
    if p.any_condition:
        needed = min(1, needed)
    if met < needed:
        return CONDITION, float(met), float(needed)
    steps = bought(p, tick.price, p.base.size, p.base.high, p.base.low)
    if not tradable(p, steps, tick.price):
        return SIZE, amount_of(p, steps), p.rules.min_amount
    return NOTHING, 0.0, 0.0


@compiled
def _met_rsi(p: DcaParameters, row: Row) -> bool:
    if not p.on_rsi:
        return False
    return row[_RSI] < p.rsi_limit if p.rsi_below else row[_RSI] > p.rsi_limit


@compiled
def _met_cross(p: DcaParameters, s: DcaState, tick: Tick, row: Row) -> bool:
    """Each candle's cross starts one deal at most."""
    if not p.on_cross or row[_CROSS] != float(p.sign):
        return False
    return tick.candle_close == 0 or tick.candle_close != s.used_row


@compiled
def _met_bollinger(p: DcaParameters, row: Row) -> bool:
    if not p.on_bollinger:
        return False
    return row[_BOLLINGER] < 0.0 if p.sign > 0 else row[_BOLLINGER] > 100.0


@compiled
def _met_price(p: DcaParameters, price: float) -> bool:
    if p.start_price == 0.0:
        return False
    return price <= p.start_price if p.start_below else price >= p.start_price


@compiled
def _met_signal(p: DcaParameters, s: DcaState, row: Row) -> bool:
    return p.on_signal and row[_SIGNAL] == float(p.sign) and row[_SIGNAL_AT] > s.used_signal
