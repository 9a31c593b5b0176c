"""What can be set on a trend follower, and which combinations make sense."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Final, Self

from pydantic import Field, model_validator

from strategies.contract import Direction, StrategyConfig
from strategies.fields import LARGEST, Fault, Number, choice, number, refusal, switch, timeframe

MOST_TARGETS: Final = 5
_TARGET: Final = re.compile(r"(\d{1,4}(?:\.\d{1,4})?):(\d{1,3}(?:\.\d{1,4})?)")


class EntryOrder(StrEnum):
    MARKET = "market"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Target:
    """At ``multiple`` R from the entry, ``percent`` of what was bought is sold."""

    multiple: Decimal
    percent: Decimal


class TrendConfig(StrategyConfig):
    """Prices and money in quote, percentages as 5 for 5 %; R is the distance from the entry to its first stop."""

    # Analysis
    timeframe: str = timeframe(
        "1h", "Candles", "Length of the candles that everything here is computed from.", group="Analysis"
    )
    direction: Direction = choice(
        Direction.LONG,
        "Direction",
        "Long trades rising trends, short falling ones, neutral both; the last two need a linear market.",
        group="Analysis",
        choices={"long": "Long", "short": "Short (linear)", "neutral": "Both (linear)"},
    )
    ema_fast: int = number(
        20, "Fast average", "Candles of the fast exponential average.", unit="candles", group="Analysis", ge=2, le=400
    )
    ema_slow: int = number(
        50, "Slow average", "Candles of the slow exponential average.", unit="candles", group="Analysis", ge=3, le=500
    )
    adx_period: int = number(
        14, "ADX period", "Candles of the ADX.", unit="candles", group="Analysis", ge=2, le=100, advanced=True
    )
    adx_min: Number = number(
        Decimal(20),
        "Least trend strength",
        "Below this ADX there is no trend and nothing is entered.",
        unit="ADX",
        group="Analysis",
        ge=0,
        le=100,
    )
    exhaustion_candles: int = number(
        14,
        "Exhaustion looks back",
        "A trend is exhausted when its ADX has fallen from the highest of so many candles.",
        unit="candles",
        group="Analysis",
        ge=1,
        le=200,
        advanced=True,
    )
    exhaustion_fall: Number = number(
        Decimal(8),
        "Exhaustion fall",
        "By how much the ADX has to have fallen for that.",
        unit="ADX",
        group="Analysis",
        gt=0,
        le=100,
        advanced=True,
    )
    exhaustion_stretch: Number = number(
        Decimal(4),
        "Exhaustion stretch",
        "A trend is exhausted too when the close is further than this from the fast average.",
        unit="× ATR",
        group="Analysis",
        gt=0,
        le=100,
        advanced=True,
    )

    # Entry
    pullback_entry: bool = switch(
        "Pullback entry",
        "Enters when the price came back to the fast average and closes in the direction of the trend again.",
        group="Entry",
        default=True,
    )
    pullback_candles: int = number(
        3,
        "Pullback lasts",
        "The price has to have touched the zone within so many candles.",
        unit="candles",
        group="Entry",
        ge=1,
        le=50,
        advanced=True,
    )
    pullback_zone: Number = number(
        Decimal("0.25"),
        "Pullback zone",
        "The zone begins this far before the fast average and has no other end than the trend's.",
        unit="× ATR",
        group="Entry",
        ge=0,
        le=10,
        advanced=True,
    )
    pullback_volume: Number = number(
        Decimal(1),
        "Pullback volume",
        "The entry candle's volume has to be at least this many times the mean. 0 for any.",
        unit="× mean",
        group="Entry",
        ge=0,
        le=20,
    )
    breakout_entry: bool = switch(
        "Breakout entry",
        "Enters when a candle closes beyond the highs (lows for short) of the candles before it.",
        group="Entry",
        default=True,
    )
    breakout_candles: int = number(
        20, "Breakout of", "Candles whose extreme has to be passed.", unit="candles", group="Entry", ge=2, le=500
    )
    breakout_volume: Number = number(
        Decimal("1.5"),
        "Breakout volume",
        "The entry candle's volume has to be at least this many times the mean. 0 for any.",
        unit="× mean",
        group="Entry",
        ge=0,
        le=20,
    )
    volume_period: int = number(
        20,
        "Volume mean",
        "Candles of the mean volume, the entry candle included.",
        unit="candles",
        group="Entry",
        ge=2,
        le=500,
        advanced=True,
    )
    min_confidence: Number = number(
        Decimal(0),
        "Least confidence",
        "Signals with less confidence are left alone.",
        unit="%",
        group="Entry",
        ge=0,
        le=100,
        advanced=True,
    )
    entry_order: EntryOrder = choice(
        EntryOrder.MARKET,
        "Entry order",
        "Market enters at once. Limit waits at the price of the signal: cheaper, but some trends leave without it.",
        group="Entry",
        choices={"market": "Market", "limit": "Limit at the signal's price"},
        advanced=True,
    )
    entry_candles: int = number(
        2,
        "Entry waits",
        "What is not filled after so many candles is cancelled; what is held by then is managed as usual.",
        unit="candles",
        group="Entry",
        ge=1,
        le=100,
        advanced=True,
    )

    # Exit
    atr_period: int = number(
        14,
        "ATR period",
        "Candles of the average true range.",
        unit="candles",
        group="Exit",
        ge=2,
        le=100,
        advanced=True,
    )
    stop_atr: Number = number(
        Decimal(2),
        "Stop distance",
        "The first stop stands this far from the entry. This distance is called R.",
        unit="× ATR",
        group="Exit",
        gt=0,
        le=20,
    )
    targets: str = Field(
        "1.5:50, 3:25",
        title="Targets",
        description="Multiples of R with the share of the position each closes, as in 1.5:50, 3:25. Empty for none; what "
        "is in no target stays until the stop.",
        max_length=200,
        json_schema_extra={"unit": "R : % of position", "group": "Exit", "advanced": False},
    )
    break_even: Number | None = number(
        Decimal(1),
        "Break-even at",
        "When the price has come so far, the stop moves to where entry and fees are paid. Empty for never.",
        unit="R",
        group="Exit",
        gt=0,
        le=100,
    )
    trail_from: Number | None = number(
        Decimal("1.5"),
        "Trailing from",
        "When the price has come so far, the stop begins to follow the closes. Empty for never.",
        unit="R",
        group="Exit",
        gt=0,
        le=100,
    )
    trail_atr: Number = number(
        Decimal("2.5"),
        "Trailing distance",
        "How far behind each close the trailing stop stands. It never moves back.",
        unit="× ATR",
        group="Exit",
        gt=0,
        le=50,
    )

    # Money
    investment: Number = number(
        ...,
        "Investment",
        "What the bot may use, before leverage. With what it has earned or lost since the start, this is its equity.",
        unit="quote",
        group="Money",
        gt=0,
        le=LARGEST,
    )
    risk_percent: Number = number(
        Decimal(1),
        "Risk per trade",
        "What a trade may lose at its first stop, fees included.",
        unit="% of equity",
        group="Money",
        gt=0,
        le=10,
    )
    leverage: Number = number(
        Decimal(1),
        "Leverage",
        "A position may be worth so many times the equity. More than 1 needs a linear market.",
        unit="×",
        group="Money",
        ge=1,
        le=125,
    )
    max_position: Number = number(
        Decimal(95),
        "Largest position",
        "How much of that is used at most: the rest pays fees and slippage.",
        unit="%",
        group="Money",
        gt=0,
        le=100,
        advanced=True,
    )

    # Pauses
    max_losses: int = number(
        3,
        "Losses in a row",
        "After so many losing trades in a row nothing is entered for a while. 0 for no such pause.",
        unit="trades",
        group="Pauses",
        ge=0,
        le=100,
    )
    loss_pause: int = number(24, "Pause after them", "How long that is.", unit="candles", group="Pauses", ge=1, le=1000)
    daily_loss: Number | None = number(
        Decimal(3),
        "Daily loss",
        "When closed trades have lost this much since 0:00 UTC, nothing is entered until the next day. Empty for no limit.",
        unit="% of equity",
        group="Pauses",
        gt=0,
        le=100,
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        faults = _faults(self)
        if faults:
            raise refusal(self, faults)
        return self


@lru_cache(maxsize=256)
def targets_of(text: str) -> tuple[Target, ...]:
    """Raises ``ValueError`` for a text that is not a list of targets."""
    found = []
    for part in re.split(r"[,;\s]+", text.strip(" ,;\t\n")) if text.strip(" ,;\t\n") else ():
        match = _TARGET.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is not a target: write R:share, as in 1.5:50.")
        found.append(Target(Decimal(match[1]), Decimal(match[2])))
    return tuple(found)


def _faults(config: TrendConfig) -> list[Fault]:
    faults: list[Fault] = []
    if config.ema_fast >= config.ema_slow:
        faults.append(("ema_slow", f"ema_slow is {config.ema_slow}: it must be above ema_fast ({config.ema_fast})."))
    if not config.pullback_entry and not config.breakout_entry:
        faults.append(("pullback_entry", "Nothing would ever be entered: switch pullback_entry or breakout_entry on."))
    try:
        targets = targets_of(config.targets)
    except ValueError as error:
        return [*faults, ("targets", str(error))]
    if len(targets) > MOST_TARGETS:
        faults.append(("targets", f"There are {len(targets)} targets: {MOST_TARGETS} are the most."))
    multiples = [target.multiple for target in targets]
    if sorted(set(multiples)) != multiples or any(not multiple for multiple in multiples):
        faults.append(("targets", "The targets must lie above 0 R, each further away than the one before."))
    total = sum((target.percent for target in targets), Decimal(0))
    if total > 100 or any(not target.percent for target in targets):
        faults.append(("targets", f"The targets close {total} %: each must close some, all together at most 100 %."))
    if not targets and config.trail_from is None:
        faults.append(("targets", "Nothing would ever take a profit: give targets, or trail_from."))
    return faults
