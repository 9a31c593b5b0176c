"""Candles in, fills out, worked by hand: one coin an order, maker 0.1 %, taker 0.2 %, on three loops where they know it.

A candle is (open, high, low, close[, volume]); its four points are numbered on from 0, the point that a fill is told at
being the end of the way on which it happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from backtests import engine, exact_records
from backtests.loop.records import CROSSES, NOTHING_TO_REDUCE, TOO_POOR, WRONG_SIDE, Funding
from backtests.points import candles_of, points_of
from backtests.simulation import Options, Simulation, simulate
from exchange.candles.files import Candles
from strategies.contract import MarketSpec, StrategyConfig
from strategies.kernel import OrderRow
from tests.backtests.scripted import BUY, SELL, Script, Scripted, at_market, limit, stop
from tests.strategies.markets import LINEAR, SPOT

MINUTE = 60_000
LINEAR_1 = replace(LINEAR, maker_fee=Decimal("0.001"), taker_fee=Decimal("0.002"))
SPOT_1 = replace(SPOT, maker_fee=Decimal("0.001"), taker_fee=Decimal("0.002"))
Fill = tuple[int, int, int, float, float, bool]  # point, slot, side, price, amount, is maker
MAKER, TAKER = True, False


def history(*candles: tuple[float, ...]) -> Candles:
    table = np.array([(*each, 1e6)[:5] for each in candles], np.float64)
    return Candles(np.arange(len(table), dtype=np.int64) * MINUTE, *np.ascontiguousarray(table.T))


def told(found: Simulation[Any]) -> list[Fill]:
    return [
        (
            int(each.point),
            int(found.slots[each.slot].removeprefix("slot ")) if found.slots[each.slot] != "liquidation" else -1,
            int(each.side),
            float(each.price),
            round(float(each.amount), 9),
            bool(each.is_maker),
        )
        for each in found.fills
    ]


def played(
    candles: Candles,
    orders: Sequence[OrderRow] | Script,
    *,
    market: MarketSpec = LINEAR_1,
    quote: float = 1000.0,
    exactly: bool = True,
    **more: Any,
) -> Simulation[Any]:
    """Compiled; the loop in Python has to say the same, and, where it knows these options, the one in decimals."""
    script: Any = [(0, orders)] if orders and isinstance(orders[0], OrderRow) else orders
    options = Options(**more)
    strategy, config = Scripted(script), StrategyConfig()
    found = simulate(strategy, config, market, candles, "1m", quote=quote, options=options)
    plain = simulate(strategy, config, market, candles, "1m", quote=quote, options=options, compiled=False)
    assert told(plain) == told(found)
    np.testing.assert_array_equal(plain.equity, found.equity)
    if exactly:
        exact = engine.run(
            strategy,
            config,
            market,
            points_of(candles_of(candles), MINUTE),
            quote=Decimal(str(quote)),
            options=exact_records.Options(
                Decimal(str(options.slippage)),
                options.through,
                Decimal(str(options.leverage)),
                Decimal(str(options.spread)),
                options.latency,
            ),
        )
        assert told(found) == [
            (
                each.point,
                int(each.slot.removeprefix("slot ")),
                1 if each.side.value == "buy" else -1,
                float(each.price),
                float(each.amount),
                each.is_maker,
            )
            for each in exact.fills
        ]
        assert [(each.point, each.slot) for each in exact.refused] == [
            (each.point, f"slot {each.slot}") for each in found.refused
        ]
    return found


STOP_AND_TARGET = [at_market(0, BUY), stop(1, SELL, 95, reduce_only=True), limit(2, SELL, 105, reduce_only=True)]
ENTERED: Fill = (0, 0, BUY, 100.0, 1.0, TAKER)
QUIET = (100.0, 101.0, 99.0, 100.0)


class TestOneCandleSpansStopAndTarget:
    def test_the_low_is_nearer_so_the_stop_is_met_first(self) -> None:
        """Open 100, high 108, low 93: the low is 7 away, the high 8."""
        assert told(played(history(QUIET, (100, 108, 93, 100)), STOP_AND_TARGET)) == [
            ENTERED,
            (5, 1, SELL, 95.0, 1.0, TAKER),
        ]

    def test_the_high_is_nearer_so_the_target_is_met_first(self) -> None:
        assert told(played(history(QUIET, (100, 107, 92, 100)), STOP_AND_TARGET)) == [
            ENTERED,
            (5, 2, SELL, 105.0, 1.0, MAKER),
        ]

    def test_equally_near_ones_come_low_first_in_floats_too(self) -> None:
        """1891.43 − 1888.4 and 1888.4 − 1885.37 are both 3.03, and 3.0299999999999727 and 3.0300000000002 as floats."""
        orders = [at_market(0, BUY), stop(1, SELL, 1886, reduce_only=True), limit(2, SELL, 1891, reduce_only=True)]
        tie = (1888.4, 1891.43, 1885.37, 1888.4)
        found = played(history((1888.4, 1888.4, 1888.4, 1888.4), tie), orders, quote=100_000)
        assert told(found)[1:] == [(5, 1, SELL, 1886.0, 1.0, TAKER)]

    @pytest.mark.parametrize("side", [BUY, SELL])
    def test_a_pessimist_takes_the_stop_whichever_is_nearer(self, side: int) -> None:
        down, up = (107.0, 92.0), (108.0, 93.0)  # the target's side is nearer
        high, low = down if side == BUY else up
        stopped, target = 100 - 5 * side, 100 + 5 * side
        orders = [
            at_market(0, side),
            stop(1, -side, stopped, reduce_only=True),
            limit(2, -side, target, reduce_only=True),
        ]
        candles = history(QUIET, (100, high, low, 100))
        assert told(played(candles, orders))[1][1:4] == (2, -side, target)
        found = played(candles, orders, pessimistic=True, exactly=False)
        assert told(found)[1:] == [(5, 1, -side, stopped, 1.0, TAKER)]

    def test_a_pessimist_leaves_a_candle_that_spans_only_one_as_it_is(self) -> None:
        found = played(history(QUIET, (100, 106, 96, 100)), STOP_AND_TARGET, pessimistic=True, exactly=False)
        assert told(found)[1:] == [(6, 2, SELL, 105.0, 1.0, MAKER)]


class TestGaps:
    def test_over_a_limit_fills_at_the_limit(self) -> None:
        """A resting order's own price, though the market opened beyond it."""
        found = played(history(QUIET, (90, 91, 89, 90)), [limit(0, BUY, 95)])
        assert told(found) == [(4, 0, BUY, 95.0, 1.0, MAKER)]

    def test_over_a_stop_fills_at_the_stop_as_the_way_to_the_open_passes_it(self) -> None:
        """The way from the close at 100 to the open at 90 passes 95: these markets are open day and night."""
        found = played(history(QUIET, (90, 91, 89, 90)), [at_market(0, BUY), stop(1, SELL, 95)])
        assert told(found) == [ENTERED, (4, 1, SELL, 95.0, 1.0, TAKER)]

    def test_a_stop_that_comes_when_its_price_is_passed_closes_at_market_if_it_protects(self) -> None:
        late = [(0, [at_market(0, BUY)]), (MINUTE, [stop(1, SELL, 95, protective=True, reduce_only=True)])]
        assert told(played(history(QUIET, (90, 91, 89, 90)), late)) == [ENTERED, (4, 1, SELL, 90.0, 1.0, TAKER)]

    def test_and_is_refused_if_it_does_not(self) -> None:
        found = played(history(QUIET, (90, 91, 89, 90)), [(0, [at_market(0, BUY)]), (MINUTE, [stop(1, SELL, 95)])])
        assert told(found) == [ENTERED]
        assert [(each.point, each.why) for each in found.refused] == [(4, WRONG_SIDE)]


