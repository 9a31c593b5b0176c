"""Snapshots are read by later versions: what version 1 wrote before lists had a fixed length still goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from strategies.contract import FillSeen, Point, PositionView, Side
from tests.strategies.dca.bench import DcaBot

# Between two deals, as an earlier version wrote it: no deal, so no orders in the lists.
BETWEEN: dict[str, Any] = {
    "phase": "waiting",
    "deal": 1,
    "hindrance": "dca.waits_cool_down",
    "started_at": 1000,
    "ended_at": 3000,
    "base_amount": 0.0,
    "base_filled": 0.0,
    "base_spent": 0.0,
    "base_price": 0.0,
    "safety_prices": [],
    "safety_amounts": [],
    "safety_done": [],
    "entered": 0.0,
    "spent": 0.0,
    "exited": 0.0,
    "held": 0.0,
    "earned": 0.0,
    "profit_prices": [],
    "profit_amounts": [],
    "profit_filled": [],
    "profit_done": [],
    "profit_sequences": [1],
    "best": 0.0,
    "stop_price": 0.0,
    "stop_sequence": 0,
    "stop_amount": 0.0,
    "beyond_since": 0,
    "close_sequence": 0,
    "close_filled": 0.0,
    "close_amount": 0.0,
    "close_code": "",
    "day": -1,
    "day_realised": 0.0,
    "realised": 0.0,
    "used_row": -1,
    "used_signal": -1.0,
    "finish_code": "",
}
# In a deal whose third safety order would have been below one tick: the lists name two.
OPEN_DEAL: dict[str, Any] = BETWEEN | {
    "phase": "open",
    "hindrance": "",
    "base_amount": 1.0,
    "base_filled": 1.0,
    "base_spent": 100.0,
    "base_price": 100.0,
    "safety_prices": [98.0, 96.0],
    "safety_amounts": [1.02, 1.04],
    "safety_done": [False, False],
    "entered": 1.0,
    "spent": 100.0,
    "held": 1.0,
    "profit_prices": [101.0],
    "profit_amounts": [1.0],
    "profit_filled": [0.0],
    "profit_done": [False],
}


def bot_with(snapshot: dict[str, Any], **changes: Any) -> DcaBot:
    bot = DcaBot(**changes)
    bot.state = bot.strategy.load(json.loads(json.dumps(snapshot)))
    bot.clock = 3000
    return bot


def test_a_bot_between_two_deals_goes_on_with_the_next() -> None:
    bot = bot_with(BETWEEN, cool_down=60)
    bot.at(100)
    assert bot.slots == []
    assert bot.codes == []  # it has told that it waits
    bot.at(100, seconds=60)
    bot.at(100, FillSeen("base", 2, Side.BUY, 100.0, 1.0, 0.0, 0, True))
    assert bot.slots == ["safety:1", "safety:2", "safety:3", "take_profit:1"]
    assert bot.order("take_profit:1").sequence == 2


def test_a_bot_in_a_deal_wants_what_it_wanted() -> None:
    bot = bot_with(OPEN_DEAL)
    bot.at(99)
    assert bot.book == {
        "safety:1": ("buy", 98.0, 1.02),
        "safety:2": ("buy", 96.0, 1.04),
        "take_profit:1": ("sell", 101.0, 1.0),
    }
    bot.at(98, bot.filled("safety:1"))
    assert bot.slots == ["safety:2", "take_profit:1"]


def test_a_snapshot_is_read_as_words() -> None:
    bot = DcaBot(stop_loss=10, max_deals=1).opened(100.0)
    assert bot.strategy.dump(bot.state)["phase"] == "open"
    bot.at(90)
    stored = bot.strategy.dump(bot.state)
    assert (stored["phase"], stored["close_code"]) == ("closing", "dca.stop_loss")
    bot.at(90, bot.filled("close", price=90))
    stored = bot.strategy.dump(bot.state)
    assert (stored["phase"], stored["finish_code"]) == ("finished", "dca.finished")


@pytest.mark.parametrize("spoilt", [{"phase": "asleep"}, {"unknown": 1}])
def test_another_strategy_s_snapshot_is_refused(spoilt: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"asleep|unknown"):
        DcaBot().strategy.load(BETWEEN | spoilt)


def test_a_state_with_room_is_not_copied() -> None:
    bot = DcaBot().opened(100.0)
    decision = bot.strategy.step(bot.config, bot.market, bot.state, Point(9_000, 100.0), PositionView(), [])
    assert decision.state is bot.state
