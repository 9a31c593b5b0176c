"""A trade's stop and targets, and what its end does. Entered at 2000 with 4.5 coins; R is 20, two ATRs of 10.

Shares of the default targets: 2.25 at 2030 (1.5 R), then 25 % = 1.125, of which 1.12 are whole steps, at 2060 (3 R).
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from strategies.contract import FillSeen, OrderType, Side
from tests.strategies.markets import LINEAR, SPOT
from tests.strategies.stepped import fill_of
from tests.strategies.trend.trend_bot import PULLBACK, RALLY, RISING, TrendBot

COARSE_SPOT = replace(SPOT, step=Decimal("0.01"), min_amount=Decimal("0.01"))


def test_the_stop_stands_for_what_is_filled_and_the_targets_when_the_entry_is_over() -> None:
    bot = TrendBot()
    bot.closes(PULLBACK, 2000)
    bot.at(2000, bot.filled("entry", amount=1.5, price=2000, done=False))
    assert bot.slots == ["stop", "entry"]
    stop = bot.order("stop")
    assert (stop.side, stop.type, stop.amount, stop.trigger_price) == (Side.SELL, OrderType.STOP, 1.5, 1980.0)
    assert (stop.protective, stop.reduce_only) == (True, True)
    bot.at(2000, bot.filled("entry", amount=3.0, price=2000))
    assert bot.slots == ["stop", "target:1", "target:2"]
    assert (bot.order("stop").amount, bot.order("stop").sequence) == (4.5, stop.sequence)
    first, second = bot.order("target:1"), bot.order("target:2")
    assert (first.side, first.type, first.price, first.amount, first.reduce_only) == (
        Side.SELL,
        OrderType.LIMIT,
        2030.0,
        2.25,
        True,
    )
    assert (second.price, second.amount) == (2060.0, 1.12)
    assert {order.trade for order in bot.decision.wanted} == {"trend:0"}


def test_what_is_filled_of_an_entry_that_is_given_up_is_managed() -> None:
    bot = TrendBot()
    bot.closes(PULLBACK, 2000)
    bot.at(2000, bot.filled("entry", amount=2.0, price=2000, done=False))
    bot.closes(RISING, 2001)
    assert bot.slots == ["stop", "entry"]
    bot.closes(RISING, 2001)
    assert [(order.slot, order.amount) for order in bot.decision.wanted] == [
        ("stop", 2.0),
        ("target:1", 1.0),
        ("target:2", 0.5),
    ]
    assert bot.codes == ["trend.entered"]


def test_reaching_the_first_target_ends_the_entry() -> None:
    bot = TrendBot()
    bot.closes(PULLBACK, 2000)
    bot.at(2000, bot.filled("entry", amount=2.0, price=2000, done=False))
    bot.at(2030)
    assert bot.slots == ["stop", "target:1", "target:2"]


def test_a_fill_that_comes_after_the_entry_was_given_up_is_guarded() -> None:
    bot = TrendBot()
    bot.closes(PULLBACK, 2000)
    entry = bot.order("entry")
    bot.closes(RISING, 2001)
    bot.closes(RISING, 2001)
    assert bot.slots == []
    bot.at(2001, fill_of(entry, LINEAR, amount=1.0, price=2000, done=False))
    assert [(order.slot, order.amount, order.trigger_price) for order in bot.decision.wanted] == [("stop", 1.0, 1980.0)]


def test_parts_too_small_for_an_order_of_their_own_go_to_the_next_target() -> None:
    """0.03 coins: 50 % = 0.015 gives 0.01; with what is left 25 % = 0.0125 gives 0.01; 0.01 stays for the stop."""
    bot = TrendBot(investment=100)
    bot.closes(PULLBACK, 2000)
    assert bot.order("entry").amount == 0.04
    bot.at(2000, bot.filled("entry", amount=0.03, price=2000, done=False))
    bot.at(2030)
    assert [(order.slot, order.amount) for order in bot.decision.wanted] == [
        ("stop", 0.03),
        ("target:1", 0.01),
        ("target:2", 0.01),
    ]
    # 0.01 coins: neither 50 % nor 75 % is a whole step, so there is nothing for a target
    least = TrendBot(investment=100)
    least.closes(PULLBACK, 2000)
    least.at(2000, least.filled("entry", amount=0.01, price=2000, done=False))
    least.at(2030)
    assert least.slots == ["stop"]


def test_a_rest_that_could_not_be_closed_alone_goes_with_the_last_target() -> None:
    """Shares of 50 and 25 % of 0.06 with a least amount of 0.02: 0.03, then 0.015 is too little."""
    market = replace(LINEAR, min_amount=Decimal("0.02"))
    bot = TrendBot(market, investment=2000, targets="1:50, 2:40")
    bot.closes(PULLBACK, 2000)
    bot.at(2000, bot.filled("entry", amount=0.06, price=2000, done=False))
    bot.at(2020)
    # 0.03 for the first; 0.024 gives 0.02 for the second; the last 0.01 goes with it
    assert [(order.slot, order.amount) for order in bot.decision.wanted][1:] == [("target:1", 0.03), ("target:2", 0.03)]


def test_the_stop_shrinks_with_each_target_and_the_trade_ends_with_the_last_coin() -> None:
    bot = TrendBot(targets="1:50, 2:50", break_even=None, trail_from=None).entered()
    bot.at(2020, bot.filled("target:1"))
    assert [(order.slot, order.amount) for order in bot.decision.wanted] == [("stop", 2.25), ("target:2", 2.25)]
    bot.at(2040, bot.filled("target:2"), pnl=130)
    assert bot.slots == []
    assert bot.codes == ["trend.closed"]
    assert bot.decision.notes[0].numbers == {"trade": 0, "profit": 130.0, "entry": 2000.0}


def test_break_even_pays_the_fees_of_both_ways() -> None:
    """2000 × (1 + 2 × 0.00055) = 2002.20, at 1 R: 2020."""
    bot = TrendBot().entered()
    bot.at(2019.99)
    assert bot.order("stop").trigger_price == 1980.0
    sequence = bot.order("stop").sequence
    bot.at(2020)
    assert (bot.order("stop").trigger_price, bot.order("stop").sequence) == (2002.2, sequence)
    assert bot.codes == ["trend.break_even"]
    bot.at(2021)
    assert bot.codes == []


def test_break_even_waits_until_the_price_is_beyond_it() -> None:
    """0.1 R is reached at 2002, but 2002.20 would be met at once."""
    bot = TrendBot(break_even="0.1").entered()
    bot.at(2002.2)
    assert bot.order("stop").trigger_price == 1980.0
    bot.at(2002.21)
    assert bot.order("stop").trigger_price == 2002.2


def test_the_trailing_stop_follows_closes_from_its_activation_on_and_never_goes_back() -> None:
    """From 1.5 R = 2030 on, 2.5 ATRs = 25 behind each close."""
    bot = TrendBot(break_even=None, targets="").entered()
    bot.at(2029)
    bot.closes(RISING | {"close": 2029.0}, 2029)
    assert bot.order("stop").trigger_price == 1980.0
    bot.at(2030)
    assert bot.order("stop").trigger_price == 1980.0
    bot.closes(RISING | {"close": 2028.0}, 2027)
    assert bot.order("stop").trigger_price == 2003.0
    bot.closes(RISING | {"close": 2027.0}, 2027)
    assert bot.order("stop").trigger_price == 2003.0
    # a wilder market does not loosen it either
    bot.closes(RISING | {"close": 2029.0, "atr": 30.0}, 2027)
    assert bot.order("stop").trigger_price == 2003.0
    bot.closes(RISING | {"close": float("nan"), "atr": float("nan")}, 2050)
    assert bot.order("stop").trigger_price == 2003.0
    bot.closes(RISING | {"close": 2050.0}, 2050)
    assert (bot.order("stop").trigger_price, bot.order("stop").sequence) == (2025.0, 0)
    assert bot.codes[-1] == "trend.trailed"


def test_a_short_is_the_mirror() -> None:
    """4.5 coins sold at 2000, the stop at 2020; break-even at 1980 is 2000 × (1 − 0.0011) = 1997.80."""
    bot = TrendBot(direction="short").entered(RALLY)
    assert [(o.slot, o.side, o.amount, o.price or o.trigger_price) for o in bot.decision.wanted] == [
        ("stop", Side.BUY, 4.5, 2020.0),
        ("target:1", Side.BUY, 2.25, 1970.0),
        ("target:2", Side.BUY, 1.12, 1940.0),
    ]
    bot.at(1980)
    assert bot.order("stop").trigger_price == 1997.8
    bot.at(1970, bot.filled("target:1"))
    bot.closes(RALLY | {"close": 1970.0}, 1970)
    assert (bot.order("stop").trigger_price, bot.order("stop").amount) == (1995.0, 2.25)


def test_a_stop_that_fills_in_part_leaves_nothing_else_to_trade() -> None:
    bot = TrendBot().entered()
    bot.at(1979, bot.filled("stop", amount=2.0, done=False))
    # the whole order stays as it is: 2.0 of its 4.5 are filled
    assert [(order.slot, order.amount) for order in bot.decision.wanted] == [("stop", 4.5)]
    bot.at(1979, bot.filled("stop", amount=2.5), pnl=-95)
    assert (bot.slots, bot.codes, bot.state.held) == ([], ["trend.closed"], 0.0)


def test_targets_do_not_rest_while_the_price_is_beyond_the_stop() -> None:
    bot = TrendBot().entered()
    bot.at(1980)
    assert bot.slots == ["stop"]
    bot.at(1980.01)
    assert bot.slots == ["stop", "target:1", "target:2"]


def test_a_late_piece_of_the_entry_is_added_to_a_stop_that_fills() -> None:
    bot = TrendBot()
    bot.closes(PULLBACK, 2000)
    entry = bot.order("entry")
    bot.at(2000, fill_of(entry, LINEAR, amount=2.0, price=2000, done=False))
    bot.at(1979, bot.filled("stop", amount=0.5, done=False))
    assert bot.order("stop").amount == 2.0
    bot.at(1979, fill_of(entry, LINEAR, amount=1.0, price=2000, done=False))
    # 0.5 of it are filled, 2.5 are held
    assert (bot.order("stop").amount, bot.order("stop").sequence) == (3.0, 0)


def test_a_stop_met_while_the_entry_still_fills_ends_both_and_counts_as_a_loss() -> None:
    bot = TrendBot()
    bot.closes(PULLBACK, 2000)
    entry = bot.order("entry")
    bot.at(2000, fill_of(entry, LINEAR, amount=2.0, price=2000, done=False))
    bot.at(1979, bot.filled("stop", price=1980), pnl=-44)
    assert bot.slots == []
    assert bot.state.losses == 1
    # a last piece of the entry had filled meanwhile: it is guarded by a stop of its own
    bot.at(1979, fill_of(entry, LINEAR, amount=0.5, price=2000, done=False))
    assert [(o.slot, o.sequence, o.amount, o.trigger_price) for o in bot.decision.wanted] == [("stop", 1, 0.5, 1980.0)]


def test_a_rest_too_small_to_be_traded_ends_the_order() -> None:
    bot = TrendBot()
    bot.closes(PULLBACK, 2000)
    bot.at(2000, bot.filled("entry", amount=4.49, price=2000, done=False))
    bot.at(2000, bot.filled("entry", amount=0.0, price=2000))
    assert bot.order("stop").amount == 4.49
    assert bot.slots == ["stop", "target:1", "target:2"]


def test_on_spot_the_fee_leaves_less_to_sell_and_targets_are_sold_when_the_price_is_there() -> None:
    """100 / (20 + 3980 × 0.001) = 4.17; less 0.1 % is 4.16583, in whole steps 4.16. Half of 4.16583 is 2.08."""
    bot = TrendBot(COARSE_SPOT)
    bot.closes(PULLBACK, 2000)
    assert bot.order("entry").amount == 4.17
    bot.at(2000, bot.filled("entry", price=2000))
    stop = bot.order("stop")
    assert bot.slots == ["stop"]
    assert (stop.amount, stop.reduce_only, stop.protective) == (4.16, False, True)
    bot.at(2030)
    sale = bot.order("target:1")
    assert (sale.type, sale.amount, sale.price) == (OrderType.MARKET, 2.08, None)
    assert bot.slots == ["stop", "target:1"]
    # 4.16583 − 2.08 = 2.08583
    assert bot.order("stop").amount == 2.08
    # the price is back before the sale is heard of: it stays wanted
    bot.at(2020)
    assert bot.slots == ["stop", "target:1"]
    bot.at(2020, bot.filled("target:1", price=2029))
    assert [(order.slot, order.amount) for order in bot.decision.wanted] == [("stop", 2.08)]
    bot.at(2035)
    assert bot.slots == ["stop"]


def test_dust_of_a_trade_on_spot_is_sold_with_the_next() -> None:
    bot = TrendBot(COARSE_SPOT, targets="1:100").entered()
    bot.at(2020)
    bot.at(2020, bot.filled("target:1", price=2020), pnl=70)
    assert bot.codes == ["trend.closed"]
    assert bot.state.held == pytest.approx(0.00583)
    bot.closes(PULLBACK, 2000, pnl=70)
    bot.at(2000, bot.filled("entry", amount=4.17, price=2000), pnl=70)
    # 0.00583 + 4.17 × 0.999 = 4.17166
    assert bot.order("stop").amount == 4.17


def test_the_candle_that_ends_a_trade_opens_no_other() -> None:
    bot = TrendBot().entered()
    bot.closes(PULLBACK, 1979, bot.filled("stop", price=1980), pnl=-95)
    assert bot.slots == []
    bot.closes(PULLBACK, 2000, pnl=-95)
    assert (bot.order("entry").sequence, bot.order("entry").trade) == (1, "trend:1")
    bot.at(2000, bot.filled("entry", price=2000), pnl=-95)
    assert bot.order("stop").sequence == 1


def lose(bot: TrendBot, pnl: float) -> None:
    """A trade that leaves the realised P&L at ``pnl``."""
    before = bot.state.day_pnl if bot.state.trade < 0 else bot.state.pnl_before
    bot.closes(PULLBACK, 2000, pnl=max(before, pnl + 50))
    bot.at(2000, bot.filled("entry", price=2000), pnl=pnl + 50)
    bot.at(1979, bot.filled("stop", price=1980), pnl=pnl)


def test_three_losses_in_a_row_pause_the_bot_for_so_many_candles() -> None:
    bot = TrendBot(loss_pause=3, daily_loss=None)
    for loss in (-50, -100):
        lose(bot, loss)
        assert "trend.paused_losses" not in bot.codes
    lose(bot, -150)
    assert bot.codes == ["trend.closed", "trend.paused_losses"]
    for _ in range(2):
        bot.closes(PULLBACK, 2000, pnl=-150)
        assert bot.slots == []
    # the third candle closes 3 h after the candle that closed before the loss: the pause began a little later
    bot.closes(PULLBACK, 2000, pnl=-150)
    assert bot.slots == []
    bot.closes(PULLBACK, 2000, pnl=-150)
    assert bot.slots == ["entry"]


def test_a_gain_ends_the_row_of_losses() -> None:
    bot = TrendBot(max_losses=2, daily_loss=None)
    lose(bot, -50)
    bot.closes(PULLBACK, 2000, pnl=-50)
    bot.at(2000, bot.filled("entry", price=2000), pnl=-50)
    bot.at(2001, bot.filled("stop", price=2002), pnl=-20)
    assert bot.state.losses == 0
    lose(bot, -70)
    assert "trend.paused_losses" not in bot.codes


def test_a_day_that_lost_three_percent_is_over_until_midnight_utc() -> None:
    """3 % of 10,000 is 300."""
    bot = TrendBot(max_losses=0)
    lose(bot, -299)
    bot.closes(PULLBACK, 2000, pnl=-299)
    assert bot.slots == ["entry"]
    bot = TrendBot(max_losses=0)
    lose(bot, -300)
    told = 0
    for _ in range(22):  # candles that close at 2:00 … 23:00
        bot.closes(PULLBACK, 2000, pnl=-300)
        assert bot.slots == []
        told += bot.codes.count("trend.paused_day")
    assert told == 1
    bot.closes(PULLBACK, 2000, pnl=-300)  # 0:00
    assert bot.slots == ["entry"]


def test_a_snapshot_of_something_else_is_refused() -> None:
    strategy = TrendBot().strategy
    with pytest.raises(
        ValueError, match=r"not a snapshot that TrendState can be made of: unknown fields \['lines'\], missing fields"
    ):
        strategy.load({"lines": []})


def test_an_unknown_fill_changes_what_is_held_only() -> None:
    bot = TrendBot().entered()
    bot.at(2001, FillSeen("target:9", 7, Side.SELL, 2001.0, 1.0, 0.0, 0, True))
    assert bot.order("stop").amount == 3.5
