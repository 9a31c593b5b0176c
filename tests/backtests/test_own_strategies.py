"""Strategies in plain Python: one that rests between candles trades as if it were asked at every point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from backtests.loop.records import Funding
from backtests.simulation import Options, Simulation, simulate
from strategies.contract import (
    Decision,
    FillSeen,
    MarketSpec,
    OrderType,
    Point,
    PositionView,
    Reason,
    Side,
    StrategyConfig,
    WantedOrder,
)
from strategies.plain import PlainStrategy
from tests.backtests.test_simulation import columns, in_decimals
from tests.bench.own_cross import OwnConfig, OwnCross
from tests.strategies.markets import LINEAR, walking_candles

HOUR = 3_600_000


@dataclass(frozen=True, slots=True)
class DipState:
    candle: int = 0
    number: int = 0
    orders: tuple[WantedOrder, ...] = ()


class Dips(OwnCross):
    """Buys below the slow average, with a target and a stop; everything is decided on closed candles and fills."""

    State = DipState  # type: ignore[assignment]

    def step(  # type: ignore[override]
        self,
        config: OwnConfig,
        market: MarketSpec,
        state: DipState,
        point: Point,
        position: PositionView,
        fills: Sequence[FillSeen],
    ) -> Decision[Any]:
        if not fills and (point.candle_close or 0) <= state.candle:
            return Decision(state, state.orders)
        number, slow, why = state.number, point.features["slow"], Reason("dips")
        for fill in fills:
            number += fill.slot != "buy" and fill.done
        orders: tuple[WantedOrder, ...] = ()
        if position.amount > 0:
            at = position.average_price
            exits: Any = {
                "sequence": number,
                "side": Side.SELL,
                "amount": position.amount,
                "reason": why,
                "reduce_only": True,
            }
            orders = (
                WantedOrder("target", type=OrderType.LIMIT, price=at + 3, **exits),
                WantedOrder("stop", type=OrderType.STOP, trigger_price=at - 6, protective=True, **exits),
            )
        elif slow == slow and point.price > slow - 2:
            orders = (WantedOrder("buy", number, Side.BUY, OrderType.LIMIT, config.amount, why, price=slow - 2),)
        if [_terms(each) for each in orders] == [_terms(each) for each in state.orders]:
            orders = state.orders
        return Decision(DipState(point.candle_close or 0, number, orders), orders)


def _terms(order: WantedOrder) -> tuple[Any, ...]:
    return order.slot, order.sequence, order.amount, order.price, order.trigger_price


class OwnCrossAskedAlways(OwnCross):
    rests_between_candles: ClassVar[bool] = False


class DipsAskedAlways(Dips):
    rests_between_candles: ClassVar[bool] = False


CONFIG = OwnConfig(fast=5, slow=13)
CANDLES = columns(walking_candles(500, seed=11))
FUNDING = Funding(np.arange(1, 20, dtype=np.int64) * HOUR, np.full(19, 0.001))


def played(strategy: PlainStrategy[OwnConfig, Any], **more: Any) -> Simulation[Any]:
    return simulate(strategy, CONFIG, LINEAR, CANDLES, "1m", quote=10_000, options=Options(**more))


@pytest.mark.parametrize(
    "options",
    [{}, {"funding": FUNDING}, {"latency": 250, "slippage": 0.0005}, {"maintenance": 0.05, "leverage": 50.0}],
    ids=["nothing else", "funding", "latency", "maintenance"],
)
@pytest.mark.parametrize("kinds", [(OwnCross, OwnCrossAskedAlways), (Dips, DipsAskedAlways)], ids=["cross", "dips"])
def test_resting_changes_nothing(kinds: tuple[type[OwnCross], type[OwnCross]], options: dict[str, Any]) -> None:
    resting, asked = (played(kind(), **options) for kind in kinds)
    assert len(asked.fills) > 15
    np.testing.assert_array_equal(resting.fills, asked.fills)
    np.testing.assert_allclose(resting.equity, asked.equity, rtol=1e-15)
    for name in ("state", "quote", "amount", "fees", "funding", "refusals"):
        assert getattr(resting, name) == getattr(asked, name), name
    assert resting.steps < asked.steps / 2


def test_as_in_exact_decimals() -> None:
    exact = in_decimals(Dips(), CONFIG, LINEAR, CANDLES, 10_000, Options())
    found = played(Dips())
    assert [(each.point, each.price) for each in found.fills] == [
        (each.point, float(each.price)) for each in exact.fills
    ]
    assert found.quote == pytest.approx(float(exact.quote), rel=1e-12)


class Unfit(OwnCross):
    """Wants the same orders for ever."""

    orders: ClassVar[tuple[WantedOrder, ...]] = ()

    def step(self, *_: Any) -> Decision[Any]:
        return Decision(self.State(), self.orders)


def a_bid(slot: str) -> WantedOrder:
    return WantedOrder(slot, 0, Side.BUY, OrderType.LIMIT, 0.01, Reason("test"), price=1000.0)


def test_two_orders_in_one_slot_are_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Unfit, "orders", (a_bid("one"), a_bid("one")))
    with pytest.raises(ValueError, match="two orders in one slot: one, one"):
        played(Unfit())


def test_there_is_room_for_many_orders_and_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Unfit, "orders", tuple(a_bid(f"slot {number}") for number in range(500)))
    assert len(played(Unfit()).fills) == 0
    monkeypatch.setattr(Unfit, "orders", (*Unfit.orders, a_bid("one more")))
    with pytest.raises(ValueError, match="wants 501 orders at once: 500 are the most"):
        played(Unfit())


class NoFeatures(PlainStrategy[StrategyConfig, OwnConfig]):
    name: ClassVar[str] = "no_features"
    Config = StrategyConfig
    State = OwnConfig
    rests_between_candles: ClassVar[bool] = True


def test_resting_between_no_candles_is_an_error() -> None:
    with pytest.raises(ValueError, match="no_features rests between candles, but looks at none"):
        simulate(NoFeatures(), StrategyConfig(), LINEAR, CANDLES, "1m", quote=10_000)
