"""One step: fills, then the row of a newly closed candle, then the price, then a new entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from strategies.compiled import compiled
from strategies.kernel import Row, Tick, note
from strategies.trend.analysis import analyse
from strategies.trend.book import begin_day, book, is_paused, settle
from strategies.trend.entries import enter, entry_kind, side_to_enter
from strategies.trend.exits import give_up_entry, guard, meet_targets, move_to_break_even, start_trailing, trail
from strategies.trend.features import ADX, ATR, CLOSE
from strategies.trend.notes import TOLD_MARKET
from strategies.trend.parameters import Parameters
from strategies.trend.state import ENTERING, FLAT, HOLDING, NOTHING, UNKNOWN, TrendState

if TYPE_CHECKING:
    from strategies.kernel import Notes


@compiled
def advance(p: Parameters, s: TrendState, tick: Tick, row: Row, fills: Any, count: int, notes: Notes) -> bool:
    """See ``strategies.kernel``. A trend follower never finishes."""
    is_new = tick.candle_close > s.seen_close
    was_flat = s.phase == FLAT
    if s.started and was_flat and not is_new and count == 0:
        return False
    if not s.started:
        s.started = True
        s.pnl_start = tick.realised_pnl
    begin_day(s, tick)
    for number in range(count):
        book(p, s, fills[number], notes)
    settle(p, s, tick, notes)
    market = UNKNOWN
    if is_new:
        s.seen_close = tick.candle_close
        market = analyse(p, row)
        close_candle(p, s, row, market, notes)
    follow_price(p, s, tick.price, notes)
    if is_new and was_flat and s.phase == FLAT:
        look(p, s, tick, row, market, notes)
    guard(p, s)
    return False


@compiled
def close_candle(p: Parameters, s: TrendState, row: Row, market: int, notes: Notes) -> None:
    """What each closed candle does to a trade."""
    if market != s.market:
        s.market = market
        note(notes, TOLD_MARKET, float(market), row[ADX] if market != UNKNOWN else 0.0)
    if s.phase == ENTERING:
        s.entry_age += 1
        if s.entry_age >= p.entry_candles:
            give_up_entry(p, s, notes)
    if s.phase == HOLDING:
        trail(p, s, row[CLOSE], row[ATR], notes)


@compiled
def follow_price(p: Parameters, s: TrendState, price: float, notes: Notes) -> None:
    """What a price does to a trade."""
    first = s.target_prices[0]
    if s.phase == ENTERING and first > 0.0 and s.side * (price - first) >= 0.0:
        give_up_entry(p, s, notes)
    if s.phase == FLAT or s.stopping:
        return
    start_trailing(p, s, price)
    if s.entry_filled > 0.0:
        move_to_break_even(p, s, price, notes)
    meet_targets(p, s, price)


@compiled
def look(p: Parameters, s: TrendState, tick: Tick, row: Row, market: int, notes: Notes) -> None:
    """Whether the newest candle is one to enter after."""
    side = side_to_enter(p, market)
    kind = entry_kind(p, row, side)
    if kind != NOTHING and not is_paused(p, s, tick, notes):
        enter(p, s, tick, row, side, kind, notes)
