"""What the pages read, and that it costs the same with one bot as with many."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bots import selectors
from bots.lifecycle import BotStatus, OrderStatus
from bots.models import Bot, EquityPoint, Event, JournalEntry, Position, Trade
from exchange.port import Ticker
from exchange.prices import redis_client, write_prices
from tests.bots import cast
from tests.bots.cast import NOW

pytestmark = pytest.mark.django_db

Queries = Callable[[int], Any]


@pytest.fixture(autouse=True)
def _no_shared_prices() -> None:
    redis_client().flushdb()


def equity(bot: Bot, before: timedelta, realised: str, unrealised: str = "0", price: str = "2000") -> None:
    EquityPoint.objects.create(
        bot=bot,
        account=bot.account,
        at=NOW - before,
        exchange_time=NOW - before,
        price=Decimal(price),
        realised_pnl=Decimal(realised),
        unrealised_pnl=Decimal(unrealised),
    )


def position(bot: Bot, amount: str, cost: str, realised: str = "0", fills: int = 1) -> None:
    Position.objects.create(
        bot=bot,
        account=bot.account,
        symbol=bot.symbol,
        amount=Decimal(amount),
        cost=Decimal(cost),
        realised_pnl=Decimal(realised),
        fills=fills,
        updated_at=NOW,
    )


def busy_bot(name: str) -> Bot:
    bot = cast.bot(name, status=BotStatus.RUNNING)
    order = cast.order(bot, "buy", "0.5", "1900")
    cast.order(bot, "sell", "0.5", "2100", status=OrderStatus.FILLED)
    cast.fill(order, price="1900", amount="0.2")
    JournalEntry.objects.create(
        bot=bot, order=order, action="place", code="x", sentence="Because.", requested_by="alice", created_at=NOW
    )
    Event.objects.create(bot=bot, kind="order_placed", message="Placed.", created_at=NOW)
    position(bot, "0.2", "380")
    equity(bot, timedelta(hours=1), "0")
    equity(bot, timedelta(), "0")
    return bot


@pytest.mark.parametrize("bots", [1, 3])
def test_the_overview_asks_four_queries_however_many_bots(django_assert_num_queries: Queries, bots: int) -> None:
    for number in range(bots):
        busy_bot(f"bot-{number}")
    with django_assert_num_queries(2):
        rows = selectors.bot_rows(now=NOW)
    with django_assert_num_queries(0):
        assert [row.bot.account.name for row in rows] == ["practice"] * bots
        selectors.totals_of(rows)
    with django_assert_num_queries(1):
        assert [order.bot.status for order in selectors.open_orders()] == ["running"] * bots
    with django_assert_num_queries(1):
        assert all(event.bot and event.bot.name for event in selectors.recent_events())


@pytest.mark.parametrize("orders", [1, 5])
def test_a_page_of_orders_with_their_reasons_asks_two_queries(django_assert_num_queries: Queries, orders: int) -> None:
    bot = cast.bot()
    for _ in range(orders):
        order = cast.order(bot, "buy", "0.5", "1900")
        JournalEntry.objects.create(
            bot=bot, order=order, action="place", code="x", sentence="Because.", requested_by="alice", created_at=NOW
        )
    with django_assert_num_queries(2):
        page = selectors.orders_page(bot)
        found = [entry.sentence for order in page.rows for entry in selectors.reasons_of(order)]
    assert found == ["Because."] * orders


def test_profit_is_valued_at_the_shared_last_price() -> None:
    bot = cast.bot(status=BotStatus.RUNNING)
    position(bot, amount="0.5", cost="900", realised="12.5")
    equity(bot, timedelta(seconds=8), "12.5", "50", price="1900")
    at = int(NOW.timestamp() * 1000)
    write_prices(bot.account.venue, [Ticker(bot.symbol, Decimal("2000.1"), at)], received=at)
    (row,) = selectors.bot_rows(now=NOW)
    # 0.5 × 2000.1 − 900 = 100.05 open, 12.50 realised.
    assert (row.price, row.unrealised, row.profit) == (Decimal("2000.1"), Decimal("100.05"), Decimal("112.55"))
    assert row.sparkline[-1] == Decimal("112.55")


def test_without_a_shared_price_the_last_noted_one_serves() -> None:
    bot = cast.bot()
    position(bot, amount="0.5", cost="900")
    equity(bot, timedelta(days=3), "0", "50", price="1900")
    (row,) = selectors.bot_rows(now=NOW)
    assert (row.price, row.profit) == (Decimal("1900"), Decimal("50"))


def test_today_counts_from_the_last_point_before_midnight() -> None:
    bot = cast.bot()
    position(bot, amount="0", cost="0", realised="30")
    # NOW is noon: 13 hours ago was yesterday, 11 hours ago is today.
    equity(bot, timedelta(hours=20), "4")
    equity(bot, timedelta(hours=13), "10", "-1")
    equity(bot, timedelta(hours=11), "25")
    (row,) = selectors.bot_rows(now=NOW)
    assert (row.profit, row.profit_today) == (Decimal("30"), Decimal("21"))


def test_a_bot_that_never_ran_shows_nothing_rather_than_nonsense() -> None:
    cast.bot(run=0)
    (row,) = selectors.bot_rows(now=NOW)
    assert (row.profit, row.profit_today, row.position) == (Decimal(0), Decimal(0), Decimal(0))
    assert (row.price, row.fills, row.open_orders) == (None, 0, 0)
    assert list(row.sparkline) == []


def test_bots_that_were_put_away_are_gone_from_all_lists() -> None:
    bot = busy_bot("old")
    Bot.objects.filter(pk=bot.pk).update(archived_at=NOW)
    assert selectors.bot_rows(now=NOW) == []
    assert selectors.open_orders() == []


def test_sums_are_kept_apart_by_mode_and_quote_coin() -> None:
    for name, symbol, mode, realised in [
        ("a", "ETH/USDT:USDT", "demo", "1"),
        ("b", "SOL/USDT", "demo", "2.5"),
        ("c", "ETH/BTC", "demo", "0.01"),
        ("d", "ETH/USDT", "live", "-7"),
    ]:
        bot = cast.bot(name, symbol=symbol, mode=mode, status=BotStatus.RUNNING if name != "b" else BotStatus.EMERGENCY)
        position(bot, "0", "0", realised)
    totals = selectors.totals_of(selectors.bot_rows(now=NOW))
    assert [(total.mode, total.quote, total.profit, total.running, total.troubled) for total in totals] == [
        ("live", "USDT", Decimal("-7"), 1, 0),
        ("demo", "BTC", Decimal("0.01"), 1, 0),
        ("demo", "USDT", Decimal("3.5"), 1, 1),
    ]


def test_a_sparkline_steps_from_the_first_point_to_now() -> None:
    bot = cast.bot()
    equity(bot, timedelta(hours=2), "10")
    equity(bot, timedelta(hours=1), "20")
    # Instants at −2 h, −1.5 h, −1 h, −0.5 h and now.
    curve = selectors.profit_curves([bot.pk], since=NOW - timedelta(hours=24), until=NOW, points=5)[bot.pk]
    assert curve == [10, 10, 20, 20, 20]


def test_a_sparkline_shows_no_more_than_its_window() -> None:
    bot = cast.bot()
    equity(bot, timedelta(days=5), "10")
    equity(bot, timedelta(hours=12), "20")
    curve = selectors.profit_curves([bot.pk], since=NOW - timedelta(hours=24), until=NOW, points=3)[bot.pk]
    assert curve == [10, 20, 20]


def test_the_equity_curve_is_thinned_and_ends_with_the_newest_point() -> None:
    bot = cast.bot()
    for hours in range(10, 0, -1):
        equity(bot, timedelta(hours=hours), str(10 - hours))
    curve = selectors.equity_curve(bot, points=5)
    assert [profit for _, profit in curve] == [1, 3, 5, 7, 9]
    assert curve[-1][0] == NOW - timedelta(hours=1)


def test_pages_go_on_where_the_last_one_ended() -> None:
    bot = cast.bot()
    ids = [cast.order(bot, "buy", "0.5", "1900").pk for _ in range(5)]
    first = selectors.orders_page(bot, size=2)
    assert ([order.pk for order in first.rows], first.older) == ([ids[4], ids[3]], ids[3])
    second = selectors.orders_page(bot, before=first.older, size=2)
    assert [order.pk for order in second.rows] == [ids[2], ids[1]]
    last = selectors.orders_page(bot, before=second.older, size=2)
    assert ([order.pk for order in last.rows], last.older) == ([ids[0]], None)


def test_cycles_count_when_they_are_closed() -> None:
    bot = cast.bot()
    for ordinal, (profit, closed_at) in enumerate([("1.5", NOW), ("2", NOW), ("9", None)]):
        Trade.objects.create(
            bot=bot,
            account=bot.account,
            symbol=bot.symbol,
            run=1,
            key="grid:1",
            ordinal=ordinal,
            direction="long",
            amount=Decimal(1),
            profit=Decimal(profit),
            opened_at=NOW,
            closed_at=closed_at,
        )
    figures = selectors.bot_figures(bot, now=NOW)
    assert (figures.cycles, figures.running_cycles, figures.cycles_profit) == (2, 1, Decimal("3.5"))


def test_standing_orders_are_listed_from_the_highest_price_down() -> None:
    bot = cast.bot()
    cast.order(bot, "buy", "0.5", "1900")
    cast.order(bot, "sell", "0.5", "2100", status=OrderStatus.PARTIALLY_FILLED)
    cast.order(bot, "buy", "0.5", "1800", status=OrderStatus.CANCELED)
    assert [order.price for order in selectors.standing_orders(bot)] == [2100, 1900]
