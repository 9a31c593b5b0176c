"""What can be set on each family. Their other settings keep the values that they have on their own."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from strategies.fields import Number, choice, number, switch, timeframe
from strategies.grid.config import OnRangeLeft, Spacing
from strategies.hybrid.settings import Settings


class RangeIn(StrEnum):
    ATR = "atr"
    PERCENT = "percent"


class FamilySettings(Settings):
    # Grid
    grid_range: Number = number(
        Decimal(6),
        "Grid reaches",
        "How far the grid reaches below and above the price at its start.",
        unit="× ATR or %",
        group="Grid",
        gt=0,
        lt=100,
    )
    grid_range_in: RangeIn = choice(
        RangeIn.ATR,
        "Reach in",
        "Average true ranges of the regime's candles, which follow the market, or percent of the price.",
        group="Grid",
        choices={"atr": "Average true ranges", "percent": "Percent of the price"},
    )
    grid_intervals: int = number(
        20, "Intervals", "How many intervals the range is cut into.", unit="intervals", group="Grid", ge=1, le=500
    )
    grid_spacing: Spacing = choice(
        Spacing.ARITHMETIC,
        "Distance of lines",
        "Arithmetic puts the lines at equal distances, geometric at equal ratios.",
        group="Grid",
        choices={"arithmetic": "Arithmetic (equal distance)", "geometric": "Geometric (equal ratio)"},
        advanced=True,
    )
    grid_stop_loss: Number = number(
        Decimal(8),
        "Grid's stop loss",
        "The grid is closed when it has lost this share of its money, and is not started again before the family changes. "
        "0 for none.",
        unit="% of its money",
        group="Grid",
        ge=0,
        le=100,
    )
    grid_range_left: OnRangeLeft = choice(
        OnRangeLeft.OFF,
        "When the range is left",
        "Off waits for the price or another regime. Build again adjusts the holdings at market, which can realise a loss.",
        group="Grid",
        choices={"off": "Wait", "recentre": "Build again around the price"},
        advanced=True,
    )

    # DCA
    dca_base_order: Number = number(
        Decimal(10), "Base order", "What opens a deal.", unit="% of its money", group="DCA", gt=0, le=100
    )
    dca_safety_order: Number = number(
        Decimal(10), "Safety order", "The first safety order.", unit="% of its money", group="DCA", gt=0, le=100
    )
    dca_safety_orders: int = number(
        5,
        "Safety orders",
        "How many orders a deal may add when the price falls.",
        unit="orders",
        group="DCA",
        ge=0,
        le=100,
    )
    dca_active_safety_orders: int = number(
        3,
        "Active safety orders",
        "How many of them rest on the exchange at a time.",
        unit="orders",
        group="DCA",
        ge=1,
        le=100,
        advanced=True,
    )
    dca_price_deviation: Number = number(
        Decimal("1.5"),
        "Price deviation",
        "How far the first safety order is from the price of the base order.",
        unit="%",
        group="DCA",
        gt=0,
        lt=100,
    )
    dca_step_scale: Number = number(
        Decimal("1.2"),
        "Step scale",
        "Each safety order's distance from the one before it is the last distance times this.",
        unit="×",
        group="DCA",
        gt=0,
        le=10,
        advanced=True,
    )
    dca_volume_scale: Number = number(
        Decimal("1.25"),
        "Volume scale",
        "Each safety order's size is that of the one before it times this.",
        unit="×",
        group="DCA",
        gt=0,
        le=10,
        advanced=True,
    )
    dca_take_profit: Number = number(
        Decimal("1.5"),
        "Take profit",
        "How far above the average price everything is sold.",
        unit="%",
        group="DCA",
        gt=0,
        le=1000,
    )
    dca_stop_loss: Number | None = number(
        None,
        "DCA's stop loss",
        "How far the price may fall below the average before the deal is closed at market; no other one is opened before "
        "the family changes. Empty for none.",
        unit="%",
        group="DCA",
        gt=0,
        lt=100,
    )
    dca_cool_down: int = number(
        0,
        "Cool-down between deals",
        "How long to wait between the end of a deal and the start of the next one.",
        unit="s",
        group="DCA",
        ge=0,
        le=2592000,
        advanced=True,
    )
    dca_start_on_rsi: bool = switch(
        "Start on RSI",
        "A deal starts only when the relative strength index of the last closed candle is below its limit.",
        group="DCA",
        advanced=True,
    )
    dca_rsi_limit: Number = number(
        Decimal(30),
        "RSI limit",
        "The index has to be strictly below this.",
        unit="",
        group="DCA",
        gt=0,
        lt=100,
        advanced=True,
    )
    dca_timeframe: str = timeframe(
        "1h", "DCA's candles", "Length of the candles that the RSI is taken over.", group="DCA", advanced=True
    )

    # Trend follower
    trend_timeframe: str = timeframe(
        "1h", "Trend's candles", "Length of the candles that the trend follower looks at.", group="Trend follower"
    )
    trend_ema_fast: int = number(
        20,
        "Fast average",
        "Candles of the fast exponential average.",
        unit="candles",
        group="Trend follower",
        ge=2,
        le=400,
        advanced=True,
    )
    trend_ema_slow: int = number(
        50,
        "Slow average",
        "Candles of the slow exponential average.",
        unit="candles",
        group="Trend follower",
        ge=3,
        le=500,
        advanced=True,
    )
    trend_pullback_entry: bool = switch(
        "Pullback entry",
        "Enters when the price came back to the fast average and closes upwards again.",
        group="Trend follower",
        default=True,
    )
    trend_breakout_entry: bool = switch(
        "Breakout entry",
        "Enters when a candle closes above the highs of the candles before it.",
        group="Trend follower",
        default=True,
    )
    trend_breakout_candles: int = number(
        20,
        "Breakout of",
        "Candles whose high has to be passed.",
        unit="candles",
        group="Trend follower",
        ge=2,
        le=500,
        advanced=True,
    )
    trend_stop_atr: Number = number(
        Decimal(2),
        "Stop distance",
        "The first stop stands this far from the entry. This distance is called R.",
        unit="× ATR",
        group="Trend follower",
        gt=0,
        le=20,
    )
    trend_targets: str = Field(
        "1.5:50, 3:25",
        title="Targets",
        description="Multiples of R with the share of the position each closes, as in 1.5:50, 3:25.",
        max_length=200,
        json_schema_extra={"unit": "R : % of position", "group": "Trend follower", "advanced": False},
    )
    trend_break_even: Number = number(
        Decimal(1),
        "Break-even at",
        "When the price has come so far, the stop moves to where entry and fees are paid. 0 for never.",
        unit="R",
        group="Trend follower",
        ge=0,
        le=100,
        advanced=True,
    )
    trend_trail_from: Number = number(
        Decimal("1.5"),
        "Trailing from",
        "When the price has come so far, the stop begins to follow the closes. 0 for never.",
        unit="R",
        group="Trend follower",
        ge=0,
        le=100,
        advanced=True,
    )
    trend_trail_atr: Number = number(
        Decimal("2.5"),
        "Trailing distance",
        "How far behind each close the trailing stop stands.",
        unit="× ATR",
        group="Trend follower",
        gt=0,
        le=50,
        advanced=True,
    )
    trend_risk_percent: Number = number(
        Decimal(1),
        "Risk per trade",
        "What a trade may lose at its first stop, fees included.",
        unit="% of its money",
        group="Trend follower",
        gt=0,
        le=10,
    )
    trend_max_losses: int = number(
        3,
        "Losses in a row",
        "After so many losing trades in a row nothing is entered for 24 candles. 0 for no such pause.",
        unit="trades",
        group="Trend follower",
        ge=0,
        le=100,
        advanced=True,
    )
