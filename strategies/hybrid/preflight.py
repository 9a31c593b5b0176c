"""What would keep any of the families from opening and closing its orders, each with the money it would get."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal
from typing import Any, Final

from strategies.contract import Level, MarketSpec, Problem
from strategies.hybrid.config import HybridConfig
from strategies.hybrid.families import GRID, STRATEGIES, family_config, in_own_words, own_field, share_of

_CENT: Final = Decimal("0.01")
_ENOUGH: Final = Decimal(10) ** 15


def problems(
    config: HybridConfig, market: MarketSpec, price: Decimal, quote_available: Decimal, base_available: Decimal
) -> list[Problem]:
    """``price`` and both balances (free) in quote and base."""
    found = list(_money_problems(config, market, quote_available))
    # What is missing as a whole is not said again of every family.
    available = _ENOUGH if found else quote_available
    for family, strategy in STRATEGIES.items():
        for each in strategy.preflight(_config(config, family), market, price, available, base_available):
            message = f"{strategy.title}: {in_own_words(family, each.message)}"
            found.append(replace(each, field=own_field(family, each.field), message=message))
    return found


def start_levels(config: HybridConfig, market: MarketSpec, price: Decimal) -> list[Level]:
    """The grid's: which family starts is told by candles, and the grid's orders are known before them."""
    return STRATEGIES[GRID].levels(_config(config, GRID), market, price)


def _money_problems(config: HybridConfig, market: MarketSpec, available: Decimal) -> Iterator[Problem]:
    needed = max(_money_of(config, family) for family in STRATEGIES)
    if needed > available:
        free = available.quantize(_CENT, ROUND_FLOOR)
        yield Problem(
            "investment",
            f"The families use up to {needed:f} {market.quote} of the investment and {free} {market.quote} are free: lower the "
            "investment or add funds.",
            f"{needed:f}",
            f"{free}",
        )


def _config(config: HybridConfig, family: str) -> Any:
    return family_config(config, family, _money_of(config, family))


def _money_of(config: HybridConfig, family: str) -> Decimal:
    """What the family is started with while nothing else is held, in quote."""
    return min(share_of(config, family), config.investment * config.max_exposure / 100)
