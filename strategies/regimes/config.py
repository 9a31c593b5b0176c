"""What can be set on the classifier. Forms, the API schema and the documentation are generated from the model."""

from __future__ import annotations

from decimal import Decimal
from typing import Self

from pydantic import model_validator

from strategies.contract import StrategyConfig
from strategies.fields import Number, number, refusal


class RegimeConfig(StrategyConfig):
    """Periods in closed candles, thresholds of the ADX from 0 to 100, of the ATR in percent of the price (2 for 2 %).

    The thresholds of the ATR are meant for candles of one hour: longer candles move more.
    """

    # Measures
    adx_period: int = number(
        14,
        "ADX period",
        "Candles the strength of the trend is taken over (Wilder's smoothing).",
        unit="candles",
        group="Measures",
        advanced=True,
        ge=2,
        le=200,
    )
    ema_fast: int = number(
        20,
        "Fast average",
        "Candles of the faster exponential average of the close: above the slower one the trend is up.",
        unit="candles",
        group="Measures",
        advanced=True,
        ge=2,
        le=500,
    )
    ema_slow: int = number(
        50,
        "Slow average",
        "Candles of the slower exponential average of the close.",
        unit="candles",
        group="Measures",
        advanced=True,
        ge=3,
        le=1000,
    )
    atr_period: int = number(
        14,
        "ATR period",
        "Candles the average true range is taken over (Wilder's smoothing).",
        unit="candles",
        group="Measures",
        advanced=True,
        ge=2,
        le=200,
    )
    volume_period: int = number(
        20,
        "Volume period",
        "Candles whose mean volume the last candle's volume is compared with.",
        unit="candles",
        group="Measures",
        advanced=True,
        ge=2,
        le=500,
    )

    # Bands
    range_below: Number = number(
        Decimal(18),
        "Range below",
        "Below this ADX the market goes sideways.",
        unit="ADX",
        group="Bands",
        advanced=True,
        gt=0,
        lt=100,
    )
    transition_from: Number = number(
        Decimal(22),
        "Transition from",
        "From this ADX on a trend may be forming. Between the two a range stays a range and a transition a transition.",
        unit="ADX",
        group="Bands",
        advanced=True,
        gt=0,
        lt=100,
    )
    trend_above: Number = number(
        Decimal(32),
        "Trend above",
        "Above this ADX there is a trend.",
        unit="ADX",
        group="Bands",
        advanced=True,
        gt=0,
        lt=100,
    )
    tight_below: Number = number(
        Decimal(1),
        "Tight below",
        "A range is tight while the average true range is below this share of the price, otherwise wide.",
        unit="%",
        group="Bands",
        advanced=True,
        gt=0,
        lt=100,
    )
    quiet_below: Number = number(
        Decimal(2),
        "Quiet below",
        "A transition is quiet while the average true range is below this share of the price, otherwise volatile.",
        unit="%",
        group="Bands",
        advanced=True,
        gt=0,
        lt=100,
    )
    confirmation: int = number(
        3,
        "Confirmation",
        "Closed candles in a row that must say so before the regime changes. 1 changes at once.",
        unit="candles",
        group="Bands",
        advanced=True,
        ge=1,
        le=100,
    )

    @model_validator(mode="after")
    def _rises(self) -> Self:
        faults = [
            (above, f"{above} is {getattr(self, above)} and {below} is {getattr(self, below)}: it must be larger.")
            for below, above in (
                ("ema_fast", "ema_slow"),
                ("range_below", "transition_from"),
                ("transition_from", "trend_above"),
            )
            if getattr(self, below) >= getattr(self, above)
        ]
        if faults:
            raise refusal(self, faults)
        return self
