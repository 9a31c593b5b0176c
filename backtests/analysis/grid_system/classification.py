"""Which kind of coin it is: by how much it moves, how much of it is traded, and how far it ever jumped.

Movement is the median of ATR(14) / close over four-hour candles; four hours, because there bitcoin moves 1 to 2 %, the
larger coins 2 to 5 % and a stable coin hundredths of one. A class is the calmest whose every limit is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np

from backtests.features import longer
from exchange.candles.files import Candles
from strategies.indicators import atr

TIMEFRAME: Final = "4h"
PER_DAY: Final = 6
PERIOD: Final = 14
FEWEST: Final = 2 * PERIOD


class CoinClass(StrEnum):
    STABLE = "STABLE"
    BLUE_CHIPS = "BLUE_CHIPS"
    MID_CAPS = "MID_CAPS"
    MEMES = "MEMES"


@dataclass(frozen=True, slots=True)
class Bounds:
    """``movement`` and ``gap`` are fractions that must not be reached, ``turnover`` quote a day that must be."""

    movement: float
    gap: float
    turnover: float


# Movement by the specification; a gap of twice to four times the movement is out of the class's character, and what is
# hardly traded moves as it likes. What fits none is a meme.
LIMITS: Final = {
    CoinClass.STABLE: Bounds(0.005, 0.02, 0.0),
    CoinClass.BLUE_CHIPS: Bounds(0.02, 0.05, 5_000_000.0),
    CoinClass.MID_CAPS: Bounds(0.05, 0.15, 500_000.0),
}


@dataclass(frozen=True, slots=True)
class Classified:
    """``movement`` and ``gap`` are fractions, ``turnover`` quote a day; ``because`` says what kept it from a calmer one."""

    coin_class: CoinClass
    movement: float
    turnover: float
    gap: float
    because: str

    def to_json(self) -> dict[str, Any]:
        return {
            "class": self.coin_class.value,
            "atr": self.movement,
            "daily_turnover": self.turnover,
            "largest_gap": self.gap,
            "because": self.because,
        }


def classify(candles: Candles, timeframe: str) -> Classified:
    """Raises ``ValueError`` for candles that do not make four-hour ones, or too few of them."""
    series = longer(candles, timeframe, TIMEFRAME)
    if len(series.close) < FEWEST:
        raise ValueError(f"a coin's class is told by {FEWEST} candles of {TIMEFRAME}, there are {len(series.close)}")
    movement = float(np.nanmedian(atr(series.high, series.low, series.close, PERIOD) / series.close))
    turnover = float(np.median(series.volume * series.close)) * PER_DAY
    gap = float(np.max(np.abs(candles.open[1:] / candles.close[:-1] - 1.0)))
    return _judged(movement, turnover, gap)


def _judged(movement: float, turnover: float, gap: float) -> Classified:
    because = "it keeps every limit of the calmest class"
    for name, limits in LIMITS.items():
        broken = _broken(limits, movement, turnover, gap)
        if broken is None:
            return Classified(name, movement, turnover, gap, because)
        because = f"not {name}: {broken}"
    return Classified(CoinClass.MEMES, movement, turnover, gap, because)


def _broken(limits: Bounds, movement: float, turnover: float, gap: float) -> str | None:
    if movement >= limits.movement:
        return f"it moves {100 * movement:.2f} % in four hours, {100 * limits.movement:g} % is the limit"
    if gap >= limits.gap:
        return f"it once jumped by {100 * gap:.1f} %, {100 * limits.gap:g} % is the limit"
    if turnover < limits.turnover:
        return f"{turnover:,.0f} of it are traded a day, {limits.turnover:,.0f} are the least"
    return None
