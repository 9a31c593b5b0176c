"""At which prices orders fill: slippage, spread and impact, all 0 where nothing else is said.

The path of prices is the middle between the best bid and ask, which stand half a spread away from it: a taker pays that
half, a resting limit order is met when the other side comes to it. Triggers go by the path itself.
"""

from __future__ import annotations

from typing import Any

from strategies.compiled import compiled
from strategies.kernel import LIMIT, STOP
from strategies.lattice import ceil_to_step, floor_to_step, on_tick

# By how much of the price one extreme has to be nearer to the open than the other: less than any tick.
NEARER = 1e-12


@compiled
def goes_high_first(opened: float, high: float, low: float) -> bool:
    """Whether a candle's way goes to the high before the low. What is equally near to the open in decimals may differ in
    the last bits of floats."""
    return bool((opened - low) - (high - opened) > opened * NEARER)


@compiled
def best_price(terms: Any, side: int, price: float) -> float:
    """The ask for a buyer, the bid for a seller, while the path stands at ``price``. Not rounded."""
    return float(price + side * price * terms.half_spread)


@compiled
def crosses(terms: Any, side: int, limit: float, price: float) -> bool:
    """Whether a limit order trades at once."""
    return side * (limit - best_price(terms, side, price)) >= 0.0


@compiled
def meeting_price(terms: Any, type: int, side: int, limit: float, trigger: float) -> float:
    """What the path has to come to for a resting order to be filled, or triggered."""
    if type == STOP:
        return trigger
    if terms.half_spread != 0.0:
        return float(limit / (1.0 + side * terms.half_spread) - side * terms.margin)
    if terms.margin == 0.0:
        return limit
    return on_tick(limit - side * terms.margin, terms.rules.tick_unit, terms.rules.tick_scale)


@compiled
def fillable(terms: Any, a: Any, amount: float) -> float:
    """The part of ``amount`` that this candle's volume leaves room for, in whole steps."""
    if terms.share <= 0.0:
        return amount
    room = terms.share * a.volume - a.taken
    if room >= amount:
        return amount
    return max(0.0, floor_to_step(room, terms.rules.step_unit, terms.rules.step_scale))


@compiled
def impact_of(terms: Any, a: Any, amount: float) -> float:
    """The fraction that a taker of ``amount`` moves the price by: impact × share², the share being what has been filled
    of the candle's volume with this order, at most all that may be.

    zipline's ``VolumeShareSlippage`` (zipline/finance/slippage.py).
    """
    if terms.impact == 0.0 or a.volume <= 0.0:
        return 0.0
    most = terms.share if terms.share > 0.0 else 1.0
    share = min((a.taken + fillable(terms, a, amount)) / a.volume, most)
    return float(terms.impact * share * share)


@compiled
def taker_price(terms: Any, a: Any, type: int, side: int, limit: float, amount: float, price: float) -> float:
    """What a taker gets while the path stands at ``price``, rounded to the tick against him.

    Market and stop orders slip; a limit order takes what stands there, never beyond its limit.
    """
    moved = terms.half_spread + impact_of(terms, a, amount)
    if type != LIMIT:
        moved += terms.slippage
    if moved == 0.0:
        return price
    unit, scale = terms.rules.tick_unit, terms.rules.tick_scale
    exact = price + side * price * moved
    taken = ceil_to_step(exact, unit, scale) if side > 0 else floor_to_step(exact, unit, scale)
    if type != LIMIT:
        return taken
    return min(taken, limit) if side > 0 else max(taken, limit)
