"""An exchange that fills in pieces and late, for a trend follower: a wish that was withdrawn can come back."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from strategies.contract import FillSeen, MarketKind, MarketSpec, OrderType, Point, PositionView, Side, WantedOrder
from strategies.trend.config import TrendConfig
from strategies.trend.logic import TrendStrategy
from tests.strategies.kernel_driver import Seen, walk
from tests.strategies.trend.trend_bot import (
    BREAKDOWN,
    BREAKOUT,
    FALLING,
    HOUR_MS,
    MIDNIGHT_MS,
    PULLBACK,
    RALLY,
    RISING,
)

Wish = tuple[str, int]


@dataclass
class RoughExchange:
    """Fills in pieces at a price that jumps; a position that reduce-only orders would turn over is left at nothing."""

    market: MarketSpec
    base: Decimal = Decimal(0)
    realised: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    orders: dict[Wish, WantedOrder] = field(default_factory=dict)
    filled: dict[Wish, Decimal] = field(default_factory=dict)
    over: set[Wish] = field(default_factory=set)

    def set_orders(self, wanted: tuple[WantedOrder, ...]) -> None:
        self.orders = {(order.slot, order.sequence): order for order in wanted}
        assert len(self.orders) == len(wanted), "two orders for one wish"
        self.orders = {wish: order for wish, order in self.orders.items() if wish not in self.over}

    def move(self, price: Decimal, part: Decimal, now: int) -> list[FillSeen]:
        fills = []
        for wish, order in list(self.orders.items()):
            at = self._met(order, price)
            if at is None:
                continue
            whole = self.market.quantise_amount(order.amount) - self.filled.get(wish, Decimal(0))
            amount = self.market.quantise_amount(whole * part) or whole
            if order.reduce_only:
                amount = min(amount, abs(self.base))
            if order.side is Side.SELL and self.market.kind is MarketKind.SPOT:
                assert amount <= self.base, "sells what it does not have"
            if amount > 0:
                fills.append(self._fill(wish, order, at, amount, whole, now))
        return fills

    def give_up(self, wish: Wish) -> FillSeen:
        """What is left of an order will not be traded."""
        order = self.orders.pop(wish)
        self.over.add(wish)
        return FillSeen(order.slot, order.sequence, order.side, order.price or 0.0, 0.0, 0.0, 0, True)

    def _met(self, order: WantedOrder, price: Decimal) -> Decimal | None:
        buys = order.side is Side.BUY
        if order.type is OrderType.LIMIT:
            limit = self.market.quantise_price(order.price or 0.0)
            return limit if (price <= limit if buys else price >= limit) else None
        if order.type is OrderType.STOP:
            trigger = self.market.quantise_price(order.trigger_price or 0.0)
            return price if (price >= trigger if buys else price <= trigger) else None
        return price

    def _fill(self, wish: Wish, order: WantedOrder, at: Decimal, amount: Decimal, whole: Decimal, now: int) -> FillSeen:
        done = amount == whole
        self.filled[wish] = self.filled.get(wish, Decimal(0)) + amount
        if done:
            self.over.add(wish)
        buys = order.side is Side.BUY
        fee_base = amount * self.market.taker_fee if buys and self.market.buy_fee_in_base else Decimal(0)
        change = (amount if buys else -amount) - fee_base
        if self.base == 0 or (self.base > 0) == (change > 0):
            self.cost += amount * at if buys else -amount * at
        else:
            share = self.cost * min(abs(change / self.base), Decimal(1))
            self.realised += -share + (amount * at if not buys else -amount * at)
            self.cost -= share
        self.realised -= Decimal(0) if fee_base else amount * at * self.market.taker_fee
        self.base += change
        return FillSeen(order.slot, order.sequence, order.side, float(at), float(amount), float(fee_base), now, done)


# What candles closed with: entries of both kinds and sides, markets without a trend, figures that are not known.
ROWS = (
    PULLBACK,
    BREAKOUT,
    RALLY,
    BREAKDOWN,
    FALLING,
    RISING | {"atr": 3.0},
    RISING | {"adx": 10.0},
    RISING | {"adx_peak": 60.0},
    RISING | {"highest": float("nan")},
)
PARTS = (Decimal(1), Decimal(1), Decimal("0.37"))


def points(market: MarketSpec, count: int, *, seed: int) -> list[Point]:
    """A walk around 2000, the price that the rows are made for, with a new row in most hours."""
    dice = random.Random(seed)
    found: list[Point] = []
    row: dict[str, float] = {}
    now = closed = MIDNIGHT_MS
    for step in walk(
        count, start=2000.0, stride=dice.choice((0.5, 2.0, 6.0)), seed=seed, jump=5.0, tick=f"{market.tick}"
    ):
        now += dice.choice((60_000, 600_000, 900_000))
        if now - closed >= HOUR_MS:
            closed = now // HOUR_MS * HOUR_MS
            row = dice.choice(ROWS) if dice.random() < 0.9 else row
        found.append(Point(now, step.price, row, closed if row else None))
    return found


def played(config: TrendConfig, market: MarketSpec, at: Sequence[Point], *, seed: int) -> Iterator[Seen]:
    """The steps of a trend follower at these points. An entry that is cancelled can fill on the next move still, and now
    and then what is left of an order is given up."""
    dice, strategy = random.Random(seed), TrendStrategy()
    exchange, state = RoughExchange(market), strategy.initial_state(config, market)
    late: dict[Wish, WantedOrder] = {}
    for point in at:
        exchange.orders = late | exchange.orders
        fills = exchange.move(market.quantise_price(point.price), dice.choice(PARTS), point.timestamp)
        partly = [wish for wish in exchange.orders if wish in exchange.filled and wish not in exchange.over]
        if partly and dice.random() < 0.2:
            fills.append(exchange.give_up(dice.choice(partly)))
        view = PositionView(amount=float(exchange.base), realised_pnl=float(exchange.realised))
        seen = Seen(point, view, tuple(fills))
        yield seen
        decision = strategy.step(config, market, state, *seen)
        state, before = decision.state, exchange.orders
        exchange.set_orders(decision.wanted)
        late = {
            wish: order
            for wish, order in before.items()
            if wish[0] == "entry" and wish not in exchange.orders and wish not in exchange.over and dice.random() < 0.3
        }
