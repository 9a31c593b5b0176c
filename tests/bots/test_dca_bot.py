"""A DCA bot through the whole stack: deals on a stepped market, with the orders that stand at the exchange."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from bots import services
from bots.models import Bot, EventKind, Order, Position
from tests.bots import cast
from tests.bots.candle_files import path_of
from tests.bots.market import SteppedMarket, stepped_market

pytestmark = pytest.mark.django_db(transaction=True)

D = Decimal
CONFIG = {
    "base_order_size": "1000",
    "safety_order_size": "1000",
    "safety_orders": 2,
    "active_safety_orders": 1,
    "price_deviation": "1",
    "take_profit": "1",
    "stop_loss": "5",
}


def test_a_deal_averages_down_amends_its_take_profit_and_the_next_one_follows(tmp_path: Path) -> None:
    """Each price lasts for four points of one candle.

    1000 / 2000 is 0.5 at 2000; the first safety order 0.5 (1000 / 1980) at 1980, the second one 0.51 (1000 / 1960) at
    1960. After the first the average is 1990, the take profit 2009.90 and the stop 1890.50 for 1 coin.
    """
    with stepped_market(tmp_path, path_of("2000", "1975", "2015", "2015")) as market:
        bot = started(market)
        market.tick(bot)  # the base order goes out and is filled at once
        market.tick(bot)
        assert standing(market) == {
            ("buy", D(1980), D("0.5")),
            ("sell", D(2020), D("0.5")),
            ("sell", None, D("0.5")),
        }
        take_profit = Order.objects.get(bot=bot, slot="take_profit:1")
        market.run(bot, 4)
        assert standing(market) == {
            ("buy", D(1960), D("0.51")),
            ("sell", D("2009.90"), D(1)),
            ("sell", None, D(1)),
        }
        assert Order.objects.get(bot=bot, slot="take_profit:1").client_order_id == take_profit.client_order_id
        assert [event.kind for event in bot.events.filter(kind=EventKind.ORDER_AMENDED)] == [
            EventKind.ORDER_AMENDED
        ] * 2

        market.run(bot, 4)
        assert Order.objects.filter(bot=bot, slot="base").count() == 2  # in the tick that saw the take profit filled
        market.tick(bot)
        assert {(side, price) for side, price, _ in standing(market)} == {
            ("buy", D("1994.85")),  # 2015 less 1 %
            ("sell", D("2035.15")),
            ("sell", None),
        }
        position = Position.objects.get(bot=bot)
        # 2009.90 − 1990 = 19.90 for one coin, less the fees of both deals so far.
        fees = D("0.00055") * (D(1000) + D("0.49") * 2015) + D("0.0002") * (D(990) + D("2009.90"))
        assert position.realised_pnl == D("19.90") - fees
        assert position.amount == D("0.49")


def started(market: SteppedMarket) -> Bot:
    made = cast.bot(name="eth-dca", account=market.account, strategy="dca", config=CONFIG, run=0)
    return services.start_bot(bot=made, requested_by="alice")


def standing(market: SteppedMarket) -> set[tuple[str, Decimal | None, Decimal | None]]:
    return set(market.listed().values())
