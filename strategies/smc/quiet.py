"""Between which prices nothing would happen."""

from __future__ import annotations

from math import inf
from typing import Final

from strategies.compiled import compiled
from strategies.kernel import FOREVER, Quiet, Tick
from strategies.lattice import Rules, floor_to_step
from strategies.smc.exits import enlarges, in_profit, is_left_over, trailing_stop
from strategies.smc.parameters import SmcParameters
from strategies.smc.state import FREE, MOST_POSITIONS, OPEN, SmcState

# A limit solved for the price is this share of it off at most; the zones end so much before.
MARGIN: Final = 1e-9


@compiled
def is_idle(s: SmcState) -> bool:
    """Whether nothing is held and nothing on its way. Dust that could not be traded waits for the next candle."""
    for slot in range(MOST_POSITIONS):
        if s.phase[slot] != FREE:
            return False
    return s.tidy == 0.0


@compiled
def quiet(p: SmcParameters, s: SmcState, tick: Tick) -> Quiet:
    """Until the next candle closes, whatever the time."""
    low, high = -inf, inf
    if is_idle(s):
        return low, high, FOREVER, True
    for slot in range(MOST_POSITIONS):
        if s.phase[slot] == OPEN:
            below, above = open_zone(p, s, slot)
            low, high = max(low, below), min(high, above)
        elif s.phase[slot] != FREE and is_left_over(p, s, slot):
            high = min(high, taken_from(p.rules, s.held[slot], p.rules.is_linear))
    if s.tidy == 0.0:
        high = min(high, taken_from(p.rules, abs(s.dust), p.rules.is_linear and not enlarges(s, -s.dust)))
    return low, high, FOREVER, True


@compiled
def open_zone(p: SmcParameters, s: SmcState, slot: int) -> tuple[float, float]:
    """Where neither the stop follows nor, on spot, is met."""
    low, high = -inf, inf
    side = s.side[slot]
    if in_profit(p, s, slot, s.best[slot]):
        ahead = s.best[slot]
        closer = (trailing_stop(p, s, slot) - s.stop[slot]) * side
        if closer > 0.0:
            # The least change is a share of the price: it would move at a lower one.
            low = closer * 100.0 / p.trailing_step * (1.0 + MARGIN) if p.trailing_step > 0.0 else inf
    else:
        ahead = s.entry[slot] * (1.0 + side * p.trailing_activation / 100.0) * (1.0 - side * MARGIN)
    if side > 0:
        high = min(high, ahead)
    else:
        low = max(low, ahead)
    if not p.rules.is_linear:
        if side > 0:
            low = max(low, s.stop[slot])
        else:
            high = min(high, s.stop[slot])
    return low, high


@compiled
def taken_from(rules: Rules, amount: float, reduces: bool) -> float:
    """From which price on the market would take so much; at once where that is no question of the price."""
    size = floor_to_step(amount, rules.step_unit, rules.step_scale)
    if size <= 0.0 or size < rules.min_amount * (1.0 - MARGIN):
        return inf
    if reduces:
        return -inf
    return rules.min_notional * (1.0 - 2.0 * MARGIN) / size
