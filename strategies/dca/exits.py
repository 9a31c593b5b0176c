"""When an open deal is closed at market: stop loss, trailing take profit, and its age."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from strategies.compiled import compiled
from strategies.dca import notes as told
from strategies.dca.deal import close_all
from strategies.dca.parameters import DcaParameters
from strategies.dca.state import DEAL_TIME, STOP_LOSS, TRAILED, DcaState
from strategies.kernel import FOREVER, note
from strategies.lattice import on_tick

if TYPE_CHECKING:
    from strategies.kernel import Notes


@compiled
def watch(p: DcaParameters, s: DcaState, price: float, timestamp: int, notes: Notes) -> None:
    """Looks at an open deal's exits in this order: stop loss, trailing take profit, age."""
    if _stop_loss(p, s, price, timestamp, notes) or _trailed(p, s, price, notes):
        return
    if p.max_deal_time > 0 and timestamp - s.started_at >= p.max_deal_time:
        age = (timestamp - s.started_at) // 1000
        note(notes, told.TOO_OLD, float(age), float(p.max_deal_time // 1000))
        close_all(s, DEAL_TIME)


@compiled
def nothing_to_watch(p: DcaParameters, s: DcaState) -> tuple[float, float, int]:
    """Prices, without their ends, between which an open deal has nothing to decide before a time."""
    low, high, until = -math.inf, math.inf, FOREVER
    if s.beyond_since != 0 and s.stop_price == 0.0:
        return math.inf, -math.inf, 0
    if s.stop_price != 0.0:
        # Once the price is beyond a stop that waits, what matters is that it stays there.
        if (p.sign > 0) == (s.beyond_since == 0):
            low = s.stop_price
        else:
            high = s.stop_price
        if s.beyond_since != 0:
            until = s.beyond_since + p.stop_timeout
    if p.trails:
        near, far = s.best, _trail_limit(p, s)
        if s.best == 0.0:
            near, far = s.profit_prices[p.steps - 1], -p.sign * math.inf
        if near != 0.0:
            low = max(low, far if p.sign > 0 else near)
            high = min(high, near if p.sign > 0 else far)
    if p.max_deal_time > 0:
        until = min(until, s.started_at + p.max_deal_time)
    return low, high, until


@compiled
def _stop_loss(p: DcaParameters, s: DcaState, price: float, timestamp: int, notes: Notes) -> bool:
    if not _beyond_stop(p, s, price):
        if s.beyond_since != 0:
            s.beyond_since = 0
            note(notes, told.RECOVERED, price, s.stop_price)
        return False
    if p.stop_timeout > 0:
        if s.beyond_since == 0:
            s.beyond_since = timestamp
            note(notes, told.STOP_WAITS, price, s.stop_price, float(p.stop_timeout // 1000))
            return False
        if timestamp - s.beyond_since < p.stop_timeout:
            return False
    note(notes, told.STOPPED, price, s.stop_price)
    close_all(s, STOP_LOSS)
    return True


@compiled
def _trailed(p: DcaParameters, s: DcaState, price: float, notes: Notes) -> bool:
    if not p.trails:
        return False
    if s.best == 0.0:
        # The last step of the take profit is the one that is not resting.
        reached = s.profit_prices[p.steps - 1]
        if reached != 0.0 and p.sign * price >= p.sign * reached:
            s.best = price
            note(notes, told.TRAILING, price, p.trail_percent)
        return False
    if p.sign * price > p.sign * s.best:
        s.best = price
        return False
    limit = _trail_limit(p, s)
    if p.sign * price > p.sign * limit:
        return False
    note(notes, told.TRAILED, price, limit, s.best)
    close_all(s, TRAILED)
    return True


@compiled
def _trail_limit(p: DcaParameters, s: DcaState) -> float:
    return on_tick(s.best * p.trail_factor, p.rules.tick_unit, p.rules.tick_scale)


@compiled
def _beyond_stop(p: DcaParameters, s: DcaState, price: float) -> bool:
    return s.stop_price != 0.0 and p.sign * price <= p.sign * s.stop_price
