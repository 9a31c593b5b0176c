"""The step of a DCA bot, as :mod:`strategies.kernel` asks for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from strategies.compiled import compiled
from strategies.dca.book import book, settle
from strategies.dca.deal import guard
from strategies.dca.exits import nothing_to_watch, watch
from strategies.dca.parameters import DcaParameters
from strategies.dca.start import DAY_MS, note_day, start, still_hindered
from strategies.dca.state import CLOSING, FINISHED, OPEN, WAITING, DcaState
from strategies.kernel import FOREVER, NEVER_QUIET, FillRow, Quiet, Row, Tick

if TYPE_CHECKING:
    from strategies.kernel import Notes


@compiled
def advance(
    p: DcaParameters, s: DcaState, tick: Tick, row: Row, fills: Sequence[FillRow], count: int, notes: Notes
) -> bool:
    note_day(p, s, tick.timestamp, tick.realised_pnl)
    for place in range(count):
        book(p, s, fills[place], notes)
    if count > 0:
        settle(p, s, tick.price, tick.timestamp, notes)
    if s.phase == OPEN:
        watch(p, s, tick.price, tick.timestamp, notes)
        if s.phase == CLOSING:
            settle(p, s, tick.price, tick.timestamp, notes)
    if s.phase == WAITING:
        start(p, s, tick, row, notes)
    guard(p, s)
    return s.phase == FINISHED


@compiled
def quiet(p: DcaParameters, s: DcaState, tick: Tick) -> Quiet:
    if s.phase == FINISHED:
        return NEVER_QUIET
    midnight = FOREVER
    if p.has_loss_limit:
        if s.day != tick.timestamp // DAY_MS or s.realised != tick.realised_pnl:
            return NEVER_QUIET
        midnight = (s.day + 1) * DAY_MS
    low, high, until, rows = -math.inf, math.inf, FOREVER, False
    if s.phase == OPEN:
        low, high, until = nothing_to_watch(p, s)
    elif s.phase == WAITING:
        low, high, until, rows = still_hindered(p, s, tick)
    return low, high, min(until, midnight), rows
