"""What holds for a trend follower whatever the market and the exchange do to it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from strategies.contract import MarketKind, MarketSpec, OrderType, Point, PositionView, Side, WantedOrder
from strategies.trend.config import TrendConfig
from strategies.trend.logic import TrendStrategy
from tests.properties import examples
from tests.strategies.markets import LINEAR, SPOT
from tests.strategies.trend.rough_walk import RoughExchange
from tests.strategies.trend.trend_bot import BREAKDOWN, BREAKOUT, HOUR_MS, MIDNIGHT_MS, PULLBACK, RALLY, RISING

STRATEGY = TrendStrategy()


@st.composite
def bots(draw: st.DrawFn) -> tuple[TrendConfig, MarketSpec]:
    market = draw(st.sampled_from([SPOT, LINEAR]))
    linear = market is LINEAR
    fields: dict[str, Any] = {
        "investment": draw(st.integers(200, 20_000)),
        "leverage": draw(st.integers(1, 20)) if linear else 1,
        "direction": draw(st.sampled_from(["long", "short", "neutral"])) if linear else "long",
        "risk_percent": draw(st.sampled_from(["0.5", "1", "2", "10"])),
        "targets": draw(st.sampled_from(["", "1:100", "0.5:50, 1:50", "1.5:50, 3:25", "0.2:1, 0.4:1, 5:98"])),
        "entry_order": draw(st.sampled_from(["market", "limit"])),
        "entry_candles": draw(st.integers(1, 3)),
        "break_even": draw(st.sampled_from([None, "0.1", "1"])),
        "trail_from": draw(st.sampled_from(["0.1", "1.5"])),
        "max_losses": draw(st.sampled_from([0, 1])),
        "loss_pause": 1,
        "daily_loss": draw(st.sampled_from([None, "1"])),
    }
    return TrendConfig.model_validate(fields), market


paths = st.lists(
    st.tuples(
        st.integers(194_000, 208_000).map(lambda cents: Decimal(cents) / 100),
        st.sampled_from([Decimal(1), Decimal(1), Decimal("0.37")]),
        st.sampled_from([None, PULLBACK, BREAKOUT, RALLY, BREAKDOWN, RISING | {"atr": 3.0}]),
    ),
    min_size=5,
    max_size=40,
)


@examples(300)
@given(bot=bots(), path=paths)
def test_one_position_that_is_always_guarded_by_a_stop_that_never_loosens(
    bot: tuple[TrendConfig, MarketSpec], path: list[tuple[Decimal, Decimal, dict[str, float] | None]]
) -> None:
    config, market = bot
    exchange, state = RoughExchange(market), STRATEGY.initial_state(config, market)
    row: dict[str, float] = {}
    closed, stops = MIDNIGHT_MS, dict[str, tuple[Side, float]]()
    for tick, (price, part, new_row) in enumerate(path):
        if new_row is not None:
            row, closed = new_row, closed + HOUR_MS
        now = max(closed, MIDNIGHT_MS) + tick
        fills = exchange.move(price, part, now)
        point = Point(now, float(price), row, closed if row else None)
        view = PositionView(amount=float(exchange.base), realised_pnl=float(exchange.realised))
        decision = STRATEGY.step(config, market, state, point, view, fills)

        stored = STRATEGY.load(json.loads(json.dumps(STRATEGY.dump(state))))
        assert STRATEGY.step(config, market, stored, point, view, fills) == decision
        assert STRATEGY.load(STRATEGY.dump(decision.state)) == decision.state

        before, state = state, decision.state
        exchange.set_orders(decision.wanted)
        by_slot = {order.slot: order for order in decision.wanted}
        assert len(by_slot) == len(decision.wanted), "two orders in one slot"
        assert abs(state.held - float(exchange.base)) < 1e-9, "the state's own count of what is held is wrong"
        if decision.signal is not None:
            assert abs(before.held) < float(market.min_amount) or state.held == 0, "an entry on top of a position"
            _risks_no_more_than_configured(config, market, state.entry_amount, decision.signal, view)
        _is_guarded(market, exchange, by_slot)
        stop = by_slot.get("stop")
        if stop is not None:
            assert stop.trigger_price is not None
            side, last = stops.get(stop.trade, (stop.side, stop.trigger_price))
            if side is stop.side:
                assert stop.trigger_price >= last if side is Side.SELL else stop.trigger_price <= last, "loosened"
            stops[stop.trade] = stop.side, stop.trigger_price


def _risks_no_more_than_configured(
    config: TrendConfig, market: MarketSpec, amount: float, signal: Any, view: PositionView
) -> None:
    equity = float(config.investment) + view.realised_pnl
    loss = abs(signal.entry - signal.stop_loss) + (signal.entry + signal.stop_loss) * float(market.taker_fee)
    assert amount * loss <= equity * float(config.risk_percent) / 100 * (1 + 1e-9)
    assert amount * signal.entry <= equity * float(config.leverage) * (1 + 1e-9)


def _is_guarded(market: MarketSpec, exchange: RoughExchange, by_slot: dict[str, WantedOrder]) -> None:
    """What is held and could be traded is in the stop, or on spot in it and a sale at market together."""
    stop = by_slot.get("stop")
    if stop is None:
        guarded = Decimal(0)
    else:
        assert (stop.side is Side.SELL) == (exchange.base > 0)
        assert stop.protective
        wish = (stop.slot, stop.sequence)
        guarded = market.quantise_amount(stop.amount) - exchange.filled.get(wish, Decimal(0))
    sold = Decimal(0)
    for order in by_slot.values():
        if order.slot.startswith("target") and order.type is OrderType.MARKET:
            sold += market.quantise_amount(order.amount) - exchange.filled.get((order.slot, order.sequence), Decimal(0))
    least = market.min_amount
    if market.kind is MarketKind.SPOT and market.min_notional is not None:
        least = max(least, market.min_notional / Decimal(1900))
    assert abs(exchange.base) - guarded - sold < least, "part of the position has no stop"
    assert guarded + sold <= abs(exchange.base)
