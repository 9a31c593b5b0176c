"""What bots have in common, worked by hand: free money and coins, margin, one position on a market, liquidation.

A candle's four points are numbered on from 0; they lie at 0, 20, 40 and just before 60 seconds of its minute. Nothing is
asked for a fill unless it is said.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar, Final

import pytest

from backtests.loop.records import NOTHING_TO_REDUCE, TOO_POOR
from tests.backtests.portfolio.accounts import Part, played, told
from tests.backtests.scripted import BUY, SELL, at_market, limit
from tests.strategies.markets import LINEAR, SPOT

FREE: Final[dict[str, Any]] = {"maker_fee": Decimal(0), "taker_fee": Decimal(0)}
SPOT_0, LINEAR_0 = replace(SPOT, **FREE), replace(LINEAR, **FREE)
LINEAR_FEE = replace(LINEAR, maker_fee=Decimal("0.001"), taker_fee=Decimal("0.002"))
QUIET = (100.0, 100.0, 100.0, 100.0)
TEN: Final[dict[str, Any]] = {"leverage": 10, "maintenance_margin": 0}


class TestSpot:
    @pytest.mark.parametrize(("price", "is_taken"), [(406.00, True), (406.01, False)])
    def test_a_resting_order_of_another_bot_holds_its_money(self, price: float, is_taken: bool) -> None:
        """6 at 99 hold 594 of 1,000: 406.00 are free, and a cent more is refused."""
        first = Part("ETH/USDT", [limit(0, BUY, 99, 6.0)], [QUIET])
        second = Part("BTC/USDT", [limit(0, BUY, price)], [(500, 500, 405, 500)])
        _, (one, two) = played([first, second], SPOT_0)
        assert told(one) == []
        assert told(two) == ([(2, "slot 0", 1, price, 1.0)] if is_taken else [])
        assert [each.why for each in two.refused] == ([] if is_taken else [TOO_POOR])

    def test_at_the_same_instant_the_first_bot_of_the_portfolio_comes_first(self) -> None:
        parts = [Part(f"{coin}/USDT", [at_market(0, BUY, 6.0)], [QUIET]) for coin in ("ETH", "BTC")]
        _, (one, two) = played(parts, SPOT_0)
        assert told(one) == [(0, "slot 0", 1, 100.0, 6.0)]
        assert (told(two), [each.why for each in two.refused]) == ([], [TOO_POOR])

    def test_money_that_comes_free_within_a_candle_is_there_for_the_next_point(self) -> None:
        """The first bot sells at 110 on the way to the high, the third point. The second one, which needs 500, is refused
        while 400 are free, tries again a second later at the earliest, and buys at that very point: it is stepped after
        the first. Were whole candles stepped in turn it would not buy before the next minute."""
        first = Part(
            "ETH/USDT",
            [(0, [at_market(0, BUY, 6.0)]), (20_000, [limit(1, SELL, 110, 6.0)])],
            [(100, 110, 99, 105), QUIET],
        )
        second = Part("BTC/USDT", [(20_000, [at_market(0, BUY, 5.0)])], [QUIET, QUIET])
        _, (one, two) = played([first, second], SPOT_0)
        assert told(one) == [(0, "slot 0", 1, 100.0, 6.0), (2, "slot 1", -1, 110.0, 6.0)]
        assert [(each.point, each.why) for each in two.refused] == [(1, TOO_POOR)]
        assert told(two) == [(2, "slot 0", 1, 100.0, 5.0)]
        # Earlier in the portfolio, it looks before the sale of that point.
        _, (two, one) = played([second, first], SPOT_0)
        assert told(two) == [(3, "slot 0", 1, 100.0, 5.0)]

    def test_bots_on_one_symbol_share_its_coins(self) -> None:
        """The account holds 5 coins, whichever bot has bought them: the second may sell 3 of them and no 3 more."""
        first = Part("ETH/USDT", [at_market(0, BUY, 5.0)], [QUIET])
        second = Part("ETH/USDT", [at_market(0, SELL, 3.0), at_market(1, SELL, 3.0)], [QUIET])
        _, (one, two) = played([first, second], SPOT_0)
        assert told(two) == [(0, "slot 0", -1, 100.0, 3.0)]
        assert [each.why for each in two.refused] == [TOO_POOR]
        assert one.amount + two.amount == 2.0
        assert one.equity[-1] + two.equity[-1] - 1000.0 == 1000.0

    def test_a_bot_of_long_candles_meets_the_others_at_its_own_points(self) -> None:
        """The three-minute bot's second point is at one minute, and the others' fifth: 500 came free at their third."""
        short = Part(
            "ETH/USDT", [(0, [at_market(0, BUY, 6.0)]), (20_000, [limit(1, SELL, 110, 6.0)])], [(100, 110, 99, 105)] * 3
        )
        long = Part("BTC/USDT", [(60_000, [at_market(0, BUY, 5.0)])], [QUIET], step=180_000)
        _, (one, two) = played([short, long], SPOT_0)
        assert told(two) == [(1, "slot 0", 1, 100.0, 5.0)]
        assert two.fills[0].timestamp == 60_000
        assert (len(one.equity), len(two.equity)) == (3, 1)


class TestMargin:
    @pytest.mark.parametrize(("amount", "is_taken"), [(48.03, True), (48.04, False)])
    def test_positions_of_all_bots_take_margin(self, amount: float, is_taken: bool) -> None:
        """50 at 100, leverage 10: 500 of margin and a fee of 10 leave 490 of 1,000. An order needs a tenth of its worth and
        its fee of 0.2 %: 48.03 need 480.30 and 9.606, which is there; 48.04 need 480.40 and 9.608, 0.8 cents more."""
        first = Part("ETH/USDT:USDT", [at_market(0, BUY, 50.0)], [QUIET])
        second = Part("BTC/USDT:USDT", [at_market(0, SELL, amount)], [QUIET])
        _, (one, two) = played([first, second], LINEAR_FEE, **TEN)
        assert told(one) == [(0, "slot 0", 1, 100.0, 50.0)]
        assert told(two) == ([(0, "slot 0", -1, 100.0, amount)] if is_taken else [])
        assert [each.why for each in two.refused] == ([] if is_taken else [TOO_POOR])

    @pytest.mark.parametrize(("amount", "is_taken"), [(41.00, True), (41.01, False)])
    def test_an_unrealised_loss_of_another_bot_is_not_free(self, amount: float, is_taken: bool) -> None:
        """50 bought at 100 stand at 98 in the second minute: equity 900, margin 490. 41 at 100 need the 410 that are left."""
        first = Part("ETH/USDT:USDT", [at_market(0, BUY, 50.0)], [QUIET, (98, 98, 98, 98)])
        second = Part("BTC/USDT:USDT", [(60_000, [at_market(0, BUY, amount)])], [QUIET, QUIET])
        _, (_, two) = played([first, second], LINEAR_0, **TEN)
        assert told(two) == ([(4, "slot 0", 1, 100.0, amount)] if is_taken else [])

    def test_open_orders_of_another_bot_hold_margin(self) -> None:
        """Two orders of 50 at 100 hold 500 each; with the third there would be 1,500."""
        coins = ("ETH", "BTC", "SOL")
        parts = [Part(f"{coin}/USDT:USDT", [limit(0, BUY, 100, 50.0)], [(101, 101, 101, 101)]) for coin in coins]
        _, found = played(parts, LINEAR_0, **TEN)
        assert [[each.why for each in one.refused] for one in found] == [[], [], [TOO_POOR]]


class TestOneSymbol:
    """On a linear market the exchange knows one position, the sum of what the bots hold."""

    def test_positions_that_even_out_need_no_margin(self) -> None:
        """Long 90 and short 90 are nothing, so a third bot may use the whole 1,000; long 90 alone would leave 100."""
        parts = [
            Part("ETH/USDT:USDT", [at_market(0, BUY, 90.0)], [QUIET]),
            Part("ETH/USDT:USDT", [at_market(0, SELL, 90.0)], [QUIET]),
            Part("BTC/USDT:USDT", [at_market(0, BUY, 100.0)], [QUIET]),
        ]
        _, found = played(parts, LINEAR_0, **TEN)
        assert [told(each)[0][2:] for each in found] == [(1, 100.0, 90.0), (-1, 100.0, 90.0), (1, 100.0, 100.0)]
        _, (_, third) = played([parts[0], parts[2]], LINEAR_0, **TEN)
        assert [each.why for each in third.refused] == [TOO_POOR]

    def test_nothing_is_reduced_where_there_is_no_position(self) -> None:
        """The first bot holds 2, the account nothing: the exchange refuses to reduce. Both keep their own ledgers."""
        first = Part("ETH/USDT:USDT", [(0, [at_market(0, BUY, 2.0)]), (60_000, [at_market(1, SELL, 2.0, reduce_only=True)])], [QUIET] * 2)  # fmt: skip
        second = Part("ETH/USDT:USDT", [(0, [at_market(0, SELL, 2.0)])], [QUIET] * 2)
        _, (one, two) = played([first, second], LINEAR_0, **TEN)
        assert [each.why for each in one.refused] == [NOTHING_TO_REDUCE]
        assert (one.amount, two.amount) == (2.0, -2.0)

    def test_what_was_to_reduce_is_cancelled_with_the_account_s_position(self) -> None:
        """The first bot's take profit at 110 would fill in the third minute; the second bot has sold in the second one,
        and what it was to reduce is gone. When the second buys back, in the fourth, it is placed again, at 110."""
        path = [QUIET, QUIET, (100, 111, 100, 100), QUIET, (100, 111, 100, 100)]
        first = Part(
            "ETH/USDT:USDT",
            [(0, [at_market(0, BUY, 2.0)]), (20_000, [limit(1, SELL, 110, 2.0, reduce_only=True)])],
            path,
        )
        second = Part("ETH/USDT:USDT", [(60_000, [at_market(0, SELL, 2.0)]), (180_000, [at_market(1, BUY, 2.0)])], path)
        for parts in ([first, second], [second, first]):
            _, found = played(parts, LINEAR_0, **TEN)
            one = found[parts.index(first)]
            assert told(one) == [(0, "slot 0", 1, 100.0, 2.0), (18, "slot 1", -1, 110.0, 2.0)]
            assert NOTHING_TO_REDUCE in [each.why for each in one.refused]


class TestLiquidation:
    """Long 50 ETH at 100 and short 20 BTC at 100 on 1,000, leverage 10, maintenance 1 %.

    Equity 1000 + 50 × (p − 100) − 20 × (q − 100) comes down to 1 % of 50 p + 20 q, with q at 100, where 49.5 p = 4020. There
    it is 1 % of the worth, so each price is taken 1 % worse: ETH at 0.99 × 4020 / 49.5 = 80.40, BTC at 101.00.
    """

    HELD = ([at_market(0, BUY, 50.0)], [at_market(0, SELL, 20.0)])
    TERMS: ClassVar[dict[str, Any]] = {"leverage": 10, "maintenance_margin": "0.01"}

    def test_it_closes_every_position_and_leaves_nothing(self) -> None:
        falls = [QUIET, (100, 100, 70, 90), QUIET]
        parts = [Part("ETH/USDT:USDT", self.HELD[0], falls), Part("BTC/USDT:USDT", self.HELD[1], [QUIET] * 3)]
        run, (one, two) = played(parts, LINEAR_0, **self.TERMS)
        # 70 is the farther extreme: open, high, low, close.
        assert told(one) == [(0, "slot 0", 1, 100.0, 50.0), (6, "liquidation", -1, 80.4, 50.0)]
        assert told(two) == [(0, "slot 0", -1, 100.0, 20.0), (6, "liquidation", 1, 101.0, 20.0)]
        assert run.liquidated_at == 60_000 + 40_000
        assert (one.liquidated, two.liquidated) == (True, True)
        assert one.quote + two.quote - 1000.0 == pytest.approx(0.0, abs=1e-9)
        assert (one.amount, two.amount, len(one.equity), len(two.equity)) == (0.0, 0.0, 2, 2)

    def test_alone_the_same_position_would_have_lived_longer(self) -> None:
        """1000 + 50 (p − 100) = 0.5 p at p = 80.808…, closed at 80.00: the other position's margin is what it lacks."""
        _, (one,) = played([Part("ETH/USDT:USDT", self.HELD[0], [QUIET, (100, 100, 81, 90)])], LINEAR_0, **self.TERMS)
        assert not one.liquidated
        _, (one,) = played([Part("ETH/USDT:USDT", self.HELD[0], [QUIET, (100, 100, 70, 90)])], LINEAR_0, **self.TERMS)
        assert told(one)[-1] == (6, "liquidation", -1, 80.0, 50.0)

    def test_the_other_position_may_have_saved_it_before(self) -> None:
        """At one instant the first bot's market moves first, and the other one follows. ETH first loses 1,500 of 1,000; BTC
        first earns 20 × 30 = 600, and ETH at 70 leaves 100, which is more than 1 % of 3,500 and 1,400."""
        eth = Part("ETH/USDT:USDT", self.HELD[0], [QUIET, (100, 100, 70, 100)])
        btc = Part("BTC/USDT:USDT", self.HELD[1], [QUIET, (100, 100, 70, 70)])
        run, _ = played([eth, btc], LINEAR_0, **self.TERMS)
        assert run.liquidated_at == 100_000
        run, found = played([btc, eth], LINEAR_0, **self.TERMS)
        assert run.liquidated_at is None
        assert [float(each.equity[1]) - 1000.0 for each in found] == [600.0, 0.0]

    def test_orders_on_the_way_fill_before_it(self) -> None:
        """The ETH bot buys 10 more at 90 on the way: then equity is 1000 − 5000 − 900 + 2000 + 60 p − 2000 = 60 p − 4900, and
        1 % of 60 p + 2000 at p = 4920 / 59.4. 1 % lower is 82.00."""
        wants = [at_market(0, BUY, 50.0), limit(1, BUY, 90, 10.0)]
        parts = [
            Part("ETH/USDT:USDT", wants, [QUIET, (100, 100, 70, 90)]),
            Part("BTC/USDT:USDT", self.HELD[1], [QUIET] * 2),
        ]
        _, (one, two) = played(parts, LINEAR_0, **self.TERMS)
        assert told(one) == [
            (0, "slot 0", 1, 100.0, 50.0),
            (6, "slot 1", 1, 90.0, 10.0),
            (6, "liquidation", -1, 82.0, 50.0),
            (6, "liquidation", -1, 82.0, 10.0),
        ]
        assert told(two)[-1] == (6, "liquidation", 1, 101.0, 20.0)
        assert one.quote + two.quote - 1000.0 == pytest.approx(0.0, abs=1e-9)

    def test_it_is_found_where_no_bot_does_anything(self) -> None:
        """Neither market ruins the account alone: ETH at 90 costs 500, BTC at 122 costs 440. 500 − 20 (q − 100) is 1 % of
        4500 + 20 q at q = 2455 / 20.2; BTC is closed 1 % higher at 122.75, ETH 1 % lower at 89.10."""
        parts = [
            Part("ETH/USDT:USDT", self.HELD[0], [QUIET, (100, 100, 90, 90), (90, 90, 90, 90)]),
            Part("BTC/USDT:USDT", self.HELD[1], [QUIET, QUIET, (100, 125, 100, 110)]),
        ]
        run, (one, two) = played(parts, LINEAR_0, **self.TERMS)
        assert told(one)[-1] == (10, "liquidation", -1, 89.1, 50.0)
        assert told(two)[-1] == (10, "liquidation", 1, 122.75, 20.0)
        assert run.liquidated_at == 160_000
        assert one.quote + two.quote - 1000.0 == pytest.approx(0.0, abs=1e-9)

    def test_a_market_on_which_no_bot_does_anything_is_followed_too(self) -> None:
        """Two bots that even out on ETH, and one that is stepped on BTC at every point: ETH's fall costs nothing."""
        falls = [QUIET, (100, 100, 10, 90)]
        parts = [
            Part("ETH/USDT:USDT", [at_market(0, BUY, 50.0)], falls),
            Part("ETH/USDT:USDT", [at_market(0, SELL, 50.0)], falls),
            Part("BTC/USDT:USDT", [limit(0, BUY, 99, 1.0)], [QUIET, QUIET]),
        ]
        run, _ = played(parts, LINEAR_0, **self.TERMS)
        assert run.liquidated_at is None