class TestEdges:
    def test_a_market_order_at_the_first_open(self) -> None:
        found = played(history((100, 102, 99, 101)), [at_market(0, BUY)])
        assert told(found) == [ENTERED]
        assert found.equity.tolist() == [pytest.approx(1000 - 0.2 + 1)]

    def test_a_limit_within_the_first_candle(self) -> None:
        assert told(played(history((100, 102, 97, 101)), [limit(0, BUY, 98)])) == [(2, 0, BUY, 98.0, 1.0, MAKER)]

    def test_at_the_last_close(self) -> None:
        """Low first, as it is as near as the high; the close falls from 103 to 97.5 and meets 98 on its way."""
        orders = [(0, []), (MINUTE + 40_000, [limit(0, BUY, 98)])]
        assert told(played(history(QUIET, (100, 103, 97, 97.5)), orders)) == [(7, 0, BUY, 98.0, 1.0, MAKER)]

    def test_what_is_decided_at_the_last_close_fills_only_at_market(self) -> None:
        found = played(history(QUIET), [(0, []), (MINUTE - 1, [limit(0, BUY, 99.5), at_market(1, BUY)])])
        assert told(found) == [(3, 1, BUY, 100.0, 1.0, TAKER)]

    def test_reduce_only_fills_no_more_than_the_position(self) -> None:
        orders = [at_market(0, BUY), limit(1, SELL, 102, 3.0, reduce_only=True)]
        found = played(history(QUIET, (100, 103, 98, 100)), orders)
        assert told(found) == [ENTERED, (6, 1, SELL, 102.0, 1.0, MAKER)]
        assert [(each.point, each.why) for each in found.refused] == [(6, NOTHING_TO_REDUCE)]

    def test_reduce_only_without_a_position_is_refused(self) -> None:
        found = played(history(QUIET), [limit(0, SELL, 102, reduce_only=True)])
        assert [(each.point, each.why) for each in found.refused] == [(0, NOTHING_TO_REDUCE)]

    @pytest.mark.parametrize("side", [BUY, SELL])
    def test_what_was_to_reduce_goes_with_the_position(self, side: int) -> None:
        """Otherwise the limit order at 90 (110) would stand, and open nothing; it is placed again, and refused, at 1."""
        orders = [at_market(0, side), limit(1, -side, 100 + 10 * side, reduce_only=True), at_market(2, -side)]
        found = played(history(QUIET), orders)
        assert [each[:3] for each in told(found)] == [(0, 0, side), (0, 2, -side)]
        assert [(each.point, each.slot, each.why) for each in found.refused] == [(1, 1, NOTHING_TO_REDUCE)]

    def test_post_only_waits_until_it_can_rest(self) -> None:
        found = played(history(QUIET, (97, 99, 95, 99)), [limit(0, SELL, 98, post_only=True)])
        assert [(each.point, each.why) for each in found.refused] == [(0, CROSSES)]
        assert told(found) == [(6, 0, SELL, 98.0, 1.0, MAKER)]

    def test_a_stop_without_the_margin_is_thrown_out_when_it_triggers_and_tried_again(self) -> None:
        """10 at 110 are worth 1,100, with leverage 1 more than there is. Thrown out at point 6, it waits a second."""
        candles = history(QUIET, (100, 111, 99, 111), QUIET)
        found = played(candles, [stop(0, BUY, 110, 10.0)], leverage=1.0)
        assert told(found) == []
        assert [(each.point, each.why) for each in found.refused] == [(7, WRONG_SIDE)]

    def test_spot_spends_what_it_has(self) -> None:
        found = played(history(QUIET), [limit(0, BUY, 90, 2.0), at_market(1, BUY)], market=SPOT_1, quote=250)
        assert [(each.slot, each.why) for each in found.refused] == [(1, TOO_POOR)]


