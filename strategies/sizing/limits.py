"""What may be traded of what a rule would like."""

from __future__ import annotations

from dataclasses import dataclass

from strategies.contract import MarketKind, MarketSpec


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


def capped(amount: float, price: float, equity: float, market: MarketSpec, limits: Limits) -> float:
    """``amount`` (base) within ``limits`` and the market's maxima, rounded down to the market's step.

    0 where what is left is below the market's minimum amount or value: a size is never rounded up, for that would risk
    more than was asked for. Spot knows no leverage: it never adds to what the equity buys there.
    """
    if not price > 0.0:
        raise ValueError(f"price is {price}: it must be above 0.")
    leverage = limits.leverage
    if market.kind is MarketKind.SPOT:
        leverage = min(leverage, 1.0)
    elif market.max_leverage is not None:
        leverage = min(leverage, float(market.max_leverage))
    worth = max(equity, 0.0) * leverage
    for most in (limits.max_notional, market.max_notional):
        if most is not None:
            worth = min(worth, float(most))
    wished = min(amount, worth / price)
    if market.max_amount is not None:
        wished = min(wished, float(market.max_amount))
    size = market.quantise_amount(max(wished, 0.0))
    if size < market.min_amount or (
        market.min_notional is not None and float(size) * price < float(market.min_notional)
    ):
        return 0.0
    return float(size)
