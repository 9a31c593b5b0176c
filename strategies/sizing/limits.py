"""What may be traded of what a rule would like."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from strategies.compiled import compiled
from strategies.contract import MarketKind, MarketSpec
from strategies.lattice import Rules, floor_to_step, rules_of


@dataclass(frozen=True, slots=True)
class Limits:
    """``max_notional`` in quote (``None`` for no limit); ``leverage`` times the equity is what a position may be worth.

    Raises ``ValueError`` for limits that are not above 0.
    """

    max_notional: float | None = None
    leverage: float = 1.0

    def __post_init__(self) -> None:
        if not self.leverage > 0.0 or (self.max_notional is not None and not self.max_notional > 0.0):
            raise ValueError(f"Limits must be above 0, these are {self.max_notional} and leverage {self.leverage}.")


class Caps(NamedTuple):
    """The stricter ones of the limits and the market's: ``leverage`` times the equity, and quote (infinite for no limit)."""

    leverage: float
    max_notional: float


def caps_of(market: MarketSpec, limits: Limits) -> Caps:
    """Spot knows no leverage: it never adds to what the equity buys there."""
    leverage = limits.leverage
    if market.kind is MarketKind.SPOT:
        leverage = min(leverage, 1.0)
    elif market.max_leverage is not None:
        leverage = min(leverage, float(market.max_leverage))
    most = [float(each) for each in (limits.max_notional, market.max_notional) if each is not None]
    return Caps(float(leverage), min(most, default=math.inf))


def capped(amount: float, price: float, equity: float, market: MarketSpec, limits: Limits) -> float:
    """``amount`` (base) within ``limits`` and the market's maxima, rounded down to the market's step.

    0 where what is left is below the market's minimum amount or value: a size is never rounded up, for that would risk
    more than was asked for. Raises ``ValueError`` when the price is not above 0.
    """
    if not price > 0.0:
        raise ValueError(f"price is {price}: it must be above 0.")
    return capped_size.plain(amount, price, equity, rules_of(market), caps_of(market, limits))


@compiled
def capped_size(amount: float, price: float, equity: float, rules: Rules, caps: Caps) -> float:
    """:func:`capped` for compiled steps: nothing is checked."""
    worth = min(max(equity, 0.0) * caps.leverage, caps.max_notional)
    wished = min(amount, worth / price, rules.max_amount)
    size = floor_to_step(max(wished, 0.0), rules.step_unit, rules.step_scale)
    if size < rules.min_amount or size * price < rules.min_notional:
        return 0.0
    return size