class TestCosts:
    def test_slippage_is_paid_by_market_and_stop_orders(self) -> None:
        """1 %: bought at 101, and sold at 95 × 0.99 = 94.05; a limit that crosses takes the market, and no worse."""
        orders = [at_market(0, BUY), stop(1, SELL, 95), limit(2, BUY, 100.5)]
        assert told(played(history(QUIET, (100, 100, 94, 95)), orders, slippage=0.01)) == [
            (0, 0, BUY, 101.0, 1.0, TAKER),
            (0, 2, BUY, 100.0, 1.0, TAKER),
            (6, 1, SELL, 94.05, 1.0, TAKER),
        ]

    def test_half_the_spread_is_paid_by_takers_and_waited_for_by_makers(self) -> None:
        """2 % between bid and ask: 101 and 99 around 100. A bid of 98 is met by an ask of 98, the middle at 97.03,
        and one of 100.5 rests too, until the middle is at 99.505."""
        orders = [at_market(0, BUY), limit(1, BUY, 98), limit(2, BUY, 100.5)]
        assert told(played(history(QUIET, (100, 100, 97.1, 97.1)), orders, spread=0.02)) == [
            (0, 0, BUY, 101.0, 1.0, TAKER),
            (1, 2, BUY, 100.5, 1.0, MAKER),
        ]
        assert told(played(history(QUIET, (100, 100, 97, 97)), orders[1:2], spread=0.02)) == [
            (6, 1, BUY, 98.0, 1.0, MAKER)
        ]

    def test_impact_is_its_factor_times_the_share_of_volume_squared(self) -> None:
        """Of 20 coins 4 are bought at once: 0.1 × 0.2² = 0.4 %; then 2 more make the share 0.3: 0.9 %."""
        orders = [at_market(0, BUY, 4.0), at_market(1, BUY, 2.0)]
        found = played(history((100, 100, 100, 100, 20)), orders, impact=0.1, exactly=False)
        assert told(found) == [(0, 0, BUY, 100.4, 4.0, TAKER), (0, 1, BUY, 100.9, 2.0, TAKER)]

    def test_impact_at_ziplines_defaults(self) -> None:
        """Its defaults, 0.025 of the volume and a price impact of 0.1: 0.1 × 0.025² is 0.00625 % of the price."""
        candles = history((10_000, 10_000, 10_000, 10_000, 40))
        found = played(candles, [at_market(0, BUY)], quote=10**6, impact=0.1, volume_share=0.025, exactly=False)
        assert told(found) == [(0, 0, BUY, 10_000.63, 1.0, TAKER)]  # 10,000.625, rounded against the taker

    def test_a_price_of_many_ticks_is_rounded_against_the_taker_as_well(self) -> None:
        """7.00000003 is 700,000,003 ticks of 0.00000001; 10 % more are 770,000,003.3 of them and 10 % less 630,000,002.7.
        Of 1,000,000,000 ticks 1 part in 10⁹ is one more; 1 in 10¹⁶ is a ten-millionth of one, which is none."""
        fine = replace(LINEAR_1, tick=Decimal("1e-8"))
        orders = [at_market(0, BUY), at_market(1, SELL, 2.0)]
        assert told(played(history((7.00000003,) * 4), orders, market=fine, slippage=0.1)) == [
            (0, 0, BUY, 7.70000004, 1.0, TAKER),
            (0, 1, SELL, 6.30000002, 2.0, TAKER),
        ]
        for slippage, bought in ((1e-9, 10.00000001), (1e-16, 10.0)):
            found = played(history((10.0,) * 4), [at_market(0, BUY)], market=fine, slippage=slippage)
            assert told(found) == [(0, 0, BUY, bought, 1.0, TAKER)]


