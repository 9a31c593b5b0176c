"""Where each class of coins is searched: coarse over all that makes sense for it, then fine around the best."""

from __future__ import annotations

from typing import Final

from backtests.analysis.grid_system.classification import CoinClass
from backtests.search.parameters import Parameter, Value, Values

RANGE, LINES = "config.range_percent", "config.grids"
FINE: Final = 5

# How far the grid reaches to both sides, in per cent, and how many intervals it has.
COARSE: Final[dict[CoinClass, tuple[tuple[Value, ...], tuple[Value, ...]]]] = {
    CoinClass.STABLE: ((0.2, 0.5, 1, 2), (4, 8, 16)),
    CoinClass.BLUE_CHIPS: ((3, 6, 10, 16, 24), (8, 16, 32, 64)),
    CoinClass.MID_CAPS: ((5, 10, 18, 28, 40), (8, 16, 32, 64)),
    CoinClass.MEMES: ((10, 20, 35, 50, 70), (6, 12, 24, 48)),
}


def coarse_space(coin_class: CoinClass) -> tuple[Parameter, ...]:
    ranges, lines = COARSE[coin_class]
    return Parameter(RANGE, ranges), Parameter(LINES, lines)


def fine_space(coarse: tuple[Parameter, ...], best: Values) -> tuple[Parameter, ...]:
    """Five values of each between the coarse neighbours of the best one; at an edge, from the edge on."""
    return tuple(Parameter(each.path, _between(each, best[each.path])) for each in coarse)


def _between(coarse: Parameter, best: Value) -> tuple[Value, ...]:
    place = coarse.values.index(best)
    low = float(coarse.values[max(0, place - 1)])
    high = float(coarse.values[min(len(coarse.values) - 1, place + 1)])
    steps = [low + (high - low) * number / (FINE + 1) for number in range(1, FINE + 1)]
    if coarse.path == LINES:
        return tuple(dict.fromkeys([*sorted({*(round(step) for step in steps), int(best)})]))
    return tuple(sorted({*(float(f"{step:.4g}") for step in steps), float(best)}))
