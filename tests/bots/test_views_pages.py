"""Overview, bot and order pages: whole, in parts, and for those who are not signed in."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from bots.lifecycle import BotStatus, OrderStatus
from bots.models import Bot, EquityPoint, Event, JournalEntry
from exchange.errors import AuthenticationFailed, TemporaryError
from exchange.prices import redis_client
from tests.bots import cast
from tests.bots.cast import NOW
from tests.bots.pages import ChartedMarket

HTMX = {"HX-Request": "true"}


def test_the_overview_of_an_empty_house_says_what_to_do_first(person: Client) -> None:
    assert "No exchange account yet" in person.get("/").text
    cast.account()
    page = person.get("/").text
    assert "No bots yet" in page
    assert 'href="/new/"' in page


def test_the_overview_names_bot_orders_events_and_equity(person: Client) -> None:
    bot = cast.bot("eth-grid", status=BotStatus.RUNNING)
    cast.order(bot, "buy", "0.5", "1900.50")
    Event.objects.create(bot=bot, kind="order_placed", message="Placed: buy 0.5.", created_at=timezone.now())
    page = person.get("/").text
    assert 'href="/bots/eth-grid/"' in page
    assert "1,900.5" in page
    assert "Placed: buy 0.5." in page
    # 100,000 USDT of balance and 10.50 open in a position.
    assert "100,010.50" in page


def test_an_exchange_that_does_not_answer_is_named_and_the_page_comes_up(
    person: Client, charted_market: ChartedMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> Any:
        raise AuthenticationFailed("bybit refused the key: API key is invalid.")

    monkeypatch.setattr(charted_market, "balances", refuse)
    cast.bot("eth-grid")
    answer = person.get("/")
    assert answer.status_code == 200
    assert "practice: bybit refused the key: API key is invalid." in answer.text


@pytest.fixture
def without_redis(settings: Settings) -> Iterator[None]:
    """Everything is pointed at a port where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nowhere = f"redis://127.0.0.1:{taken.getsockname()[1]}/0"
        settings.REDIS_URL = nowhere
        settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": nowhere}}
        redis_client.cache_clear()
        yield
    redis_client.cache_clear()


@pytest.mark.usefixtures("without_redis")
def test_pages_come_up_without_redis(person: Client) -> None:
    bot = cast.bot("eth-grid", status=BotStatus.RUNNING)
    order = cast.order(bot, "buy", "0.5", "1900.50")
    assert "Redis does not answer" in person.get("/").text
    for address in ("/bots/eth-grid/", f"/orders/{order.pk}/", "/exchanges/", "/new/"):
        assert person.get(address).status_code == 200, address


def test_a_part_is_returned_alone(person: Client) -> None:
    cast.bot("eth-grid")
    part = person.get("/?part=bots", headers=HTMX).text
    assert "eth-grid" in part
    assert "<html" not in part
    assert "Recent events" not in part


def test_a_part_that_no_page_has_is_not_found(person: Client) -> None:
    cast.bot("eth-grid")
    assert person.get("/?part=secrets", headers=HTMX).status_code == 404
    assert person.get("/bots/eth-grid/?part=dialog", headers=HTMX).status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/new/",
        "/bots/eth-grid/",
        "/bots/eth-grid/chart.json",
        "/bots/eth-grid/stop/",
        "/orders/1/",
        "/market-clock/",
    ],
)
def test_nobody_sees_a_page_without_signing_in(db: None, address: str) -> None:
    answer = Client().get(address)
    assert answer.status_code == 302
    assert answer["Location"] == f"/login/?next={address}"


def test_a_part_of_a_page_left_open_leads_to_the_sign_in_page_as_a_whole(db: None) -> None:
    headers = {**HTMX, "HX-Current-URL": "http://testserver/bots/eth-grid/?tab=fills"}
    answer = Client().get("/bots/eth-grid/?part=head", headers=headers)
    assert answer["HX-Redirect"] == "/login/?next=%2Fbots%2Feth-grid%2F%3Ftab%3Dfills"


def test_signing_in_leads_back_and_a_wrong_password_is_told(db: None) -> None:
    user = cast.alice()
    user.set_password("correct horse")
    user.save()
    browser = Client()
    wrong = browser.post("/login/", {"username": "alice", "password": "battery"})
    assert "Please enter a correct username and password" in wrong.text
    right = browser.post("/login/", {"username": "alice", "password": "correct horse", "next": "/new/"})
    assert (right.status_code, right["Location"]) == (302, "/new/")
    assert browser.post("/logout/")["Location"] == "/login/"
    assert browser.get("/")["Location"] == "/login/?next=/"


