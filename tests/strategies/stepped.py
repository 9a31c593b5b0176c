"""A strategy stepped by hand: what its last decision wants, and fills of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Generic

from strategies.contract import Decision, FillSeen, MarketSpec, OrderType, S, Side, WantedOrder


class Stepped(Generic[S]):
    market: MarketSpec
    decision: Decision[S]

    def order(self, slot: str) -> WantedOrder:
        found = [order for order in self.decision.wanted if order.slot == slot]
        assert len(found) == 1, f"{slot} is wanted {len(found)} times among {self.slots}"
        return found[0]

    def filled(
        self, slot: str, price: float | None = None, *, amount: float | None = None, done: bool = True
    ) -> FillSeen:
        """A fill of the order that is wanted now, with the market's fee."""
        return fill_of(self.order(slot), self.market, amount=amount, price=price, done=done)

    @property
    def slots(self) -> list[str]:
        return [order.slot for order in self.decision.wanted]

    @property
    def codes(self) -> list[str]:
        """What it told."""
        return [note.code for note in self.decision.notes]


def fill_of(
    order: WantedOrder,
    market: MarketSpec,
    *,
    amount: float | None = None,
    price: float | None = None,
    done: bool = True,
) -> FillSeen:
    """At the order's own price, or its trigger, unless told otherwise."""
    traded = order.amount if amount is None else amount
    at = price if price is not None else order.price or order.trigger_price
    assert at is not None
    rate = market.maker_fee if order.type is OrderType.LIMIT else market.taker_fee
    in_base = order.side is Side.BUY and market.buy_fee_in_base
    fee = float(Decimal(repr(traded)) * rate) if in_base else 0.0
    return FillSeen(order.slot, order.sequence, order.side, at, traded, fee, 0, done)
