"""The paper account behind the port: what is kept, what is listed, and what a crash leaves."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from exchange.errors import DuplicateClientOrderId, NothingSent, OrderNotFound, OrderRejected, StalePrice
from exchange.models import PaperBalance, PaperExecution, PaperMarket, PaperOrder
from exchange.paper.gateway import PaperGateway
from exchange.paper.store import BookStore
from exchange.port import OrderRequest, ReportedStatus
from strategies.contract import MarketKind, OrderType
from tests.exchange.paper.making import BUY, SELL, D
from tests.exchange.paper.market import MINUTE, START, ToldMarket, candle, limit, paper_account, paper_gateway

SPOT, LINEAR = "ETH/USDT", "ETH/USDT:USDT"


@pytest.fixture
def market() -> ToldMarket:
    return ToldMarket()


@pytest.fixture
def gateway(db: None, market: ToldMarket) -> PaperGateway:
    return paper_gateway(market, paper_account())


def fills(gateway: PaperGateway, kind: MarketKind = MarketKind.SPOT, since: int = 0) -> list[tuple[Any, ...]]:
    return [
        (fill.client_order_id, fill.price, fill.amount, fill.timestamp) for fill in gateway.fills_since(kind, since)
    ]


def test_an_account_begins_with_what_it_was_told(gateway: PaperGateway) -> None:
    assert {coin: balance.total for coin, balance in gateway.balances().items()} == {"USDT": D(1000), "ETH": D(1)}


def test_a_resting_order_fills_by_the_next_look_after_the_price_was_there(
    gateway: PaperGateway, market: ToldMarket
) -> None:
    placed = gateway.place(limit(1, BUY, "1990"))
    assert (placed.status, placed.exchange_order_id) == (ReportedStatus.OPEN, "paper-1")
    assert gateway.balances()["USDT"].free == D(801)
    market.say("1985")
    assert fills(gateway) == [("order-1", D(1990), D("0.1"), START + 1000)]
    assert gateway.order(SPOT, "order-1").status is ReportedStatus.FILLED
    assert gateway.open_orders(SPOT) == []
    assert gateway.balances()["USDT"].free == D(801)


def test_an_id_is_taken_once_whatever_became_of_its_order(gateway: PaperGateway) -> None:
    gateway.place(limit(1, BUY, "1990"))
    gateway.cancel(SPOT, "order-1")
    with pytest.raises(DuplicateClientOrderId):
        gateway.place(limit(1, BUY, "1990"))
    assert PaperOrder.objects.count() == 1


def test_what_was_never_placed_is_not_found(gateway: PaperGateway) -> None:
    for ask in (lambda: gateway.order(SPOT, "order-1"), lambda: gateway.cancel(SPOT, "order-1")):
        with pytest.raises(OrderNotFound):
            ask()
    with pytest.raises(OrderNotFound):
        gateway.amend(SPOT, "order-1", amount=D("0.1"), price=D(1980))


def test_a_refused_order_leaves_nothing(gateway: PaperGateway) -> None:
    with pytest.raises(OrderRejected):
        gateway.place(limit(1, BUY, "1990", amount="10"))
    assert not PaperOrder.objects.exists()
    assert gateway.place(limit(2, BUY, "1990")).exchange_order_id == "paper-1"


def test_without_a_price_nothing_is_placed_and_that_is_certain(gateway: PaperGateway, market: ToldMarket) -> None:
    def no_price(symbol: str) -> Any:
        raise StalePrice("There is none.")

    market.ticker = no_price  # type: ignore[method-assign]
    with pytest.raises(NothingSent, match="order-1 was not placed: There is no price"):
        gateway.place(limit(1, BUY, "1990"))
    assert not PaperOrder.objects.exists()


def test_after_more_than_a_minute_the_path_of_the_candles_is_walked(gateway: PaperGateway, market: ToldMarket) -> None:
    market.say("2000", after=5000)
    gateway.place(limit(1, BUY, "1950"))
    gateway.place(limit(2, SELL, "2100"))
    # Candle 0 holds the last look: its low of 1900 may have been before.
    market.history = [
        candle(0, "2000", "2001", "1900", "1999"),
        candle(1, "1999", "2110", "1940", "1990"),
        candle(2, "1990", "2006", "1990", "1996"),
    ]
    market.say("1995", after=2 * MINUTE + 25_000)
    # 2110 is 111 above the open and 1940 only 59 below: low first, after a third of the minute.
    assert fills(gateway) == [
        ("order-1", D(1950), D("0.1"), START + MINUTE + 20_000),
        ("order-2", D(2100), D("0.1"), START + MINUTE + 40_000),
    ]
    assert market.asked == [START]


def test_the_candle_that_is_still_forming_counts_as_far_as_it_has_come(
    gateway: PaperGateway, market: ToldMarket
) -> None:
    market.say("2000", after=5000)
    gateway.place(limit(1, BUY, "1950"))
    # 15 seconds into candle 1 its low has been; what it will close at is not known.
    market.history = [candle(0, "2000", "2000", "2000", "2000"), candle(1, "2000", "2000", "1940", "1945")]
    market.say("1990", after=MINUTE + 10_000)
    assert fills(gateway) == [("order-1", D(1950), D("0.1"), START + MINUTE + 15_000)]
    assert PaperMarket.objects.get().price == D(1990)


def test_a_long_absence_is_read_page_by_page(gateway: PaperGateway, market: ToldMarket) -> None:
    gateway.place(limit(1, BUY, "1900"))
    market.history = [candle(minute, "2000", "2000", "2000", "2000") for minute in range(1200)]
    market.history[1100] = candle(1100, "2000", "2000", "1890", "2000")
    market.say("2000", after=1200 * MINUTE)
    assert [fill[3] for fill in fills(gateway)] == [START + 1100 * MINUTE + 40_000]
    assert market.asked == [START + page * 500 * MINUTE for page in range(3)]


def test_without_resting_orders_nobody_asks_for_candles(gateway: PaperGateway, market: ToldMarket) -> None:
    gateway.place(limit(1, BUY, "1990"))
    gateway.cancel(SPOT, "order-1")
    market.say("1800", after=5 * MINUTE)
    gateway.place(limit(2, BUY, "1700"))
    assert market.asked == []


def test_a_price_that_is_older_than_the_last_look_moves_nothing(gateway: PaperGateway, market: ToldMarket) -> None:
    gateway.place(limit(1, BUY, "1990"))
    market.say("1980", after=-5000)
    assert fills(gateway) == []
    assert PaperMarket.objects.get().price == D(2000)


def test_a_reader_that_goes_on_from_the_newest_time_misses_no_execution(
    gateway: PaperGateway, market: ToldMarket
) -> None:
    """Two markets are followed one after the other: the second one's execution may bear an earlier time."""
    gateway.place(limit(1, BUY, "1990"))
    gateway.place(limit(2, BUY, "1990"))
    gateway.place(limit(3, BUY, "1950"))
    market.say("1985", after=10 * MINUTE)
    cursor = max(fill[3] for fill in fills(gateway))
    market.prices[SPOT] = (cursor + 60_000, D(1940))
    assert [fill[0] for fill in fills(gateway, since=cursor)] == ["order-1", "order-2", "order-3"]
    # An execution that is booked later under an earlier time, as from another market's slower price.
    PaperExecution.objects.filter(order__client_order_id="order-3").update(timestamp=cursor - 60_000)
    assert "order-3" in [fill[0] for fill in fills(gateway, since=cursor)]


