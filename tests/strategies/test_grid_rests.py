"""What a grid does with orders of which the platform gave up the rest: a fill of nothing that completes them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from strategies.contract import FillSeen, Side
from tests.strategies.grid_bot import GridBot
from tests.strategies.markets import LINEAR, SPOT


def rest_given_up(slot: str, sequence: int, side: Side, price: float) -> FillSeen:
    return FillSeen(slot, sequence, side, price, 0.0, 0.0, 0, True)


def test_what_was_bought_is_offered_for_sale() -> None:
    bot = GridBot().started(115)
    buy = bot.order("grid:1")
    bot.at(109, bot.filled("grid:1", amount=0.6, done=False))
    bot.at(109, rest_given_up("grid:1", buy.sequence, Side.BUY, 110))
    sell = bot.order("grid:1")
    assert (sell.side, sell.amount, sell.sequence) == (Side.SELL, 0.6, buy.sequence + 1)


def test_too_little_to_be_sold_is_swept_into_the_next_sale() -> None:
    """At a minimum of 0.5: 0.3 bought cannot be sold by themselves, and go with the next coin that is."""
    bot = GridBot(replace(LINEAR, min_amount=Decimal("0.5"))).started(115)
    buy = bot.order("grid:1")
    bot.at(109, bot.filled("grid:1", amount=0.3, done=False))
    bot.at(109, rest_given_up("grid:1", buy.sequence, Side.BUY, 110))
    again = bot.order("grid:1")
    assert (again.side, again.amount) == (Side.BUY, 1.0)
    bot.at(109, bot.filled("grid:1"))
    assert (bot.order("grid:1").side, bot.order("grid:1").amount) == (Side.SELL, 1.3)


def test_the_rest_of_a_sale_stays_as_dust_and_goes_with_the_next() -> None:
    bot = GridBot(replace(SPOT, step=Decimal("0.01"), min_amount=Decimal("0.5"), maker_fee=Decimal(0))).started(115)
    bot.at(109, bot.filled("grid:1"))
    sale = bot.order("grid:1")
    bot.at(121, bot.filled("grid:1", amount=0.8, done=False))
    bot.at(121, rest_given_up("grid:1", sale.sequence, Side.SELL, 120))
    bot.at(109, bot.filled("grid:1"))
    # 0.2 were left unsold, and the entry had left its taker's fee short
    assert bot.order("grid:1").amount > 1.15


def test_a_close_of_which_too_little_is_left_ends_the_grid() -> None:
    bot = GridBot(replace(LINEAR, min_amount=Decimal("0.5")), stop_loss_price=95).started(115)
    bot.at(95)
    close = bot.order("close")
    bot.at(94, bot.filled("close", amount=1.8, price=94, done=False))
    bot.at(94, rest_given_up("close", close.sequence, Side.SELL, 94))
    assert bot.finished() == "grid.stop_loss_price"
    assert abs(bot.state.base - 0.2) < 1e-9
