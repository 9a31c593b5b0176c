"""Which price may be decided on: the shared one, the exchange's own answer, or none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal

import pytest
import requests

from exchange import prices
from exchange.bybit_gateway import BybitGateway
from exchange.errors import AuthenticationFailed, StalePrice
from exchange.fresh_price import PriceLimits, fresh_ticker
from exchange.port import Ticker
from tests.exchange.wire import Wire, listed, refused

VENUE, SYMBOL = "bybit-live", "BTC/USDT"
TICKERS = "/v5/market/tickers"
LIMITS = PriceLimits(age=10_000, lag=30_000)


@pytest.fixture(autouse=True)
def empty_redis() -> Iterator[None]:
    prices.redis_client().flushdb()
    yield
    prices.redis_client().flushdb()


def wall() -> int:
    return time.time_ns() // 1_000_000


def share(price: str, *, received: int, lag: int | None = 0) -> None:
    prices.write_prices(VENUE, [Ticker(SYMBOL, Decimal(price), received - (lag or 0), lag=lag)], received=received)


def ask(gateway: BybitGateway, now: int, limits: PriceLimits = LIMITS) -> Ticker:
    return fresh_ticker(VENUE, SYMBOL, gateway=gateway, now_ms=now, limits=limits)


def said(price: str, **fields: str) -> dict[str, str]:
    return {"symbol": "BTCUSDT", "lastPrice": price, "bid1Price": price, "ask1Price": price, **fields}


def test_a_fresh_shared_price_costs_no_request(bybit: BybitGateway, bybit_wire: Wire) -> None:
    now = wall()
    share("50000", received=now - 10_000)
    assert ask(bybit, now).last == Decimal("50000")
    assert bybit_wire.to(TICKERS) == []


def test_the_exchange_is_asked_when_the_stream_has_been_silent(bybit: BybitGateway, bybit_wire: Wire) -> None:
    now = wall()
    share("50000", received=now - 10_001)
    bybit_wire[TICKERS] = listed(said("50100"))
    ticker = ask(bybit, now)
    assert (ticker.last, ticker.lag) == (Decimal("50100"), 0)


def test_the_exchange_is_asked_when_the_stream_repeats_an_old_price(bybit: BybitGateway, bybit_wire: Wire) -> None:
    """The messages are new, the time in them is not."""
    now = wall()
    share("50000", received=now, lag=30_001)
    bybit_wire[TICKERS] = listed(said("50100"))
    assert ask(bybit, now).last == Decimal("50100")


def test_an_exchange_whose_own_answer_is_old_is_not_believed(bybit: BybitGateway, bybit_wire: Wire) -> None:
    now = wall()
    bybit_wire[TICKERS] = lambda _: listed(said("50100", time=str(wall() - 45_000)))
    with pytest.raises(StalePrice, match=r"the exchange's own answer is 45\.\d s old") as caught:
        ask(bybit, now)
    assert caught.value.age_ms == pytest.approx(45_000, abs=1_000)


def test_with_stream_and_exchange_dead_there_is_no_price(bybit: BybitGateway, bybit_wire: Wire) -> None:
    now = wall()
    share("50000", received=now - 12_500, lag=1_000)
    bybit_wire[TICKERS] = requests.ConnectionError("connection refused")
    with pytest.raises(StalePrice, match=r"stale: the last one is 13\.5 s old, and Bybit") as caught:
        ask(bybit, now)
    assert caught.value.age_ms == 13_500


def test_a_price_that_never_came_is_told_as_none(bybit: BybitGateway, bybit_wire: Wire) -> None:
    bybit_wire[TICKERS] = requests.ConnectionError("connection refused")
    with pytest.raises(StalePrice, match="There is no price of BTC/USDT") as caught:
        ask(bybit, wall())
    assert caught.value.age_ms is None


def test_what_needs_a_person_is_not_called_a_stale_price(bybit: BybitGateway, bybit_wire: Wire) -> None:
    bybit_wire[TICKERS] = refused(10003, "API key is invalid.")
    with pytest.raises(AuthenticationFailed):
        ask(bybit, wall())


def test_an_age_of_zero_always_asks_the_exchange(bybit: BybitGateway, bybit_wire: Wire) -> None:
    now = wall()
    share("50000", received=now)
    bybit_wire[TICKERS] = listed(said("50100"))
    assert ask(bybit, now, PriceLimits(age=0, lag=30_000)).last == Decimal("50100")