def test_linear_positions_leverage_and_stops(gateway: PaperGateway, market: ToldMarket) -> None:
    gateway.set_leverage(LINEAR, D(5))
    gateway.place(OrderRequest(LINEAR, "entry", BUY, OrderType.MARKET, D("0.4")))
    gateway.place(OrderRequest(LINEAR, "stop", SELL, OrderType.STOP, D("0.4"), trigger_price=D(1950), reduce_only=True))
    (held,) = gateway.positions()
    assert (held.amount, held.average_price, held.leverage) == (D("0.4"), D(2000), D(5))
    assert gateway.balances()["USDT"].used == D(160)
    assert gateway.order(LINEAR, "stop").triggered is False
    market.say("1940")
    assert fills(gateway, MarketKind.LINEAR)[-1] == ("stop", D(1950), D("0.4"), START + 1000)
    assert gateway.positions() == []
    assert gateway.order(LINEAR, "stop").triggered is True


def test_orders_are_listed_by_the_time_of_their_making(gateway: PaperGateway, market: ToldMarket) -> None:
    gateway.place(limit(1, BUY, "1990"))
    market.say("2000", after=5000)
    gateway.place(limit(2, BUY, "1980"))
    gateway.cancel(SPOT, "order-2")
    found = gateway.orders_since(SPOT, START + 1)
    assert [(order.client_order_id, order.status) for order in found] == [("order-2", ReportedStatus.CANCELED)]