def test_an_unknown_bot_is_not_found_on_a_page_of_our_own(person: Client) -> None:
    answer = person.get("/bots/nobody/")
    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.text
    Bot.objects.filter(pk=cast.bot("gone").pk).update(archived_at=NOW)
    assert person.get("/bots/gone/").status_code == 404


@pytest.mark.parametrize(
    ("status", "buttons"),
    [
        (BotStatus.STOPPED, {"start", "edit", "delete"}),
        (BotStatus.STARTING, {"stop", "emergency"}),
        (BotStatus.RUNNING, {"pause", "stop", "emergency"}),
        (BotStatus.PAUSED, {"resume", "stop", "emergency"}),
        (BotStatus.STOPPING, {"emergency"}),
        (BotStatus.EMERGENCY, {"stop"}),
    ],
)
def test_a_bot_shows_the_buttons_that_its_status_allows(person: Client, status: BotStatus, buttons: set[str]) -> None:
    cast.bot("eth-grid", status=status)
    page = person.get("/bots/eth-grid/?part=head", headers=HTMX).text
    shown = {
        name
        for name in ("start", "pause", "resume", "stop", "emergency", "edit", "delete")
        if f'id="do-{name}"' in page
    }
    assert shown == buttons


def busy_bot() -> Bot:
    bot = cast.bot("eth-grid", status=BotStatus.RUNNING)
    order = cast.order(bot, "buy", "0.5", "1900.50", slot="grid:1", status=OrderStatus.PARTIALLY_FILLED)
    cast.fill(order, price="1900.25", amount="0.2", fee="0.076", executed_at=NOW - timedelta(seconds=90))
    JournalEntry.objects.create(
        bot=bot,
        order=order,
        action="place",
        code="grid.open",
        sentence="Interval 1 waits at 1900.5.",
        numbers={"interval": 1},
        checks=[{"check": "minimum amount", "value": "0.5", "limit": "0.01", "passed": True}],
        requested_by="strategy grid",
        price=Decimal("1950"),
        created_at=NOW,
    )
    EquityPoint.objects.create(
        bot=bot,
        account=bot.account,
        at=NOW,
        exchange_time=NOW,
        price=Decimal(2000),
        realised_pnl=Decimal("1.5"),
        unrealised_pnl=Decimal(-1),
    )
    return bot


@pytest.mark.parametrize(
    ("tab", "shown"),
    [
        ("orders", "Interval 1 waits at 1900.5."),
        ("fills", "1,900.25"),
        ("cycles", "No cycles yet."),
        ("events", "No events yet."),
        ("journal", "Interval 1 waits at 1900.5."),
    ],
)
def test_each_tab_is_an_address_of_its_own(person: Client, tab: str, shown: str) -> None:
    busy_bot()
    assert shown in person.get(f"/bots/eth-grid/?tab={tab}").text
    assert shown in person.get(f"/bots/eth-grid/?part=records&tab={tab}", headers=HTMX).text


@pytest.mark.parametrize("query", ["tab=secrets", "before=x", "before=-1", "before=9999999999999999999999"])
def test_a_mistyped_address_is_not_found(person: Client, query: str) -> None:
    cast.bot("eth-grid")
    assert person.get(f"/bots/eth-grid/?{query}").status_code == 404


def test_an_order_page_tells_why_it_exists_and_what_became_of_it(person: Client) -> None:
    order = busy_bot().orders.get()
    page = person.get(f"/orders/{order.pk}/").text
    for text in ("Interval 1 waits at 1900.5.", "minimum amount", "Partly filled", order.client_order_id, "1,900.25"):
        assert text in page


