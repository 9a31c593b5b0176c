"""Lists: pages, filters that refuse what they do not understand, and a cost that does not grow with the rows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.serializers import Serializer
from rest_framework.test import APIClient

from bots.api import bots, records
from bots.api.accounts import AccountViewSet
from bots.lifecycle import BotStatus, OrderStatus
from bots.models import Event, JournalEntry, Trade
from tests.bots import cast
from web.lists import LeanList


def names(api: APIClient, address: str) -> list[str]:
    answer = api.get(address)
    assert answer.status_code == 200, answer.json()
    return [row["name"] for row in answer.json()["results"]]


def test_a_page_tells_how_many_there_are_and_where_the_next_one_is(api: APIClient) -> None:
    for number in range(5):
        cast.bot(f"bot-{number}")
    first = api.get("/api/v1/bots/?page_size=2").json()
    assert first.keys() == {"count", "next", "previous", "results"}
    assert (first["count"], first["previous"]) == (5, None)
    assert [row["name"] for row in first["results"]] == ["bot-0", "bot-1"]
    second = api.get(first["next"]).json()
    assert [row["name"] for row in second["results"]] == ["bot-2", "bot-3"]
    assert second["previous"] is not None
    assert api.get("/api/v1/bots/?page_size=2&page=3").json()["next"] is None


def test_bots_are_chosen_by_status_symbol_and_account(api: APIClient) -> None:
    cast.bot("a", status=BotStatus.RUNNING)
    cast.bot("b", symbol="BTC/USDT")
    cast.bot("c", account=cast.account("second"))
    assert names(api, "/api/v1/bots/?status=running") == ["a"]
    assert names(api, "/api/v1/bots/?symbol=BTC/USDT") == ["b"]
    assert names(api, "/api/v1/bots/?account=second") == ["c"]
    assert names(api, "/api/v1/bots/?account=second&status=running") == []


def test_bots_that_were_put_away_are_not_listed(api: APIClient) -> None:
    cast.bot("gone", archived_at=cast.NOW)
    assert names(api, "/api/v1/bots/") == []
    assert api.get("/api/v1/bots/gone/").status_code == 404


def test_orders_are_chosen_by_status_side_and_time(api: APIClient) -> None:
    bot = cast.bot()
    cast.order(bot, "buy", "1", "1900", slot="standing")
    cast.order(bot, "sell", "1", "2100", slot="filled", status=OrderStatus.FILLED)
    cast.order(
        bot, "buy", "1", "1800", slot="unclear", status=OrderStatus.UNKNOWN, created_at=cast.NOW + timedelta(hours=1)
    )

    def slots(query: str) -> list[str]:
        return [row["slot"] for row in api.get(f"/api/v1/bots/eth-grid/orders/?{query}").json()["results"]]

    assert slots("") == ["unclear", "filled", "standing"]
    assert slots("status=live") == ["unclear", "standing"]
    assert slots("status=filled") == ["filled"]
    assert slots("side=buy&since=2025-05-04T12:30:00Z") == ["unclear"]


def test_trades_are_open_or_closed(api: APIClient) -> None:
    bot = cast.bot()
    common = {
        "bot": bot,
        "account": bot.account,
        "symbol": bot.symbol,
        "run": 1,
        "direction": "long",
        "amount": "1",
        "opened_at": cast.NOW,
    }
    Trade.objects.create(key="grid:1", ordinal=1, closed_at=cast.NOW, **common)
    Trade.objects.create(key="grid:2", ordinal=1, **common)
    assert [row["key"] for row in api.get("/api/v1/bots/eth-grid/trades/?status=open").json()["results"]] == ["grid:2"]
    assert [row["key"] for row in api.get("/api/v1/bots/eth-grid/trades/?status=closed").json()["results"]] == [
        "grid:1"
    ]


def test_events_are_chosen_by_kind_severity_bot_and_symbol(api: APIClient) -> None:
    eth, btc = cast.bot("eth"), cast.bot("btc", symbol="BTC/USDT")
    Event.objects.create(bot=eth, kind="bot_started", message="one", created_at=cast.NOW)
    Event.objects.create(bot=btc, kind="bot_stopped", severity="warning", message="two", created_at=cast.NOW)
    Event.objects.create(kind="health_critical", severity="critical", message="three", created_at=cast.NOW)

    def told(query: str) -> list[str]:
        return [row["message"] for row in api.get(f"/api/v1/events/?{query}").json()["results"]]

    assert told("") == ["three", "two", "one"]
    assert told("kind=bot_started") == ["one"]
    assert told("severity=warning") == ["two"]
    assert told("bot=eth") == ["one"]
    assert told("symbol=BTC/USDT") == ["two"]


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("status=runing", "status", "runing is not one of: stopped, starting, running, paused, stopping, emergency."),
        ("colour=blue", "colour", "There is no parameter colour. Possible: account, mode, page, page_size, status,"),
        ("page_size=0", "page_size", "1 to 500"),
        ("page_size=many", "page_size", "1 to 500"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(api: APIClient, query: str, field: str, words: str) -> None:
    answer = api.get(f"/api/v1/bots/?{query}")
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert words in error["message"]


def test_a_moment_that_is_none_is_refused(api: APIClient) -> None:
    answer = api.get("/api/v1/events/?since=yesterday")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "since"
    assert answer.json()["errors"][0]["value"] == "yesterday"


def test_a_page_beyond_the_last_is_404(api: APIClient) -> None:
    assert api.get("/api/v1/bots/?page=99").status_code == 404


# Who asks, how many there are, the page; records of one bot also look for the bot.
@pytest.mark.parametrize(
    ("address", "queries"),
    [
        ("/api/v1/bots/", 3),
        ("/api/v1/orders/", 3),
        ("/api/v1/events/", 3),
        ("/api/v1/accounts/", 3),
        ("/api/v1/bots/bot-0/orders/", 4),
        ("/api/v1/bots/bot-0/fills/", 4),
        ("/api/v1/bots/bot-0/trades/", 4),
        ("/api/v1/bots/bot-0/events/", 4),
        ("/api/v1/bots/bot-0/journal/", 4),
        # Who asks, bots with their figures, their curves, open orders, events.
        ("/api/v1/dashboard/", 5),
    ],
)
def test_a_list_costs_the_same_however_long_it_is(api: APIClient, address: str, queries: int) -> None:
    def grow(numbers: range) -> None:
        for number in numbers:
            bot = cast.bot(f"bot-{number}")
            for _ in range(2):
                cast.fill(cast.order(bot, "buy", "1", "1900"), price="1900", amount="1")
            Event.objects.create(bot=bot, kind="bot_started", message="Started.", created_at=cast.NOW)
            JournalEntry.objects.create(bot=bot, action="note", code="n", sentence="Noted.", created_at=cast.NOW)
            Trade.objects.create(
                bot=bot,
                account=bot.account,
                symbol=bot.symbol,
                run=1,
                key="grid:1",
                ordinal=1,
                amount="1",
                opened_at=cast.NOW,
            )

    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert api.get(address).status_code == 200
        return len(captured)

    grow(range(2))
    assert cost() == queries
    grow(range(2, 6))
    assert cost() == queries


def promised(view: type[LeanList]) -> set[str]:
    assert view.serializer_class is not None
    serializer = view.serializer_class()
    assert isinstance(serializer, Serializer)
    return set(serializer.fields)


@pytest.mark.parametrize(
    "view",
    [
        records.OrderViewSet,
        records.EventViewSet,
        records.BotFillViewSet,
        records.BotTradeViewSet,
        records.BotJournalViewSet,
    ],
)
def test_rows_have_exactly_the_fields_that_the_schema_promises(view: type[LeanList]) -> None:
    assert promised(view) == set(view.columns)


def test_shaped_rows_have_exactly_the_fields_that_the_schema_promises(api: APIClient) -> None:
    cast.bot()
    for address, view in (("/api/v1/bots/", bots.BotViewSet), ("/api/v1/accounts/", AccountViewSet)):
        assert api.get(address).json()["results"][0].keys() == promised(view)
