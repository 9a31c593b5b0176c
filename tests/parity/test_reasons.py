"""Each reason for a difference, with the bot's records written down by hand: one candle is a minute, two are near."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bots.journal import entry
from bots.models import Bot
from strategies.contract import Reason, Side
from tests.bots import cast
from traderagent.parity.reasons import Asked, Deviation, Why
from traderagent.parity.records import Traded

pytestmark = pytest.mark.django_db

MINUTE = 60_000
BEGIN = datetime(2025, 5, 4, 12, tzinfo=UTC)
T = round(BEGIN.timestamp() * 1000)
# 2 ETH bought at 2,000 as maker, for 0.02 % of 4,000.
TESTED = Traded(
    T + 10 * MINUTE, "grid:1", 1, Side.BUY, Decimal(2000), Decimal(2), Decimal("0.8"), "USDT", Decimal("0.8"), True
)


def changed(**changes: Any) -> Traded:
    """What happened live instead; a fee stands for its worth too."""
    return replace(TESTED, **changes, **({"fee_quote": changes["fee"]} if "fee" in changes else {}))


def asked(bot: Bot | None = None, silences: list[tuple[int, int]] | None = None) -> Asked:
    return Asked(bot or cast.bot(started_at=BEGIN), silences or [], 2 * MINUTE)


def of_pair(live: Traded, tested: Traded = TESTED, silences: list[tuple[int, int]] | None = None) -> list[Deviation]:
    return list(asked(silences=silences).of_pair(live, tested, MINUTE))


def test_the_same_trade_within_a_candle_is_none() -> None:
    assert of_pair(changed(timestamp=TESTED.timestamp - MINUTE)) == []


@pytest.mark.parametrize(
    ("live", "why", "cost"),
    [
        # 2 × 1.5 dearer, and 0.02 % of 4,003.
        (changed(price=Decimal("2001.5"), fee=Decimal("0.8006")), Why.PRICE, "3"),
        (changed(price=Decimal("1999"), fee=Decimal("0.7996")), Why.PRICE, "-2"),
        (changed(amount=Decimal(1), fee=Decimal("0.4")), Why.SIZE, None),
        (changed(fee=Decimal("1.2")), Why.FEE, "0.4"),
        # As taker for 0.055 %: 2.2.
        (changed(fee=Decimal("2.2"), is_maker=False), Why.FEE, "1.4"),
        (changed(timestamp=TESTED.timestamp + 90_000), Why.TIMING, None),
    ],
)
def test_what_a_trade_did_otherwise(live: Traded, why: Why, cost: str | None) -> None:
    found = of_pair(live)
    assert [(each.why, each.cost) for each in found] == [(why, None if cost is None else Decimal(cost))]
    assert found[0].slot == "grid:1"


def test_a_seller_gains_by_a_higher_price() -> None:
    tested, live = (
        replace(each, side=Side.SELL) for each in (TESTED, changed(price=Decimal(2001), fee=Decimal("0.8004")))
    )
    assert [(each.why, each.cost) for each in of_pair(live, tested)] == [(Why.PRICE, Decimal(-2))]


def test_an_order_that_came_when_its_price_was_there_crossed() -> None:
    """Dearer by the fee of a taker, 0.055 % of 3,998 less 0.02 %, and cheaper by the price."""
    found = of_pair(changed(price=Decimal(1999), fee=Decimal("2.1989"), is_maker=False))
    assert [(each.why, each.cost) for each in found] == [
        (Why.TIMING, Decimal(-2)),
        (Why.FEE, Decimal("1.3993")),
    ]
    assert "its order came when the price was there already" in found[0].live


def test_a_trade_in_a_silence_came_late_because_of_it() -> None:
    silence = (TESTED.timestamp - MINUTE, TESTED.timestamp + 2 * MINUTE)
    found = of_pair(changed(timestamp=TESTED.timestamp + 90_000), silences=[silence])
    assert [each.why for each in found] == [Why.MISSED_TICK]


def a_bot(*orders: dict[str, Any]) -> Bot:
    """With orders in the back-test's slot, buys at 2,000 ``minute`` after the beginning unless they say otherwise."""
    bot = cast.bot(started_at=BEGIN)
    for each in orders:
        fields: dict[str, Any] = {"side": "buy", "price": "2000", "minute": 5} | each
        at = BEGIN + timedelta(minutes=fields.pop("minute"))
        side, price = fields.pop("side"), fields.pop("price")
        cast.order(bot, side, "2", price, slot="grid:1", exchange_time=at, created_at=at, **fields)
    return bot


@pytest.mark.parametrize(
    ("orders", "why", "told"),
    [
        ([{}], Why.NOT_TRADED, "its order stood, 0 of it traded"),
        ([{"filled": Decimal("0.5"), "minute": 9}], Why.NOT_TRADED, "its order stood, 0.5 of it traded"),
        ([{"reject_reason": "not enough money"}], Why.REFUSED, "refused: not enough money"),
        # What counts is the newest order of that time.
        ([{"reject_reason": "not enough money"}, {"minute": 6}], Why.NOT_TRADED, "its order stood, 0 of it traded"),
        ([{"minute": 11}], Why.TIMING, "its order came to the exchange 60 s later"),
        ([{"minute": 13}], Why.SIGNAL, "wanted no such order"),
        ([{"price": "1990"}], Why.SIGNAL, "wanted another order"),
        ([{"filled": Decimal(2), "minute": 5}], Why.SIGNAL, "wanted no such order"),
        ([{"side": "sell"}], Why.SIGNAL, "wanted no such order"),
        ([], Why.SIGNAL, "wanted no such order"),
    ],
)
def test_why_a_bot_did_not_trade(orders: list[dict[str, Any]], why: Why, told: str) -> None:
    found = asked(a_bot(*orders)).why_not(TESTED)
    assert (found.why, found.live, found.tested) == (why, told, "buy 2 at 2000")
    assert (found.timestamp, found.what) == (TESTED.timestamp, "traded in the back-test only")


def test_what_the_gate_refused_is_told_in_its_words() -> None:
    bot = a_bot()
    numbers: dict[str, float | int | str] = {"slot": "grid:1", "why": "61 orders within a minute"}
    told = entry(bot, "refuse", Reason("plan.impossible", numbers), now=BEGIN, price=Decimal(2000))
    told.save()
    found = asked(bot).why_not(TESTED)
    assert (found.why, found.live) == (Why.REFUSED, told.sentence)
    assert "61 orders within a minute" in told.sentence


@pytest.mark.parametrize(("ended", "why"), [(-1, Why.MISSED_TICK), (-3, Why.SIGNAL)])
def test_a_silence_just_before_a_trade_is_its_reason(ended: int, why: Why) -> None:
    silence = (TESTED.timestamp - 8 * MINUTE, TESTED.timestamp + ended * MINUTE)
    found = asked(silences=[silence])
    assert found.why_not(TESTED).why is why
    alone = found.why(TESTED)
    assert (alone.why, alone.what, alone.live, alone.tested) == (why, "traded live only", "buy 2 at 2000", "–")
