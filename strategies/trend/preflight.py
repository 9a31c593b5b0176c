"""What would keep a trend follower from opening and closing its trades, told before it starts.

How large a trade will be depends on the candles, so the largest one is looked at: what is refused for that one is refused
for all. A smaller one that turns out to be too little is not entered, and the journal says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from strategies.contract import MarketKind, MarketSpec, Problem
from strategies.preflight import market_problems, plain
from strategies.trend.config import TrendConfig, targets_of

HUNDRED = Decimal(100)
CENT = Decimal("0.01")


def problems(config: TrendConfig, market: MarketSpec, price: Decimal, quote_available: Decimal) -> list[Problem]:
    """``price`` and ``quote_available`` (free balance) in quote."""
    return [
        *market_problems(market, config.direction, config.leverage),
        *_amount_problems(config, market, price),
        *_money_problems(config, market, quote_available),
    ]


def _amount_problems(config: TrendConfig, market: MarketSpec, price: Decimal) -> Iterator[Problem]:
    leverage = config.leverage if market.kind is MarketKind.LINEAR else Decimal(1)
    largest = config.investment * leverage * config.max_position / HUNDRED
    least_amount = max(market.min_amount, market.step)
    least = max(least_amount * price, market.min_notional or Decimal(0))
    if largest < least:
        yield Problem(
            "investment",
            f"Even the largest position, worth {plain(largest)} {market.quote}, is below the {plain(least)} {market.quote} "
            f"that {market.symbol} trades at least: raise the investment.",
            plain(largest),
            plain(least),
        )
        return
    shares = [target.percent for target in targets_of(config.targets)]
    left = HUNDRED - sum(shares, Decimal(0))
    smallest = min([*shares, *([left] if left else [])], default=HUNDRED)
    part = largest * smallest / HUNDRED
    least = least_amount * price if market.kind is MarketKind.LINEAR else least
    if part < least:
        yield Problem(
            "targets",
            f"Even of the largest position, a part of {plain(smallest)} % is worth only {plain(part)} {market.quote}, below "
            f"the {plain(least)} {market.quote} that {market.symbol} trades at least: raise the investment or use fewer "
            "targets.",
            plain(part),
            plain(least),
        )


def _money_problems(config: TrendConfig, market: MarketSpec, available: Decimal) -> Iterator[Problem]:
    """The margin of the largest position is the investment's share, whatever the leverage."""
    needed = config.investment * config.max_position / HUNDRED
    if market.kind is MarketKind.LINEAR:
        needed += needed * config.leverage * market.taker_fee
    if needed > available:
        # Up and down, so that what is named would be enough and what is there is not made more.
        asked, free = needed.quantize(CENT, ROUND_CEILING), available.quantize(CENT, ROUND_FLOOR)
        yield Problem(
            "investment",
            f"The largest position needs {asked} {market.quote} and {free} {market.quote} are free: lower the "
            "investment or add funds.",
            f"{asked}",
            f"{free}",
        )
