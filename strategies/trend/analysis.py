"""What the market does, in four phases, from one row of features.

* **accumulation**: the ADX is below ``adx_min``; there is no trend, whatever the averages say.
* **transition**: there is strength, but the averages, the close and the directional movement do not agree which way.
* **advance**: they agree. Up: fast average above the slow one, close above the slow one, +DI above −DI; down is the mirror.
* **exhaustion**: they agree, but the ADX has fallen by ``exhaustion_fall`` from its highest of the last
  ``exhaustion_candles``, or the close is further than ``exhaustion_stretch`` ATRs beyond the fast average.

Trades are entered in an advance only; the other phases leave an open trade alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isnan

from strategies.trend.config import TrendConfig


class Phase(StrEnum):
    UNKNOWN = "unknown"  # too few candles
    ACCUMULATION = "accumulation"
    TRANSITION = "transition"
    ADVANCE = "advance"
    EXHAUSTION = "exhaustion"


# The ADX from which a trend is as strong as confidence counts.
_FULL_STRENGTH = 50.0
# The multiple of the mean volume from which more of it adds no confidence.
_FULL_VOLUME = 3.0


@dataclass(frozen=True, slots=True)
class Market:
    """``side`` is +1 for a rising trend, −1 for a falling one, 0 for none; ``strength`` is the ADX."""

    phase: Phase
    side: int = 0
    strength: float = 0.0


def analyse(config: TrendConfig, row: Mapping[str, float]) -> Market:
    if not row or any(isnan(value) for value in row.values()):
        return Market(Phase.UNKNOWN)
    adx, close, fast, slow = row["adx"], row["close"], row["ema_fast"], row["ema_slow"]
    if adx < float(config.adx_min):
        return Market(Phase.ACCUMULATION, 0, adx)
    if fast > slow and close > slow and row["plus_di"] > row["minus_di"]:
        side = 1
    elif fast < slow and close < slow and row["plus_di"] < row["minus_di"]:
        side = -1
    else:
        return Market(Phase.TRANSITION, 0, adx)
    tired = row["adx_peak"] - adx >= float(config.exhaustion_fall)
    stretched = side * (close - fast) > float(config.exhaustion_stretch) * row["atr"]
    return Market(Phase.EXHAUSTION if tired or stretched else Phase.ADVANCE, side, adx)


def confidence_of(config: TrendConfig, row: Mapping[str, float], side: int) -> float:
    """0 to 1: 40 % strength (ADX from ``adx_min`` to 50), 30 % agreement of the directional movement (their difference
    over their sum), 30 % volume (from none to three times the mean)."""
    least = min(float(config.adx_min), _FULL_STRENGTH - 1.0)
    strength = _share((row["adx"] - least) / (_FULL_STRENGTH - least))
    both = row["plus_di"] + row["minus_di"]
    agreement = _share(side * (row["plus_di"] - row["minus_di"]) / both) if both > 0.0 else 0.0
    return 0.4 * strength + 0.3 * agreement + 0.3 * _share(row["volume_ratio"] / _FULL_VOLUME)


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)
