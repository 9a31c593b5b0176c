"""Between which prices, and until when, a step changes nothing."""

from __future__ import annotations

import math

from strategies.compiled import compiled
from strategies.kernel import FOREVER, NEVER_QUIET, Quiet, Tick
from strategies.trend.book import DAY_MS
from strategies.trend.config import MOST_TARGETS
from strategies.trend.exits import break_even_price, is_unfilled
from strategies.trend.orders import closable
from strategies.trend.parameters import NEVER, Parameters
from strategies.trend.state import ENTERING, FLAT, HOLDING, TrendState


@compiled
def quiet(p: Parameters, s: TrendState, tick: Tick) -> Quiet:
    """See ``strategies.kernel``. Without a trade only candles matter. In one: the prices where the entry is given up, the
    stop moves to break-even or begins to trail, or targets are taken up or withdrawn; and midnight, when a day begins."""
    if not s.started or tick.candle_close > s.seen_close:
        return NEVER_QUIET
    if s.phase == FLAT:
        return -math.inf, math.inf, FOREVER, True
    if tick.timestamp // DAY_MS != s.day or not is_settled(p, s):
        return NEVER_QUIET
    until = (s.day + 1) * DAY_MS
    if s.stopping:
        return -math.inf, math.inf, until, True
    # Times the side, so that a trade's profit is ahead and its stop behind.
    ahead = math.inf
    behind = -math.inf
    if s.phase == ENTERING and s.target_prices[0] > 0.0:
        ahead = s.side * s.target_prices[0]
    if not s.trailing:
        ahead = min(ahead, until_reached(p, s, p.trail_from))
    if not s.even and s.entry_filled > 0.0:
        ahead = min(ahead, max(until_reached(p, s, p.break_even), s.side * break_even_price(p, s)))
    if s.phase == HOLDING:
        for number in range(MOST_TARGETS):
            if is_unfilled(s, number):
                if not p.rules.is_linear:
                    if not s.target_open[number]:
                        ahead = min(ahead, s.side * s.target_prices[number])
                elif s.target_open[number]:
                    behind = max(behind, s.side * s.stop)
                else:
                    ahead = min(ahead, s.side * s.stop)
    if s.side > 0:
        return behind, ahead, until, True
    return -ahead, -behind, until, True


@compiled
def is_settled(p: Parameters, s: TrendState) -> bool:
    """Whether the next step would neither end the trade nor find it on the other side."""
    if s.phase != HOLDING:
        return True
    return s.side * s.held > 0.0 and closable(abs(s.held), s.stop, p.rules) > 0.0


@compiled
def until_reached(p: Parameters, s: TrendState, multiple: float) -> float:
    """The price, times the side, up to which a distance of so many R is not reached for certain: half a tick before."""
    if multiple == NEVER:
        return math.inf
    far = s.side * s.entry_price + multiple * s.risk * (1.0 - 1e-9)
    return far - 0.5 * p.rules.tick_unit / p.rules.tick_scale
