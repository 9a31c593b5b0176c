"""What can be set on a DCA bot. Which settings make sense together is in :mod:`strategies.dca.faults`."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from strategies.contract import Direction, StrategyConfig
from strategies.dca.faults import faults_of
from strategies.dca.ladder import MOST_SAFETY_ORDERS
from strategies.fields import LARGEST, Number, choice, number, refusal, switch, timeframe


class SizeIn(StrEnum):
    QUOTE = "quote"
    PERCENT = "percent"


class Reference(StrEnum):
    AVERAGE = "average"
    BASE = "base"


class Combine(StrEnum):
    ALL = "all"
    ANY = "any"


class Beyond(StrEnum):
    BELOW = "below"
    ABOVE = "above"


class AfterStopLoss(StrEnum):
    CONTINUE = "continue"
    STOP = "stop"


class DcaConfig(StrategyConfig):
    """Deals of a base order and safety orders. Prices and sizes in quote, percentages as 5 for 5 %."""

    # Orders
    direction: Direction = choice(
        Direction.LONG,
        "Direction",
        "Long buys, and buys more below. Short sells, and sells more above; it needs a linear market.",
        group="Orders",
        choices={"long": "Long", "short": "Short (linear)"},
    )
    base_order_size: Number = number(
        ...,
        "Base order size",
        "What the market order that opens a deal is worth, before leverage.",
        unit="quote",
        group="Orders",
        gt=0,
        le=LARGEST,
    )
    safety_order_size: Number | None = number(
        None,
        "Safety order size",
        "What the first safety order is worth, before leverage. Needed unless there are no safety orders.",
        unit="quote",
        group="Orders",
        gt=0,
        le=LARGEST,
    )
    size_in: SizeIn = choice(
        SizeIn.QUOTE,
        "Sizes in",
        "Quote takes both sizes as money, percent as a share of the allocation (5 for 5 %).",
        group="Orders",
        choices={"quote": "Quote (money)", "percent": "Percent of the allocation"},
        advanced=True,
    )
    allocation: Number | None = number(
        None,
        "Allocation",
        "What a whole deal may use, before leverage: base order and all safety orders. Sizes in percent are shares of it.",
        unit="quote",
        group="Orders",
        gt=0,
        le=LARGEST,
        advanced=True,
    )
    leverage: Number = number(
        Decimal(1),
        "Leverage",
        "Multiplies what each order trades. More than 1 needs a linear market.",
        unit="×",
        group="Orders",
        ge=1,
        le=125,
    )

    # Safety orders
    safety_orders: int = number(
        5,
        "Safety orders",
        "How many orders a deal may add when the price goes against it.",
        unit="orders",
        group="Safety orders",
        ge=0,
        le=MOST_SAFETY_ORDERS,
    )
    active_safety_orders: int = number(
        3,
        "Active safety orders",
        "How many of them rest on the exchange at a time. The next one is placed when one is filled.",
        unit="orders",
        group="Safety orders",
        ge=1,
        le=MOST_SAFETY_ORDERS,
    )
    price_deviation: Number = number(
        Decimal(2),
        "Price deviation",
        "How far the first safety order is from the price of the base order.",
        unit="%",
        group="Safety orders",
        gt=0,
        lt=100,
    )
    step_scale: Number = number(
        Decimal(1),
        "Step scale",
        "Each safety order's distance from the one before it is the last distance times this.",
        unit="×",
        group="Safety orders",
        gt=0,
        le=10,
    )
    volume_scale: Number = number(
        Decimal(1),
        "Volume scale",
        "Each safety order's size is that of the one before it times this.",
        unit="×",
        group="Safety orders",
        gt=0,
        le=10,
    )

    # Start of a deal
    start_on_rsi: bool = switch(
        "Start on RSI",
        "A deal starts when the relative strength index of the last closed candle is beyond a limit. Without any "
        "start condition deals start immediately.",
        group="Start",
    )
    rsi_period: int = number(
        14,
        "RSI period",
        "Candles the relative strength index is taken over.",
        unit="candles",
        group="Start",
        ge=2,
        le=200,
        advanced=True,
    )
    rsi_is: Beyond = choice(
        Beyond.BELOW,
        "RSI is",
        "On which side of its limit the index has to be.",
        group="Start",
        choices={"below": "Below", "above": "Above"},
        advanced=True,
    )
    rsi_limit: Number = number(
        Decimal(30),
        "RSI limit",
        "The index has to be strictly beyond this.",
        unit="",
        group="Start",
        gt=0,
        lt=100,
        advanced=True,
    )
    start_on_ema_cross: bool = switch(
        "Start on EMA cross",
        "A deal starts when the fast moving average crossed the slow one with the last closed candle: upwards for "
        "long, downwards for short. Each cross starts one deal at most.",
        group="Start",
    )
    ema_fast: int = number(
        9,
        "Fast EMA",
        "Candles of the fast exponential moving average.",
        unit="candles",
        group="Start",
        ge=2,
        le=400,
        advanced=True,
    )
    ema_slow: int = number(
        21,
        "Slow EMA",
        "Candles of the slow exponential moving average.",
        unit="candles",
        group="Start",
        ge=2,
        le=400,
        advanced=True,
    )
    start_on_bollinger: bool = switch(
        "Start on Bollinger bands",
        "A deal starts when the last closed candle closed beyond a band: below the lower one for long, above the "
        "upper one for short.",
        group="Start",
    )
    bollinger_period: int = number(
        20,
        "Bollinger period",
        "Candles the bands are taken over.",
        unit="candles",
        group="Start",
        ge=2,
        le=200,
        advanced=True,
    )
    bollinger_deviations: Number = number(
        Decimal(2),
        "Bollinger deviations",
        "How many standard deviations the bands are from the mean.",
        unit="× deviation",
        group="Start",
        gt=0,
        le=10,
        advanced=True,
    )
    start_price: Number | None = number(
        None,
        "Start price",
        "A deal starts when the price is on the given side of this, or at it.",
        unit="quote",
        group="Start",
        gt=0,
        le=LARGEST,
        advanced=True,
    )
    start_price_is: Beyond = choice(
        Beyond.BELOW,
        "Price is",
        "On which side of the start price a deal starts.",
        group="Start",
        choices={"below": "At or below", "above": "At or above"},
        advanced=True,
    )
    start_on_signal: bool = switch(
        "Start on signal",
        "A deal starts when a signal in its direction arrives from outside. Each signal starts one deal at most.",
        group="Start",
        advanced=True,
    )
    start_combine: Combine = choice(
        Combine.ALL,
        "Start conditions",
        "Whether all of the conditions have to be met at once, or any of them.",
        group="Start",
        choices={"all": "All of them", "any": "Any of them"},
    )
    start_timeframe: str = timeframe(
        "1h", "Candles", "Length of the candles that the start conditions look at.", group="Start"
    )

    # Take profit
    take_profit: Number | None = number(
        None,
        "Take profit",
        "How far above the average price (below it for short) everything is sold. Leave empty when it is taken in steps.",
        unit="%",
        group="Take profit",
        gt=0,
        le=1000,
    )
    take_profit_steps: str = Field(
        "",
        title="Take profit in steps",
        description="Instead of one: percentages with the share of the position each sells, as in 1.5:50, 3:50.",
        max_length=200,
        json_schema_extra={"unit": "% : % of position", "group": "Take profit", "advanced": True},
    )
    take_profit_from: Reference = choice(
        Reference.AVERAGE,
        "Take profit from",
        "What the take profit is measured from: the average of all that was bought, or the price of the base order.",
        group="Take profit",
        choices={"average": "Average price", "base": "Base order"},
        advanced=True,
    )
    trailing_take_profit: Number | None = number(
        None,
        "Trailing take profit",
        "When the price has reached the (last) take profit, it is followed, and all is sold at market when it comes back "
        "by this much from its best.",
        unit="%",
        group="Take profit",
        gt=0,
        lt=100,
    )

    # Stop loss
    stop_loss: Number | None = number(
        None,
        "Stop loss",
        "How far the price may go against the average before everything is closed at market.",
        unit="%",
        group="Stop loss",
        gt=0,
        lt=1000,
    )
    stop_loss_from: Reference = choice(
        Reference.AVERAGE,
        "Stop loss from",
        "What the stop loss is measured from: the average of all that was bought, or the price of the base order.",
        group="Stop loss",
        choices={"average": "Average price", "base": "Base order"},
    )
    stop_loss_timeout: int = number(
        0,
        "Stop loss time-out",
        "How long the price has to stay beyond the stop loss before the deal is closed. Without a time-out the stop "
        "also stands at the exchange (linear).",
        unit="s",
        group="Stop loss",
        ge=0,
        le=86400,
        advanced=True,
    )
    after_stop_loss: AfterStopLoss = choice(
        AfterStopLoss.CONTINUE,
        "After a stop loss",
        "Continue with the next deal, or stop the bot.",
        group="Stop loss",
        choices={"continue": "Go on with the next deal", "stop": "Stop the bot"},
    )

    # Limits
    cool_down: int = number(
        0,
        "Cool-down",
        "How long to wait between the end of a deal and the start of the next one.",
        unit="s",
        group="Limits",
        ge=0,
        le=2592000,
    )
    max_deals: int | None = number(
        None,
        "Number of deals",
        "The bot stops when this many deals are over.",
        unit="deals",
        group="Limits",
        ge=1,
        le=1000000,
        advanced=True,
    )
    max_deal_time: int | None = number(
        None,
        "Longest deal",
        "A deal that is older than this is closed at market, whatever it earns.",
        unit="s",
        group="Limits",
        ge=1,
        le=31536000,
        advanced=True,
    )
    daily_loss_limit: Number | None = number(
        None,
        "Daily loss limit",
        "When this much has been lost since midnight UTC, fees included, no deal starts until the next midnight.",
        unit="quote",
        group="Limits",
        gt=0,
        le=LARGEST,
    )
    min_price: Number | None = number(
        None,
        "Lowest start price",
        "No deal starts while the price is below this.",
        unit="quote",
        group="Limits",
        gt=0,
        le=LARGEST,
        advanced=True,
    )
    max_price: Number | None = number(
        None,
        "Highest start price",
        "No deal starts while the price is above this.",
        unit="quote",
        group="Limits",
        gt=0,
        le=LARGEST,
        advanced=True,
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        faults = faults_of(self)
        if faults:
            raise refusal(self, faults)
        return self
