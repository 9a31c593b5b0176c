"""The price cache and the watch list, in a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from exchange import prices
from exchange.port import Ticker
from exchange.prices import CachedPrice, Subscription

VENUE = "bybit-live"
SHIB = Ticker("SHIB/USDT", Decimal("0.00000703"), 1_672_376_496_682, bid=Decimal("0.00000702"), ask=None)


@pytest.fixture(autouse=True)
def empty_redis() -> Iterator[None]:
    prices.redis_client().flushdb()
    yield
    prices.redis_client().flushdb()


def test_a_price_comes_back_with_every_digit() -> None:
    prices.write_prices(VENUE, [SHIB], received=1_700_000_000_000)

    assert prices.read_price(VENUE, "SHIB/USDT") == CachedPrice(
        last=Decimal("0.00000703"), bid=Decimal("0.00000702"), ask=None,
        timestamp=1_672_376_496_682, received=1_700_000_000_000,
    )  # fmt: skip


def test_the_layout_is_the_agreed_one() -> None:
    prices.write_prices(VENUE, [SHIB], received=1_700_000_000_000)

    assert prices.redis_client().hgetall("price:bybit-live:SHIB/USDT") == {
        "last": "0.00000703", "bid": "0.00000702", "ask": "",
        "timestamp": "1672376496682", "lag": "", "received": "1700000000000",
    }  # fmt: skip


def test_an_unknown_price_is_none() -> None:
    assert prices.read_price(VENUE, "BTC/USDT") is None


def test_venues_do_not_see_each_others_prices() -> None:
    prices.write_prices("bybit-demo", [SHIB], received=1)

    assert prices.read_price(VENUE, "SHIB/USDT") is None


def test_many_prices_at_once() -> None:
    btc = Ticker("BTC/USDT", Decimal("50000.10"), 1)
    prices.write_prices(VENUE, [SHIB, btc], received=5)

    found = prices.read_prices(VENUE, ["BTC/USDT", "XYZ/USDT", "SHIB/USDT"])

    assert {symbol: price.last for symbol, price in found.items()} == {
        "BTC/USDT": Decimal("50000.10"),
        "SHIB/USDT": Decimal("0.00000703"),
    }


@pytest.mark.parametrize(
    ("lag", "age", "fresh"),
    [
        # A replayed market: when the price was received is all that tells.
        (None, 0, True),
        (None, 2_000, True),
        (None, 2_001, False),
        # A price that the exchange dated back when it gave it is old, however new the message is.
        (500, 2_000, True),
        (500, 2_001, False),
        (30_000, 0, True),
        (30_001, 0, False),
    ],
)
def test_freshness_is_told_by_both_clocks(lag: int | None, age: int, fresh: bool) -> None:
    price = CachedPrice(Decimal(1), None, None, timestamp=1, received=1_000_000, lag=lag)

    assert price.is_fresh(now_ms=1_000_000 + age, max_age_ms=2_000, max_lag_ms=30_000) is fresh


def test_the_lag_is_kept_with_the_price() -> None:
    prices.write_prices(VENUE, [replace(SHIB, lag=1_234)], received=1_000_000)

    price = prices.read_price(VENUE, "SHIB/USDT")
    assert price is not None
    assert price.lag == 1_234
    assert price.age(1_000_100) == 1_334


def test_prices_do_not_stay_for_ever() -> None:
    prices.write_prices(VENUE, [SHIB], received=1)

    assert 0 < prices.redis_client().ttl("price:bybit-live:SHIB/USDT") <= prices.KEPT_S


# --- Who wants what ------------------------------------------------------------------------------------------------


def test_subscribing_adds() -> None:
    prices.subscribe(VENUE, 1, ["BTC/USDT"])
    prices.subscribe(VENUE, 1, ["ETH/USDT", "BTC/USDT"])
    prices.subscribe(VENUE, 1, [])

    assert prices.subscriptions() == {VENUE: Subscription(1, frozenset({"BTC/USDT", "ETH/USDT"}))}


def test_replacing_leaves_nothing_else() -> None:
    prices.subscribe(VENUE, 1, ["BTC/USDT", "ETH/USDT"])
    prices.subscribe("bybit-demo", 2, ["BTC/USDT"])

    prices.replace_subscriptions({VENUE: Subscription(3, frozenset({"SOL/USDT"}))})

    assert prices.subscriptions() == {VENUE: Subscription(3, frozenset({"SOL/USDT"}))}


def test_a_venue_without_symbols_is_not_streamed() -> None:
    prices.subscribe(VENUE, 1, ["BTC/USDT"])

    prices.replace_subscriptions({VENUE: Subscription(1, frozenset())})

    assert prices.subscriptions() == {}
