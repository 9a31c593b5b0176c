"""A gateway's calls over a real connection: what is sent, what is held back, and what the others learn from it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from decimal import Decimal

import ccxt.pro
import pytest
import redis
from django.conf import LazySettings
from redis.backoff import NoBackoff
from redis.retry import Retry

from exchange.bybit_gateway import BybitGateway
from exchange.ccxt_client import build_client
from exchange.errors import NeedsOperator, NothingSent, OutcomeUnknown, RateLimited, TemporaryError
from exchange.port import OrderRequest
from exchange.resilience.shared_state import SharedState, shared_state
from exchange.translation import Intent
from exchange.venues import Venue
from strategies.contract import OrderType, Side
from tests.exchange.resilience.local_exchange import LocalExchange, Reply

SYMBOL = "BTC/USDT:USDT"
ORDER = OrderRequest(SYMBOL, "ta-1", Side.BUY, OrderType.LIMIT, Decimal("0.001"), Decimal(50_000))
CREATE, CANCEL, REALTIME = "/v5/order/create", "/v5/order/cancel", "/v5/order/realtime"
TOO_MANY_VISITS = {"retCode": 10006, "retMsg": "Too many visits!", "result": {}, "retExtInfo": {}, "time": 0}


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    with LocalExchange() as local:
        yield local


def gateway_to(exchange: LocalExchange, **options: object) -> BybitGateway:
    config = exchange.config(**options)
    gateway = BybitGateway(config, Venue(config))
    gateway.markets()
    exchange.arrived.clear()
    return gateway


@pytest.fixture
def gateway(exchange: LocalExchange) -> BybitGateway:
    return gateway_to(exchange)


def break_it(exchange: LocalExchange, gateway: BybitGateway) -> None:
    """Five failures in a row, of orders: those are not tried again."""
    exchange.replies.extend([Reply(502, "<html>Bad Gateway</html>")] * 5)
    for _ in range(5):
        with pytest.raises(OutcomeUnknown):
            gateway.place(ORDER)
    exchange.arrived.clear()


# --- Retry ---------------------------------------------------------------------------------------------------------


def test_a_read_survives_a_dropped_connection(exchange: LocalExchange, gateway: BybitGateway) -> None:
    exchange.replies.extend([Reply(0), Reply(503, "")])

    assert gateway.open_orders(SYMBOL) == []
    assert exchange.arrived == [REALTIME] * 3


def test_a_cancel_without_an_answer_is_sent_again(exchange: LocalExchange, gateway: BybitGateway) -> None:
    exchange.replies.append(Reply(0))

    gateway.cancel(SYMBOL, "ta-1")

    assert exchange.arrived == [CANCEL] * 2


@pytest.mark.parametrize("reply", [Reply(0), Reply(502, ""), Reply(200, "<html>please wait</html>")])
def test_an_order_is_never_sent_twice(exchange: LocalExchange, gateway: BybitGateway, reply: Reply) -> None:
    exchange.replies.append(reply)

    with pytest.raises(OutcomeUnknown):
        gateway.place(ORDER)
    assert exchange.arrived == [CREATE]


def test_an_amendment_is_never_sent_twice(exchange: LocalExchange, gateway: BybitGateway) -> None:
    exchange.replies.append(Reply(0))

    with pytest.raises(OutcomeUnknown):
        gateway.amend(SYMBOL, "ta-1", amount=Decimal("0.002"))
    assert len(exchange.arrived) == 1


# --- Breaker -------------------------------------------------------------------------------------------------------


def test_after_five_failures_no_order_and_no_read_leaves(exchange: LocalExchange, gateway: BybitGateway) -> None:
    break_it(exchange, gateway)

    with pytest.raises(NothingSent) as held:
        gateway.place(ORDER)
    assert 0 < (held.value.retry_after or 0) <= 1
    assert exchange.arrived == []


def test_a_cancel_leaves_all_the_same_and_its_answer_closes_the_breaker(
    exchange: LocalExchange, gateway: BybitGateway
) -> None:
    break_it(exchange, gateway)
    gateway.cancel(SYMBOL, "ta-1")
    gateway.place(ORDER)

    assert exchange.arrived == [CANCEL, CREATE]


def test_another_account_of_the_host_is_held_back_too(exchange: LocalExchange, gateway: BybitGateway) -> None:
    other = gateway_to(exchange, recvWindow=4_000)
    break_it(exchange, gateway)

    with pytest.raises(NothingSent):
        other.place(ORDER)
    assert exchange.arrived == []


def test_an_exchange_that_is_back_is_found_by_the_probe(exchange: LocalExchange, gateway: BybitGateway) -> None:
    break_it(exchange, gateway)
    time.sleep(1.1)

    gateway.place(ORDER)
    gateway.place(ORDER)

    assert exchange.arrived == [CREATE] * 2


# --- Budgets and bans ----------------------------------------------------------------------------------------------


def test_what_does_not_fit_is_held_back_before_it_is_sent(exchange: LocalExchange) -> None:
    """Ten in a minute, less the margin: nine; for reads seven, of which the markets took some."""
    gateway = gateway_to(exchange, rate_limits={"host": [1000, 60], "account": [10, 60]})
    for _ in range(7):
        gateway.open_orders(SYMBOL)
    begin = time.monotonic()

    with pytest.raises(NothingSent) as held:
        gateway.open_orders(SYMBOL)

    assert exchange.arrived == [REALTIME] * 7
    assert 50 < (held.value.retry_after or 0) <= 63
    assert time.monotonic() - begin < 1.0  # it is not waited for what takes longer than a tick may

    gateway.place(ORDER)
    gateway.cancel(SYMBOL, "ta-1")
    assert exchange.arrived[7:] == [CREATE, CANCEL]


def test_a_short_wait_is_waited(exchange: LocalExchange) -> None:
    gateway = gateway_to(exchange, rate_limits={"host": [1000, 60], "account": [5, 0.5]})
    begin = time.monotonic()
    for _ in range(9):  # three at once, and three every half second
        gateway.open_orders(SYMBOL)

    assert 1.0 <= time.monotonic() - begin < 3.0


def test_a_429_with_retry_after_stops_everybody(exchange: LocalExchange, gateway: BybitGateway) -> None:
    other = gateway_to(exchange, recvWindow=4_000)
    exchange.replies.append(Reply(429, TOO_MANY_VISITS, {"Retry-After": "30"}))

    with pytest.raises(RateLimited) as told:
        gateway.open_orders(SYMBOL)
    assert told.value.retry_after == 30
    for call in (lambda: gateway.cancel(SYMBOL, "ta-1"), lambda: other.open_orders(SYMBOL)):
        with pytest.raises(NothingSent, match="banned"):
            call()
    assert exchange.arrived == [REALTIME]


def test_10006_closes_one_accounts_budget_until_it_resets(exchange: LocalExchange) -> None:
    limits = {"host": [1000, 60], "account": [100, 1]}
    gateway = gateway_to(exchange, rate_limits=limits)
    reset = str(time.time_ns() // 1_000_000 + 700)
    headers = {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "0", "X-Bapi-Limit-Reset-Timestamp": reset}
    exchange.replies.append(Reply(200, TOO_MANY_VISITS, headers))
    begin = time.monotonic()

    gateway.open_orders(SYMBOL)  # asked, told to wait, asked again

    assert exchange.arrived == [REALTIME] * 2
    assert 0.6 < time.monotonic() - begin < 1.8


def test_the_exchanges_own_count_is_believed(exchange: LocalExchange) -> None:
    """Somebody else uses the same key: three of ten are left to us, less the tenth of margin: two."""
    gateway = gateway_to(exchange, rate_limits={"host": [1000, 60], "account": [10, 60]})
    headers = {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "3"}
    exchange.replies.append(Reply(200, None, headers))
    gateway.cancel(SYMBOL, "ta-1")

    gateway.cancel(SYMBOL, "ta-2")
    gateway.cancel(SYMBOL, "ta-3")
    with pytest.raises(NothingSent):
        gateway.cancel(SYMBOL, "ta-4")
    assert exchange.arrived == [CANCEL] * 3


def test_limits_that_cannot_be_read_are_told(exchange: LocalExchange) -> None:
    with pytest.raises(NeedsOperator, match="rate_limits"):
        build_client(exchange.config(rate_limits={"host": "many"}))


# --- Without Redis -------------------------------------------------------------------------------------------------


@pytest.fixture
def redis_is_down(gateway: BybitGateway, settings: LazySettings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"


@pytest.mark.usefixtures("redis_is_down")
def test_without_redis_no_order_leaves(exchange: LocalExchange, gateway: BybitGateway) -> None:
    with pytest.raises(NothingSent, match="Redis"):
        gateway.place(ORDER)
    with pytest.raises(NothingSent, match="Redis"):
        gateway.amend(SYMBOL, "ta-1", amount=Decimal("0.002"))
    assert exchange.arrived == []


@pytest.mark.usefixtures("redis_is_down")
def test_without_redis_reads_and_cancels_do(exchange: LocalExchange, gateway: BybitGateway) -> None:
    gateway.open_orders(SYMBOL)
    gateway.cancel(SYMBOL, "ta-1")

    assert exchange.arrived == [REALTIME, CANCEL]


@pytest.mark.usefixtures("redis_is_down")
def test_a_ban_that_this_process_knows_of_holds_without_redis(exchange: LocalExchange, gateway: BybitGateway) -> None:
    exchange.replies.append(Reply(418, "", {"Retry-After": "60"}))
    with pytest.raises(RateLimited):
        gateway.open_orders(SYMBOL)

    with pytest.raises(NothingSent, match="banned"):
        gateway.open_orders(SYMBOL)
    assert exchange.arrived == [REALTIME]


def test_a_dead_redis_is_not_asked_again_for_a_second() -> None:
    now = [0.0]
    with socket.create_server(("127.0.0.1", 0)) as listener:  # takes connections and never answers
        port = listener.getsockname()[1]
        quiet = redis.Redis(host="127.0.0.1", port=port, socket_timeout=0.1, retry=Retry(NoBackoff(), 0))
        state = SharedState(quiet, monotonic=lambda: now[0])
        waited = []
        for moment in (0.0, 0.5, 0.99, 1.0):
            now[0] = moment
            begin = time.monotonic()
            with pytest.raises(redis.RedisError):
                state.admit("x", Intent.READ, [])
            waited.append(time.monotonic() - begin >= 0.1)

    assert waited == [True, False, False, True]


# --- The price stream's client -------------------------------------------------------------------------------------


async def test_the_streams_client_keeps_to_a_ban(exchange: LocalExchange) -> None:
    client = build_client(exchange.config(), ccxt.pro, with_keys=False)
    try:
        assert await client.fetch_time() > 0
        shared_state().ban(exchange.host, 60, "403")
        with pytest.raises(NothingSent):
            await client.fetch_time()
    finally:
        await client.close()
    assert exchange.arrived == ["/v5/market/time"]


async def test_what_the_streams_client_meets_stops_the_workers(exchange: LocalExchange, gateway: BybitGateway) -> None:
    client = build_client(exchange.config(), ccxt.pro, with_keys=False)
    exchange.replies.append(Reply(403, "403, access too frequent"))
    try:
        with pytest.raises(ccxt.RateLimitExceeded):
            await client.fetch_time()
    finally:
        await client.close()

    with pytest.raises(TemporaryError, match="banned"):
        gateway.open_orders(SYMBOL)
