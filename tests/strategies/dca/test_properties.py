"""What holds for a DCA bot whatever the market does to it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from strategies.contract import MarketKind, MarketSpec, Point, PositionView, Side, WantedOrder
from strategies.dca.config import DcaConfig
from strategies.dca.ladder import deviations, safety_entries, safety_sizes
from strategies.dca.logic import DcaStrategy
from strategies.dca.state import CLOSING, OPEN, STARTING, DcaState
from tests.properties import examples
from tests.strategies.markets import LINEAR, SPOT
from tests.strategies.rough_exchange import RoughExchange

STRATEGY = DcaStrategy()


@st.composite
def deals(draw: st.DrawFn) -> tuple[DcaConfig, MarketSpec]:
    market = draw(st.sampled_from([SPOT, LINEAR]))
    fields: dict[str, Any] = {
        "direction": draw(st.sampled_from(["long", "short"])) if market is LINEAR else "long",
        "base_order_size": draw(st.integers(50, 300)),
        "safety_order_size": draw(st.integers(50, 300)),
        "safety_orders": draw(st.integers(0, 6)),
        "active_safety_orders": draw(st.integers(1, 4)),
        "price_deviation": draw(st.integers(2, 30)) / 10,
        "step_scale": draw(st.sampled_from(["0.8", "1", "1.3"])),
        "volume_scale": draw(st.sampled_from(["0.9", "1", "1.6"])),
        "take_profit_from": draw(st.sampled_from(["average", "base"])),
        "cool_down": draw(st.sampled_from([0, 3])),
        "max_deals": draw(st.sampled_from([None, 2])),
        "max_deal_time": draw(st.sampled_from([None, 9])),
    }
    if draw(st.booleans()):
        fields["take_profit"] = draw(st.integers(3, 60)) / 10
    else:
        fields["take_profit_steps"] = draw(st.sampled_from(["1:50, 2:50", "0.5:20, 1:30, 4:50", "1:1, 3:98, 9:1"]))
    if draw(st.booleans()):
        fields["trailing_take_profit"] = draw(st.integers(2, 20)) / 10
    if draw(st.booleans()):
        fields["stop_loss"] = draw(st.integers(50, 200)) / 10
        fields["stop_loss_timeout"] = draw(st.sampled_from([0, 2]))
        fields["after_stop_loss"] = draw(st.sampled_from(["continue", "stop"]))
    return DcaConfig.model_validate({name: value for name, value in fields.items() if value is not None}), market


moves = st.lists(
    st.tuples(
        st.integers(8500, 11500).map(lambda cents: Decimal(cents) / 100),
        st.sampled_from([Decimal(1), Decimal(1), Decimal("0.37")]),
    ),
    min_size=5,
    max_size=40,
)


@examples(200)
@given(deal=deals(), path=moves, prompt=st.booleans())
def test_orders_are_unique_holdings_add_up_and_what_closes_is_what_is_held(
    deal: tuple[DcaConfig, MarketSpec], path: list[tuple[Decimal, Decimal]], prompt: bool
) -> None:
    config, market = deal
    exchange = RoughExchange(market, prompt)
    state: DcaState = STRATEGY.initial_state(config, market)
    sign = -1 if config.direction == "short" else 1
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
        assert abs(sign * state.held - float(exchange.base)) < 1e-9, "the state's own count of what is held is wrong"
        _the_right_orders(config, market, state, decision.wanted)
        _what_closes_is_what_is_held(config, market, state, exchange)
        if decision.finish is not None:
            left = abs(exchange.base)
            assert left < market.min_amount or (
                market.kind is MarketKind.SPOT and left * price < (market.min_notional or 0) + market.step * price
            )
            return  # the platform stops the bot


def _the_right_orders(config: DcaConfig, market: MarketSpec, state: DcaState, wanted: tuple[WantedOrder, ...]) -> None:
    kinds = [order.slot.partition(":")[0] for order in wanted]
    if state.phase == STARTING:
        assert kinds == ["base"]
    elif state.phase == CLOSING:
        assert kinds == ["close"]
    elif state.phase == OPEN:
        assert set(kinds) <= {"safety", "take_profit", "stop"}
        assert kinds.count("safety") == min(config.active_safety_orders, state.safety_done.count(False))
        guarded = config.stop_loss is not None and not config.stop_loss_timeout and market.kind is MarketKind.LINEAR
        assert kinds.count("stop") == int(guarded and state.held >= float(market.min_amount))
    else:
        assert kinds == []


def _what_closes_is_what_is_held(
    config: DcaConfig, market: MarketSpec, state: DcaState, exchange: RoughExchange
) -> None:
    if state.phase not in (OPEN, CLOSING):
        return
    whole = abs(exchange.base) // market.step * market.step
    wanted = {wish: order for wish, order in exchange.orders.items() if wish not in exchange.gone}
    for kind in ("take_profit", "stop", "close"):
        closing = [exchange.left[wish] for wish, order in wanted.items() if order.slot.startswith(kind)]
        trails = kind == "take_profit" and config.trailing_take_profit is not None
        if closing:
            assert sum(closing) <= whole if trails else sum(closing) == whole, f"{kind} is not for what is held"


@examples(200)
@given(deal=deals(), path=moves)
def test_a_deal_never_uses_more_than_its_orders_are_worth(
    deal: tuple[DcaConfig, MarketSpec], path: list[tuple[Decimal, Decimal]]
) -> None:
    """Where cancelled orders do not fill. A market order may pay more than the price it was decided at: that is allowed for."""
    config, market = deal
    exchange = RoughExchange(market, prompt=True)
    state: DcaState = STRATEGY.initial_state(config, market)
    opening = Side.SELL if config.direction == "short" else Side.BUY
    spent: dict[int, Decimal] = {}
    budget = config.base_order_size + sum(safety_sizes(config))
    for tick, (price, part) in enumerate(path):
        fills = exchange.move(price, part)
        for fill in fills:
            if fill.side is opening:
                # What the base order's coins were worth when it was decided is at most its size.
                at = Decimal(85) if fill.slot == "base" else Decimal(str(fill.price))
                worth = at * Decimal(str(fill.amount))
                spent[fill.sequence] = spent.get(fill.sequence, Decimal(0)) + worth
        decision = STRATEGY.step(config, market, state, Point((tick + 1) * 1000, float(price)), PositionView(), fills)
        state = decision.state
        exchange.set_orders(decision.wanted)
        resting = sum(
            Decimal(str(order.price)) * exchange.left[wish]
            for wish, order in exchange.orders.items()
            if order.slot.startswith("safety") and order.price is not None
        )
        assert spent.get(state.deal, Decimal(0)) + resting <= budget


@examples(200)
@given(deal=deals(), price=st.integers(50, 5000).map(Decimal))
def test_safety_orders_follow_the_two_geometric_series(deal: tuple[DcaConfig, MarketSpec], price: Decimal) -> None:
    """Σ deviations and Σ sizes by the closed form a (qⁿ − 1) / (q − 1)."""
    config, market = deal
    n = config.safety_orders
    assert len(deviations(config)) == len(safety_sizes(config)) == n
    if n:
        assert abs(deviations(config)[-1] - _series(config.price_deviation, config.step_scale, n)) < Decimal("1e-20")
        assert config.safety_order_size is not None
        total = _series(config.safety_order_size, config.volume_scale, n)
        assert abs(sum(safety_sizes(config)) - total) < Decimal("1e-18")
    worth = Decimal(0)
    for entry, size in zip(safety_entries(config, market, price), safety_sizes(config), strict=True):
        assert entry.price * entry.amount <= size < entry.price * (entry.amount + market.step)
        worth += entry.price * entry.amount
    assert worth <= sum(safety_sizes(config))


def _series(first: Decimal, factor: Decimal, count: int) -> Decimal:
    return first * count if factor == 1 else first * (factor**count - 1) / (factor - 1)
