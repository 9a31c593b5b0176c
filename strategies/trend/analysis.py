"""What the market does, in four phases, from one row of features.

* **accumulation**: the ADX is below ``adx_min``; there is no trend, whatever the averages say.
* **transition**: there is strength, but the averages, the close and the directional movement do not agree which way.
* **advance**: they agree. Up: fast average above the slow one, close above the slow one, +DI above −DI; down is the mirror.
* **exhaustion**: they agree, but the ADX has fallen by ``exhaustion_fall`` from its highest of the last
  ``exhaustion_candles``, or the close is further than ``exhaustion_stretch`` ATRs beyond the fast average.

Trades are entered in an advance only; the other phases leave an open trade alone.
"""

from __future__ import annotations

from math import isnan

from strategies.compiled import compiled
from strategies.kernel import Row
from strategies.trend.features import (
    ADX,
    ADX_PEAK,
    ATR,
    CLOSE,
    EMA_FAST,
    EMA_SLOW,
    MINUS_DI,
    PLUS_DI,
    VOLUME_RATIO,
    WIDTH,
)
from strategies.trend.parameters import Parameters
from strategies.trend.state import (
    ACCUMULATION,
    ADVANCE_DOWN,
    ADVANCE_UP,
    EXHAUSTION_DOWN,
    EXHAUSTION_UP,
    TRANSITION,
    UNKNOWN,
)

# The ADX from which a trend is as strong as confidence counts.
_FULL_STRENGTH = 50.0
# The multiple of the mean volume from which more of it adds no confidence.
_FULL_VOLUME = 3.0


@compiled
def analyse(p: Parameters, row: Row) -> int:
    """The market, one of ``strategies.trend.state.MARKETS``; unknown while any figure is."""
    for column in range(WIDTH):
        if isnan(row[column]):
            return UNKNOWN
    adx, close, fast, slow = row[ADX], row[CLOSE], row[EMA_FAST], row[EMA_SLOW]
    if adx < p.adx_min:
        return ACCUMULATION
    if fast > slow and close > slow and row[PLUS_DI] > row[MINUS_DI]:
        side = 1
    elif fast < slow and close < slow and row[PLUS_DI] < row[MINUS_DI]:
        side = -1
    else:
        return TRANSITION
    tired = row[ADX_PEAK] - adx >= p.exhaustion_fall
    stretched = side * (close - fast) > p.exhaustion_stretch * row[ATR]
    if tired or stretched:
        return EXHAUSTION_UP if side > 0 else EXHAUSTION_DOWN
    return ADVANCE_UP if side > 0 else ADVANCE_DOWN


@compiled
def confidence_of(p: Parameters, row: Row, side: int) -> float:
    """0 to 1: 40 % strength (ADX from ``adx_min`` to 50), 30 % agreement of the directional movement (their difference
    over their sum), 30 % volume (from none to three times the mean)."""
    least = min(p.adx_min, _FULL_STRENGTH - 1.0)
    strength = share((row[ADX] - least) / (_FULL_STRENGTH - least))
    both = row[PLUS_DI] + row[MINUS_DI]
    agreement = share(side * (row[PLUS_DI] - row[MINUS_DI]) / both) if both > 0.0 else 0.0
    return 0.4 * strength + 0.3 * agreement + 0.3 * share(row[VOLUME_RATIO] / _FULL_VOLUME)


@compiled
def share(value: float) -> float:
    return min(max(value, 0.0), 1.0)