# --- Crashes and rivals ----------------------------------------------------------------------------------------------


class Killed(Exception):
    pass


@pytest.mark.parametrize("dies_in", ["_save_orders", "_save"])
def test_a_worker_that_dies_while_matching_leaves_the_book_as_it_was(
    gateway: PaperGateway, market: ToldMarket, monkeypatch: pytest.MonkeyPatch, dies_in: str
) -> None:
    gateway.place(limit(1, BUY, "1990"))
    market.say("1980")
    whole = getattr(BookStore, dies_in)

    def half(self: BookStore, book: Any) -> None:
        whole(self, book)
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(BookStore, dies_in, half)
        with pytest.raises(Killed):
            gateway.fills_since(MarketKind.SPOT, 0)
    assert not PaperExecution.objects.exists()
    assert PaperBalance.objects.get(coin="USDT").total == D(1000)
    # The next look matches it, once.
    assert len(fills(gateway)) == len(fills(gateway)) == 1
    assert PaperBalance.objects.get(coin="USDT").total == D(801)


@contextmanager
def in_threads(number: int) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(number) as pool:
        yield pool


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_match_each_order_once(market: ToldMarket) -> None:
    account = paper_account()
    first = paper_gateway(market, account)
    for number in range(8):
        first.place(limit(number, BUY, "1990", amount="0.01"))
    market.say("1980")

    def look(number: int) -> None:
        try:
            worker = paper_gateway(market, account)
            worker.fills_since(MarketKind.SPOT, 0)
            worker.place(limit(100 + number, SELL, "2500", amount="0.01"))
        finally:
            connection.close()

    with in_threads(6) as pool:
        list(pool.map(look, range(6)))
    assert PaperExecution.objects.count() == 8
    assert sorted(PaperOrder.objects.values_list("number", flat=True)) == list(range(1, 15))
    # 8 × 0.01 × 1990 paid, 0.1 % of the coins kept by the exchange.
    assert PaperBalance.objects.get(coin="USDT").total == D(1000) - D("159.2")
    assert PaperBalance.objects.get(coin="ETH").total == D(1) + D("0.08") * D("0.999")


@pytest.mark.django_db(transaction=True)
def test_one_id_sent_twice_at_once_is_one_order(market: ToldMarket) -> None:
    account = paper_account()
    paper_gateway(market, account).balances()

    def place(_: int) -> str:
        try:
            paper_gateway(market, account).place(limit(1, BUY, "1990"))
        except DuplicateClientOrderId:
            return "refused"
        finally:
            connection.close()
        return "placed"

    with in_threads(6) as pool:
        answers = list(pool.map(place, range(6)))
    assert sorted(answers) == ["placed", *["refused"] * 5]
    assert PaperOrder.objects.count() == 1


def test_amounts_come_back_from_the_columns_as_they_were(gateway: PaperGateway, market: ToldMarket) -> None:
    gateway.place(limit(1, BUY, "1990.01", amount="0.00123"))
    market.say("1980")
    (fill,) = gateway.fills_since(MarketKind.SPOT, 0)
    assert (fill.price, fill.amount, fill.fee) == (D("1990.01"), D("0.00123"), D("0.00000123"))
    assert all(len(str(number)) < 12 for number in (fill.price, fill.amount))
    assert isinstance(fill.fee, Decimal)
