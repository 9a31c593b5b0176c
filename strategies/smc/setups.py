"""From a row of features to a setup: where in, where out, and how sure; or why not."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, nan
from typing import TYPE_CHECKING, Final, NamedTuple

from strategies.compiled import compiled
from strategies.kernel import note
from strategies.lattice import nearest_count
from strategies.smc import codes
from strategies.smc.parameters import SmcParameters
from strategies.smc.patterns import INSIDE_BREAK
from strategies.smc.row import (
    ATR,
    BOTTOM,
    CLOSE,
    EXTREME,
    FIRST_TARGET,
    LONG,
    PATTERN,
    PLACE,
    SCORE,
    SHORT,
    SWEPT,
    TARGETS,
    TOP,
    TREND_1D,
    TREND_1H,
    TREND_4H,
    VOLUME_RATIO,
)

if TYPE_CHECKING:
    from strategies.kernel import Notes

# What makes up the confidence; all of it with the trend would be 1.1, and 1 is the most.
FOR_ZONE: Final = 0.30  # in full at FULL_SCORE
FOR_PATTERN: Final = 0.20  # an inside break says three quarters as much as the other two
FOR_VOLUME: Final = 0.15  # in full at FULL_VOLUME
FOR_STRUCTURE: Final = 0.15  # the last break on 1h went this way
FOR_PLACE: Final = 0.10  # cheap when buying, dear when selling
FOR_SWEEP: Final = 0.10  # liquidity on the other side was swept lately
WITH_TREND: Final = 0.10  # 4h and 1d
FULL_SCORE: Final = 6.0
FULL_VOLUME: Final = 2.0
INSIDE_SHARE: Final = 0.75


class Setup(NamedTuple):
    """``side`` is +1 for long, −1 for short and 0 for no setup; prices in quote; ``reward`` is a multiple of the risk,
    ``pattern`` a number of ``strategies.smc.patterns``."""

    side: int
    pattern: int
    entry: float
    stop: float
    target: float
    risk: float
    reward: float
    confidence: float
    bottom: float
    top: float
    score: float
    with_trend: bool


@compiled
def no_setup() -> Setup:
    return Setup(0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, False)


@compiled
def find_setup(p: SmcParameters, row: Sequence[float], price: float, side: int, notes: Notes) -> Setup:
    """What the newest candle offers on one side at ``price``.

    A filter that drops it tells why; nothing is told when there is no pattern in a zone, or what would judge it is not
    known yet.
    """
    first = LONG if side > 0 else SHORT
    score = row[first + SCORE]
    if not (row[first + PATTERN] > 0.0 and score > 0.0):
        return no_setup()
    if not (isfinite(row[ATR]) and isfinite(row[VOLUME_RATIO]) and isfinite(row[PLACE])):
        return no_setup()
    if not (isfinite(row[TREND_1D]) and isfinite(row[TREND_4H]) and isfinite(row[TREND_1H])):
        return no_setup()
    pattern = int(row[first + PATTERN])
    if score < p.smallest_score:
        note(notes, codes.WEAK_ZONE, side, pattern, price, score)
        return no_setup()
    distance = abs(price / row[CLOSE] - 1.0) * 100.0
    if distance > p.largest_distance:
        note(notes, codes.TOO_FAR, side, pattern, price, distance)
        return no_setup()
    if row[VOLUME_RATIO] < p.volume_factor:
        note(notes, codes.THIN_VOLUME, side, pattern, price, row[VOLUME_RATIO])
        return no_setup()
    stop = row[first + EXTREME] - side * p.stop_buffer * row[ATR]
    risk = (price - stop) * side
    if risk <= 0.0:
        note(notes, codes.STOP_PASSED, side, pattern, price, stop)
        return no_setup()
    target = nearest_target(row, first + FIRST_TARGET, price, p.minimum_reward * risk, side)
    if not isfinite(target):
        note(notes, codes.SMALL_REWARD, side, pattern, price, stop)
        return no_setup()
    with_trend = row[TREND_4H] * side > 0.0 and row[TREND_1D] * side > 0.0
    sure = confidence(row, first, pattern, side, with_trend)
    if sure * 100.0 <= p.minimum_confidence:
        note(notes, codes.UNSURE, side, pattern, price, sure * 100.0)
        return no_setup()
    reward = (target - price) * side / risk
    bottom, top = row[first + BOTTOM], row[first + TOP]
    return Setup(side, pattern, price, stop, target, risk, reward, sure, bottom, top, score, with_trend)


@compiled
def confidence(row: Sequence[float], first: int, pattern: int, side: int, with_trend: bool) -> float:
    """0 to 1, rounded to three decimals so that a sum of floats does not decide at the limit."""
    sure = FOR_ZONE * min(row[first + SCORE] / FULL_SCORE, 1.0)
    sure += FOR_PATTERN * (INSIDE_SHARE if pattern == INSIDE_BREAK else 1.0)
    sure += FOR_VOLUME * min(row[VOLUME_RATIO] / FULL_VOLUME, 1.0)
    sure += FOR_STRUCTURE if row[TREND_1H] * side > 0.0 else 0.0
    sure += FOR_PLACE if (0.5 - row[PLACE]) * side > 0.0 else 0.0
    sure += FOR_SWEEP if row[first + SWEPT] == 1.0 else 0.0
    sure += WITH_TREND if with_trend else 0.0
    return nearest_count(min(sure, 1.0) * 1000.0) / 1000.0


@compiled
def nearest_target(row: Sequence[float], first: int, price: float, least: float, side: int) -> float:
    """The nearest liquidity at least ``least`` away, NaN where none is.

    It lies at the hour's pool of equal swings and at the ends of the dealing ranges.
    """
    nearest = nan
    for place in range(first, first + TARGETS):
        away = (row[place] - price) * side
        if away >= least and not away >= (nearest - price) * side:
            nearest = row[place]
    return nearest
