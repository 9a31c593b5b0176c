"""Signals from outside: taken once, told, and acted on by a bot that listens for them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from bots import services
from bots.errors import SignalRefused
from bots.external_signals import VALID_FOR, as_features, newest_signal, receive_signal
from bots.lifecycle import BotStatus
from bots.models import Bot, EventKind, ExternalSignal, Fill, JournalEntry, Order
from strategies.contract import Direction
from tests.bots import cast
from tests.bots.candle_files import path_of
from tests.bots.market import SteppedMarket, stepped_market

CONFIG = {
    "base_order_size": "1000",
    "safety_orders": 0,
    "take_profit": "1",
    "start_on_signal": True,
}


def dca_bot(name: str = "eth-dca", **fields: Any) -> Bot:
    return cast.bot(
        name,
        **{"strategy": "dca", "config": CONFIG, "status": BotStatus.RUNNING, "started_at": cast.NOW, **fields},
    )


def receive(bot: Bot, delivery_id: str = "1", direction: Direction = Direction.LONG) -> tuple[ExternalSignal, bool]:
    return receive_signal(
        bot=bot, direction=direction, source="tradingview", delivery_id=delivery_id, requested_by="alice"
    )


@pytest.mark.django_db
def test_a_signal_is_stored_told_and_journalled_once() -> None:
    bot = dca_bot()
    first, is_new = receive(bot)
    again, is_new_again = receive(bot)
    assert (is_new, is_new_again) == (True, False)
    assert first == again == ExternalSignal.objects.get()
    sentence = "A signal to go long came from tradingview (delivery 1)."
    (event,) = bot.events.all()
    assert (event.kind, event.message) == (EventKind.SIGNAL_RECEIVED, sentence)
    (note,) = JournalEntry.objects.filter(bot=bot)
    assert (note.sentence, note.requested_by) == (sentence, "alice")


@pytest.mark.django_db
def test_one_delivery_id_may_come_to_two_bots() -> None:
    receive(dca_bot())
    assert receive(dca_bot("other"))[1] is True


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": BotStatus.STOPPED}, "Bot eth-dca is stopped: only a running bot takes signals."),
        ({"status": BotStatus.PAUSED}, "Bot eth-dca is paused"),
        ({"config": {**CONFIG, "start_on_signal": False}}, "does not listen for signals: switch on start_on_signal"),
        ({"strategy": "grid", "config": cast.grid_config()}, "does not listen for signals"),
    ],
)
def test_who_cannot_act_on_it_takes_none(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(SignalRefused, match=words):
        receive(dca_bot(**fields))
    assert not ExternalSignal.objects.exists()


@pytest.mark.django_db
def test_a_bot_is_shown_the_newest_signal_of_its_run_for_a_minute() -> None:
    bot = dca_bot()
    receive(bot, "1")
    newest, _ = receive(bot, "2", Direction.SHORT)
    at = newest.received_at
    assert newest_signal(bot, now=at) == newest
    assert as_features(newest) == {"signal": -1.0, "signal_at": pytest.approx(at.timestamp() * 1000)}
    assert newest_signal(bot, now=at + VALID_FOR) == newest
    assert newest_signal(bot, now=at + VALID_FOR + timedelta(milliseconds=1)) is None
    bot.started_at = at + timedelta(seconds=1)
    assert newest_signal(bot, now=at + timedelta(seconds=2)) is None
    assert as_features(None) == {}


@pytest.mark.django_db(transaction=True)
def test_each_signal_opens_one_deal_and_its_order_says_so(tmp_path: Path, client: Client) -> None:
    """2000 until the second signal has been used: a deal sells at 2020 and waits for the next signal."""
    with stepped_market(tmp_path, path_of("2000", "2000", "2030", "2000", "2000")) as market:
        made = cast.bot("eth-dca", account=market.account, strategy="dca", config=CONFIG, run=0)
        bot = services.start_bot(bot=made, requested_by="alice")
        market.run(bot, 4)
        assert not Order.objects.exists()
        receive(bot, "1", Direction.SHORT)
        market.run(bot, 1)
        assert not Order.objects.exists()  # it trades long
        signal, _ = receive(bot, "2")
        market.run(bot, 2)
        assert slots(bot) == ["base", "take_profit:1"]
        base = Order.objects.get(bot=bot, slot="base")
        entry = base.journal.get(action="place")
        assert entry.features == {"signal": 1.0, "signal_at": pytest.approx(signal.received_at.timestamp() * 1000)}
        assert JournalEntry.objects.filter(bot=bot, sentence="A signal to go long arrived.").count() == 1
        until_sold(market, bot)
        market.run(bot, 2)
        assert Order.objects.filter(bot=bot, slot="base").count() == 1  # the same signal opens no second deal
        receive(bot, "3")
        market.run(bot, 2)
        assert Order.objects.filter(bot=bot, slot="base").count() == 2
    client.force_login(cast.alice())
    page = client.get(f"/orders/{base.pk}/").text
    assert "Signal from outside" in page
    assert "What it saw" in page


def until_sold(market: SteppedMarket, bot: Bot) -> None:
    for _ in range(8):
        if Fill.objects.filter(bot=bot, side="sell", price=Decimal(2020)).exists():
            return
        market.run(bot, 1)
    raise AssertionError("the take profit was not filled")


def slots(bot: Bot) -> list[str]:
    return sorted(Order.objects.filter(bot=bot).values_list("slot", flat=True))
