"""What can be set on the classifier. Forms, the API schema and the documentation are generated from the model."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, WithJsonSchema, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from strategies.contract import StrategyConfig

# A number on the wire is a string, so that no float rounds it on the way.
Number = Annotated[Decimal, WithJsonSchema({"type": "string", "format": "decimal"})]


def _number(default: Any, title: str, description: str, *, unit: str, group: str, **bounds: Decimal | int) -> Any:
    extra: dict[str, Any] = {
        "unit": unit,
        "group": group,
        "advanced": True,
        "bounds": {name: str(bound) for name, bound in bounds.items()},
    }
    constraints: dict[str, Any] = dict(bounds)
    return Field(default, title=title, description=description, json_schema_extra=extra, **constraints)


class RegimeConfig(StrategyConfig):
    """Periods in closed candles, thresholds of the ADX from 0 to 100, of the ATR in percent of the price (2 for 2 %).

    The thresholds of the ATR are meant for candles of one hour: longer candles move more.
    """

    # Measures
    adx_period: int = _number(
        14,
        "ADX period",
        "Candles the strength of the trend is taken over (Wilder's smoothing).",
        unit="candles",
        group="Measures",
        ge=2,
        le=200,
    )
    ema_fast: int = _number(
        20,
        "Fast average",
        "Candles of the faster exponential average of the close: above the slower one the trend is up.",
        unit="candles",
        group="Measures",
        ge=2,
        le=500,
    )
    ema_slow: int = _number(
        50,
        "Slow average",
        "Candles of the slower exponential average of the close.",
        unit="candles",
        group="Measures",
        ge=3,
        le=1000,
    )
    atr_period: int = _number(
        14,
        "ATR period",
        "Candles the average true range is taken over (Wilder's smoothing).",
        unit="candles",
        group="Measures",
        ge=2,
        le=200,
    )
    volume_period: int = _number(
        20,
        "Volume period",
        "Candles whose mean volume the last candle's volume is compared with.",
        unit="candles",
        group="Measures",
        ge=2,
        le=500,
    )

    # Bands
    range_below: Number = _number(
        Decimal(18),
        "Range below",
        "Below this ADX the market goes sideways.",
        unit="ADX",
        group="Bands",
        gt=0,
        lt=100,
    )
    transition_from: Number = _number(
        Decimal(22),
        "Transition from",
        "From this ADX on a trend may be forming. Between the two a range stays a range and a transition a transition.",
        unit="ADX",
        group="Bands",
        gt=0,
        lt=100,
    )
    trend_above: Number = _number(
        Decimal(32),
        "Trend above",
        "Above this ADX there is a trend.",
        unit="ADX",
        group="Bands",
        gt=0,
        lt=100,
    )
    tight_below: Number = _number(
        Decimal(1),
        "Tight below",
        "A range is tight while the average true range is below this share of the price, otherwise wide.",
        unit="%",
        group="Bands",
        gt=0,
        lt=100,
    )
    quiet_below: Number = _number(
        Decimal(2),
        "Quiet below",
        "A transition is quiet while the average true range is below this share of the price, otherwise volatile.",
        unit="%",
        group="Bands",
        gt=0,
        lt=100,
    )
    confirmation: int = _number(
        3,
        "Confirmation",
        "Closed candles in a row that must say so before the regime changes. 1 changes at once.",
        unit="candles",
        group="Bands",
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
            raise ValidationError.from_exception_data(
                type(self).__name__,
                [
                    InitErrorDetails(
                        type=PydanticCustomError("regime_config", "{sentence}", {"sentence": sentence}),
                        loc=(name,),
                        input=getattr(self, name),
                    )
                    for name, sentence in faults
                ],
            )
        return self
