"""An exchange that fills in pieces and cancels late: what a strategy's properties are tested against."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from strategies.contract import FillSeen, MarketKind, MarketSpec, OrderType, PositionView, Side, WantedOrder

Wish = tuple[str, int]


@dataclass
class RoughExchange:
    """Unless ``prompt``, a cancelled order can still fill on the next move."""

    market: MarketSpec
    prompt: bool = False
    base: Decimal = Decimal(0)
    left: dict[Wish, Decimal] = field(default_factory=dict)
    orders: dict[Wish, WantedOrder] = field(default_factory=dict)
    gone: set[Wish] = field(default_factory=set)
    # By average cost: the entry of what is held, and what was earned on what no longer is; in quote, before fees.
    average: Decimal = Decimal(0)
    realised: Decimal = Decimal(0)

    def set_orders(self, wanted: tuple[WantedOrder, ...]) -> None:
        """What is new is placed, what differs amended, what is no longer wanted cancelled."""
        wishes = {(order.slot, order.sequence): order for order in wanted}
        assert len({order.slot for order in wanted}) == len(wanted), "two orders in one slot"
        assert not self.gone & wishes.keys(), "a wish that was given up or done is wanted again"
        for wish, order in wishes.items():
            amount = self.market.quantise_amount(order.amount)
            before = self.orders.get(wish)
            self.left[wish] = amount - (self.market.quantise_amount(before.amount) - self.left[wish] if before else 0)
            assert self.left[wish] > 0, "an order is asked to be smaller than what is filled of it"
            self.orders[wish] = order
        self.gone |= self.orders.keys() - wishes.keys()
        closing = any(order.slot == "close" for order in wanted)
        for wish in [wish for wish in self.orders if wish in self.gone]:
            # The platform sends a close when the stop is certainly gone.
            if self.prompt or (closing and self.orders[wish].protective):
                del self.orders[wish]

    def move(self, price: Decimal, part: Decimal) -> list[FillSeen]:
        """The price jumps; whatever it reaches is filled, in two executions when ``part`` is less than 1."""
        fills: list[FillSeen] = []
        for wish, order in list(self.orders.items()):
            at = price
            buys = order.side is Side.BUY
            if order.type is OrderType.STOP:
                assert order.trigger_price is not None
                if price < order.trigger_price if buys else price > order.trigger_price:
                    continue
            elif order.type is OrderType.LIMIT:
                assert order.price is not None
                at = self.market.quantise_price(order.price)
                if price > at if buys else price < at:
                    continue
            amount = self.market.quantise_amount(self.left[wish] * part) or self.left[wish]
            if order.reduce_only or (self.market.kind is MarketKind.SPOT and not buys):
                # Nobody sells on spot what he does not have.
                amount = min(amount, abs(self.base) // self.market.step * self.market.step)
            if amount:
                fills.append(self._execute(wish, order, at, amount))
        for wish in self.gone & self.orders.keys():
            del self.orders[wish]
        return fills

    def give_up(self, wish: Wish) -> FillSeen:
        """What is left of an order will not be traded."""
        order = self.orders.pop(wish)
        self.gone.add(wish)
        return FillSeen(order.slot, order.sequence, order.side, order.price or 0.0, 0.0, 0.0, 0, True)

    def position(self, price: Decimal) -> PositionView:
        return PositionView(
            float(self.base), float(self.average), float(self.realised), float(self.base * (price - self.average))
        )

    def _execute(self, wish: Wish, order: WantedOrder, at: Decimal, amount: Decimal) -> FillSeen:
        self.left[wish] -= amount
        done = self.left[wish] == 0
        if done:
            del self.orders[wish]
            self.gone.add(wish)
        buys = order.side is Side.BUY
        fee = amount * self.market.maker_fee if buys and self.market.buy_fee_in_base else Decimal(0)
        self._book(at, (amount if buys else -amount) - fee)
        return FillSeen(order.slot, order.sequence, order.side, float(at), float(amount), float(fee), 0, done)

    def _book(self, at: Decimal, signed: Decimal) -> None:
        held, self.base = self.base, self.base + signed
        if held * signed >= 0:
            self.average = (self.average * held + at * signed) / self.base
            return
        closed = min(abs(held), abs(signed)).copy_sign(held)
        self.realised += closed * (at - self.average)
        if abs(signed) > abs(held):
            self.average = at
