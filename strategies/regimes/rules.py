"""The rules on plain numbers, the same for one candle live and for a compiled pass over a history.

Regimes are the numbers of ``regime.REGIMES``, −1 for none. docs/strategies/regimes.md has the rules as tables.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from strategies.indicators import Array, compiled
from strategies.regimes.config import RegimeConfig

# Written out: the machine code on disk is made anew when this file changes, not when the one with the names does.
TIGHT_RANGE: Final = 0
WIDE_RANGE: Final = 1
QUIET_TRANSITION: Final = 2
VOLATILE_TRANSITION: Final = 3
BULL_TREND: Final = 4
BEAR_TREND: Final = 5
NONE: Final = -1

# By regime. A change between families is confirmed by candles of the new family, whichever member each of them names:
# else an ATR that wavers around its threshold would keep a range alive that is long over. Up and down are two families.
FAMILIES: Final = (0, 0, 1, 1, 2, 3)

STRENGTH_SHARE: Final = 0.5
MARGIN_SHARE: Final = 0.3
VOLUME_SHARE: Final = 0.2


class Bounds(NamedTuple):
    """What the rules need of a ``RegimeConfig``, as numbers that compiled code can read."""

    range_below: float
    transition_from: float
    trend_above: float
    tight_below: float
    quiet_below: float
    confirmation: int


@lru_cache(maxsize=64)
def bounds_of(config: RegimeConfig) -> Bounds:
    return Bounds(
        float(config.range_below),
        float(config.transition_from),
        float(config.trend_above),
        float(config.tight_below),
        float(config.quiet_below),
        config.confirmation,
    )


@compiled
def observed(adx: float, ema_fast: float, ema_slow: float, atr_percent: float, current: int, bounds: Bounds) -> int:
    """The regime that one candle's inputs name, while ``current`` is the one that holds."""
    if adx > bounds.trend_above:
        if ema_fast > ema_slow:
            return BULL_TREND
        if ema_fast < ema_slow:
            return BEAR_TREND
        # A trend whose averages meet has not turned yet; without one before there is no direction to name.
        if current in (BULL_TREND, BEAR_TREND):
            return current
        ranging = False
    elif adx < bounds.range_below:
        ranging = True
    elif adx >= bounds.transition_from:
        ranging = False
    elif current == NONE:
        ranging = adx < (bounds.range_below + bounds.transition_from) / 2.0
    else:
        ranging = current in (TIGHT_RANGE, WIDE_RANGE)
    if ranging:
        return TIGHT_RANGE if atr_percent < bounds.tight_below else WIDE_RANGE
    return QUIET_TRANSITION if atr_percent < bounds.quiet_below else VOLATILE_TRANSITION


@compiled
def confirmed(current: int, candidate: int, count: int, named: int, confirmation: int) -> tuple[int, int, int]:
    """The next ``(current, candidate, count)`` after a candle that names the regime ``named``."""
    if current == NONE:
        return named, NONE, 0
    if named == current:
        return current, NONE, 0
    goes_on = candidate != NONE and FAMILIES[candidate] == FAMILIES[named]
    count = count + 1 if goes_on else 1
    if count >= confirmation:
        return named, NONE, 0
    return current, named, count


@compiled
def confidence(
    regime: int,
    adx: float,
    ema_fast: float,
    ema_slow: float,
    atr_percent: float,
    volume_ratio: float,
    bounds: Bounds,
) -> float:
    """From 0 to 1: how well the inputs fit the regime, whether or not they would name it.

    Shares of the distance of the ADX from where the regime would end, of what tells it from its sibling, and of volume:
    docs/strategies/regimes.md, "Confidence".
    """
    lively = volume_ratio
    if regime in (TIGHT_RANGE, WIDE_RANGE):
        strength = (bounds.transition_from - adx) / (2.0 * (bounds.transition_from - bounds.range_below))
        margin = atr_percent / bounds.tight_below - 1.0
    elif regime in (QUIET_TRANSITION, VOLATILE_TRANSITION):
        half = (bounds.trend_above - bounds.range_below) / 2.0
        strength = min(adx - bounds.range_below, bounds.trend_above - adx) / half
        margin = atr_percent / bounds.quiet_below - 1.0
    else:
        strength = (adx - bounds.trend_above) / (bounds.trend_above - bounds.transition_from)
        spread = 100.0 * (ema_fast / ema_slow - 1.0)
        if atr_percent > 0.0:
            margin = spread / atr_percent
        else:
            margin = 1.0 if spread > 0.0 else -1.0 if spread < 0.0 else 0.0
        if regime == BEAR_TREND:
            margin = -margin
    if regime in (TIGHT_RANGE, QUIET_TRANSITION):
        margin, lively = -margin, 2.0 - volume_ratio
    return (
        STRENGTH_SHARE * min(1.0, max(0.0, strength))
        + MARGIN_SHARE * min(1.0, max(0.0, margin))
        + VOLUME_SHARE * min(1.0, max(0.0, lively))
    )


@compiled
def known(adx: float, ema_fast: float, ema_slow: float, atr_percent: float, volume_ratio: float) -> bool:
    """False during the warm-up of an indicator and in a gap."""
    return bool(np.isfinite(adx + ema_fast + ema_slow + atr_percent + volume_ratio) and ema_slow > 0.0)


@compiled
def classified(
    adx: Array,
    ema_fast: Array,
    ema_slow: Array,
    atr_percent: Array,
    volume_ratio: Array,
    bounds: Bounds,
    current: int,
    candidate: int,
    count: int,
) -> tuple[NDArray[np.int8], Array, tuple[int, int, int]]:
    """The regime and its confidence after each candle (−1 and NaN where unknown), and what is remembered."""
    regimes, confidences = np.full(adx.size, NONE, np.int8), np.full(adx.size, np.nan)
    for row in range(adx.size):
        strength, fast, slow = adx[row], ema_fast[row], ema_slow[row]
        ranges, volume = atr_percent[row], volume_ratio[row]
        if not known(strength, fast, slow, ranges, volume):
            candidate, count = NONE, 0
            continue
        named = observed(strength, fast, slow, ranges, current, bounds)
        current, candidate, count = confirmed(current, candidate, count, named, bounds.confirmation)
        regimes[row] = current
        confidences[row] = confidence(current, strength, fast, slow, ranges, volume, bounds)
    return regimes, confidences, (current, candidate, count)