class TestWhatABotWaitsFor:
    """The rules of ``bots/plan.py``, so that a back-test trades when a bot does."""

    CLOSING = at_market(2, SELL, reduce_only=True)
    LOW = (98.0, 98.0, 98.0, 98.0)

    @pytest.mark.parametrize(
        ("protective", "closing", "fill"),
        [
            (True, CLOSING, (2, 2, SELL, 101.0, 1.0, TAKER)),
            (False, CLOSING, (1, 2, SELL, 99.0, 1.0, TAKER)),
            (True, limit(2, SELL, 99, reduce_only=True), (1, 2, SELL, 99.0, 1.0, TAKER)),
            (True, at_market(2, BUY), (1, 2, BUY, 99.0, 1.0, TAKER)),
        ],
    )
    def test_a_close_at_market_waits_a_point_for_the_stop_to_be_withdrawn(
        self, protective: bool, closing: OrderRow, fill: Fill
    ) -> None:
        """The points are 100, 99, 101, 100. Both could close the position; a purchase beside a sell stop cannot."""
        guarded = [at_market(0, BUY), stop(1, SELL, 95, reduce_only=True, protective=protective)]
        assert told(played(history(QUIET), [(0, guarded), (20_000, [closing])])) == [ENTERED, fill]

    def test_a_stop_that_only_moves_holds_nothing_up(self) -> None:
        guarded = [at_market(0, BUY), stop(1, SELL, 95, 0.5, reduce_only=True, protective=True)]
        moved = [stop(1, SELL, 96, 0.5, reduce_only=True, protective=True), at_market(2, SELL, 0.5)]
        assert told(played(history(QUIET), [(0, guarded), (20_000, moved)]))[1:] == [(1, 2, SELL, 99.0, 0.5, TAKER)]

    @pytest.mark.parametrize(
        ("candles", "point"),
        [
            # Refused at 0, 20, 40 and 59.999 s, not tried at 60.000 where it could rest, refused at 80, taken at 100.
            ([LOW, (100.0, 103.0, 98.0, 98.0)], 7),
            # Refused at 80 and 100 too, so not tried before 132: not at 120.000, refused at 140, not tried before 204.
            ([LOW, LOW, (100.0, 103.0, 98.5, 102.0), (102.0, 106.0, 98.5, 98.5)], 15),
        ],
    )
    def test_a_refused_order_is_tried_again_after_1_2_4_8_16_32_seconds(
        self, candles: list[tuple[float, ...]], point: int
    ) -> None:
        """Post-only at 99: refused while the price is below, filled on the way down from a point where it rested."""
        found = played(history(*candles), [limit(0, BUY, 99, post_only=True)])
        assert told(found) == [(point, 0, BUY, 99.0, 1.0, MAKER)]

    @pytest.mark.parametrize(
        ("order", "point"),
        [
            (at_market(1, SELL, reduce_only=True), 5),
            (stop(1, SELL, 105, reduce_only=True, protective=True), 4),
        ],
    )
    def test_a_close_at_the_open_waits_after_a_refusal_at_the_close_but_a_stop_does_not(
        self, order: OrderRow, point: int
    ) -> None:
        """There is nothing to reduce at 59.999 s; a millisecond later there is."""
        script = [(59_999, [order]), (60_000, [at_market(0, BUY), order])]
        assert told(played(history(QUIET, QUIET), script)) == [
            (4, 0, BUY, 100.0, 1.0, TAKER),
            (point, 1, SELL, 100.0 if point == 4 else 99.0, 1.0, TAKER),
        ]

    def test_what_a_bot_does_not_send_keeps_nothing_waiting(self) -> None:
        script = [(59_999, [at_market(0, BUY, 1e-9)]), (60_000, [at_market(0, BUY)])]
        assert told(played(history(QUIET, QUIET), script)) == [(4, 0, BUY, 100.0, 1.0, TAKER)]


