"""From the entry to the way out: stop, partial exit, target, break-even, trailing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from strategies.contract import OrderType, Side
from strategies.explanations import explain
from tests.strategies.markets import LINEAR, SPOT
from tests.strategies.smc.bench import LONG, SHORT, SmcBot, row_of


def test_an_entry_gets_a_stop_and_two_ways_to_take_profit() -> None:
    bot = SmcBot().entered()
    assert bot.slots == ["partial:0", "target:0", "stop:0"]
    stop, partial, target = bot.order("stop:0"), bot.order("partial:0"), bot.order("target:0")
    assert (stop.type, stop.side, stop.amount, stop.trigger_price) == (OrderType.STOP, Side.SELL, 1.65, 1989.0)
    assert stop.protective
    assert (partial.type, partial.amount, partial.price) == (OrderType.LIMIT, 0.82, 2011.0)  # half, at one risk
    assert (target.amount, target.price) == (0.83, 2040.0)
    assert all(order.reduce_only and order.trade == "smc:0" for order in (stop, partial, target))


def test_what_is_filled_of_an_entry_is_guarded_at_once() -> None:
    bot = SmcBot()
    bot.candle_closes(row_of(LONG))
    bot.at(2000, bot.filled("entry:0", 2000.0, amount=0.5, done=False))
    assert bot.slots == ["entry:0", "stop:0"]
    assert (bot.order("entry:0").amount, bot.order("stop:0").amount) == (1.65, 0.5)
    bot.at(2001, bot.filled("entry:0", 2001.0, amount=1.15))
    assert bot.order("stop:0").amount == 1.65
    # The average is 2000.697, so the risk to 1989 is 11.697 and the part leaves at 2012.394, on the tick.
    assert bot.order("partial:0").price == 2012.39


def test_the_stop_closes_the_trade() -> None:
    bot = SmcBot().entered()
    bot.at(1989, bot.filled("stop:0", 1989.0))
    assert bot.slots == []
    assert (bot.state.wins, bot.state.losses) == (0, 1)
    assert explain(bot.decision.notes[0]) == "Trade 0, opened at 2000, is over with -18.15 before fees."


def test_a_stop_that_is_partly_filled_stays_and_nothing_else_is_wanted() -> None:
    bot = SmcBot().entered()
    bot.at(1989, bot.filled("stop:0", 1989.0, amount=0.65, done=False))
    assert bot.slots == ["stop:0"]
    assert bot.order("stop:0").amount == 1.65  # the whole order's
    bot.at(1988, bot.filled("stop:0", 1988.0, amount=1.0))
    assert bot.slots == []


def test_an_entry_filled_on_after_its_stop_is_sold() -> None:
    bot = SmcBot()
    bot.candle_closes(row_of(LONG))
    bot.at(2000, bot.filled("entry:0", 2000.0, amount=0.5, done=False))
    late = bot.filled("entry:0", 1999.0, amount=1.15)
    bot.at(1989, bot.filled("stop:0", 1989.0), late)
    assert bot.slots == ["tidy"]
    assert (bot.order("tidy").side, bot.order("tidy").amount) == (Side.SELL, 1.15)
    assert bot.order("tidy").reduce_only


def test_the_partial_exit_moves_the_stop_to_break_even() -> None:
    bot = SmcBot().entered()
    bot.at(2011, bot.filled("partial:0", 2011.0))
    assert bot.slots == ["target:0", "stop:0"]
    assert (bot.order("stop:0").amount, bot.order("stop:0").trigger_price) == (0.83, 2000.0)
    bot.at(2040, bot.filled("target:0", 2040.0))
    assert bot.slots == []
    assert (bot.state.wins, bot.state.losses) == (1, 0)


def test_break_even_can_be_left_out() -> None:
    bot = SmcBot(break_even=False).entered()
    bot.at(2011, bot.filled("partial:0", 2011.0))
    assert bot.order("stop:0").trigger_price == 1989.0


def test_a_partly_filled_partial_exit_stays_the_same_order() -> None:
    bot = SmcBot().entered()
    bot.at(2011, bot.filled("partial:0", 2011.0, amount=0.32, done=False))
    assert (bot.order("partial:0").amount, bot.order("stop:0").amount) == (0.82, 1.33)
    assert bot.order("stop:0").trigger_price == 1989.0


def test_without_a_partial_exit_all_leaves_at_the_target() -> None:
    bot = SmcBot(partial_share=0).entered()
    assert bot.slots == ["target:0", "stop:0"]
    assert bot.order("target:0").amount == 1.65


def test_the_stop_follows_from_one_and_a_half_percent_at_half_a_percent() -> None:
    bot = SmcBot(minimum_reward=5, partial_at=4).entered(row_of(LONG, high_1h=2200.0))
    bot.at(2029.9)
    assert bot.order("stop:0").trigger_price == 1989.0  # 1.495 %
    bot.at(2030)
    assert bot.order("stop:0").trigger_price == pytest.approx(2019.85)  # 2030 less 0.5 %
    assert bot.codes == ["smc.trailed"]
    bot.at(2031)
    assert bot.order("stop:0").trigger_price == pytest.approx(2019.85)  # less than a tenth of a percent closer
    bot.at(2025)
    assert bot.order("stop:0").trigger_price == pytest.approx(2019.85)  # never back
    bot.at(2040)
    assert bot.order("stop:0").trigger_price == pytest.approx(2029.8)
    assert bot.order("stop:0").sequence == 0  # the same order, changed


def test_a_short_position_is_the_mirror_image() -> None:
    short = row_of(supply=SHORT, trend_1h=-1, trend_4h=-1, trend_1d=-1, low_1h=1960)
    bot = SmcBot(direction="short").entered(short)
    assert (bot.order("stop:0").side, bot.order("stop:0").trigger_price) == (Side.BUY, 2011.0)
    assert (bot.order("partial:0").price, bot.order("target:0").price) == (1989.0, 1960.0)
    bot.at(1969.9)
    assert bot.order("stop:0").trigger_price == pytest.approx(1979.7495)
    bot.at(1989, bot.filled("partial:0", 1989.0))
    assert bot.order("stop:0").trigger_price == pytest.approx(1979.7495)  # already beyond break-even
    bot.at(1980, bot.filled("stop:0", 1980.0))
    assert (bot.state.wins, bot.state.losses) == (1, 0)


def test_a_freed_slot_is_used_again_with_orders_of_its_own() -> None:
    bot = SmcBot().entered()
    bot.at(1989, bot.filled("stop:0", 1989.0))
    bot.entered()
    assert bot.order("stop:0").sequence == 1
    assert bot.order("target:0").trade == "smc:1"


def test_wins_and_losses_correct_the_expectation() -> None:
    # After a loss: (0.4 × 20 + 0) / 21 = 0.38095; Kelly 0.38095 − 0.61905 × 11 / 40 = 0.21071; a twentieth is 1.0536 %.
    bot = SmcBot(leverage=50, kelly_share=5)
    bot.candle_closes(row_of(LONG))
    assert bot.order("entry:0").amount == 10.68  # (0.4 − 0.6 × 0.275) / 20 = 1.175 %: 117.5 / 11
    bot.at(2000, bot.filled("entry:0", 2000.0))
    bot.at(1989, bot.filled("stop:0", 1989.0))
    bot.candle_closes(row_of(LONG))
    assert bot.order("entry:0").amount == 9.57


def test_on_spot_the_targets_rest_and_the_stop_is_watched() -> None:
    bot = SmcBot(SPOT).entered()
    assert bot.slots == ["partial:0", "target:0"]
    # 1.65 less the fee of 0.1 % is 1.64835.
    assert (bot.order("partial:0").amount, bot.order("target:0").amount) == (0.82417, 0.82418)
    assert not bot.order("target:0").reduce_only
    bot.at(1989.01)
    assert bot.slots == ["partial:0", "target:0"]
    bot.at(1989)
    assert bot.slots == ["close:0"]
    assert (bot.order("close:0").type, bot.order("close:0").amount) == (OrderType.MARKET, 1.64835)
    bot.at(1985, bot.filled("close:0", 1988.0, amount=1.0, done=False))
    assert bot.order("close:0").amount == 1.64835
    bot.at(1985, bot.filled("close:0", 1987.0, amount=0.64835))
    assert bot.slots == []
    assert bot.state.losses == 1


def test_orders_that_close_at_market_are_numbered_through() -> None:
    bot = SmcBot(SPOT)
    for expected in (0, 1):
        bot.entered()
        bot.at(1989)
        assert bot.order("close:0").sequence == expected
        bot.at(1989, bot.filled("close:0", 1989.0))
    assert bot.slots == []


def test_every_reason_can_be_told() -> None:
    bot = SmcBot(minimum_reward=5, partial_at=4).entered(row_of(LONG, high_1h=2200.0))
    bot.at(2030)
    told = [explain(order.reason) for order in bot.decision.wanted] + [explain(note) for note in bot.decision.notes]
    assert len(told) == 4
    assert all("{" not in sentence and sentence.endswith(".") for sentence in told)


def test_what_a_late_fill_closed_of_another_trade_is_opened_again() -> None:
    """The stop of a trade closed all of it; its partial exit, not cancelled in time, then took from the other one."""
    bot = SmcBot().entered().entered()
    late = bot.filled("partial:1", 2011.0)
    bot.at(1989, bot.filled("stop:1", 1989.0))
    bot.at(2011, late)
    tidy = bot.order("tidy")
    assert (tidy.side, tidy.amount) == (Side.BUY, 0.82)
    assert not tidy.reduce_only, "the position is long, and an order that buys does not reduce it"
    bot.at(2011, bot.filled("tidy", 2011.0))
    assert bot.slots == ["partial:0", "target:0", "stop:0"]


def test_too_little_to_be_opened_again_waits_for_the_end_of_the_other_trade() -> None:
    bot = SmcBot(replace(LINEAR, min_notional=Decimal(2000))).entered().entered()
    late = bot.filled("partial:1", 2011.0)
    bot.at(1989, bot.filled("stop:1", 1989.0))
    bot.at(2011, late)  # 0.82 is worth 1,649
    assert "tidy" not in bot.slots
    bot.at(1989, bot.filled("stop:0", 1989.0))
    assert (bot.order("tidy").side, bot.order("tidy").amount, bot.order("tidy").reduce_only) == (Side.BUY, 0.82, True)
