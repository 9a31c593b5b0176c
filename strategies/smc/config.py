"""What can be set on Smart Money Concepts, and which combinations make sense."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Self

from pydantic import model_validator

from strategies.contract import Direction, StrategyConfig
from strategies.fields import LARGEST, Fault, Number, choice, number, refusal, switch

BASE: Final = "15m"
TIMEFRAMES: Final = (BASE, "1h", "4h", "1d")


class SmcConfig(StrategyConfig):
    """Prices in quote, percentages as 5 for 5 %, ATR meaning the mean true range of 14 candles of the timeframe."""

    # Structure
    swing_length: int = number(
        20,
        "Swing length",
        "Candles after a high or low by which it becomes a swing, on 15m and 1h. 4h uses half of it, 1d a fifth.",
        unit="candles",
        group="Structure",
        ge=5,
        le=100,
    )
    memory: int = number(
        15,
        "Memory",
        "Swings, breaks and zones older than so many swing lengths are forgotten, on each timeframe by its own length.",
        unit="swing lengths",
        group="Structure",
        ge=6,
        le=40,
        advanced=True,
    )
    smallest_gap: Number = number(
        Decimal("0.1"),
        "Smallest gap",
        "A fair value gap counts from this height on.",
        unit="× ATR",
        group="Structure",
        ge=0,
        le=5,
        advanced=True,
    )
    pool_tolerance: Number = number(
        Decimal("0.5"),
        "Equal highs within",
        "Swings this close to each other are one pool of liquidity.",
        unit="× ATR",
        group="Structure",
        gt=0,
        le=5,
        advanced=True,
    )

    # Entry
    direction: Direction = choice(
        Direction.LONG,
        "Direction",
        "Long buys in demand zones, short sells in supply zones; short and both need a linear market.",
        group="Entry",
        choices={"long": "Long", "short": "Short (linear)", "neutral": "Both (linear)"},
    )
    smallest_score: Number = number(
        Decimal(2),
        "Smallest zone score",
        "What the zones that overlap at the entry must weigh together: an order block weighs 1, 2, 3 or 4 on 15m, 1h, "
        "4h and 1d, a gap seven tenths of that.",
        unit="points",
        group="Entry",
        ge=0,
        le=50,
    )
    pin_wick: Number = number(
        Decimal(60),
        "Wick of a pin bar",
        "The wick's least share of the candle's height.",
        unit="%",
        group="Entry",
        ge=50,
        le=95,
        advanced=True,
    )
    volume_period: int = number(
        20,
        "Volume period",
        "Candles that the mean volume is taken over, the signal's own included.",
        unit="candles",
        group="Entry",
        ge=2,
        le=200,
        advanced=True,
    )
    volume_factor: Number = number(
        Decimal("1.2"),
        "Volume confirmation",
        "The signal's candle must have traded at least this multiple of the mean volume.",
        unit="× mean",
        group="Entry",
        ge=0,
        le=10,
    )
    minimum_reward: Number = number(
        Decimal("2.5"),
        "Smallest reward",
        "Distance of the target as a multiple of the distance of the stop; below it a setup is dropped.",
        unit="× risk",
        group="Entry",
        ge=1,
        le=20,
    )
    minimum_confidence: Number = number(
        Decimal(60),
        "Confidence above",
        "Setups with this confidence or less are dropped.",
        unit="%",
        group="Entry",
        ge=0,
        lt=100,
    )
    largest_distance: Number = number(
        Decimal(2),
        "Largest distance",
        "A signal whose candle closed further than this from the price by now is dropped.",
        unit="%",
        group="Entry",
        gt=0,
        le=20,
        advanced=True,
    )

    # Money
    capital: Number = number(
        ...,
        "Capital",
        "What the bot may use; its own profits and losses are added to it.",
        unit="quote",
        group="Money",
        gt=0,
        le=LARGEST,
    )
    leverage: Number = number(
        Decimal(1),
        "Leverage",
        "All positions together are worth at most this multiple of the capital. More than 1 needs a linear market.",
        unit="×",
        group="Money",
        ge=1,
        le=125,
    )
    positions: int = number(
        3, "Positions", "How many entries may be open at a time.", unit="positions", group="Money", ge=1, le=3
    )
    largest_risk: Number = number(
        Decimal(2),
        "Largest risk",
        "What one position may lose at its stop.",
        unit="% of capital",
        group="Money",
        gt=0,
        le=2,
    )
    kelly_share: Number = number(
        Decimal(50),
        "Share of Kelly",
        "How much of Kelly's fraction is risked, before the largest risk caps it.",
        unit="%",
        group="Money",
        gt=0,
        le=100,
        advanced=True,
    )
    win_rate: Number = number(
        Decimal(40),
        "Expected wins",
        "The share of trades expected to win. The bot's own trades correct it: it weighs as much as twenty of them.",
        unit="%",
        group="Money",
        gt=0,
        lt=100,
        advanced=True,
    )

    # Exit
    stop_buffer: Number = number(
        Decimal("0.25"),
        "Stop buffer",
        "The stop stands so far beyond the extreme of the entry pattern.",
        unit="× ATR",
        group="Exit",
        ge=0,
        le=5,
        advanced=True,
    )
    partial_at: Number = number(
        Decimal(1),
        "Partial exit at",
        "Where a part is closed, as a multiple of the risk.",
        unit="× risk",
        group="Exit",
        gt=0,
        lt=20,
    )
    partial_share: Number = number(
        Decimal(50),
        "Partial share",
        "How much is closed there; 0 for no partial exit.",
        unit="%",
        group="Exit",
        ge=0,
        lt=100,
    )
    break_even: bool = switch(
        "Break-even after the partial exit",
        "The stop moves to the entry price once the part is closed.",
        group="Exit",
        default=True,
    )
    trailing_activation: Number = number(
        Decimal("1.5"),
        "Trailing starts at",
        "The stop begins to follow when the position is so far in profit.",
        unit="%",
        group="Exit",
        gt=0,
        le=50,
    )
    trailing_distance: Number = number(
        Decimal("0.5"),
        "Trailing distance",
        "How far the stop follows behind the best price.",
        unit="%",
        group="Exit",
        gt=0,
        le=50,
    )
    trailing_step: Number = number(
        Decimal("0.1"),
        "Trailing step",
        "The stop is moved when it would come closer by at least this, so that an order is not changed at every price.",
        unit="% of price",
        group="Exit",
        ge=0,
        le=5,
        advanced=True,
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        faults: list[Fault] = []
        if self.trailing_distance >= self.trailing_activation:
            faults.append(
                (
                    "trailing_distance",
                    f"trailing_distance is {self.trailing_distance}: it must be below trailing_activation "
                    f"({self.trailing_activation}), or the stop would begin to follow at a loss.",
                )
            )
        if self.partial_share > 0 and self.partial_at >= self.minimum_reward:
            faults.append(
                (
                    "partial_at",
                    f"partial_at is {self.partial_at}: it must be below minimum_reward ({self.minimum_reward}), where "
                    "the target may lie.",
                )
            )
        if faults:
            raise refusal(self, faults)
        return self

    def length(self, timeframe: str) -> int:
        """The swing length of one of :data:`TIMEFRAMES`, in its own candles."""
        divisor = {"4h": 2, "1d": 5}.get(timeframe, 1)
        return max(1, self.swing_length // divisor)

    def candles_remembered(self, timeframe: str) -> int:
        return self.memory * self.length(timeframe)

    def takes(self, side: int) -> bool:
        """Whether the bot opens in this direction, +1 long and −1 short."""
        return self.direction is Direction.NEUTRAL or (self.direction is Direction.LONG) == (side > 0)