class TestVolume:
    """A tenth of a candle's volume is the most that fills in it."""

    def test_a_limit_order_is_filled_over_several_candles(self) -> None:
        candles = history((100, 100, 99, 99, 5), (99, 99, 97, 98, 6), (98, 98, 97, 98, 3), (98, 98, 98, 98, 9))
        found = played(candles, [limit(0, BUY, 98)], volume_share=0.1, exactly=False)
        assert told(found) == [
            (6, 0, BUY, 98.0, 0.6, MAKER),
            (8, 0, BUY, 98.0, 0.3, MAKER),
            (12, 0, BUY, 98.0, 0.1, MAKER),
        ]
        assert (found.state.fills, found.state.done) == (3, 1)

    def test_a_market_order_takes_the_rest_at_the_next_points(self) -> None:
        candles = history((100, 102, 100, 101, 4), (103, 104, 103, 103, 100))
        found = played(candles, [at_market(0, BUY)], volume_share=0.1, exactly=False)
        assert told(found) == [(0, 0, BUY, 100.0, 0.4, TAKER), (4, 0, BUY, 103.0, 0.6, TAKER)]

    def test_a_stop_takes_the_rest_at_the_next_points(self) -> None:
        candles = history((100, 100, 100, 100, 100), (100, 100, 94, 94, 4), (93, 93, 92, 92, 100))
        orders = [at_market(0, BUY), stop(1, SELL, 95, reduce_only=True)]
        found = played(candles, orders, volume_share=0.1, exactly=False)
        assert told(found)[1:] == [(6, 1, SELL, 95.0, 0.4, TAKER), (8, 1, SELL, 93.0, 0.6, TAKER)]

    def test_a_limit_that_crossed_rests_with_what_is_left_when_the_price_has_gone(self) -> None:
        candles = history((100, 103, 100, 103, 4), (103, 103, 100.5, 101, 100))
        found = played(candles, [limit(0, BUY, 101)], volume_share=0.1, exactly=False)
        assert told(found) == [(0, 0, BUY, 100.0, 0.4, TAKER), (6, 0, BUY, 101.0, 0.6, MAKER)]

    def test_orders_share_what_there_is_in_the_order_in_which_they_are_met(self) -> None:
        candles = history(QUIET, (100, 100, 95, 95, 15))
        found = played(candles, [limit(0, BUY, 96), limit(1, BUY, 98)], volume_share=0.1, exactly=False)
        assert told(found) == [(6, 1, BUY, 98.0, 1.0, MAKER), (6, 0, BUY, 96.0, 0.5, MAKER)]

    def test_without_volume_nothing_fills(self) -> None:
        candles = history((100, 100, 100, 100, 0), (100, 101, 96, 100, 0), (100, 100, 97, 100, 100))
        found = played(candles, [limit(0, BUY, 98), at_market(1, BUY)], volume_share=0.1, exactly=False)
        assert told(found) == [(8, 1, BUY, 100.0, 1.0, TAKER), (10, 0, BUY, 98.0, 1.0, MAKER)]

    def test_without_a_limit_on_volume_it_does_not_matter(self) -> None:
        found = played(history((100, 100, 97, 100, 0)), [limit(0, BUY, 98)])
        assert told(found) == [(2, 0, BUY, 98.0, 1.0, MAKER)]


