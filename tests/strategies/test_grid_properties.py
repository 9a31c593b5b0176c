"""What holds for a grid whatever the market does to it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from strategies.contract import MarketKind, MarketSpec, OrderType, Point, PositionView, Side, WantedOrder
from strategies.grid.codes import CLOSING, RUNNING
from strategies.grid.config import GridConfig
from strategies.grid.logic import GridStrategy
from strategies.grid.state import GridState
from tests.properties import examples
from tests.strategies.markets import LINEAR, SPOT
from tests.strategies.rough_exchange import RoughExchange, Wish

STRATEGY = GridStrategy()


class Terms:
    """No wish changes its terms, but for the stop order, which is amended as what it guards changes."""

    def __init__(self) -> None:
        self.ever: dict[Wish, tuple[Any, ...]] = {}

    def hold(self, wanted: tuple[WantedOrder, ...]) -> None:
        for order in wanted:
            terms = self.ever.setdefault((order.slot, order.sequence), _terms(order))
            assert order.protective or terms == _terms(order), "the terms of a wish changed"


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


@examples(200)
@given(grid=grids(), path=moves)
def test_orders_are_unique_intervals_have_one_each_and_holdings_add_up(
    grid: tuple[GridConfig, MarketSpec], path: list[tuple[Decimal, Decimal]]
) -> None:
    config, market = grid
    exchange, terms = RoughExchange(market), Terms()
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
        terms.hold(decision.wanted)
        _one_order_per_interval(config, state, decision.wanted)
        assert abs(state.base - float(exchange.base)) < 1e-9, "the state's own count of what is held is wrong"
        if decision.finish is not None and config.on_stop == "close" and not decision.wanted:
            left = abs(state.base - state.kept)
            assert left < float(market.min_amount) or (
                market.kind is MarketKind.SPOT and left * float(price) < float(market.min_notional or 0)
            )


@examples(200)
@given(grid=grids(long_spot=True), path=moves)
def test_a_long_grid_on_spot_never_offers_what_it_does_not_have(
    grid: tuple[GridConfig, MarketSpec], path: list[tuple[Decimal, Decimal]]
) -> None:
    """Where a cancelled order does not fill any more."""
    config, market = grid
    exchange = RoughExchange(market, prompt=True)
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
