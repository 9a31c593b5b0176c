"""What would keep a position from being opened and closed, told before the start."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from strategies.contract import MarketKind, MarketSpec, Problem
from strategies.preflight import market_problems, plain
from strategies.smc.config import SmcConfig

HUNDRED: Final = Decimal(100)


def problems(config: SmcConfig, market: MarketSpec, price: Decimal, quote_available: Decimal) -> list[Problem]:
    """``price`` and ``quote_available`` (free balance) in quote."""
    found = [*market_problems(market, config.direction, config.leverage), *_size_problems(config, market, price)]
    found += _fee_problems(config, market)
    if config.capital > quote_available:
        found.append(
            Problem(
                "capital",
                f"The capital is {plain(config.capital)} {market.quote} and {plain(quote_available)} {market.quote} "
                "are free: lower the capital or add funds.",
                plain(config.capital),
                plain(quote_available),
            )
        )
    return found


def _size_problems(config: SmcConfig, market: MarketSpec, price: Decimal) -> Iterator[Problem]:
    """The largest position there can be: if that one cannot be opened and closed in its parts, none can."""
    whole = market.quantise_amount(config.capital * config.leverage / config.positions / price)
    parts = [("The entry", whole, price)]
    if config.partial_share > 0:
        left = whole * (1 - market.taker_fee) if market.buy_fee_in_base else whole
        part = market.quantise_amount(left * config.partial_share / HUNDRED)
        parts += [("The partial exit", part, price), ("The rest", market.quantise_amount(left - part), price)]
    least = max(market.min_amount, market.step)
    for name, amount, at in parts:
        closes_freely = market.kind is MarketKind.LINEAR and name != "The entry"
        worth = amount * at
        if amount < least:
            yield Problem(
                "capital",
                f"{name} of the largest position would trade {plain(amount)} {market.base}, below the minimum of "
                f"{plain(least)} {market.base}: raise the capital or use fewer positions.",
                plain(amount),
                plain(least),
            )
            return
        if market.min_notional is not None and worth < market.min_notional and not closes_freely:
            yield Problem(
                "capital",
                f"{name} of the largest position would be worth {plain(worth)} {market.quote}, below the minimum of "
                f"{plain(market.min_notional)} {market.quote}: raise the capital or use fewer positions.",
                plain(worth),
                plain(market.min_notional),
            )
            return


def _fee_problems(config: SmcConfig, market: MarketSpec) -> Iterator[Problem]:
    """A trade that the trailing stop closes as soon as it may must have earned its two market orders."""
    earned = config.trailing_activation - config.trailing_distance
    fees = 2 * market.taker_fee * HUNDRED
    if earned <= fees:
        yield Problem(
            "trailing_activation",
            f"The trailing stop would begin at a profit of {plain(earned)} %, and the fees of opening and closing are "
            f"{plain(fees)} %: raise trailing_activation or lower trailing_distance.",
            plain(earned),
            plain(fees),
        )
