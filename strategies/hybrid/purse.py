"""What a family holds, kept from the fills of its own orders, and the order that closes it at market."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any, Final, Self

from strategies.contract import FillSeen, MarketKind, MarketSpec, PositionView, Side


@dataclass(frozen=True, slots=True)
class Purse:
    """``amount`` in base, negative when sold short; ``cost`` in quote, of the same sign; ``realised`` in quote, after fees.

    Average cost: what leaves leaves at the average. ``closing`` is the order at market that closes it, signed as the
    order (negative sells, 0 while none is wanted), ``closings`` its number.
    """

    amount: float = 0.0
    cost: float = 0.0
    realised: float = 0.0
    closings: int = 0
    closing: float = 0.0

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Self:
        return cls(**data)

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def exposure(self) -> float:
        """What is held, at what it cost, in quote."""
        return max(0.0, self.cost)

    def view(self, price: float) -> PositionView:
        """The position as a bot of its own would see it."""
        if self.amount == 0.0:
            return PositionView(realised_pnl=self.realised)
        return PositionView(self.amount, self.cost / self.amount, self.realised, self.amount * price - self.cost)

    def after(self, fill: FillSeen, market: MarketSpec, *, taker: bool) -> Purse:
        """Fees in base are what the exchange said; fees in quote, which a fill does not tell, are the market's rate."""
        sign = 1.0 if fill.side is Side.BUY else -1.0
        change, value = sign * fill.amount - fill.fee_base, sign * fill.amount * fill.price
        realised = self.realised
        if fill.side is Side.SELL or not market.buy_fee_in_base:
            realised -= fill.amount * fill.price * float(market.taker_fee if taker else market.maker_fee)
        return _traded(replace(self, realised=realised), change, value, market)

    def with_all_of(self, other: Purse) -> Purse:
        """What another one had and what it has earned are this one's from now on."""
        return replace(
            self,
            amount=self.amount + other.amount,
            cost=self.cost + other.cost,
            realised=self.realised + other.realised,
        )

    def told_done(self) -> Purse:
        """The order that closes it is over."""
        return replace(self, closing=0.0)

    def to_be_closed(self, market: MarketSpec, price: float) -> Purse:
        """With an order for what can be closed; without one when that is nothing. One that is wanted stays as it is."""
        if self.closing:
            return self
        amount = float(closable(abs(self.amount), market, price))
        if not amount:
            return self
        return replace(self, closing=-amount if self.amount > 0 else amount, closings=self.closings + 1)


EMPTY: Final = Purse()


def closable(amount: float, market: MarketSpec, price: float) -> Decimal:
    """What of ``amount`` (base, positive) one order at market can close; 0 where the exchange would refuse it."""
    limits = [most for most in (market.max_amount, market.max_market_amount) if most is not None]
    size = min([market.quantise_amount(amount), *limits])
    if size <= 0 or size < market.min_amount:
        return Decimal(0)
    # Orders that reduce only, as on linear markets, may be worth less than the minimum.
    if market.kind is MarketKind.SPOT and size * Decimal(repr(price)) < (market.min_notional or 0):
        return Decimal(0)
    return size


def _traded(purse: Purse, change: float, value: float, market: MarketSpec) -> Purse:
    amount, cost, realised = purse.amount, purse.cost, purse.realised
    if change and amount and (amount > 0) != (change > 0):
        closed = min(abs(change), abs(amount))
        left = cost * closed / abs(amount)
        back = value * closed / abs(change)
        realised -= left + back
        cost -= left
        value -= back
    amount, cost = amount + change, cost + value
    # What sums of floats leave is no holding.
    if abs(amount) < float(market.step) * 1e-6:
        realised -= cost
        amount, cost = 0.0, 0.0
    return replace(purse, amount=amount, cost=cost, realised=realised)
