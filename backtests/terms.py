"""The terms of a preset that stand in groups: what trading costs, in which steps, within which limits.

Each field carries what the page's form is made from, as a strategy's configuration does (``strategies/fields.py``).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from strategies.fields import Number, choice, number


class Group(StrEnum):
    """The headings of the form."""

    MARKET = "Market"
    ACCOUNT = "Account"
    COSTS = "Costs"
    FILLS = "Fills"


class Fill(StrEnum):
    TOUCH = "touch"
    THROUGH = "through"


class Gaps(StrEnum):
    SKIP = "skip"
    FILL = "fill"
    REFUSE = "refuse"


class Intrabar(StrEnum):
    """The order of prices within a candle: by its four points, or with a position's stop before its target."""

    PATH = "path"
    PESSIMISTIC = "pessimistic"


class PaysIn(StrEnum):
    BASE = "base"
    QUOTE = "quote"


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Fees(Part):
    """Fractions, negative for a rebate. ``buyer_pays_in`` is of spot markets; of linear ones it is always quote."""

    maker: Number = number(
        ...,
        "Maker fee",
        "Of the traded worth, of an order that waited in the book: 0.001 is 0.1 %. Below 0 is a rebate.",
        unit="fraction",
        group=Group.COSTS,
        ge=Decimal("-0.01"),
        lt=Decimal("0.1"),
    )
    taker: Number = number(
        ...,
        "Taker fee",
        "Of the traded worth, of an order that filled at once.",
        unit="fraction",
        group=Group.COSTS,
        ge=0,
        lt=Decimal("0.1"),
    )
    buyer_pays_in: PaysIn = choice(
        PaysIn.BASE,
        "Buyer pays fees in",
        "On spot most exchanges take a buyer's fee of the coins that were bought. Linear markets always charge quote.",
        group=Group.COSTS,
        choices={PaysIn.BASE: "What was bought", PaysIn.QUOTE: "Money"},
        advanced=True,
    )


class Precision(Part):
    """The increments of price (quote) and amount (base), as in 0.01. What is absent is not rounded."""

    price: Number | None = number(
        None,
        "Price step",
        "Prices are multiples of it. Empty: not rounded.",
        unit="quote",
        group=Group.MARKET,
        advanced=True,
        gt=0,
    )
    amount: Number | None = number(
        None,
        "Amount step",
        "Amounts are multiples of it. Empty: not rounded.",
        unit="base",
        group=Group.MARKET,
        advanced=True,
        gt=0,
    )


class Amounts(Part):
    min: Number | None = number(
        None, "Smallest amount", "Of one order.", unit="base", group=Group.MARKET, advanced=True, ge=0
    )
    max: Number | None = number(
        None, "Largest amount", "Of one order.", unit="base", group=Group.MARKET, advanced=True, gt=0
    )


class Notional(Part):
    min: Number | None = number(
        None,
        "Smallest worth",
        "Of one order: amount times price.",
        unit="quote",
        group=Group.MARKET,
        advanced=True,
        ge=0,
    )


def _as_bounds(value: Any) -> Any:
    return value if isinstance(value, dict | Part) or value is None else {"min": value}


class Limits(Part):
    """Of one order: ``amount`` in base, ``notional`` in quote. A number alone is the smallest."""

    amount: Annotated[Amounts, BeforeValidator(_as_bounds)] = Amounts()
    notional: Annotated[Notional, BeforeValidator(_as_bounds)] = Notional()


def _as_rate(value: Any) -> Any:
    """A number, however it is written; any other text names a file."""
    if isinstance(value, str):
        try:
            return Decimal(value)
        except InvalidOperation:
            return value
    return value


FundingRate = Annotated[Number | str, BeforeValidator(_as_rate)]
