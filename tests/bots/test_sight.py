"""What a bot's page says of what the strategy sees, tells and has resting."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from bots.lifecycle import BotStatus
from bots.models import Bot, JournalEntry, Signal, Snapshot
from bots.views.sight import nearest_orders, seen_in, sight_of, signal_facts
from tests.bots import cast

CLOSE = 1_746_360_900_000  # 2025-05-04 12:15 UTC
FEATURES: dict[str, float | None] = {
    "volume_ratio": 1.666,
    "atr": 61.3063,
    "close": 94_160.04,
    "trend_1h": -1.0,
    "trend_4h": 1.0,
    "place": 0.4511,
    "swept_up": 1.0,
    "pool_above": None,
    "demand_pattern": 2.0,
    "demand_score": 3.456,
}


def test_numbers_are_words_under_headings_in_the_strategys_own_order() -> None:
    groups = seen_in("smc", FEATURES)
    assert {heading: [(seen.title, seen.text) for seen in group] for heading, group in groups.items()} == {
        "Candle": [("Close", "94,160.04"), ("ATR", "61.306"), ("Volume to its mean", "1.67 ×")],
        "Structure": [("Trend 1h", "down"), ("Trend 4h", "up")],
        "Dealing ranges": [("Place in the range of 1h", "45.1 %")],
        "Liquidity": [("Pool above", ""), ("Highs swept lately", "yes")],
        "Demand": [("Entry pattern", "pin bar"), ("Zone score", "3.46")],
    }
    assert list(groups) == ["Candle", "Structure", "Dealing ranges", "Liquidity", "Demand"]
    assert [seen.tone for seen in groups["Structure"]] == ["down", "up"]


def test_small_prices_keep_their_digits() -> None:
    ((close, low),) = seen_in("trend", {"close": 0.0000082345, "open": 0.18}).values()
    assert {close.text, low.text} == {"0.0000082345", "0.18"}


@pytest.mark.django_db
def test_a_bot_without_features_sees_nothing_and_one_without_candles_knows_nothing() -> None:
    bot = cast.bot()
    assert sight_of("grid", None) is None
    assert sight_of("grid", snapshot(bot, {})) is None
    blind = sight_of("smc", snapshot(bot, {"close": None, "atr": None}))
    assert blind is not None
    assert blind.knows_nothing
    seeing = sight_of("smc", snapshot(bot, FEATURES))
    assert seeing is not None
    assert not seeing.knows_nothing
    assert f"{seeing.candle_closed:%H:%M}" == "12:15"


@pytest.mark.django_db
def test_of_many_orders_the_nearest_are_shown_highest_first() -> None:
    bot = cast.bot()
    orders = [cast.order(bot, "buy", "1", str(price), slot=f"grid:{price}:buy") for price in range(1900, 2012, 10)]
    found = nearest_orders(orders, Decimal(2000))
    assert [each.price for each in found] == [2010, 2000, 1990, 1980, 1970, 1960, 1950, 1940]
    assert found[0].away == Decimal("0.005")
    assert found[0].title == "grid 2010 buy"
    assert [each.away for each in nearest_orders(orders[:2], None)] == [None, None]


def snapshot(bot: Bot, features: dict[str, float | None]) -> Snapshot:
    return Snapshot.objects.create(
        bot=bot, run=1, strategy_version="1", state={}, features=features, candle_close=CLOSE, created_at=cast.NOW
    )


def test_the_page_shows_what_is_seen_told_and_signalled(person: Client) -> None:
    bot = cast.bot("btc-smc", strategy="smc", config={"capital": "1000"}, mode="signals", status=BotStatus.RUNNING)
    bot.started_at = cast.NOW - timedelta(minutes=1)
    bot.save()
    snapshot(bot, FEATURES)
    JournalEntry.objects.create(
        bot=bot, action="note", code="smc.unsure", sentence="No long entry on it.", created_at=cast.NOW
    )
    Signal.objects.create(
        bot=bot,
        direction="long",
        entry=Decimal("94823.4"),
        stop_loss=Decimal("94400"),
        take_profit=Decimal(96000),
        confidence=0.62,
        strategy_type="smc",
        metadata={"reward": 2.5, "pattern": "pin bar"},
        timestamp=cast.NOW,
    )
    page = person.get("/bots/btc-smc/").text
    for words in ("What it sees", "pin bar", "No long entry on it.", "94,823.4", "62 %", "Dealing ranges"):
        assert words in page, words
    part = person.get("/bots/btc-smc/?part=sight", headers={"HX-Request": "true"}).text
    assert "What it sees" in part
    assert "94,823.4" not in part


def test_a_signals_telling_things_come_first() -> None:
    assert [name for name, _ in signal_facts({"alpha": 1, "reward": 2.5, "pattern": "pin bar"})] == [
        "pattern",
        "reward",
        "alpha",
    ]


def test_a_bot_that_never_signalled_has_no_tab_for_it(person: Client) -> None:
    cast.bot("eth-grid")
    assert 'id="tab-signals"' not in person.get("/bots/eth-grid/").text


@pytest.mark.parametrize(
    ("strategy", "heading"),
    [("dca", "New bot: DCA"), ("smc", "New bot: Smart Money Concepts"), ("grid", "New bot: Grid")],
)
def test_the_form_is_headed_by_the_strategys_title(person: Client, strategy: str, heading: str) -> None:
    assert heading in person.get(f"/new/?strategy={strategy}").text
