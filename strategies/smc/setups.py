"""From a row of features to a setup: where in, where out, and how sure; or why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Final

from strategies.contract import Direction, Reason, Signal
from strategies.smc.config import SmcConfig
from strategies.smc.patterns import INSIDE_BREAK, NAMES

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


@dataclass(frozen=True, slots=True)
class Setup:
    """``side`` is +1 for long and −1 for short; prices in quote; ``reward`` is a multiple of the risk."""

    side: int
    pattern: str
    entry: float
    stop: float
    target: float
    reward: float
    confidence: float
    zone_bottom: float
    zone_top: float
    zone_score: float
    with_trend: bool

    @property
    def risk(self) -> float:
        return abs(self.entry - self.stop)

    def signal(self, timestamp: int) -> Signal:
        return Signal(
            direction=Direction.LONG if self.side > 0 else Direction.SHORT,
            entry=self.entry,
            confidence=self.confidence,
            timestamp=timestamp,
            strategy_type="smc",
            stop_loss=self.stop,
            take_profit=self.target,
            metadata={
                "pattern": self.pattern,
                "reward": round(self.reward, 3),
                "zone_bottom": self.zone_bottom,
                "zone_top": self.zone_top,
                "zone_score": round(self.zone_score, 3),
                "with_trend": self.with_trend,
            },
        )


def find_setup(config: SmcConfig, row: Mapping[str, float], price: float, side: int) -> Setup | Reason | None:
    """What the newest candle offers on one side at ``price``; the reason when a filter drops it, ``None`` when there is
    no pattern in a zone, or what would judge it is not known yet."""
    name = "demand" if side > 0 else "supply"
    pattern, score, close = row[f"{name}_pattern"], row[f"{name}_score"], row["close"]
    known = (row["atr"], row["volume_ratio"], row["place"], row["trend_1d"], row["trend_4h"], row["trend_1h"])
    if not pattern or not score or not all(map(isfinite, known)):
        return None
    told: dict[str, float | int | str] = {"side": _word(side), "pattern": NAMES[int(pattern)], "price": price}
    if score < float(config.smallest_score):
        return Reason("smc.weak_zone", {**told, "score": score, "limit": float(config.smallest_score)})
    distance = abs(price / close - 1.0) * 100.0
    if distance > float(config.largest_distance):
        return Reason("smc.too_far", {**told, "distance": distance, "limit": float(config.largest_distance)})
    if row["volume_ratio"] < float(config.volume_factor):
        return Reason("smc.thin_volume", {**told, "ratio": row["volume_ratio"], "limit": float(config.volume_factor)})
    stop = row[f"{name}_extreme"] - side * float(config.stop_buffer) * row["atr"]
    risk = (price - stop) * side
    if risk <= 0.0:
        return Reason("smc.stop_passed", {**told, "stop": stop})
    target = _target(config, row, price, risk, side)
    if target is None:
        return Reason("smc.small_reward", {**told, "limit": float(config.minimum_reward), "stop": stop})
    with_trend = row["trend_4h"] * side > 0.0 and row["trend_1d"] * side > 0.0
    sure = confidence(row, score, int(pattern), side, with_trend)
    if sure * 100.0 <= float(config.minimum_confidence):
        return Reason("smc.unsure", {**told, "confidence": sure * 100.0, "limit": float(config.minimum_confidence)})
    return Setup(
        side=side,
        pattern=NAMES[int(pattern)],
        entry=price,
        stop=stop,
        target=target,
        reward=(target - price) * side / risk,
        confidence=sure,
        zone_bottom=row[f"{name}_bottom"],
        zone_top=row[f"{name}_top"],
        zone_score=score,
        with_trend=with_trend,
    )


def confidence(row: Mapping[str, float], score: float, pattern: int, side: int, with_trend: bool) -> float:
    """0 to 1, rounded to three decimals so that a sum of floats does not decide at the limit."""
    swept, place = row["swept_up" if side > 0 else "swept_down"], row["place"]
    parts = (
        FOR_ZONE * min(score / FULL_SCORE, 1.0),
        FOR_PATTERN * (INSIDE_SHARE if pattern == INSIDE_BREAK else 1.0),
        FOR_VOLUME * min(row["volume_ratio"] / FULL_VOLUME, 1.0),
        FOR_STRUCTURE if row["trend_1h"] * side > 0.0 else 0.0,
        FOR_PLACE if (0.5 - place) * side > 0.0 else 0.0,
        FOR_SWEEP if swept == 1.0 else 0.0,
        WITH_TREND if with_trend else 0.0,
    )
    return round(min(sum(parts), 1.0), 3)


def _target(config: SmcConfig, row: Mapping[str, float], price: float, risk: float, side: int) -> float | None:
    """The nearest liquidity that pays enough: the hour's pool of equal swings, then the dealing ranges' ends."""
    names = (
        ("pool_above", "high_1h", "high_4h", "high_1d") if side > 0 else ("pool_below", "low_1h", "low_4h", "low_1d")
    )
    least = float(config.minimum_reward) * risk
    paying = [row[name] for name in names if (row[name] - price) * side >= least]
    return min(paying, key=lambda target: (target - price) * side, default=None)


def _word(side: int) -> str:
    return "long" if side > 0 else "short"
