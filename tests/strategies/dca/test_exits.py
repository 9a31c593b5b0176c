"""Stop loss, trailing take profit, time and what comes after."""

from __future__ import annotations

import pytest

from strategies.contract import FillSeen, OrderType, Side
from tests.strategies.dca.bench import DcaBot
from tests.strategies.markets import SPOT


def test_on_linear_the_stop_loss_stands_at_the_exchange_for_all_that_is_held() -> None:
    bot = DcaBot(stop_loss=10).opened(100.0)
    stop = bot.order("stop")
    assert (stop.side, stop.type, stop.trigger_price, stop.amount, stop.protective) == (
        Side.SELL,
        OrderType.STOP,
        90.0,
        1.0,
        True,
    )
    bot.at(98, bot.filled("safety:1"))
    # The average is 199.96 / 2.02 = 98.9901; − 10 % = 89.09. It is the same wish at another price and amount.
    assert (bot.order("stop").trigger_price, bot.order("stop").amount, bot.order("stop").sequence) == (89.09, 2.02, 1)


def test_a_short_deal_is_stopped_above() -> None:
    bot = DcaBot(stop_loss=10, direction="short").opened(100.0)
    assert (bot.order("stop").side, bot.order("stop").trigger_price) == (Side.BUY, 110.0)
    bot.at(110.0)
    assert bot.book == {"close": ("buy", None, 1.0)}


def test_a_stop_that_was_carried_out_ends_the_deal_and_the_next_starts() -> None:
    bot = DcaBot(stop_loss=10).opened(100.0)
    bot.at(95, bot.filled("stop", price=90))
    assert "dca.stop_loss" in bot.codes
    assert bot.order("base").sequence == 2
    assert bot.decision.notes[1].numbers["profit"] == pytest.approx(-10.0)
    bot.at(95, bot.filled("base", price=95))
    assert bot.order("stop").sequence == 2


def test_what_a_safety_order_bought_beside_the_stop_is_closed_at_market() -> None:
    bot = DcaBot(stop_loss=3).opened(100.0)
    bot.at(96, bot.filled("safety:1"), bot.filled("stop", price=97))
    assert bot.book == {"close": ("sell", None, 1.02)}


def test_what_fills_while_a_deal_is_closed_changes_the_same_closing_order() -> None:
    bot = DcaBot(SPOT, stop_loss=3).opened(100.0)
    safety, take_profit = bot.filled("safety:1"), bot.filled("take_profit:1", amount=0.25, done=False)
    bot.at(96)
    assert bot.book == {"close": ("sell", None, 0.999)}
    bot.at(96, safety)
    assert bot.book == {"close": ("sell", None, 2.01837)}  # 0.999 + 1.02040 less 0.1 %
    assert bot.order("close").sequence == 1
    bot.at(96, take_profit)
    assert bot.book == {"close": ("sell", None, 1.76837)}
    bot.at(96, bot.filled("close", price=96, amount=1, done=False))
    assert bot.order("close").amount == 1.76837
    bot.at(96, bot.filled("close", price=96, amount=0.76837))
    assert bot.slots == ["base"]


def test_a_close_of_which_too_little_is_left_stands_until_the_platform_gives_it_up() -> None:
    """0.9990 coins; 0.0005 are less than the minimum of 0.00062."""
    bot = DcaBot(SPOT, stop_loss=3).opened(100.0)
    bot.at(96)
    bot.at(96, bot.filled("close", price=96, amount=0.9985, done=False))
    assert bot.book == {"close": ("sell", None, 0.999)}
    bot.at(96, FillSeen("close", 1, Side.SELL, 96.0, 0.0, 0.0, 0, True))
    assert bot.slots == ["base"]
    assert bot.state.held == pytest.approx(0.0005)


def test_a_stop_loss_on_spot_is_the_bot_s_own_check() -> None:
    bot = DcaBot(SPOT, stop_loss=10).opened(100.0)
    assert "stop" not in bot.slots
    bot.at(90.01)
    assert "close" not in bot.slots
    bot.at(90.0)
    assert bot.slots == ["close"]
    assert bot.codes == ["dca.stop_loss"]


def test_with_a_time_out_the_price_has_to_stay_beyond_the_stop() -> None:
    bot = DcaBot(stop_loss=10, stop_loss_timeout=60).opened(100.0)
    assert "stop" not in bot.slots
    bot.at(89)
    assert bot.codes == ["dca.stop_loss_waits"]
    bot.at(91, seconds=30)
    assert bot.codes == ["dca.stop_loss_recovered"]
    bot.at(89, seconds=45)
    bot.at(88, seconds=59)
    assert "close" not in bot.slots
    bot.at(88, seconds=1)
    assert bot.slots == ["close"]


def test_a_stop_loss_from_the_base_order_does_not_move() -> None:
    bot = DcaBot(stop_loss=10, stop_loss_from="base").opened(100.0)
    bot.at(98, bot.filled("safety:1"))
    assert bot.order("stop").trigger_price == 90.0


def test_after_a_stop_loss_the_bot_can_stop() -> None:
    bot = DcaBot(stop_loss=10, after_stop_loss="stop").opened(100.0)
    bot.at(90, bot.filled("stop", price=90))
    assert bot.slots == []
    assert bot.finished == "dca.finished_by_stop_loss"


def test_a_trailing_take_profit_rests_nothing_and_follows_the_price() -> None:
    """Reached at 101; best 105; back by 2 % is 102.90."""
    bot = DcaBot(trailing_take_profit=2).opened(100.0)
    assert not [slot for slot in bot.slots if slot.startswith("take")]
    bot.at(101)
    assert bot.codes == ["dca.trailing"]
    bot.at(105)
    bot.at(102.91)
    assert "close" not in bot.slots
    bot.at(102.9)
    assert bot.book == {"close": ("sell", None, 1.0)}
    assert bot.codes == ["dca.trailed"]
    bot.at(103, bot.filled("close", price=103))
    assert bot.slots == ["base"]


def test_a_trailing_take_profit_of_a_short_deal_follows_the_price_down() -> None:
    bot = DcaBot(trailing_take_profit=2, direction="short").opened(100.0)
    bot.at(99)
    bot.at(95)
    bot.at(96.89)
    assert "close" not in bot.slots
    bot.at(96.9)
    assert bot.book == {"close": ("buy", None, 1.0)}


def test_trailing_begins_again_when_the_average_moves() -> None:
    bot = DcaBot(trailing_take_profit=5).opened(100.0)
    bot.at(101)
    bot.at(98, bot.filled("safety:1"))
    assert bot.state.best == 0.0
    bot.at(99.98)  # the average is 98.9901, the take profit 99.98
    assert bot.codes == ["dca.trailing"]


def test_in_steps_only_the_last_one_trails() -> None:
    bot = DcaBot(take_profit=None, take_profit_steps="1:50, 2:50", trailing_take_profit=1).opened(100.0)
    assert [slot for slot in bot.slots if slot.startswith("take")] == ["take_profit:1"]
    bot.at(102, bot.filled("take_profit:1"))
    assert bot.codes == ["dca.took_profit", "dca.trailing"]
    bot.at(100.98)
    assert bot.book == {"close": ("sell", None, 0.5)}


def test_a_deal_that_grows_too_old_is_closed() -> None:
    bot = DcaBot(max_deal_time=3600).opened(100.0)
    bot.at(100, seconds=3598)
    assert "close" not in bot.slots
    bot.at(100, seconds=1)  # the base order was first wanted 3600 s ago
    assert bot.slots == ["close"]
    assert bot.codes == ["dca.deal_time"]