class TestLinear:
    def test_a_long_position_is_liquidated_where_only_the_maintenance_margin_is_left(self) -> None:
        """100 coins bought at 100 with 1,000 (fee 20): 980 + 100 (P − 100) = 5 % of 100 P, so P = 9,020 / 95 = 94.947…;
        it is taken over at 90.2, where nothing is left."""
        orders = [at_market(0, BUY, 100.0)]
        stays = played(history(QUIET, (100, 100, 94.95, 95)), orders, leverage=20.0, maintenance=0.05, exactly=False)
        assert (told(stays), stays.liquidated) == ([(0, 0, BUY, 100.0, 100.0, TAKER)], False)
        gone = played(
            history(QUIET, (100, 100, 94.9, 99), QUIET), orders, leverage=20.0, maintenance=0.05, exactly=False
        )
        assert told(gone)[1:] == [(6, -1, SELL, 90.2, 100.0, TAKER)]
        assert (gone.liquidated, gone.candles, gone.equity.tolist()[-1]) == (True, 2, 0.0)
        assert gone.trades[gone.fills.trade[1]] == "trade 0"

    def test_a_short_one_too(self) -> None:
        """980 + 100 (100 − P) = 5 % of 100 P: P = 10,980 / 105 = 104.571…; nothing is left at 109.8."""
        orders = [at_market(0, SELL, 100.0)]
        stays = played(history(QUIET, (100, 104.57, 100, 100)), orders, leverage=20.0, maintenance=0.05, exactly=False)
        assert not stays.liquidated
        gone = played(history(QUIET, (100, 104.58, 100, 100)), orders, leverage=20.0, maintenance=0.05, exactly=False)
        assert told(gone)[1:] == [(6, -1, BUY, 109.8, 100.0, TAKER)]
        assert gone.quote == gone.amount == 0.0

    def test_a_stop_before_the_liquidation_saves_the_rest(self) -> None:
        orders = [at_market(0, BUY, 100.0), stop(1, SELL, 95, 100.0, reduce_only=True)]
        found = played(history(QUIET, (100, 100, 80, 80)), orders, leverage=20.0, maintenance=0.05, exactly=False)
        assert told(found)[1:] == [(6, 1, SELL, 95.0, 100.0, TAKER)]
        assert found.quote == pytest.approx(1000 - 20 - 500 - 19)

    def test_a_stop_behind_it_comes_too_late(self) -> None:
        orders = [at_market(0, BUY, 100.0), stop(1, SELL, 94, 100.0, reduce_only=True)]
        assert played(
            history(QUIET, (100, 100, 80, 80)), orders, leverage=20.0, maintenance=0.05, exactly=False
        ).liquidated

    def test_the_price_below_an_entry_on_the_way_up_liquidates_nobody(self) -> None:
        """Bought by a stop at 105 while the price rises from 90: it never was at 99.7 with that position."""
        orders = [stop(0, BUY, 105, 100.0), limit(1, SELL, 106, 100.0, reduce_only=True)]
        script = [(0, []), (MINUTE, orders)]
        candles = history(QUIET, (90, 90, 90, 90), (107, 107, 107, 107))
        found = played(candles, script, leverage=20.0, maintenance=0.05, exactly=False)
        assert not found.liquidated

    def test_funding_is_paid_at_the_hour_on_the_position_of_then(self) -> None:
        """0.1 % of 102 at the minute 1, the second candle's open; a short is paid, and nobody without a position."""
        candles = history((100, 102, 99, 102), (102, 103, 101, 103), QUIET)
        funding = Funding(np.array([MINUTE], np.int64), np.array([0.001]))
        long = played(candles, [at_market(0, BUY)], funding=funding, exactly=False)
        assert (long.funding, long.equity[1]) == (pytest.approx(0.102), pytest.approx(1000 - 0.2 - 0.102 + 3))
        short = played(candles, [at_market(0, SELL)], funding=funding, exactly=False)
        assert short.funding == pytest.approx(-0.102)
        later = played(candles, [(0, []), (MINUTE, [at_market(0, BUY)])], funding=funding, exactly=False)
        assert later.funding == 0.0

    def test_funding_within_a_candle_is_paid_at_its_next_point(self) -> None:
        """30 s into the first candle: its third point, 40 s, stands at the low of 99."""
        funding = Funding(np.array([30_000], np.int64), np.array([0.01]))
        found = played(history((100, 100.5, 99, 100)), [at_market(0, BUY)], funding=funding, exactly=False)
        assert found.funding == pytest.approx(0.99)

    def test_spot_pays_no_funding(self) -> None:
        funding = Funding(np.array([MINUTE], np.int64), np.array([0.01]))
        found = played(history(QUIET, QUIET), [at_market(0, BUY)], market=SPOT_1, funding=funding, exactly=False)
        assert found.funding == 0.0


