"""A deal from its base order to its take profit, with every figure worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from strategies.contract import FillSeen, MarketKind, OrderType, Side
from tests.strategies.dca.bench import DcaBot
from tests.strategies.markets import LINEAR, SPOT

COINS = replace(LINEAR, tick=Decimal("0.01"), step=Decimal("0.001"), min_amount=Decimal("0.001"), min_notional=None)


def test_a_deal_opens_with_a_market_order_and_nothing_else() -> None:
    bot = DcaBot()
    bot.at(100)
    order = bot.order("base")
    assert bot.slots == ["base"]
    assert (order.side, order.type, order.amount, order.sequence, order.trade) == (
        Side.BUY,
        OrderType.MARKET,
        1.0,
        1,
        "deal:1",
    )
    assert bot.codes == ["dca.started"]


def test_a_table_as_3commas_shows_it() -> None:
    """Base order 10 at 100, safety orders of 20, deviation 1 %, step scale 2, volume scale 1.5, take profit 2 %.

    | k | step | deviation | price | size  | coins | total size | total coins | average |  take profit |
    |---|------|-----------|-------|-------|-------|------------|-------------|---------|--------------|
    | 0 |      |           | 100   | 10    | 0.100 | 10.000     | 0.100       | 100     | 102.00       |
    | 1 | 1    | 1         | 99    | 20    | 0.202 | 29.998     | 0.302       | 99.3311 | 101.32       |
    | 2 | 2    | 3         | 97    | 30    | 0.309 | 59.971     | 0.611       | 98.1522 | 100.12       |
    | 3 | 4    | 7         | 93    | 45    | 0.483 | 104.890    | 1.094       | 95.8775 | 97.80        |
    | 4 | 8    | 15        | 85    | 67.5  | 0.794 | 172.380    | 1.888       | 91.3030 | 93.13        |
    """
    bot = DcaBot(
        COINS,
        base_order_size=10,
        safety_order_size=20,
        safety_orders=4,
        active_safety_orders=2,
        price_deviation=1,
        step_scale=2,
        volume_scale="1.5",
        take_profit=2,
    ).opened(100.0)
    assert bot.book == {
        "safety:1": ("buy", 99.0, 0.202),
        "safety:2": ("buy", 97.0, 0.309),
        "take_profit:1": ("sell", 102.0, 0.1),
    }
    bot.at(98.5, bot.filled("safety:1"))
    assert bot.book == {
        "safety:2": ("buy", 97.0, 0.309),
        "safety:3": ("buy", 93.0, 0.483),
        "take_profit:1": ("sell", 101.32, 0.302),
    }
    bot.at(96, bot.filled("safety:2"))
    assert bot.book == {
        "safety:3": ("buy", 93.0, 0.483),
        "safety:4": ("buy", 85.0, 0.794),
        "take_profit:1": ("sell", 100.12, 0.611),
    }
    bot.at(92, bot.filled("safety:3"))
    assert bot.book == {"safety:4": ("buy", 85.0, 0.794), "take_profit:1": ("sell", 97.8, 1.094)}
    bot.at(84, bot.filled("safety:4"))
    assert bot.book == {"take_profit:1": ("sell", 93.13, 1.888)}
    assert bot.order("take_profit:1").sequence == 1


def test_a_short_deal_is_the_mirror() -> None:
    """Sold 1 at 100; 0.98 more at 102, 0.961… at 104. After the first safety order 199.96 for 1.98: 100.99; −1 %: 99.98."""
    bot = DcaBot(direction="short").opened(100.0)
    assert bot.book == {
        "safety:1": ("sell", 102.0, 0.98),
        "safety:2": ("sell", 104.0, 0.96),
        "safety:3": ("sell", 106.0, 0.94),
        "take_profit:1": ("buy", 99.0, 1.0),
    }
    bot.at(103, bot.filled("safety:1"))
    assert bot.book["take_profit:1"] == ("buy", 99.98, 1.98)


def test_the_next_base_order_goes_out_in_the_step_that_sees_the_take_profit() -> None:
    bot = DcaBot().opened(100.0)
    bot.at(101, bot.filled("take_profit:1"))
    assert bot.slots == ["base"]
    assert bot.order("base").sequence == 2
    assert bot.order("base").trade == "deal:2"
    assert bot.order("base").amount == 0.99  # 100 / 101 on a step of 0.01
    assert bot.codes == ["dca.took_profit", "dca.over", "dca.started"]
    assert bot.decision.notes[1].numbers["profit"] == pytest.approx(1.0)


def test_the_take_profit_of_the_next_deal_is_another_wish() -> None:
    bot = DcaBot().opened(100.0)
    bot.at(101, bot.filled("take_profit:1"))
    bot.at(101, bot.filled("base", price=101))
    assert bot.order("take_profit:1").sequence == 2


def test_a_partly_filled_safety_order_stays_the_same_wish_and_counts_in_the_average() -> None:
    bot = DcaBot().opened(100.0)
    bot.at(98, bot.filled("safety:1", amount=0.5, done=False))
    assert bot.book["safety:1"] == ("buy", 98.0, 1.02)
    # (100 + 49) / 1.5 = 99.3333, + 1 % = 100.3267
    assert bot.book["take_profit:1"] == ("sell", 100.33, 1.5)
    bot.at(98, replace(bot.filled("safety:1"), amount=0.52))
    assert "safety:1" not in bot.slots
    assert bot.book["take_profit:1"][2] == 2.02


def test_what_is_filled_of_a_take_profit_belongs_to_its_amount() -> None:
    """So that its order is amended to what it is in all. 0.4 of 1 coin is sold; then 1.02 are bought at 98.

    The rest of 0.6 stands in at 100: (60 + 99.96) / 1.62 = 98.7407; + 1 % = 99.73.
    """
    bot = DcaBot().opened(100.0)
    bot.at(101, bot.filled("take_profit:1", amount=0.4, done=False))
    assert bot.book["take_profit:1"] == ("sell", 101.0, 1.0)
    bot.at(98, bot.filled("safety:1"))
    assert bot.book["take_profit:1"] == ("sell", 99.73, 2.02)
    assert bot.order("take_profit:1").sequence == 1
    bot.at(99.73, replace(bot.filled("take_profit:1"), amount=1.62))
    assert bot.slots == ["base"]


def test_a_take_profit_that_was_filled_while_it_grew_is_wanted_again_for_the_rest() -> None:
    bot = DcaBot().opened(100.0)
    take_profit = bot.filled("take_profit:1")
    bot.at(99, bot.filled("safety:1"), take_profit)
    assert bot.book["take_profit:1"][2] == 1.02
    assert bot.order("take_profit:1").sequence == 2


def test_on_spot_what_is_sold_is_what_the_fee_left() -> None:
    """100 / 1850 = 0.05405 coins, less 0.1 %: 0.05399595, on the step 0.05399; 0.00000595 are dust."""
    bot = DcaBot(SPOT).opened(1850.0)
    assert bot.book["take_profit:1"] == ("sell", 1868.5, 0.05399)
    bot.at(1868.5, bot.filled("take_profit:1"))
    assert bot.state.held == pytest.approx(0.00000595)
    assert not bot.order("base").reduce_only


def test_not_a_crumb_more_is_sold_than_is_there() -> None:
    """10 coins less a fee of 0.00000001 are a step less than 10: the exchange has no 10 to sell."""
    bot = DcaBot(SPOT, base_order_size=18500)
    bot.at(1850)
    bot.at(1850, FillSeen("base", 1, Side.BUY, 1850.0, 10.0, 0.00000001, 0, True))
    assert bot.book["take_profit:1"][2] == 9.99999


def test_dust_is_sold_with_a_later_deal() -> None:
    bot = DcaBot(SPOT).opened(1850.0)
    bot.at(1850, bot.filled("take_profit:1"))
    bot.at(1850, bot.filled("base", price=1850))
    # 0.05399595 + 0.00000595 = 0.0540019
    assert bot.book["take_profit:1"][2] == 0.054


def test_a_safety_order_that_filled_after_its_deal_is_sold_with_the_next() -> None:
    bot = DcaBot().opened(100.0)
    late = bot.filled("safety:1")
    bot.at(101, bot.filled("take_profit:1"))
    bot.at(101, bot.filled("base", price=101), late)
    # (0.99 × 101 + 1.02 × 98) / 2.01 = 99.4776, + 1 % = 100.47
    assert bot.book["take_profit:1"] == ("sell", 100.47, 2.01)
    assert bot.book["safety:1"][1] == 98.98  # still 2 % below the base order's own price


def test_a_safety_order_that_filled_after_its_deal_is_closed_when_there_is_no_other() -> None:
    bot = DcaBot(cool_down=60).opened(100.0)
    late = bot.filled("safety:1")
    bot.at(101, bot.filled("take_profit:1"))
    assert bot.slots == []
    bot.at(99, late)
    assert bot.book == {"close": ("sell", None, 1.02)}
    assert "dca.left_over" in bot.codes
    bot.at(99, bot.filled("close", price=99))
    assert bot.slots == []
    bot.at(99, seconds=60)
    assert bot.slots == ["base"]


def test_a_base_order_of_which_too_little_was_filled_is_left_and_the_next_deal_starts() -> None:
    market = replace(COINS, kind=MarketKind.SPOT, min_amount=Decimal("0.01"))
    bot = DcaBot(market)
    bot.at(100)
    bot.at(100, bot.filled("base", amount=0.004, price=100, done=False))
    assert bot.slots == ["base"]
    bot.at(100, FillSeen("base", 1, Side.BUY, 100.0, 0.0, 0.0, 0, True))
    assert bot.codes[:3] == ["dca.opened", "dca.too_little", "dca.over"]
    assert bot.order("base").sequence == 2


def test_in_steps_each_step_sells_its_share_and_the_last_one_the_rest() -> None:
    bot = DcaBot(take_profit=None, take_profit_steps="1:30, 2:30, 4:40").opened(100.0)
    steps = {slot: each for slot, each in bot.book.items() if slot.startswith("take")}
    assert steps == {
        "take_profit:1": ("sell", 101.0, 0.3),
        "take_profit:2": ("sell", 102.0, 0.3),
        "take_profit:3": ("sell", 104.0, 0.4),
    }
    bot.at(101, bot.filled("take_profit:1"))
    assert [slot for slot in bot.slots if slot.startswith("take")] == ["take_profit:2", "take_profit:3"]
    bot.at(98, bot.filled("safety:1"))
    # 0.7 at 100 and 1.02 at 98: 98.814; 1.72 shared 30 : 40 is 0.737…, on the step 0.73, and the rest.
    assert bot.book["take_profit:2"] == ("sell", 100.79, 0.73)
    assert bot.book["take_profit:3"] == ("sell", 102.77, 0.99)


def test_a_step_too_small_for_the_market_goes_to_the_next_and_the_last_to_the_one_before() -> None:
    market = replace(COINS, min_amount=Decimal("0.05"))
    bot = DcaBot(market, take_profit=None, take_profit_steps="1:3, 2:94, 4:3").opened(100.0)
    steps = {slot: each for slot, each in bot.book.items() if slot.startswith("take")}
    assert steps == {"take_profit:2": ("sell", 102.0, 1.0)}
    bot.at(102, bot.filled("take_profit:2"))
    assert bot.slots == ["base"]


def test_a_partial_fill_of_one_step_leaves_the_others_as_they_are() -> None:
    bot = DcaBot(take_profit=None, take_profit_steps="1:30, 2:30, 4:40").opened(100.0)
    before = bot.book
    bot.at(101, bot.filled("take_profit:1", amount=0.1, done=False))
    assert bot.book == before
    bot.at(101, replace(bot.filled("take_profit:1"), amount=0.2))
    assert (bot.book["take_profit:2"][2], bot.book["take_profit:3"][2]) == (0.3, 0.4)


def test_a_step_that_was_too_small_gets_its_order_when_the_deal_has_grown() -> None:
    """4 % of 1 coin are less than the minimum of 0.05; of 2.02 they are what 1.010 and 0.929 leave."""
    market = replace(COINS, min_amount=Decimal("0.05"))
    bot = DcaBot(market, take_profit=None, take_profit_steps="1:50, 2:46, 4:4").opened(100.0)
    assert bot.book["take_profit:2"][2] == 0.5
    assert "take_profit:3" not in bot.slots
    bot.at(98, bot.filled("safety:1"))
    assert bot.book["take_profit:2"][2] == 0.929
    assert bot.book["take_profit:3"][2] == 0.081


def test_the_take_profit_can_be_measured_from_the_base_order() -> None:
    bot = DcaBot(take_profit_from="base").opened(100.0)
    bot.at(98, bot.filled("safety:1"))
    assert bot.book["take_profit:1"] == ("sell", 101.0, 2.02)


def test_sizes_can_be_shares_of_an_allocation_and_leverage_multiplies_them() -> None:
    """5 % of 2000 is 100, 10 % is 200; three times as much is traded."""
    bot = DcaBot(size_in="percent", allocation=2000, base_order_size=5, safety_order_size=10, leverage=3).opened(100.0)
    assert bot.book["take_profit:1"][2] == 3.0
    assert bot.book["safety:1"] == ("buy", 98.0, 6.12)  # 600 / 98


def test_on_linear_markets_what_closes_can_only_reduce() -> None:
    bot = DcaBot(stop_loss=10).opened(100.0)
    assert bot.order("take_profit:1").reduce_only
    assert bot.order("stop").reduce_only
    assert not bot.order("safety:1").reduce_only
