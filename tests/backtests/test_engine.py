"""The back-test loop: tables of prices in, fills out. One coin per order, prices chosen to be done in the head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from backtests.engine import run
from backtests.exact_records import Options, Result
from backtests.points import points_of
from exchange.port import Candle
from strategies.contract import (
    Decision,
    FillSeen,
    Finish,
    Level,
    MarketSpec,
    OrderType,
    Point,
    PositionView,
    Problem,
    Reason,
    Side,
    StrategyConfig,
    WantedOrder,
)
from tests.strategies.markets import LINEAR, SPOT

LINEAR_1 = replace(LINEAR, maker_fee=Decimal("0.001"), taker_fee=Decimal("0.002"))
SPOT_1 = replace(SPOT, maker_fee=Decimal("0.001"), taker_fee=Decimal("0.002"))


@dataclass(frozen=True)
class Script:
    """What is wanted at each tick, by its number; ``seen`` is what had been filled by then."""

    tick: int = 0
    seen: tuple[tuple[int, str, float], ...] = ()
    positions: tuple[PositionView, ...] = ()


class Scripted:
    """Wants what a table says, tick by tick; the last row goes on."""

    name: ClassVar[str] = "scripted"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Scripted"
    description: ClassVar[str] = "Wants what a table says."
    Config: type[StrategyConfig] = StrategyConfig

    def __init__(self, *rows: Sequence[WantedOrder], finish_at: int | None = None) -> None:
        self.rows = rows
        self.finish_at = finish_at

    def initial_state(self, config: StrategyConfig, market: MarketSpec) -> Script:
        return Script()

    def step(
        self,
        config: StrategyConfig,
        market: MarketSpec,
        state: Script,
        point: Point,
        position: PositionView,
        fills: Sequence[FillSeen],
    ) -> Decision[Script]:
        seen = state.seen + tuple((state.tick, fill.slot, fill.price) for fill in fills)
        finish = Finish(Reason("done")) if state.tick == self.finish_at else None
        wanted = tuple(self.rows[min(state.tick, len(self.rows) - 1)])
        return Decision(Script(state.tick + 1, seen, (*state.positions, position)), wanted, finish=finish)

    def dump(self, state: Script) -> dict[str, Any]:
        return {"tick": state.tick}

    def load(self, data: Mapping[str, Any]) -> Script:
        return Script(**data)

    def preflight(
        self,
        config: StrategyConfig,
        market: MarketSpec,
        price: Decimal,
        quote_available: Decimal,
        base_available: Decimal,
    ) -> list[Problem]:
        return []

    def levels(self, config: StrategyConfig, market: MarketSpec, price: Decimal) -> list[Level]:
        return []


def order(slot: str, side: Side, kind: OrderType, at: float | None = None, **more: Any) -> WantedOrder:
    trigger = at if kind is OrderType.STOP else None
    price = at if kind is OrderType.LIMIT else None
    terms: dict[str, Any] = {"amount": 1.0, "price": price, "trigger_price": trigger, "sequence": 0} | more
    return WantedOrder(slot=slot, side=side, type=kind, reason=Reason("test"), **terms)


def buy(at: float, slot: str = "buy", **more: Any) -> WantedOrder:
    return order(slot, Side.BUY, OrderType.LIMIT, at, **more)


def sell(at: float, slot: str = "sell", **more: Any) -> WantedOrder:
    return order(slot, Side.SELL, OrderType.LIMIT, at, **more)


def market_buy(**more: Any) -> WantedOrder:
    return order("market", Side.BUY, OrderType.MARKET, **more)


def sell_stop(at: float) -> WantedOrder:
    return order("stop", Side.SELL, OrderType.STOP, at)


def replay(
    prices: str, *rows: Sequence[WantedOrder], market: MarketSpec = LINEAR_1, quote: str = "1000", **more: Any
) -> Result[Script]:
    points = [(60_000 * number, Decimal(price)) for number, price in enumerate(prices.split())]
    finish_at = more.pop("finish_at", None)
    strategy = Scripted(*rows, finish_at=finish_at)
    return run(strategy, StrategyConfig(), market, points, quote=Decimal(quote), options=Options(**more))


def trades(result: Result[Any]) -> list[tuple[int, str, str, bool]]:
    return [(fill.point, fill.slot, str(fill.price.normalize()), fill.is_maker) for fill in result.fills]


class TestTiming:
    def test_a_market_order_fills_at_once_and_is_seen_at_the_next_point(self) -> None:
        result = replay("100 101 102", [market_buy()])
        assert trades(result) == [(0, "market", "1E+2", False)]
        assert result.state.seen == ((1, "market", 100.0),)

    def test_a_resting_order_fills_on_the_way_and_is_seen_where_the_way_ends(self) -> None:
        result = replay("100 97 98", [buy(98)])
        assert trades(result) == [(1, "buy", "98", True)]
        assert result.state.seen == ((1, "buy", 98.0),)

    def test_an_answer_to_a_fill_cannot_fill_on_the_way_that_caused_it(self) -> None:
        """The price falls to 97 and the sell at 99 is placed there: the rise to 99 fills it, not the fall through 99."""
        result = replay("100 97 98 99", [buy(98)], [sell(99)])
        assert trades(result) == [(1, "buy", "98", True), (3, "sell", "99", True)]

    def test_one_way_meets_orders_in_the_order_of_their_prices(self) -> None:
        result = replay("100 90", [buy(92, "low"), buy(96, "high")])
        assert [fill.slot for fill in result.fills] == ["high", "low"]

    def test_what_is_no_longer_wanted_does_not_fill(self) -> None:
        assert trades(replay("100 99 90", [buy(95)], [])) == []

    def test_a_wish_is_filled_once_however_long_it_is_wanted(self) -> None:
        assert len(replay("100 90 100 90 100", [buy(95)]).fills) == 1

    def test_another_price_for_the_same_wish_replaces_its_order(self) -> None:
        assert trades(replay("100 99 96 94", [buy(98)], [buy(95)])) == [(3, "buy", "95", True)]

    def test_it_ends_when_the_strategy_has_finished(self) -> None:
        result = replay("100 101 102 103", [], finish_at=1)
        assert (result.points, result.finish is not None) == (2, True)


class TestPrices:
    def test_a_limit_order_that_crosses_takes_the_points_price(self) -> None:
        assert trades(replay("100 101", [buy(105)])) == [(0, "buy", "1E+2", False)]

    def test_post_only_is_refused_until_it_can_rest(self) -> None:
        result = replay("100 101 107 104", [buy(105, post_only=True)])
        assert [(refused.point, refused.why) for refused in result.refused] == [
            (0, "post-only, and it would fill at once")
        ]
        assert trades(result) == [(3, "buy", "105", True)]

    def test_through_asks_for_a_tick_more_than_a_touch(self) -> None:
        assert trades(replay("100 98", [buy(98)], through=True)) == []
        assert trades(replay("100 97.99", [buy(98)], through=True)) == [(1, "buy", "98", True)]

    def test_a_stop_fills_at_its_price_or_where_a_gap_left_it(self) -> None:
        assert trades(replay("100 90", [sell_stop(95)])) == [(1, "stop", "95", False)]
        assert trades(replay("100 96 90 80", [sell_stop(95)])) == [(2, "stop", "95", False)]

    def test_a_stop_whose_price_is_passed_is_refused_and_a_protective_one_closes_at_market(self) -> None:
        refused = replay("100 94 90", [], [sell_stop(95)])
        assert [each.why for each in refused.refused] == ["the trigger 95 is passed at 94"]
        assert trades(replay("100 94 90", [], [replace(sell_stop(95), protective=True)])) == [(1, "stop", "94", False)]

    def test_slippage_moves_market_and_stop_orders_and_no_limit_orders(self) -> None:
        slippage = Decimal("0.01")
        assert trades(replay("100 100", [market_buy()], slippage=slippage)) == [(0, "market", "101", False)]
        assert trades(replay("100 90", [sell_stop(95)], slippage=slippage)) == [(1, "stop", "94.05", False)]
        assert trades(replay("100 90", [buy(95)], slippage=slippage)) == [(1, "buy", "95", True)]


class TestMoney:
    def test_linear_fees_are_taken_in_quote(self) -> None:
        """Bought at 100 as taker (0.2), sold at 110 as maker (0.11): 10 - 0.31."""
        result = replay("100 111", [market_buy(), sell(110)])
        assert [(fill.fee, fill.fee_in_base) for fill in result.fills] == [
            (Decimal("0.200"), False),
            (Decimal("0.110"), False),
        ]
        assert (result.base, result.quote) == (Decimal(0), Decimal("1009.69"))

    def test_a_spot_buyer_pays_in_base_and_a_seller_in_quote(self) -> None:
        result = replay("100 95 96 111", [buy(98)], [], [sell(110, amount=0.999)], market=SPOT_1)
        assert [(fill.fee, fill.fee_in_base) for fill in result.fills] == [
            (Decimal("0.001"), True),
            (Decimal("0.10989"), False),
        ]
        assert (result.base, result.quote) == (Decimal(0), Decimal("1011.78011"))  # 1000 - 98 + 109.89 - 0.10989

    def test_equity_is_marked_at_every_candles_close(self) -> None:
        result = replay("100 101 102 103 104 105 106 107", [market_buy()])
        assert result.equity == [(180_000, Decimal("1002.8")), (420_000, Decimal("1006.8"))]

    def test_the_strategy_sees_its_position_by_average_cost_after_fees(self) -> None:
        """Short 1 at 110 and 1 at 120, one bought back at 112: 3 earned, less fees of 0.11 + 0.12 + 0.112."""
        both = [sell(110, "a"), sell(120, "b")]
        result = replay("100 111 121 119 111", both, both, [], [buy(112, "c")])
        view = result.state.positions[-1]
        assert (view.amount, view.average_price) == (-1.0, 115.0)
        assert view.realised_pnl == pytest.approx(3 - 0.342)
        assert view.unrealised_pnl == pytest.approx(4.0)
        assert result.quote + result.base * 111 == pytest.approx(Decimal(1000) + Decimal("2.658") + 4)

    def test_a_position_that_turns_over_starts_anew_at_the_price_of_the_turn(self) -> None:
        result = replay("100 111 99", [market_buy(), sell(110, amount=3.0)])
        view = result.state.positions[-1]
        assert (view.amount, view.average_price, view.unrealised_pnl) == (-2.0, 110.0, 22.0)
        assert view.realised_pnl == pytest.approx(10 - 0.2 - 0.33)


class TestRefusals:
    def test_spot_spends_no_more_than_is_free(self) -> None:
        """150 are there; the first order holds back 90, so the second of 80 finds 60."""
        result = replay("100 99", [buy(90, "first"), buy(80, "second")], market=SPOT_1, quote="150")
        assert [(refused.slot, refused.why) for refused in result.refused] == [("second", "worth 80, free are 60")]

    def test_spot_sells_no_more_than_is_free(self) -> None:
        result = replay("100 99", [sell(110)], market=SPOT_1)
        assert [refused.why for refused in result.refused] == ["sells 1, free are 0"]

    @pytest.mark.parametrize(
        ("amount", "why"),
        [
            (0.001, "amount 0 below the minimum 0.01"),
            (0.01, "worth 0.9 below the minimum 5"),
            (9999.0, "above the maximum"),
        ],
    )
    def test_the_markets_limits(self, amount: float, why: str) -> None:
        result = replay("100 99", [buy(90, amount=amount)])
        assert why in result.refused[0].why


def test_a_candle_is_four_points_spread_over_its_time() -> None:
    near_high = Candle(60_000, Decimal(100), Decimal(101), Decimal(95), Decimal(99), Decimal(1))
    near_low = Candle(120_000, Decimal(100), Decimal(105), Decimal(99), Decimal(101), Decimal(1))
    tie = Candle(180_000, Decimal(100), Decimal(102), Decimal(98), Decimal(101), Decimal(1))
    points = [(time, int(price)) for time, price in points_of([near_high, near_low, tie], 60_000)]
    assert points[:4] == [(60_000, 100), (80_000, 101), (100_000, 95), (119_999, 99)]
    assert [price for _, price in points[4:8]] == [100, 99, 105, 101]
    assert [price for _, price in points[8:]] == [100, 98, 102, 101]
