"""The lines of a grid and what its intervals trade, as plain numbers on the market's lattice.

The same as ``strategies.grid.lines`` works out in decimals before a start; the lines of an arithmetic grid are exact
here too, whole numbers of ticks as they are. A test holds the two together.
"""

from __future__ import annotations

from strategies.compiled import compiled
from strategies.grid.lines import RangeUnknown
from strategies.grid.parameters import GridParameters
from strategies.lattice import floor_to_step, nearest_count


@compiled
def ticks_of(p: GridParameters, price: float) -> int:
    """The price in ticks, the nearest whole number."""
    return nearest_count(price * p.rules.tick_scale / p.rules.tick_unit)


@compiled
def price_of(p: GridParameters, ticks: int) -> float:
    return ticks * p.rules.tick_unit / p.rules.tick_scale


@compiled
def line_ticks(p: GridParameters, low: int, high: int, index: int) -> int:
    """Where line ``index`` of the grid from ``low`` to ``high`` is, all in ticks: the nearest one, half to even."""
    if p.is_geometric:
        return nearest_count(low * (high / low) ** (index / p.grids))
    way = (high - low) * index
    below = way // p.grids
    rest = way - below * p.grids
    below += low
    if 2 * rest > p.grids or (2 * rest == p.grids and below % 2 == 1):
        return below + 1
    return below


@compiled
def line(p: GridParameters, lower: float, upper: float, index: int) -> float:
    """The price of a line of the grid between two prices; any whole number continues the same spacing."""
    return price_of(p, line_ticks(p, ticks_of(p, lower), ticks_of(p, upper), index))


@compiled
def range_around(p: GridParameters, price: float) -> tuple[float, float]:
    """The prices between which a grid is laid out whose range is a percentage.

    Raises ``RangeUnknown`` for a range in average true ranges, which has to be known before the start.
    """
    if p.range_percent == 0.0:
        raise RangeUnknown(
            "range_atr_multiple is set, but the average true range was not known at the start: load its candles first."
        )
    centre = p.trigger if p.trigger > 0.0 else price
    reach = centre * p.range_percent / 100.0
    return price_of(p, ticks_of(p, centre - reach)), price_of(p, ticks_of(p, centre + reach))


@compiled
def range_moved_to(p: GridParameters, lower: float, upper: float, price: float) -> tuple[float, float]:
    """The range of the same reach around another price; the old one when that would go below the first tick.

    A range in percent is taken of the new price; else an arithmetic grid keeps its width and a geometric one its
    ratio.
    """
    low, high = ticks_of(p, lower), ticks_of(p, upper)
    centre = price * p.rules.tick_scale / p.rules.tick_unit
    if p.range_percent > 0.0:
        reach = centre * p.range_percent / 100.0
        new_low, new_high = nearest_count(centre - reach), nearest_count(centre + reach)
    elif p.is_geometric:
        ratio = (high / low) ** 0.5
        new_low, new_high = nearest_count(centre / ratio), nearest_count(centre * ratio)
    else:
        reach = (high - low) / 2.0
        new_low, new_high = nearest_count(centre - reach), nearest_count(centre + reach)
    if new_low < 1 or new_low >= new_high:
        return lower, upper
    return price_of(p, new_low), price_of(p, new_high)


@compiled
def amount_at(p: GridParameters, opening_line: float) -> float:
    """Equal quote: what the interval above a line trades, in base and rounded down to the step."""
    return floor_to_step(p.notional / p.grids / opening_line, p.rules.step_unit, p.rules.step_scale)


@compiled
def equal_amount(p: GridParameters, low: int, high: int) -> float:
    """Equal base: what every interval of the grid between ``low`` and ``high`` (ticks) trades."""
    total = 0
    for i in range(p.grids):
        total += line_ticks(p, low, high, i)
    return floor_to_step(p.notional / price_of(p, total), p.rules.step_unit, p.rules.step_scale)
