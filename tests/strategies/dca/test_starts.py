"""When deals start: conditions, cool-down and limits."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.strategies.dca.bench import DcaBot

DAY = 86_400


def starts(bot: DcaBot, price: float = 100.0, **features: float) -> bool:
    bot.at(price, features=features, candle_close=1)
    return "base" in bot.slots


@pytest.mark.parametrize(
    ("changes", "features", "expected"),
    [
        ({"start_on_rsi": True}, {"rsi": 29.9}, True),
        ({"start_on_rsi": True}, {"rsi": 30.0}, False),
        ({"start_on_rsi": True}, {"rsi": math.nan}, False),
        ({"start_on_rsi": True}, {}, False),
        ({"start_on_rsi": True, "rsi_is": "above", "rsi_limit": 70}, {"rsi": 70.1}, True),
        ({"start_on_rsi": True, "rsi_is": "above", "rsi_limit": 70}, {"rsi": math.nan}, False),
        ({"start_on_ema_cross": True}, {"ema_cross": 1.0}, True),
        ({"start_on_ema_cross": True}, {"ema_cross": -1.0}, False),
        ({"start_on_ema_cross": True}, {"ema_cross": 0.0}, False),
        ({"start_on_ema_cross": True, "direction": "short"}, {"ema_cross": -1.0}, True),
        ({"start_on_bollinger": True}, {"bollinger_percent": -0.1}, True),
        ({"start_on_bollinger": True}, {"bollinger_percent": 0.0}, False),
        ({"start_on_bollinger": True, "direction": "short"}, {"bollinger_percent": 100.1}, True),
        ({"start_on_bollinger": True, "direction": "short"}, {"bollinger_percent": -5.0}, False),
        ({"start_on_signal": True}, {"signal": 1.0, "signal_at": 5.0}, True),
        ({"start_on_signal": True}, {"signal": -1.0, "signal_at": 5.0}, False),
        ({"start_on_signal": True, "direction": "short"}, {"signal": -1.0, "signal_at": 5.0}, True),
        ({"start_price": 100}, {}, True),
        ({"start_price": 99.99}, {}, False),
        ({"start_price": 100, "start_price_is": "above"}, {}, True),
        ({"start_price": 101, "start_price_is": "above"}, {}, False),
        ({"start_on_rsi": True, "start_price": 99}, {"rsi": 20.0}, False),
        ({"start_on_rsi": True, "start_price": 99, "start_combine": "any"}, {"rsi": 20.0}, True),
        ({"start_on_rsi": True, "start_price": 99, "start_combine": "any"}, {"rsi": 50.0}, False),
        ({"start_on_rsi": True, "start_on_bollinger": True}, {"rsi": 20.0, "bollinger_percent": -1.0}, True),
        ({"start_combine": "any"}, {}, True),
        ({"min_price": 100.01}, {}, False),
        ({"min_price": 100}, {}, True),
        ({"max_price": 99.99}, {}, False),
        ({"max_price": 100}, {}, True),
        ({"base_order_size": "0.5"}, {}, False),  # 0.005 coins, 0.01 are the minimum
    ],
)
def test_a_deal_starts_when_its_conditions_are_met(
    changes: dict[str, Any], features: dict[str, float], expected: bool
) -> None:
    assert starts(DcaBot(**changes), **features) == expected


def test_one_cross_starts_one_deal() -> None:
    bot = DcaBot(start_on_ema_cross=True)
    bot.at(100, features={"ema_cross": 1.0}, candle_close=1000)
    bot.at(100, bot.filled("base", price=100))
    bot.at(101, bot.filled("take_profit:1"), features={"ema_cross": 1.0}, candle_close=1000)
    assert bot.slots == []
    bot.at(101, features={"ema_cross": 1.0}, candle_close=2000)
    assert bot.slots == ["base"]


def test_one_signal_starts_one_deal() -> None:
    bot = DcaBot(start_on_signal=True)
    bot.at(100, features={"signal": 1.0, "signal_at": 7000.0})
    bot.at(100, bot.filled("base", price=100))
    bot.at(101, bot.filled("take_profit:1"), features={"signal": 1.0, "signal_at": 7000.0})
    assert bot.slots == []
    bot.at(101, features={"signal": 1.0, "signal_at": 7001.0})
    assert bot.slots == ["base"]


def test_a_level_starts_deals_for_as_long_as_it_holds() -> None:
    bot = DcaBot(start_on_rsi=True)
    bot.at(100, features={"rsi": 20.0}, candle_close=1000)
    bot.at(100, bot.filled("base", price=100))
    bot.at(101, bot.filled("take_profit:1"), features={"rsi": 20.0}, candle_close=1000)
    assert bot.slots == ["base"]


def test_what_hinders_a_start_is_told_once() -> None:
    bot = DcaBot(max_price=99, start_on_rsi=True)
    assert not starts(bot, rsi=50.0)
    assert bot.codes == ["dca.waits_max_price"]
    assert not starts(bot, rsi=50.0)
    assert bot.codes == []
    assert not starts(bot, 98.0, rsi=50.0)
    assert bot.codes == ["dca.waits_condition"]
    assert starts(bot, 98.0, rsi=10.0)
    assert bot.codes == ["dca.met_rsi", "dca.started"]


def test_the_cool_down_runs_from_the_end_of_the_deal() -> None:
    bot = DcaBot(cool_down=60).opened(100.0)
    bot.at(101, bot.filled("take_profit:1"))
    assert bot.slots == []
    assert bot.codes[-1] == "dca.waits_cool_down"
    bot.at(101, seconds=59)
    assert bot.slots == []
    bot.at(101, seconds=1)
    assert bot.slots == ["base"]


def test_after_its_last_deal_the_bot_finishes() -> None:
    bot = DcaBot(max_deals=1).opened(100.0)
    assert bot.finished == ""
    bot.at(101, bot.filled("take_profit:1"))
    assert bot.slots == []
    assert bot.finished == "dca.finished"


def test_what_comes_in_after_the_last_deal_is_closed_before_the_bot_finishes() -> None:
    bot = DcaBot(max_deals=1).opened(100.0)
    late = bot.filled("safety:1")
    bot.at(101, bot.filled("take_profit:1"))
    bot.at(99, late)
    assert bot.slots == ["close"]
    assert bot.finished == ""
    bot.at(99, bot.filled("close", price=99))
    assert bot.finished == "dca.finished"


def test_a_day_s_loss_stops_new_deals_until_the_next_day() -> None:
    bot = DcaBot(stop_loss=10, daily_loss_limit=10)
    bot.opened(100.0)
    bot.at(90, bot.filled("stop", price=90), realised=-10.1)
    assert bot.slots == []
    assert bot.codes[-1] == "dca.waits_daily_loss"
    bot.at(90, realised=-10.1, seconds=3600)
    assert bot.slots == []
    bot.at(90, realised=-10.1, seconds=DAY - 3600)
    assert bot.slots == ["base"]


def test_a_loss_seen_at_the_first_tick_of_a_day_belongs_to_that_day() -> None:
    bot = DcaBot(stop_loss=10, daily_loss_limit=10).opened(100.0)
    bot.at(90, bot.filled("stop", price=90), realised=-10.1, seconds=DAY)
    assert bot.codes[-1] == "dca.waits_daily_loss"


def test_a_profit_makes_room_for_a_loss() -> None:
    bot = DcaBot(stop_loss=10, daily_loss_limit=10).opened(100.0)
    bot.at(101, bot.filled("take_profit:1"), realised=1.0)
    bot.at(101, bot.filled("base", price=101), realised=1.0)
    bot.at(91, bot.filled("stop", price=90.9), realised=-9.0)
    assert bot.slots == ["base"]
