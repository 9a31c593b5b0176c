"""The stop order that guards a grid's position at the exchange itself. Lines 100 … 140, 1 coin each."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from strategies.contract import MarketKind, OrderType, Side
from strategies.grid.state import GridState
from tests.strategies.grid_bot import GridBot
from tests.strategies.markets import LINEAR, SPOT
from tests.strategies.stepped import fill_of


def test_it_guards_all_that_is_held_and_follows_it() -> None:
    bot = GridBot(stop_loss_price=95).started(115)
    stop = bot.order("stop")
    assert (stop.side, stop.type, stop.amount, stop.trigger_price) == (Side.SELL, OrderType.STOP, 2.0, 95.0)
    assert (stop.reduce_only, stop.protective) == (True, True)
    bot.at(109, bot.filled("grid:1"))
    assert bot.order("stop").amount == 3.0
    # the same wish at another amount: the exchange amends it
    assert bot.order("stop").sequence == stop.sequence


def test_nothing_held_needs_none_and_what_is_held_anew_is_a_new_wish() -> None:
    bot = GridBot(stop_loss_price=95).started(141)
    assert "stop" not in bot.slots
    bot.at(129, bot.filled("grid:3"))
    first = bot.order("stop").sequence
    bot.at(141, bot.filled("grid:3"))
    assert "stop" not in bot.slots
    bot.at(129, bot.filled("grid:3"))
    assert bot.order("stop").sequence == first + 1


def test_its_fill_ends_the_grid_though_the_price_is_back() -> None:
    bot = GridBot(stop_loss_price=95).started(115)
    bot.at(101, bot.filled("stop", price=95))
    assert bot.slots == []
    assert bot.finished() == "grid.stop_loss_price"
    assert bot.decision.finish is not None
    assert bot.decision.finish.reason.numbers == {"value": 95, "limit": 95.0}


def test_what_was_bought_on_the_way_down_is_closed_after_it() -> None:
    bot = GridBot(stop_loss_price=95).started(115)
    bot.at(94, bot.filled("grid:1"), bot.filled("stop", price=95))
    close = bot.order("close")
    assert bot.slots == ["close"]
    assert (close.side, close.amount) == (Side.SELL, 1.0)


def test_a_stop_that_fills_while_it_is_withdrawn_leaves_less_to_close() -> None:
    bot = GridBot(stop_loss_price=95).started(115)
    stop = bot.order("stop")
    bot.at(95)
    assert bot.order("close").amount == 2.0
    bot.at(94, fill_of(stop, LINEAR, amount=1.5, price=95, done=False))
    assert (bot.order("close").amount, bot.order("close").sequence) == (0.5, 1)
    bot.at(94, fill_of(bot.order("close"), LINEAR, price=94))
    assert (bot.state.base, bot.finished()) == (0.0, "grid.stop_loss_price")


def test_a_short_grid_is_guarded_above_and_a_neutral_one_on_the_side_it_holds() -> None:
    short = GridBot(direction="short", stop_loss_price=145).started(125)
    assert (short.order("stop").side, short.order("stop").trigger_price) == (Side.BUY, 145.0)
    neutral = GridBot(direction="neutral", stop_loss_price=90, stop_loss_price_upper=150).started(115)
    assert "stop" not in neutral.slots
    neutral.at(121, neutral.filled("grid:1"))
    assert (neutral.order("stop").side, neutral.order("stop").trigger_price) == (Side.BUY, 150.0)
    neutral.at(109, neutral.filled("grid:1"))
    assert "stop" not in neutral.slots
    neutral.at(99, neutral.filled("grid:0"))
    assert (neutral.order("stop").side, neutral.order("stop").trigger_price) == (Side.SELL, 90.0)


def test_it_moves_with_a_trailing_range_and_stays_through_a_rebuild() -> None:
    bot = GridBot(trailing_up=True, stop_loss_price=95).started(141)
    bot.at(129, bot.filled("grid:3"))
    assert bot.order("stop").trigger_price == 95.0
    rebuilt = GridBot(on_range_left="recentre", recentre_after=0, stop_loss_price=80).started(115)
    rebuilt.at(89)
    assert rebuilt.slots == ["stop"]
    rebuilt.at(89)
    assert rebuilt.slots[0] == "stop"


def test_neither_spot_nor_a_grid_that_keeps_its_position_has_one() -> None:
    spot = replace(SPOT, step=Decimal("0.01"), min_amount=Decimal("0.01"))
    assert spot.kind is MarketKind.SPOT
    assert "stop" not in GridBot(spot, stop_loss_price=95).started(115).slots
    assert "stop" not in GridBot(stop_loss_price=95, on_stop="keep").started(115).slots


def test_a_snapshot_from_before_there_was_one_is_read() -> None:
    dumped = GridBot(stop_loss_price=95).started(115).state.dump()
    for name in ("stop_sequence", "stop_amount"):
        del dumped[name]
    state = GridState.load(dumped)
    assert (state.stop_sequence, state.stop_amount) == (-1, 0.0)
