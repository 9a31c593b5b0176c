"""Each decision of a deal's life can be told in a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.contract import Reason
from strategies.explanations import ENGLISH, explain
from tests.strategies.dca.bench import DcaBot

LIVES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a whole deal": (
        {"stop_loss": 20},
        ["dca.base", "dca.started", "dca.opened", "dca.safety", "dca.take_profit", "dca.stop"],
    ),
    "trailing": ({"trailing_take_profit": 1}, ["dca.trailing", "dca.trailed", "dca.close", "dca.over"]),
    "stopped": (
        {"stop_loss": 3, "stop_loss_timeout": 1, "safety_orders": 0},
        ["dca.stop_loss_waits", "dca.stop_loss_recovered", "dca.stop_loss"],
    ),
    "in steps": (
        {"take_profit": None, "take_profit_steps": "1:50, 2:50", "cool_down": 9},
        ["dca.took_profit", "dca.waits_cool_down"],
    ),
    "old": ({"max_deal_time": 3}, ["dca.deal_time"]),
}


@pytest.mark.parametrize("life", LIVES)
def test_a_life_can_be_told(life: str) -> None:
    changes, codes = LIVES[life]
    bot = DcaBot(**changes)
    said: list[Reason] = []
    for price in (100.0, 100.0, 99.0, 97.5, 96.0, 97.5, 95.5, 95.0, 103.0, 103.0, 101.0, 101.0, 101.0):
        fills = []
        for order in bot.decision.wanted:
            reached = order.price is None or (order.price >= price if order.side == "buy" else order.price <= price)
            if reached and order.trigger_price is None:
                fills.append(bot.filled(order.slot, price=order.price or price))
        decision = bot.at(price, *fills)
        said += [*decision.notes, *(order.reason for order in decision.wanted)]
    assert {reason.code for reason in said} >= set(codes)
    for reason in said:
        assert reason.code in ENGLISH
        sentence = explain(reason)
        assert "{" not in sentence
        assert sentence.endswith(".")


def test_a_sentence_reads_as_one_would_say_it() -> None:
    bot = DcaBot().opened(100.0)
    assert explain(bot.order("safety:2").reason) == (
        "Safety order 2 waits at 96 for 1.04: 4 % from the base order at 100."
    )
    bot.at(98, bot.filled("safety:1"))
    assert [explain(note) for note in bot.decision.notes] == [
        "Safety order 1 was filled: the average is now 98.990099, the take profit at 99.98."
    ]