def test_the_chart_has_candles_orders_fills_levels_and_the_curve(person: Client) -> None:
    bot = busy_bot()
    chart = person.get("/bots/eth-grid/chart.json?timeframe=1m").json()
    noon = int(NOW.timestamp())
    assert chart["candles"][-1] == {"time": noon, "open": 1999.0, "high": 2001.5, "low": 1998.0, "close": 2000.0}
    order = bot.orders.get()
    assert chart["orders"] == [
        {"id": order.pk, "side": "buy", "price": 1900.5, "amount": 0.5, "type": "limit", "slot": "grid:1"}
    ]
    assert [(fill["time"], fill["side"], fill["price"]) for fill in chart["fills"]] == [(noon - 90, "buy", 1900.25)]
    assert [line["price"] for line in chart["levels"]] == [1900.5]
    assert chart["equity"] == [{"time": noon, "value": 0.5}]
    assert chart["error"] == ""


def test_fills_before_the_first_candle_are_left_out(person: Client) -> None:
    bot = busy_bot()
    # The market's three candles begin at 11:58.
    cast.fill(bot.orders.get(), price="1900.25", amount="0.1", executed_at=NOW - timedelta(seconds=121))
    assert len(person.get("/bots/eth-grid/chart.json").json()["fills"]) == 1


def test_a_bot_that_rests_shows_the_lines_that_a_start_would_place(person: Client) -> None:
    cast.bot("eth-grid", run=0)  # 1800 to 2200 in four intervals, the price at 2000
    levels = person.get("/bots/eth-grid/chart.json").json()["levels"]
    assert sorted((line["price"], line["side"]) for line in levels) == [
        (1800.0, "buy"),
        (1900.0, "buy"),
        (2100.0, "sell"),
        (2200.0, "sell"),
    ]


def test_a_chart_without_candles_says_why_and_shows_the_rest(
    person: Client, charted_market: ChartedMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise TemporaryError("bybit: connection refused.")

    monkeypatch.setattr(charted_market, "candles", refuse)
    busy_bot()
    chart = person.get("/bots/eth-grid/chart.json").json()
    assert (chart["error"], chart["candles"], len(chart["orders"])) == ("bybit: connection refused.", [], 1)


def test_pages_share_one_look_at_the_candles(person: Client, charted_market: ChartedMarket) -> None:
    cast.bot("eth-grid")
    cast.bot("eth-two")
    for name in ("eth-grid", "eth-two", "eth-grid"):
        person.get(f"/bots/{name}/chart.json")
    assert charted_market.asked == 1
    cache.clear()
    person.get("/bots/eth-grid/chart.json")
    assert charted_market.asked == 2


def test_an_unknown_timeframe_is_not_found(person: Client) -> None:
    cast.bot("eth-grid")
    assert person.get("/bots/eth-grid/chart.json?timeframe=7m").status_code == 404


def test_settings_are_shown_in_words(person: Client) -> None:
    cast.bot("eth-grid", config=cast.grid_config(investment="12500.00", stop_loss_price="1700"))
    page = person.get("/bots/eth-grid/?part=settings", headers=HTMX).text
    for text in ("Lower price", "1,800", "12,500", "Stop loss price", "Arithmetic (equal distance)"):
        assert text in page


@pytest.mark.parametrize("tab", ["orders", "fills", "cycles", "events", "journal"])
def test_what_people_wrote_is_never_markup(person: Client, tab: str) -> None:
    bot = busy_bot()
    Event.objects.create(bot=bot, kind="order_failed", message="<script>alert(1)</script>", created_at=NOW)
    JournalEntry.objects.create(
        bot=bot, action="note", code="x", sentence="<script>alert(1)</script>", requested_by="<b>", created_at=NOW
    )
    assert "<script>alert" not in person.get(f"/bots/eth-grid/?tab={tab}").text
    assert "<script>alert" not in person.get("/").text


def test_no_key_is_on_any_page(person: Client) -> None:
    account = cast.account(api_key="visible-key-1", api_secret="visible-secret-1")
    bot = cast.bot("eth-grid", account=account)
    order = cast.order(bot, "buy", "0.5", "1900")
    for address in ("/", "/new/", "/bots/eth-grid/", "/bots/eth-grid/edit/", f"/orders/{order.pk}/"):
        page = person.get(address).text
        assert "visible-key-1" not in page
        assert "visible-secret-1" not in page


def test_the_numbers_of_a_reason_are_written_for_people(person: Client) -> None:
    bot = busy_bot()
    JournalEntry.objects.update(numbers={"opened_at": 1797.8800000000003})
    page = person.get(f"/orders/{bot.orders.get().pk}/").text
    assert "<dt>opened at</dt>" in page
    assert ">1,797.88<" in page
