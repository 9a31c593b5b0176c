"""The six kinds of market, and what each recommends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Regime(StrEnum):
    TIGHT_RANGE = "tight_range"
    WIDE_RANGE = "wide_range"
    QUIET_TRANSITION = "quiet_transition"
    VOLATILE_TRANSITION = "volatile_transition"
    BULL_TREND = "bull_trend"
    BEAR_TREND = "bear_trend"

    @property
    def recommendation(self) -> Recommendation:
        return RECOMMENDATIONS[self]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The strategy that suits a regime, in which manner, and why in one sentence."""

    strategy: str
    manner: str
    why: str


RECOMMENDATIONS: Final[Mapping[Regime, Recommendation]] = {
    Regime.TIGHT_RANGE: Recommendation(
        "grid", "arithmetic", "Small swings around one price: lines at equal distances meet all of them."
    ),
    Regime.WIDE_RANGE: Recommendation(
        "grid", "geometric", "Large swings: lines at equal ratios earn the same share at the bottom as at the top."
    ),
    Regime.QUIET_TRANSITION: Recommendation(
        "grid", "cautious", "A range may be ending: a wider grid with less money and a stop loss."
    ),
    Regime.VOLATILE_TRANSITION: Recommendation(
        "dca", "cautious", "Large moves without a direction: small orders far apart, no leverage."
    ),
    Regime.BULL_TREND: Recommendation("trend", "long", "The trend is up: buy its pullbacks and follow it."),
    Regime.BEAR_TREND: Recommendation(
        "dca", "accumulation", "The trend is down: buy little by little for the long run, or stay out."
    ),
}

# A regime's number in compiled code and in columns is its place here; NONE stands for no regime.
REGIMES: Final = tuple(Regime)
NONE: Final = -1


def code_of(regime: Regime | None) -> int:
    return NONE if regime is None else REGIMES.index(regime)


def regime_of(code: int) -> Regime | None:
    """Raises ``IndexError`` for a number that stands for nothing."""
    if code < NONE:
        raise IndexError(f"There is no regime number {code}.")
    return None if code == NONE else REGIMES[code]
