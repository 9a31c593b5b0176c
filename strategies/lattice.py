"""Prices on the tick and amounts on the step as floats: each the float nearest to its decimal (docs/decisions/0007).

An increment is the fraction ``unit / scale``, two whole numbers. A multiple is computed as ``count * unit / scale``, one
rounding of an exact product, so the same multiple is the same float wherever it comes from.

What is a whole number, or a half, but for the last bits of a float is taken as just that. So the results are those of
exact decimals, as :class:`~strategies.contract.MarketSpec` computes them.
"""

from __future__ import annotations

import math
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from strategies.compiled import compiled
from strategies.contract import MarketKind, MarketSpec


class Rules(NamedTuple):
    """A market's rules as plain numbers, for compiled steps. Fees are fractions; limits that are not stated are 0 or
    infinite."""

    tick_unit: int
    tick_scale: int
    step_unit: int
    step_scale: int
    min_amount: float
    max_amount: float
    min_notional: float
    maker_fee: float
    taker_fee: float
    is_linear: bool
    buy_fee_in_base: bool


@lru_cache(maxsize=512)
def rules_of(market: MarketSpec) -> Rules:
    tick_unit, tick_scale = market.tick.as_integer_ratio()
    step_unit, step_scale = market.step.as_integer_ratio()
    return Rules(
        tick_unit=tick_unit,
        tick_scale=tick_scale,
        step_unit=step_unit,
        step_scale=step_scale,
        min_amount=float(market.min_amount),
        max_amount=_or_infinite(market.max_amount),
        min_notional=float(market.min_notional or 0),
        maker_fee=float(market.maker_fee),
        taker_fee=float(market.taker_fee),
        is_linear=market.kind is MarketKind.LINEAR,
        buy_fee_in_base=market.buy_fee_in_base,
    )


def _or_infinite(value: Decimal | None) -> float:
    return math.inf if value is None else float(value)


@compiled
def nearest_count(ratio: float) -> int:
    """The whole number nearest to ``ratio``; of two equally near ones the even one."""
    below = math.floor(ratio)
    part = ratio - below
    if abs(part - 0.5) <= max(1e-9, abs(ratio) * 1e-15):
        return int(below) if below % 2 == 0 else int(below) + 1
    return int(below) if part < 0.5 else int(below) + 1


@compiled
def on_tick(price: float, unit: int, scale: int) -> float:
    """The nearest multiple of the tick (half to even), as ``MarketSpec.quantise_price`` rounds."""
    return nearest_count(price * scale / unit) * unit / scale


@compiled
def whole_steps(value: float, unit: int, scale: int) -> int:
    """How many steps of ``unit / scale`` fit in ``value``.

    A millionth of a step below a whole number counts as that number: sums of floats miss it by less, and fees leave
    coarser fractions. For very many steps it is one part in 10¹³, as far as a float can tell.
    """
    ratio = value * scale / unit
    nearest = math.floor(ratio + 0.5)
    if abs(ratio - nearest) <= max(1e-6, abs(nearest) * 1e-13):
        return int(nearest)
    return math.floor(ratio)


@compiled
def floor_to_step(value: float, unit: int, scale: int) -> float:
    """The largest multiple of the step that is not above ``value``, as ``MarketSpec.quantise_amount`` rounds."""
    return whole_steps(value, unit, scale) * unit / scale


@compiled
def ceil_to_step(value: float, unit: int, scale: int) -> float:
    """The smallest multiple of the step that is not below ``value``."""
    return -whole_steps(-value, unit, scale) * unit / scale


@compiled
def tradable(amount: float, price: float, min_amount: float, min_notional: float) -> bool:
    """Whether the market takes an order of so much.

    One part in 10⁹ is forgiven: the limits are decimals and these are floats.
    """
    return amount > 0.0 and amount >= min_amount * (1 - 1e-9) and amount * price >= min_notional * (1 - 1e-9)
