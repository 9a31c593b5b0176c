"""What holds for a grid whatever the market does to it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.contract import FillSeen, MarketKind, MarketSpec, OrderType, Point, PositionView, Side, WantedOrder
from strategies.grid.codes import CLOSING, RUNNING
from strategies.grid.config import GridConfig
from strategies.grid.logic import GridStrategy
from strategies.grid.state import GridState
from tests.strategies.markets import LINEAR, SPOT

STRATEGY = GridStrategy()
Wish = tuple[str, int]


@dataclass
class RoughExchange:
    """Fills in pieces, and cancels late unless ``prompt``: a cancelled order can still fill on the next move."""

    market: MarketSpec
    price: Decimal
    prompt: bool = False
    base: Decimal = Decimal(0)
    quote: Decimal = Decimal(0)
    left: dict[Wish, Decimal] = field(default_factory=dict)
    orders: dict[Wish, WantedOrder] = field(default_factory=dict)
    ever: dict[Wish, WantedOrder] = field(default_factory=dict)
    gone: set[Wish] = field(default_factory=set)

    def set_orders(self, wanted: tuple[WantedOrder, ...]) -> None:
        """What is new is placed, what is no longer wanted cancelled."""
        wishes = {(order.slot, order.sequence): order for order in wanted}
        assert len(wishes) == len(wanted), "two orders for one wish"
        assert not self.gone & wishes.keys(), "a wish that was given up or done is wanted again"
        for wish, order in wishes.items():
            if wish in self.ever and order.protective:
                # The one order that is amended, as what it guards changes.
                self.left[wish] += self.market.quantise_amount(order.amount) - self.market.quantise_amount(
                    self.ever[wish].amount
                )
                self.ever[wish] = self.orders[wish] = order
            elif wish in self.ever:
                assert _terms(self.ever[wish]) == _terms(order), "the terms of a wish changed"
            else:
                self.ever[wish] = order
                self.orders[wish] = order
                self.left[wish] = self.market.quantise_amount(order.amount)
        self.gone |= self.ever.keys() - wishes.keys()
        # The platform places the close only when the stop is certainly gone.
        for wish in [wish for wish, order in self.orders.items() if order.protective and wish in self.gone]:
            del self.orders[wish]
        if self.prompt:
            self._drop_cancelled()

    def move(self, price: Decimal, part: Decimal) -> list[FillSeen]:
        """The price jumps; whatever it reaches is filled, in two executions when ``part`` is less than 1."""
        self.price = price
        fills: list[FillSeen] = []
        for wish, order in list(self.orders.items()):
            at = price
            if order.type is OrderType.STOP:
                assert order.trigger_price is not None
                if price > order.trigger_price if order.side is Side.SELL else price < order.trigger_price:
                    continue
            if order.type is OrderType.LIMIT:
                assert order.price is not None
                at = self.market.quantise_price(order.price)
                if price > at if order.side is Side.BUY else price < at:
                    continue
            amount = self.market.quantise_amount(self.left[wish] * part) or self.left[wish]
            fills.append(self._execute(wish, order, at, amount))
        self._drop_cancelled()
        return fills

    def _drop_cancelled(self) -> None:
        for wish in self.gone & self.orders.keys():
            del self.orders[wish]

    def _execute(self, wish: Wish, order: WantedOrder, at: Decimal, amount: Decimal) -> FillSeen:
        self.left[wish] -= amount
        done = self.left[wish] == 0
        if done:
            del self.orders[wish]
            self.gone.add(wish)
        is_buy = order.side is Side.BUY
        in_base = is_buy and self.market.buy_fee_in_base
        fee = amount * self.market.maker_fee if in_base else Decimal(0)
        self.base += (amount if is_buy else -amount) - fee
        self.quote -= at * amount if is_buy else -at * amount
        return FillSeen(order.slot, order.sequence, order.side, float(at), float(amount), float(fee), 0, done)


def _terms(order: WantedOrder) -> tuple[Any, ...]:
    return order.side, order.type, order.price, order.amount, order.trade


@st.composite
def grids(draw: st.DrawFn, *, long_spot: bool = False) -> tuple[GridConfig, MarketSpec]:
    market = SPOT if long_spot else draw(st.sampled_from([SPOT, LINEAR]))
    directions = ["long"] if market.kind is MarketKind.SPOT else ["long", "short", "neutral"]
    direction = draw(st.sampled_from(directions))
    lower = draw(st.integers(80, 100))
    fields: dict[str, Any] = {
        "lower": lower,
        "upper": lower + draw(st.integers(10, 40)),
        "grids": draw(st.integers(1, 8)),
        "investment": draw(st.integers(2000, 5000)),
        "spacing": draw(st.sampled_from(["arithmetic", "geometric"])),
        "amount_mode": draw(st.sampled_from(["quote", "base"])),
        "direction": direction,
        "trailing_up": draw(st.booleans()),
        "trailing_down": draw(st.booleans()),
        "on_range_left": draw(st.sampled_from(["off", "recentre"])),
        "recentre_after": draw(st.sampled_from([0, 2])),
        "on_stop": draw(st.sampled_from(["keep", "close"])),
    }
    if market.kind is MarketKind.SPOT:
        fields["profit_in"] = draw(st.sampled_from(["quote", "base"]))
    if draw(st.booleans()):
        fields["trigger_price"] = draw(st.integers(80, 140))
    if direction != "short" and draw(st.booleans()):
        fields["stop_loss_price"] = draw(st.integers(60, 79))
    return GridConfig.model_validate(fields), market


moves = st.lists(
    st.tuples(
        st.integers(6000, 18000).map(lambda cents: Decimal(cents) / 100),
        st.sampled_from([Decimal(1), Decimal("0.37")]),
    ),
    min_size=5,
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@given(grid=grids(), path=moves)
def test_orders_are_unique_intervals_have_one_each_and_holdings_add_up(
    grid: tuple[GridConfig, MarketSpec], path: list[tuple[Decimal, Decimal]]
) -> None:
    config, market = grid
    exchange = RoughExchange(market, path[0][0])
    state: GridState = STRATEGY.initial_state(config, market)
    for tick, (price, part) in enumerate(path):
        fills = exchange.move(price, part)
        point = Point((tick + 1) * 1000, float(price))
        decision = STRATEGY.step(config, market, state, point, PositionView(), fills)

        again = STRATEGY.step(
            config, market, STRATEGY.load(json.loads(json.dumps(STRATEGY.dump(state)))), point, PositionView(), fills
        )
        assert again == decision, "the state that went through JSON decides otherwise"
        assert STRATEGY.load(STRATEGY.dump(decision.state)) == decision.state

        state = decision.state
        exchange.set_orders(decision.wanted)
        _one_order_per_interval(config, state, decision.wanted)
        assert abs(state.base - float(exchange.base)) < 1e-9, "the state's own count of what is held is wrong"
        if decision.finish is not None and config.on_stop == "close" and not decision.wanted:
            left = abs(state.base - state.kept)
            assert left < float(market.min_amount) or (
                market.kind is MarketKind.SPOT and left * float(price) < float(market.min_notional or 0)
            )


@settings(max_examples=200, deadline=None)
@given(grid=grids(long_spot=True), path=moves)
def test_a_long_grid_on_spot_never_offers_what_it_does_not_have(
    grid: tuple[GridConfig, MarketSpec], path: list[tuple[Decimal, Decimal]]
) -> None:
    """Where a cancelled order does not fill any more."""
    config, market = grid
    exchange = RoughExchange(market, path[0][0], prompt=True)
    state = STRATEGY.initial_state(config, market)
    for tick, (price, part) in enumerate(path):
        fills = exchange.move(price, part)
        decision = STRATEGY.step(config, market, state, Point((tick + 1) * 1000, float(price)), PositionView(), fills)
        state = decision.state
        exchange.set_orders(decision.wanted)
        sells = [exchange.left[wish] for wish, order in exchange.orders.items() if order.side is Side.SELL]
        assert sum(sells, Decimal(0)) <= exchange.base
        assert exchange.base >= 0


def _one_order_per_interval(config: GridConfig, state: GridState, wanted: tuple[WantedOrder, ...]) -> None:
    stops = [order for order in wanted if order.protective]
    assert len(stops) <= 1
    for stop in stops:
        held = state.base
        assert (stop.slot, stop.type, stop.reduce_only) == ("stop", OrderType.STOP, True)
        assert (stop.side is Side.SELL) == (held > 0)
        assert abs(stop.amount - abs(held)) < 1e-9, "the stop guards more or less than what is held"
    slots = [order.slot for order in wanted if not order.protective]
    if state.phase == RUNNING and not state.entry_side:
        assert sorted(slots) == sorted(f"grid:{interval}" for interval in range(config.grids))
    elif state.phase == RUNNING:
        assert slots.count("entry") == 1
        assert len(set(slots)) == len(slots)
    elif state.phase == CLOSING:
        assert slots == ["close"]
    else:
        assert slots == []
