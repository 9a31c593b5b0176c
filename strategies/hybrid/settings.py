"""What can be set on the hybrid as a whole: money, how it switches, and what holds for all families together."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from strategies.contract import StrategyConfig
from strategies.fields import LARGEST, Number, choice, number


class Handover(StrEnum):
    CLOSE = "close"
    RUN_OFF = "run_off"


class InTransition(StrEnum):
    KEEP = "keep"
    GRID = "grid"
    DCA = "dca"
    TREND = "trend"
    NONE = "none"


class InBearTrend(StrEnum):
    DCA = "dca"
    NONE = "none"


_IN_TRANSITION = {
    "keep": "Keep what runs",
    "grid": "Grid",
    "dca": "DCA",
    "trend": "Trend follower",
    "none": "Stay out",
}


class Settings(StrategyConfig):
    """Money in quote, percentages as 5 for 5 %."""

    # Money
    investment: Number = number(
        ...,
        "Investment",
        "What the bot may use. All families share it; nothing is leveraged.",
        unit="quote",
        group="Money",
        gt=0,
        le=LARGEST,
    )
    grid_share: Number = number(
        Decimal(100),
        "Grid's share",
        "How much of the investment a grid gets. The shares need not add up to 100: one family runs at a time.",
        unit="% of investment",
        group="Money",
        gt=0,
        le=100,
    )
    dca_share: Number = number(
        Decimal(60),
        "DCA's share",
        "How much of the investment a deal may use, all its safety orders included.",
        unit="% of investment",
        group="Money",
        gt=0,
        le=100,
    )
    trend_share: Number = number(
        Decimal(100),
        "Trend follower's share",
        "How much of the investment the trend follower counts as its equity.",
        unit="% of investment",
        group="Money",
        gt=0,
        le=100,
    )

    # Switching
    quiet_transition: InTransition = choice(
        InTransition.KEEP,
        "In a quiet transition",
        "What runs when neither a range nor a trend is clear and the moves are small. Ranges are the grid's, rising "
        "trends the trend follower's.",
        group="Switching",
        choices=_IN_TRANSITION,
    )
    volatile_transition: InTransition = choice(
        InTransition.KEEP,
        "In a volatile transition",
        "What runs when neither a range nor a trend is clear and the moves are large.",
        group="Switching",
        choices=_IN_TRANSITION,
    )
    bear_trend: InBearTrend = choice(
        InBearTrend.DCA,
        "In a falling trend",
        "DCA buys little by little; staying out waits for another regime.",
        group="Switching",
        choices={"dca": "DCA", "none": "Stay out"},
    )
    handover: Handover = choice(
        Handover.CLOSE,
        "When the family changes",
        "Close sells what the old family holds at market, and the next one starts when that is done. Run off cancels the old "
        "family's buys only: its sells stay until all is sold, while the next one works with the money that is free.",
        group="Switching",
        choices={"close": "Close the position", "run_off": "Let the position run off"},
    )
    run_off_stop: Number = number(
        Decimal(5),
        "Run-off stop",
        "What runs off is closed when the price falls so far below where it was at the change. The trend follower keeps "
        "its own stop instead.",
        unit="%",
        group="Switching",
        gt=0,
        lt=100,
    )
    run_off_hours: int = number(
        72,
        "Run-off time",
        "What has not run off after so long is closed at market.",
        unit="h",
        group="Switching",
        ge=1,
        le=8760,
    )
    cool_down: int = number(
        180,
        "Cool-down",
        "How long a family runs at least before another regime may change it.",
        unit="min",
        group="Switching",
        ge=0,
        le=43200,
    )
    max_switches: int = number(
        4,
        "Switches a day",
        "So many changes at most between two midnights UTC; after that the family that runs goes on.",
        unit="changes",
        group="Switching",
        ge=1,
        le=1000,
    )

    # Limits
    max_exposure: Number = number(
        Decimal(100),
        "Largest exposure",
        "What all families together may have bought and be about to buy, at what it cost, as a share of the investment "
        "with what has been earned or lost. A buy beyond it is not placed.",
        unit="% of equity",
        group="Limits",
        gt=0,
        le=100,
    )
    max_drawdown: Number = number(
        Decimal(15),
        "Stop loss",
        "When profit and loss, open positions included, falls so far from its best, everything is closed and the bot stops. "
        "0 for never.",
        unit="% of investment",
        group="Limits",
        ge=0,
        le=100,
    )
    daily_loss: Number = number(
        Decimal(5),
        "Daily loss",
        "When so much has been lost since midnight UTC, open positions included, everything is closed and nothing is "
        "started until the next midnight. 0 for no limit.",
        unit="% of investment",
        group="Limits",
        ge=0,
        le=100,
    )
