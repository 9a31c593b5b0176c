"""What every family asks of a market before it starts, and how a preflight writes numbers."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from strategies.contract import Direction, MarketKind, MarketSpec, Problem


def market_problems(market: MarketSpec, direction: Direction, leverage: Decimal) -> Iterator[Problem]:
    """Whether the market can be sold short where that is wanted, and allows the leverage."""
    if market.kind is MarketKind.SPOT:
        if direction is not Direction.LONG:
            yield Problem(
                "direction",
                f"{market.symbol} is a spot market, where nothing can be sold short: choose long, or a linear market.",
                direction,
                Direction.LONG,
            )
        if leverage > 1:
            yield Problem(
                "leverage",
                f"{market.symbol} is a spot market: set leverage to 1, or choose a linear market.",
                plain(leverage),
                "1",
            )
    if market.max_leverage is not None and leverage > market.max_leverage:
        yield Problem(
            "leverage",
            f"Leverage {plain(leverage)} is above the {plain(market.max_leverage)} that {market.symbol} allows: lower it.",
            plain(leverage),
            plain(market.max_leverage),
        )


def plain(value: Decimal) -> str:
    """Digits without an exponent and without trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
