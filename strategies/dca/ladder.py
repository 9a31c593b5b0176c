"""The arithmetic of a deal, in exact decimals: where its orders are and what they are worth.

``k`` counts safety orders from 1. Factors are relative to the price of the base order: 0.98 is 2 % below it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from strategies.contract import Direction, MarketSpec, Side

if TYPE_CHECKING:  # the configuration is validated by this module's arithmetic
    from strategies.dca.config import DcaConfig

HUNDRED: Final = Decimal(100)
_STEP: Final = re.compile(r"^(\d{1,4}(?:\.\d{1,8})?):(\d{1,3}(?:\.\d{1,8})?)$")
MOST_STEPS: Final = 10
MOST_SAFETY_ORDERS: Final = 100


@dataclass(frozen=True, slots=True)
class ProfitStep:
    """At ``percent`` of profit ``share`` (percent) of what a deal holds is closed."""

    percent: Decimal
    share: Decimal


@dataclass(frozen=True, slots=True)
class Entry:
    """One order that adds to a deal, if the base order fills at a given price. ``price`` in quote, ``amount`` in base."""

    price: Decimal
    amount: Decimal


def opening(config: DcaConfig) -> int:
    """+1 when a deal buys first, -1 when it sells first."""
    return -1 if config.direction is Direction.SHORT else 1


def opening_side(config: DcaConfig) -> Side:
    return Side.SELL if config.direction is Direction.SHORT else Side.BUY


def deviations(config: DcaConfig) -> list[Decimal]:
    """Percent from the base order's price to each safety order: the sums of price_deviation × step_scale^(k−1)."""
    total, step, found = Decimal(0), config.price_deviation, list[Decimal]()
    for _ in range(config.safety_orders):
        total += step
        found.append(total)
        step *= config.step_scale
    return found


def base_size(config: DcaConfig) -> Decimal:
    """Quote that the base order trades, leverage included."""
    return _in_quote(config, config.base_order_size) * config.leverage


def safety_sizes(config: DcaConfig) -> list[Decimal]:
    """Quote that each safety order trades, leverage included: safety_order_size × volume_scale^(k−1)."""
    size = _in_quote(config, config.safety_order_size or Decimal(0)) * config.leverage
    found = []
    for _ in range(config.safety_orders):
        found.append(size)
        size *= config.volume_scale
    return found


def _in_quote(config: DcaConfig, size: Decimal) -> Decimal:
    if config.size_in == "quote":
        return size
    return size * (config.allocation or Decimal(0)) / HUNDRED


def floor_to_step(market: MarketSpec, amount: Decimal) -> Decimal:
    """The largest multiple of the step that is not above ``amount``, to the last digit: nothing is forgiven here, for
    the numbers are exact and neither the budget nor what is held may be exceeded."""
    return amount // market.step * market.step


def base_entry(config: DcaConfig, market: MarketSpec, price: Decimal) -> Entry:
    return Entry(price, _amount(market, base_size(config), price))


def safety_entries(config: DcaConfig, market: MarketSpec, base_price: Decimal) -> list[Entry]:
    """Prices on the tick, amounts rounded down to the step. A price below one tick is left out with all after it."""
    entries: list[Entry] = []
    for deviation, size in zip(deviations(config), safety_sizes(config), strict=True):
        price = market.quantise_price(base_price * (1 - opening(config) * deviation / HUNDRED))
        if price < market.tick:
            break
        entries.append(Entry(price, _amount(market, size, price)))
    return entries


def _amount(market: MarketSpec, size: Decimal, price: Decimal) -> Decimal:
    """What ``size`` (quote) buys. The quotient itself would be rounded, the number of whole steps in it is exact."""
    return size // (price * market.step) * market.step


def profit_steps(config: DcaConfig) -> tuple[ProfitStep, ...]:
    """Raises ``ValueError`` for a text that is not a list of steps."""
    if not config.take_profit_steps:
        return (ProfitStep(config.take_profit or Decimal(0), HUNDRED),)
    found = []
    for part in re.split(r"[,;\s]+", config.take_profit_steps.strip(" ,;\t\n")):
        match = _STEP.match(part)
        if match is None:
            raise ValueError(f"{part!r} is not a step: write percent:share, as in 1.5:50.")
        found.append(ProfitStep(Decimal(match[1]), Decimal(match[2])))
    return tuple(found)


def profit_price(config: DcaConfig, market: MarketSpec, reference: Decimal, percent: Decimal) -> Decimal:
    return market.quantise_price(reference * (1 + opening(config) * percent / HUNDRED))


def stop_price(config: DcaConfig, market: MarketSpec, reference: Decimal) -> Decimal:
    return market.quantise_price(reference * (1 - opening(config) * (config.stop_loss or Decimal(0)) / HUNDRED))
