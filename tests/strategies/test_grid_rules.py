"""The rules of the grid, one by one, with numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from strategies.contract import MarketKind, OrderType, PositionView, Side
from strategies.grid.lines import RangeUnknown
from tests.strategies.grid_bot import GridBot
from tests.strategies.markets import LINEAR, SPOT
from tests.strategies.stepped import fill_of

# Amounts in whole hundredths and a buyer's fee of 1 %, so that sums can be done in the head.
COARSE_SPOT = replace(
    SPOT, step=Decimal("0.01"), min_amount=Decimal("0.01"), maker_fee=Decimal("0.01"), taker_fee=Decimal("0.01")
)


class TestStart:
    def test_long_intervals_with_their_buy_line_below_the_price_wait_and_the_rest_hold(self) -> None:
        bot = GridBot()
        bot.at(115)
        assert bot.slots == ["entry", "grid:0", "grid:1"]
        entry = bot.order("entry")
        assert (entry.side, entry.type, entry.amount, entry.trade) == (Side.BUY, OrderType.MARKET, 2.0, "grid/entry")
        assert bot.book == [("buy", 100.0, 1.0), ("buy", 110.0, 1.0)]
        bot.at(116, bot.filled("entry", price=115))
        assert bot.book == [("buy", 100.0, 1.0), ("buy", 110.0, 1.0), ("sell", 130.0, 1.0), ("sell", 140.0, 1.0)]

    def test_short_intervals_with_their_sell_line_above_the_price_wait_and_the_rest_hold(self) -> None:
        bot = GridBot(direction="short")
        bot.at(125)
        entry = bot.order("entry")
        assert (entry.side, entry.amount) == (Side.SELL, 2.0)
        assert bot.book == [("sell", 130.0, 1.0), ("sell", 140.0, 1.0)]
        bot.at(124, bot.filled("entry", price=125))
        assert bot.book == [("buy", 100.0, 1.0), ("buy", 110.0, 1.0), ("sell", 130.0, 1.0), ("sell", 140.0, 1.0)]

    def test_neutral_intervals_sell_first_above_the_price_and_buy_first_below_without_an_entry(self) -> None:
        bot = GridBot(direction="neutral")
        bot.at(115)
        assert bot.slots == ["grid:0", "grid:1", "grid:2", "grid:3"]
        assert bot.book == [("buy", 100.0, 1.0), ("sell", 120.0, 1.0), ("sell", 130.0, 1.0), ("sell", 140.0, 1.0)]

    @pytest.mark.parametrize(
        ("direction", "resting"),
        [
            # Interval 120-130 opens with a buy at 120, the price: it holds. Interval 110-120 waits.
            ("long", [("buy", 100.0, 1.0), ("buy", 110.0, 1.0)]),
            # Interval 110-120 opens with a sell at 120, the price: it holds. Interval 120-130 waits.
            ("short", [("sell", 130.0, 1.0), ("sell", 140.0, 1.0)]),
            # Interval 110-120 does not reach above the price: it buys. No order rests at 120.
            ("neutral", [("buy", 100.0, 1.0), ("buy", 110.0, 1.0), ("sell", 130.0, 1.0), ("sell", 140.0, 1.0)]),
        ],
    )
    def test_a_price_exactly_on_a_line(self, direction: str, resting: list[tuple[str, float, float]]) -> None:
        bot = GridBot(direction=direction)
        bot.at(120)
        assert bot.book == resting

    def test_a_range_in_percent_is_laid_around_the_first_price(self) -> None:
        bot = GridBot(lower=None, upper=None, range_percent=10, grids=2, spacing="arithmetic", investment=190)
        bot.at(100)
        assert bot.state.lines == [90.0, 100.0, 110.0]

    def test_a_range_in_atrs_cannot_start_before_it_is_resolved(self) -> None:
        bot = GridBot(lower=None, upper=None, range_atr_multiple=3)
        with pytest.raises(RangeUnknown, match="average true range"):
            bot.at(100)

    def test_equal_quote_buys_more_coins_at_lower_lines(self) -> None:
        bot = GridBot(amount_mode="quote", investment=400)
        bot.at(141)
        # 100 USDT per interval: 100/100, 100/110, 100/120, 100/130, each rounded down to 0.01.
        assert [amount for _, _, amount in bot.book] == [1.0, 0.9, 0.83, 0.76]

    def test_leverage_multiplies_what_is_bought(self) -> None:
        bot = GridBot(leverage=3)
        bot.at(141)
        assert [amount for _, _, amount in bot.book] == [3.0] * 4


class TestTrigger:
    def test_nothing_is_wanted_until_the_price_comes_down_to_the_trigger(self) -> None:
        bot = GridBot(trigger_price=120)
        assert bot.at(130).wanted == ()
        assert bot.codes == ["grid.armed"]
        assert bot.at(121).wanted == ()
        bot.at(118)
        assert bot.codes == ["grid.triggered", "grid.built"]
        assert bot.book == [("buy", 100.0, 1.0), ("buy", 110.0, 1.0)]

    def test_from_below_the_price_has_to_rise_to_it(self) -> None:
        bot = GridBot(trigger_price=120)
        assert bot.at(110).wanted == ()
        assert bot.at(119.99).wanted == ()
        assert bot.at(120).wanted != ()

    def test_a_stop_loss_is_not_looked_at_before_the_trigger(self) -> None:
        bot = GridBot(trigger_price=120, stop_loss_price=95)
        bot.at(90)
        assert bot.finished() == ""
        bot.at(121)
        assert bot.slots[0] == "entry"


class TestCycle:
    def test_a_filled_buy_puts_a_sell_one_line_up_and_a_filled_sell_the_buy_again(self) -> None:
        bot = GridBot().started(115)
        assert bot.order("grid:1").sequence == 0
        bot.at(109, bot.filled("grid:1"))
        sell = bot.order("grid:1")
        assert (sell.side, sell.price, sell.amount, sell.sequence) == (Side.SELL, 120.0, 1.0, 1)
        bot.at(121, bot.filled("grid:1"))
        buy = bot.order("grid:1")
        assert (buy.side, buy.price, buy.amount, buy.sequence) == (Side.BUY, 110.0, 1.0, 2)
        assert bot.codes == ["grid.cycle"]
        assert bot.decision.notes[0].numbers["gross_profit"] == 10.0
        assert bot.state.cycles == 1

    def test_a_short_cycle_earns_when_it_buys_back_a_line_lower(self) -> None:
        bot = GridBot(direction="short").started(115)
        bot.at(121, bot.filled("grid:1"))
        assert (bot.order("grid:1").side, bot.order("grid:1").price) == (Side.BUY, 110.0)
        bot.at(109, bot.filled("grid:1"))
        assert bot.decision.notes[0].numbers["gross_profit"] == 10.0

    def test_a_partly_filled_order_stays_wanted_with_its_whole_amount(self) -> None:
        bot = GridBot().started(115)
        before = bot.order("grid:1")
        bot.at(110, bot.filled("grid:1", amount=0.4, done=False))
        assert bot.order("grid:1") == before
        bot.at(110, bot.filled("grid:1", amount=0.6, done=True))
        assert (bot.order("grid:1").side, bot.order("grid:1").amount) == (Side.SELL, 1.0)

    def test_what_a_sell_that_ends_early_leaves_is_swept_into_the_next_sell(self) -> None:
        bot = GridBot().started(115)
        bot.at(109, bot.filled("grid:1"))
        bot.at(121, bot.filled("grid:1", amount=0.9, done=True))
        assert bot.state.base == pytest.approx(2.1)
        bot.at(109, bot.filled("grid:1"))
        assert bot.order("grid:1").amount == pytest.approx(1.1)

    def test_what_the_entry_bought_belongs_to_the_entry_and_the_next_cycle_to_the_interval(self) -> None:
        bot = GridBot().started(115)
        assert bot.order("grid:2").trade == "grid/entry"
        bot.at(131, bot.filled("grid:2"))
        assert bot.order("grid:2").trade == "grid/2"

    def test_every_interval_can_flip_in_one_step(self) -> None:
        bot = GridBot().started(115)
        bot.at(99, bot.filled("grid:1"), bot.filled("grid:0"))
        assert [side for side, _, _ in bot.book] == ["sell"] * 4

    def test_post_only_is_asked_of_grid_orders_and_not_of_the_entry(self) -> None:
        bot = GridBot(post_only=True)
        bot.at(115)
        assert [order.post_only for order in bot.decision.wanted] == [False, True, True]


class TestFeeInBase:
    """1 coin costs 0.01 of fee. What cannot be sold in whole hundredths is carried as dust into the next sell."""

    def test_the_sell_is_what_is_left_of_the_buy(self) -> None:
        bot = GridBot(COARSE_SPOT).started(141)
        bot.at(130, bot.filled("grid:3"))
        assert bot.order("grid:3").amount == 0.99
        assert bot.state.dust == pytest.approx(0, abs=1e-12)

    def test_dust_is_swept_into_the_next_sell(self) -> None:
        bot = GridBot(COARSE_SPOT, investment=230).started(141)  # half a coin each: 0.495 is left
        bot.at(130, bot.filled("grid:3"))
        assert bot.order("grid:3").amount == 0.49
        assert bot.state.dust == pytest.approx(0.005)
        bot.at(120, bot.filled("grid:2"))
        assert bot.order("grid:2").amount == 0.5
        assert bot.state.dust == pytest.approx(0, abs=1e-12)

    def test_the_entry_is_shared_from_below_with_each_remainder_going_on(self) -> None:
        bot = GridBot(COARSE_SPOT, investment=230)
        bot.at(99)
        assert bot.order("entry").amount == 2.0
        bot.at(99, bot.filled("entry", price=99))  # 1.98 is left, 0.495 each
        assert [amount for _, _, amount in bot.book] == [0.49, 0.5, 0.49, 0.5]
        assert bot.state.dust == pytest.approx(0, abs=1e-12)

    def test_profit_in_base_sells_just_enough_to_get_the_money_back(self) -> None:
        bot = GridBot(COARSE_SPOT, profit_in="base", investment=4600).started(141)  # 10 coins each
        bot.at(100, bot.filled("grid:3"), bot.filled("grid:2"), bot.filled("grid:1"), bot.filled("grid:0"))
        # Interval 0 paid 1000 for 10 coins and sells at 110 less 1 %: 1000 / 108.9 = 9.18..., rounded up 9.19.
        assert bot.order("grid:0").amount == 9.19
        # 9.9 coins are left of each buy; the others sell 1300/138.6, 1200/128.7, 1100/118.8, rounded up.
        assert [amount for _, _, amount in bot.book] == [9.19, 9.26, 9.33, 9.38]
        assert bot.state.kept == pytest.approx(4 * 9.9 - 9.19 - 9.26 - 9.33 - 9.38)

    def test_millions_of_coins_are_not_rounded_up_to_one_that_is_not_there(self) -> None:
        """51,000,040 coins less 0.1 % are 50,949,039.96: the last one is not whole."""
        market = replace(
            SPOT, tick=Decimal("0.00000001"), step=Decimal(1), min_amount=Decimal(1), maker_fee=Decimal("0.001")
        )
        bot = GridBot(market, lower="0.00001", upper="0.00002", grids=1, investment="510.0004").started(0.00003)
        assert bot.order("grid:0").amount == 51_000_040
        bot.at(0.00001, bot.filled("grid:0"))
        assert bot.order("grid:0").amount == 50_949_039

    def test_too_little_to_be_sold_waits_for_the_next_buy(self) -> None:
        market = replace(COARSE_SPOT, min_amount=Decimal("0.5"))
        bot = GridBot(market, investment=230).started(141)
        bot.at(130, bot.filled("grid:3"))
        again = bot.order("grid:3")
        assert (again.side, again.amount, again.sequence) == (Side.BUY, 0.5, 1)
        bot.at(130, bot.filled("grid:3"))
        assert (bot.order("grid:3").side, bot.order("grid:3").amount) == (Side.SELL, 0.99)


class TestExit:
    def test_a_long_grid_sells_all_it_holds_at_the_stop_loss_price_and_then_finishes(self) -> None:
        bot = GridBot(stop_loss_price=95).started(115)
        bot.at(99, bot.filled("grid:1"), bot.filled("grid:0"))
        bot.at(95)
        close = bot.order("close")
        assert bot.slots == ["close"]
        assert (close.side, close.type, close.amount, close.reduce_only) == (Side.SELL, OrderType.MARKET, 4.0, True)
        assert bot.codes == ["grid.stop_loss_price"]
        assert bot.finished() == ""
        bot.at(94)
        assert bot.order("close") == close
        bot.at(94, bot.filled("close", price=94))
        assert bot.slots == []
        assert bot.finished() == "grid.stop_loss_price"

    def test_keep_cancels_everything_and_finishes_at_once(self) -> None:
        bot = GridBot(stop_loss_price=95, on_stop="keep").started(115)
        bot.at(94)
        assert bot.slots == []
        assert bot.finished() != ""
        assert bot.state.base == 2.0

    def test_nothing_to_close_finishes_at_once(self) -> None:
        bot = GridBot(take_profit_price=150).started(141)
        bot.at(150)
        assert bot.slots == []
        assert bot.finished() != ""

    def test_a_short_grid_stops_above_and_takes_profit_below(self) -> None:
        for price, code in ((145.0, "grid.stop_loss_price"), (95.0, "grid.take_profit_price")):
            bot = GridBot(direction="short", stop_loss_price=145, take_profit_price=95).started(125)
            bot.at(price)
            assert bot.codes == [code]
            assert (bot.order("close").side, bot.order("close").amount) == (Side.BUY, 2.0)

    def test_a_neutral_grid_stops_on_both_sides(self) -> None:
        for price in (90.0, 150.0):
            bot = GridBot(direction="neutral", stop_loss_price=90, stop_loss_price_upper=150).started(115)
            bot.at(price)
            assert bot.finished() != ""

    @pytest.mark.parametrize(
        ("pnl", "code"),
        [(-45.9, None), (-46.0, "grid.stop_loss_percent"), (91.9, None), (92.0, "grid.take_profit_percent")],
    )
    def test_profit_and_loss_since_the_start_is_held_against_the_investment(self, pnl: float, code: str | None) -> None:
        """10 % of 460 is 46, 20 % is 92; the position had earned 1000 before this start."""
        bot = GridBot(stop_loss_percent=10, take_profit_percent=20)
        earned = PositionView(realised_pnl=1000.0)
        bot.at(115, position=earned)
        bot.at(115, bot.filled("entry", price=115), position=earned)
        bot.at(116, position=replace(earned, realised_pnl=990.0, unrealised_pnl=10.0 + pnl))
        assert bot.codes == ([] if code is None else [code])

    def test_a_fill_that_arrives_while_closing_is_closed_too(self) -> None:
        bot = GridBot(stop_loss_price=95).started(115)
        late = bot.filled("grid:0")
        bot.at(95)
        bot.at(94, late)
        first = bot.order("close")
        assert first.amount == 2.0
        bot.at(94, bot.filled("close", price=94))
        second = bot.order("close")
        assert (second.amount, second.sequence) == (1.0, first.sequence + 1)
        bot.at(94, bot.filled("close", price=94))
        assert bot.finished() != ""
        assert bot.state.base == 0.0

    def test_more_than_one_order_may_hold_is_closed_in_several(self) -> None:
        bot = GridBot(replace(LINEAR, max_amount=Decimal("1.5")), stop_loss_price=95).started(115)
        bot.at(95)
        assert bot.order("close").amount == 1.5
        bot.at(95, bot.filled("close", price=95))
        assert bot.order("close").amount == 0.5

    def test_an_entry_that_is_only_partly_filled_is_closed_for_what_it_is(self) -> None:
        bot = GridBot(stop_loss_price=95)
        bot.at(115)
        bot.at(95, bot.filled("entry", price=115, amount=0.5, done=False))
        assert (bot.slots, bot.order("close").amount) == (["close"], 0.5)

    def test_a_reduce_only_close_may_be_worth_less_than_the_minimum(self) -> None:
        bot = GridBot(stop_loss_price=95)
        bot.at(115)
        bot.at(95, bot.filled("entry", price=115, amount=0.01, done=False))  # 0.95 USDT; the minimum is 5
        assert bot.order("close").amount == 0.01

    def test_the_spot_close_is_not_reduce_only(self) -> None:
        bot = GridBot(COARSE_SPOT, stop_loss_price=95).started(115)
        assert bot.market.kind is MarketKind.SPOT
        bot.at(95)
        assert bot.order("close").reduce_only is False

    def test_profit_kept_in_base_is_not_closed(self) -> None:
        bot = GridBot(COARSE_SPOT, profit_in="base", investment=4600, stop_loss_price=95).started(141)
        bot.at(130, bot.filled("grid:3"))
        bot.at(95)
        # 9.9 coins were left of the buy, of which 9.38 were to be sold and 0.52 are profit.
        assert bot.order("close").amount == 9.38


class TestTrailing:
    def test_up_as_in_the_example_of_a_large_exchange(self) -> None:
        """25,000 to 45,000 in 5 intervals: at 49,000 the buy at 25,000 goes and one at 45,000 comes."""
        bot = GridBot(lower=25000, upper=45000, grids=5, investment=165000, trailing_up=True).started(46000)
        assert [price for _, price, _ in bot.book] == [25000.0, 29000.0, 33000.0, 37000.0, 41000.0]
        bot.at(48999.99)
        assert [price for _, price, _ in bot.book] == [25000.0, 29000.0, 33000.0, 37000.0, 41000.0]
        bot.at(49000)
        assert bot.codes == ["grid.trailed_up"]
        assert [price for _, price, _ in bot.book] == [29000.0, 33000.0, 37000.0, 41000.0, 45000.0]
        moved = bot.order("grid:0")
        assert (moved.side, moved.price, moved.sequence) == (Side.BUY, 45000.0, 1)

    def test_a_jump_over_several_lines_moves_by_all_of_them(self) -> None:
        bot = GridBot(trailing_up=True).started(141)
        bot.at(171)
        assert bot.state.lines == [130.0, 140.0, 150.0, 160.0, 170.0]
        assert [price for _, price, _ in bot.book] == [130.0, 140.0, 150.0, 160.0]

    def test_the_top_line_stops_at_its_limit(self) -> None:
        bot = GridBot(trailing_up=True, trailing_up_limit=155).started(141)
        bot.at(171)
        assert bot.state.lines[-1] == 150.0

    def test_down_moves_the_highest_sell_to_the_old_bottom_line(self) -> None:
        bot = GridBot(trailing_down=True).started(115)
        bot.at(99, bot.filled("grid:1"), bot.filled("grid:0"))
        bot.at(90)
        assert bot.codes == ["grid.trailed_down"]
        assert bot.state.lines == [90.0, 100.0, 110.0, 120.0, 130.0]
        assert bot.book == [("sell", price, 1.0) for price in (100.0, 110.0, 120.0, 130.0)]
        assert (bot.slots, bot.order("grid:3").sequence) == (["grid:3", "grid:0", "grid:1", "grid:2"], 1)

    def test_up_and_down_again_never_uses_a_sequence_twice(self) -> None:
        bot = GridBot(trailing_up=True, trailing_down=True, direction="neutral").started(141)
        bot.at(150)
        assert bot.order("grid:0").sequence == 1
        bot.at(101, *[bot.filled(slot) for slot in reversed(bot.slots)])
        assert (bot.state.lines[0], bot.order("grid:0").sequence) == (110.0, 2)
        bot.at(100)
        assert (bot.state.lines[0], bot.order("grid:0").sequence) == (100.0, 3)
        assert (bot.order("grid:0").side, bot.order("grid:0").price) == (Side.SELL, 110.0)

    def test_a_partly_filled_order_is_not_moved(self) -> None:
        bot = GridBot(trailing_up=True).started(141)
        bot.at(141, bot.filled("grid:0", amount=0.5, done=False))
        bot.at(151)
        assert bot.state.lines[0] == 100.0
        bot.at(151, bot.filled("grid:0", amount=0.5))
        assert bot.order("grid:0").side is Side.SELL

    def test_a_short_grid_takes_its_lowest_buy_up(self) -> None:
        bot = GridBot(direction="short", trailing_up=True).started(141)
        assert bot.book == [("buy", price, 1.0) for price in (100.0, 110.0, 120.0, 130.0)]
        bot.at(150)
        assert bot.book == [("buy", price, 1.0) for price in (110.0, 120.0, 130.0, 140.0)]

    def test_the_stop_loss_price_follows_the_range(self) -> None:
        bot = GridBot(trailing_up=True, stop_loss_price=95).started(141)
        bot.at(161)  # two intervals up: the stop is at 115
        bot.at(115.01)
        assert bot.finished() == ""
        bot.at(115)
        assert bot.finished() != ""

    def test_unless_it_is_told_to_stay(self) -> None:
        bot = GridBot(trailing_up=True, stop_loss_price=95, trail_stop_loss=False).started(141)
        bot.at(161)
        bot.at(115)
        assert bot.finished() == ""

    def test_geometric_lines_go_on_in_the_same_ratio(self) -> None:
        bot = GridBot(lower=100, upper=400, grids=2, spacing="geometric", investment=300, trailing_up=True).started(401)
        bot.at(800)
        assert bot.state.lines == [200.0, 400.0, 800.0]


class TestRecentre:
    def test_the_grid_is_given_up_after_the_wait_and_built_again_one_step_later(self) -> None:
        bot = GridBot(on_range_left="recentre", recentre_after=60).started(141)
        bot.at(155)
        bot.at(155, seconds=59)
        assert len(bot.book) == 4
        bot.at(155, seconds=1)
        assert bot.codes == ["grid.range_left"]
        assert bot.slots == []
        bot.at(156)
        assert bot.codes == ["grid.built"]
        assert bot.state.lines == [136.0, 146.0, 156.0, 166.0, 176.0]
        # Nothing was held; the two intervals from 156 up need 460 / (136 + 146 + 156 + 166) = 0.76 coins each.
        assert bot.order("entry").amount == 1.52
        assert [order.sequence for order in bot.decision.wanted] == [0, 1, 1]

    def test_coming_back_starts_the_wait_again(self) -> None:
        bot = GridBot(on_range_left="recentre", recentre_after=60).started(141)
        bot.at(155)
        bot.at(145, seconds=59)
        bot.at(155, seconds=1)
        bot.at(155, seconds=59)
        assert bot.codes == []
        assert len(bot.book) == 4

    def test_what_is_held_counts_towards_what_the_new_grid_needs(self) -> None:
        bot = GridBot(on_range_left="recentre", recentre_after=0).started(115)
        bot.at(99, bot.filled("grid:1"), bot.filled("grid:0"))  # four coins are held now
        bot.at(85)
        bot.at(85)
        # Lines 65 ... 105; investment 460 over 65+75+85+95 is 1.43 coins each; two intervals hold: 2.86.
        entry = bot.order("entry")
        assert entry.side is Side.SELL
        assert entry.amount == pytest.approx(4.0 - 2.86)
        bot.at(85, bot.filled("entry", price=85))
        assert bot.book == [("buy", 65.0, 1.43), ("buy", 75.0, 1.43), ("sell", 95.0, 1.43), ("sell", 105.0, 1.43)]

    def test_a_fill_of_the_old_grid_that_arrives_after_the_new_one_stands_is_kept_as_dust(self) -> None:
        bot = GridBot(on_range_left="recentre", recentre_after=0).started(141)
        old = bot.order("grid:3")
        bot.at(155)
        bot.at(156)
        bot.at(156, bot.filled("entry", price=156))
        before = bot.book
        bot.at(156, fill_of(old, bot.market))
        assert bot.book == before
        assert bot.state.dust == pytest.approx(1.0, abs=0.02)

    def test_a_range_that_would_reach_below_nothing_is_built_where_it_was(self) -> None:
        bot = GridBot(on_range_left="recentre", recentre_after=0, lower=20, upper=120, grids=5).started(115)
        bot.at(0.01)
        assert bot.codes == []
        bot = GridBot(on_range_left="recentre", recentre_after=0, lower=40, upper=120, grids=4).started(115)
        bot.at(19)
        bot.at(19)
        assert bot.state.lines == [40.0, 60.0, 80.0, 100.0, 120.0]