class TestLatency:
    """Points lie at 0, 20, 40 and 59.999 seconds; what is decided at one comes to the first one after the latency."""

    @pytest.mark.parametrize(
        ("latency", "point", "price"), [(1, 1, 99.0), (20_000, 1, 99.0), (20_001, 2, 101.0), (60_000, 4, 100.0)]
    )
    def test_a_market_order(self, latency: int, point: int, price: float) -> None:
        found = played(history(QUIET, QUIET), [at_market(0, BUY)], latency=latency)
        assert told(found) == [(point, 0, BUY, price, 1.0, TAKER)]

    def test_from_a_close_it_misses_the_open_a_millisecond_later(self) -> None:
        orders = [(0, []), (MINUTE - 1, [at_market(0, BUY)])]
        assert told(played(history(QUIET, QUIET), orders, latency=250)) == [(5, 0, BUY, 99.0, 1.0, TAKER)]

    def test_a_limit_order_cannot_fill_on_the_way_on_which_it_travels(self) -> None:
        """The fall to 97 passes 98 before the order is there; there it crosses, and takes 97."""
        found = played(history((100, 104, 97, 100)), [limit(0, BUY, 98)], latency=250)
        assert told(found) == [(1, 0, BUY, 97.0, 1.0, TAKER)]

    def test_a_cancel_may_come_too_late(self) -> None:
        """Decided at the second candle's open, and there at the next point: on the way to it, at 97, the order is met."""
        orders = [(0, [limit(0, BUY, 98)]), (MINUTE, [])]
        candles = history(QUIET, (100, 104, 97, 100))
        assert told(played(candles, orders, latency=250)) == [(5, 0, BUY, 98.0, 1.0, MAKER)]
        assert told(played(candles, orders)) == []

    def test_more_than_two_candles_of_latency_are_refused(self) -> None:
        with pytest.raises(ValueError, match="latency is 120001 ms"):
            played(history(QUIET), [], latency=120_001)


@pytest.mark.parametrize(
    ("option", "value"),
    [("slippage", -0.1), ("spread", 1.0), ("volume_share", 1.5), ("leverage", 0.0), ("latency", -1), ("impact", -1.0)],
)
def test_options_out_of_their_range_are_refused(option: str, value: float) -> None:
    changes: dict[str, Any] = {option: value}
    with pytest.raises(ValueError, match=option):
        replace(Options(), **changes)
