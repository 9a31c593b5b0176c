"""What can be set on a grid, and which combinations make sense.

Forms, the API schema and the documentation are generated from :class:`GridConfig`: beside its constraints every field
carries ``unit``, ``group`` and ``advanced`` in its JSON schema, numbers ``bounds`` (``gt``, ``ge``, ``lt``, ``le`` as strings) and
words ``choices`` (value to label). ``quote`` as a unit stands for the market's own quote coin.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from strategies.contract import Direction, StrategyConfig
from strategies.fields import LARGEST, TIMEFRAMES, Number, choice, number, switch

MOST_GRIDS = 500


class Spacing(StrEnum):
    ARITHMETIC = "arithmetic"
    GEOMETRIC = "geometric"


class AmountMode(StrEnum):
    QUOTE = "quote"
    BASE = "base"


class ProfitIn(StrEnum):
    QUOTE = "quote"
    BASE = "base"


class OnStop(StrEnum):
    KEEP = "keep"
    CLOSE = "close"


class OnRangeLeft(StrEnum):
    OFF = "off"
    RECENTRE = "recentre"


class GridConfig(StrategyConfig):
    """A grid of ``grids`` intervals between two prices. Prices in quote, percentages as 5 for 5 %."""

    # Range
    lower: Number | None = number(
        None,
        "Lower price",
        "The lowest line of the grid. Leave empty when the range is taken from the price or from the ATR.",
        unit="quote",
        group="Range",
        gt=0,
        le=LARGEST,
    )
    upper: Number | None = number(
        None,
        "Upper price",
        "The highest line of the grid. Leave empty when the range is taken from the price or from the ATR.",
        unit="quote",
        group="Range",
        gt=0,
        le=LARGEST,
    )
    range_percent: Number | None = number(
        None,
        "Range around the price",
        "Instead of two prices: the grid reaches this far below and above the price at the start.",
        unit="%",
        group="Range",
        gt=0,
        lt=100,
    )
    range_atr_multiple: Number | None = number(
        None,
        "Range in ATRs",
        "Instead of two prices: the grid reaches this many average true ranges below and above the price at the start.",
        unit="× ATR",
        group="Range",
        gt=0,
        le=100,
        advanced=True,
    )
    atr_period: int = number(
        14,
        "ATR period",
        "Candles the average true range is taken over (Wilder's smoothing).",
        unit="candles",
        group="Range",
        ge=2,
        le=200,
        advanced=True,
    )
    atr_timeframe: str = Field(
        "1h",
        title="ATR timeframe",
        description="Length of the candles the average true range is taken over.",
        pattern=f"^({'|'.join(TIMEFRAMES)})$",
        json_schema_extra={
            "unit": "",
            "group": "Range",
            "advanced": True,
            "choices": {frame: frame for frame in TIMEFRAMES},
        },
    )
    grids: int = number(
        ...,
        "Intervals",
        "How many intervals the range is cut into. Each is one buy and one sell, one resting order at a time.",
        unit="intervals",
        group="Range",
        ge=1,
        le=MOST_GRIDS,
    )
    spacing: Spacing = choice(
        Spacing.ARITHMETIC,
        "Spacing",
        "Arithmetic puts the lines at equal distances, geometric at equal ratios.",
        group="Range",
        choices={"arithmetic": "Arithmetic (equal distance)", "geometric": "Geometric (equal ratio)"},
    )

    # Money
    investment: Number = number(
        ...,
        "Investment",
        "What the whole grid may use, before leverage. Interval amounts are rounded down, so slightly less is used.",
        unit="quote",
        group="Money",
        gt=0,
        le=LARGEST,
    )
    direction: Direction = choice(
        Direction.LONG,
        "Direction",
        "Long buys low and sells higher. Short sells high and buys lower, neutral does both around the start price; "
        "these two need a linear market.",
        group="Money",
        choices={"long": "Long", "short": "Short (linear)", "neutral": "Neutral (linear)"},
    )
    amount_mode: AmountMode = choice(
        AmountMode.QUOTE,
        "Equal amounts in",
        "Quote gives every interval the same money (more coins at lower lines), base the same number of coins.",
        group="Money",
        choices={"quote": "Quote (same money)", "base": "Base (same coins)"},
    )
    leverage: Number = number(
        Decimal(1),
        "Leverage",
        "Multiplies what the investment buys. More than 1 needs a linear market.",
        unit="×",
        group="Money",
        ge=1,
        le=125,
    )
    profit_in: ProfitIn = choice(
        ProfitIn.QUOTE,
        "Profit in",
        "Quote sells all that was bought; base sells just enough to get the money back and keeps the rest as coins "
        "(long grids on spot).",
        group="Money",
        choices={"quote": "Quote", "base": "Base"},
        advanced=True,
    )

    # Start
    trigger_price: Number | None = number(
        None,
        "Trigger price",
        "Nothing is ordered until the price reaches this from where it was at the start.",
        unit="quote",
        group="Start",
        gt=0,
        le=LARGEST,
        advanced=True,
    )

    # Exit
    stop_loss_price: Number | None = number(
        None,
        "Stop loss price",
        "The grid stops when the price is here or beyond: at or below for long and neutral, at or above for short.",
        unit="quote",
        group="Exit",
        gt=0,
        le=LARGEST,
    )
    stop_loss_price_upper: Number | None = number(
        None,
        "Upper stop loss price",
        "Neutral grids only: the grid stops when the price is at or above this.",
        unit="quote",
        group="Exit",
        gt=0,
        le=LARGEST,
        advanced=True,
    )
    stop_loss_percent: Number | None = number(
        None,
        "Stop loss",
        "The grid stops when its profit and loss since the start, open positions included, falls to minus this share "
        "of the investment.",
        unit="% of investment",
        group="Exit",
        gt=0,
        le=1000,
    )
    take_profit_price: Number | None = number(
        None,
        "Take profit price",
        "The grid stops when the price is here or beyond: at or above for long, at or below for short.",
        unit="quote",
        group="Exit",
        gt=0,
        le=LARGEST,
    )
    take_profit_percent: Number | None = number(
        None,
        "Take profit",
        "The grid stops when its profit since the start, open positions included, reaches this share of the investment.",
        unit="% of investment",
        group="Exit",
        gt=0,
        le=10000,
    )
    on_stop: OnStop = choice(
        OnStop.CLOSE,
        "When it stops",
        "After a stop loss or take profit: close sells (or buys back) what the grid holds at market, keep leaves it.",
        group="Exit",
        choices={"close": "Close the position", "keep": "Keep the position"},
    )

    # Following the price
    trailing_up: bool = switch(
        "Trailing up",
        "When the price passes the top line by a whole interval, the lowest buy moves to the old top line.",
        group="Following",
    )
    trailing_up_limit: Number | None = number(
        None,
        "Trailing up limit",
        "The top line never moves above this price.",
        unit="quote",
        group="Following",
        gt=0,
        le=LARGEST,
        advanced=True,
    )
    trailing_down: bool = switch(
        "Trailing down",
        "When the price passes the bottom line by a whole interval, the highest sell moves to the old bottom line. "
        "A long grid realises a loss with it.",
        group="Following",
    )
    trailing_down_limit: Number | None = number(
        None,
        "Trailing down limit",
        "The bottom line never moves below this price.",
        unit="quote",
        group="Following",
        gt=0,
        le=LARGEST,
        advanced=True,
    )
    trail_stop_loss: bool = switch(
        "Stop loss trails",
        "The stop loss price of a long grid follows the range up, of a short grid down. Only while the grid trails in "
        "that direction alone.",
        group="Following",
        default=True,
        advanced=True,
    )
    on_range_left: OnRangeLeft = choice(
        OnRangeLeft.OFF,
        "When the range is left",
        "Off waits for the price to come back. Recentre builds the grid again around the price; holdings are adjusted "
        "at market, which can realise a loss.",
        group="Following",
        choices={"off": "Wait", "recentre": "Build again around the price"},
        advanced=True,
    )
    recentre_after: int = number(
        300,
        "Recentre after",
        "How long the price has to stay outside by a whole interval before the grid is built again.",
        unit="s",
        group="Following",
        ge=0,
        le=604800,
        advanced=True,
    )

    # Orders
    post_only: bool = switch(
        "Post-only",
        "Grid orders never take from the book: one that would fill at once is refused and tried again later.",
        group="Orders",
        advanced=True,
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        faults = [*_range_faults(self), *_exit_faults(self), *_following_faults(self)]
        if faults:
            raise ValidationError.from_exception_data(
                type(self).__name__,
                [
                    InitErrorDetails(
                        type=PydanticCustomError("grid_config", "{sentence}", {"sentence": sentence}),
                        loc=(name,),
                        input=getattr(self, name),
                    )
                    for name, sentence in faults
                ],
            )
        return self


Fault = tuple[str, str]


def _range_faults(config: GridConfig) -> list[Fault]:
    faults: list[Fault] = []
    lower, upper = config.lower, config.upper
    ways = [
        lower is not None or upper is not None,
        config.range_percent is not None,
        config.range_atr_multiple is not None,
    ]
    if sum(ways) == 0:
        return [
            ("lower", "The range is missing: give lower and upper, or range_percent, or range_atr_multiple."),
        ]
    if sum(ways) > 1:
        surplus = "range_percent" if config.range_percent is not None else "range_atr_multiple"
        return [(surplus, "The range is given twice: keep one of lower and upper, range_percent, range_atr_multiple.")]
    if (lower is None) != (upper is None):
        missing = "lower" if lower is None else "upper"
        faults.append((missing, f"{missing} is missing: a range by prices needs both lower and upper."))
    elif lower is not None and upper is not None and lower >= upper:
        faults.append(("upper", f"upper is {upper} and lower is {lower}: upper must be above lower."))
    return faults


def _exit_faults(config: GridConfig) -> list[Fault]:
    faults: list[Fault] = []
    stop, target, stop_upper = config.stop_loss_price, config.take_profit_price, config.stop_loss_price_upper
    if config.direction is Direction.NEUTRAL:
        if target is not None:
            faults.append(("take_profit_price", "A neutral grid has no take profit price: use take_profit_percent."))
    elif stop_upper is not None:
        faults.append(("stop_loss_price_upper", "Only a neutral grid has a second stop: use stop_loss_price."))
    short = config.direction is Direction.SHORT
    if config.lower is not None and config.upper is not None:
        if stop is not None and not short and stop >= config.lower:
            faults.append(
                (
                    "stop_loss_price",
                    f"stop_loss_price is {stop}, inside the grid: it must be below lower ({config.lower}).",
                )
            )
        if stop is not None and short and stop <= config.upper:
            faults.append(
                (
                    "stop_loss_price",
                    f"stop_loss_price is {stop}, inside the grid: it must be above upper ({config.upper}).",
                )
            )
        if stop_upper is not None and stop_upper <= config.upper:
            faults.append(
                (
                    "stop_loss_price_upper",
                    f"stop_loss_price_upper is {stop_upper}, inside the grid: it must be above upper ({config.upper}).",
                )
            )
    if stop is not None and target is not None and (target <= stop if not short else target >= stop):
        side = "below" if short else "above"
        faults.append(
            ("take_profit_price", f"take_profit_price is {target}: it must be {side} stop_loss_price ({stop}).")
        )
    if config.profit_in is ProfitIn.BASE and config.direction is not Direction.LONG:
        faults.append(
            ("profit_in", f"Profit can be kept in base by a long grid only, not by a {config.direction} one.")
        )
    return faults


def _following_faults(config: GridConfig) -> list[Fault]:
    faults: list[Fault] = []
    up, down = config.trailing_up_limit, config.trailing_down_limit
    if up is not None and not config.trailing_up:
        faults.append(
            ("trailing_up_limit", "trailing_up_limit is set, but trailing_up is off: switch it on or clear it.")
        )
    if down is not None and not config.trailing_down:
        faults.append(
            ("trailing_down_limit", "trailing_down_limit is set, but trailing_down is off: switch it on or clear it.")
        )
    if up is not None and config.upper is not None and up <= config.upper:
        faults.append(("trailing_up_limit", f"trailing_up_limit is {up}: it must be above upper ({config.upper})."))
    if down is not None and config.lower is not None and down >= config.lower:
        faults.append(
            ("trailing_down_limit", f"trailing_down_limit is {down}: it must be below lower ({config.lower}).")
        )
    return faults
