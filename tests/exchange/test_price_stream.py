"""The price stream from a real exchange process over its WebSocket into a real Redis, through a wire that can be cut."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
import structlog
from channels.layers import channel_layers, get_channel_layer
from django.conf import settings

from exchange import prices
from exchange.errors import NeedsOperator
from exchange.gateway_config import GatewayConfig
from exchange.port import Ticker
from exchange.prices import Subscription
from exchange.stream import HINT_GROUP, Pace, PriceSink, PriceStream
from tests.exchange.forwarder import Forwarder
from tests.exchange.simulator.process import SimulatorProcess
from tests.exchange.stream_process import stream_process

VENUE = "simulated"
SPOT, LINEAR = "ETH/USDT", "ETH/USDT:USDT"
PATIENCE = 30.0
# Nothing is called silent for as long as a test takes: what arrives has come over the socket.
SOCKET_ONLY = Pace(
    refresh=0.05, write=0.01, hint=0.05, silence=3600, poll=0.05, tell=3600, reconnect=3600, retry=0.1, heartbeat=0.05
)
IMPATIENT = replace(SOCKET_ONLY, silence=0.3, tell=0.3)


def wall() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture(autouse=True)
def empty_redis() -> Iterator[None]:
    prices.redis_client().flushdb()
    channel_layers.backends.clear()  # its connections belong to the event loop of the test before
    yield
    prices.redis_client().flushdb()
    channel_layers.backends.clear()


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[SimulatorProcess]:
    with SimulatorProcess(tmp_path / "state", symbols="BTCUSDT,ETHUSDT") as process:
        yield process


def config_at(url: str) -> GatewayConfig:
    return GatewayConfig("bybit", "simulator", VENUE, url, options='{"enableRateLimit": false}')


@asynccontextmanager
async def streaming(url: str, pace: Pace, exchanges: frozenset[str] = frozenset()) -> AsyncIterator[None]:
    async def load(account_id: int) -> GatewayConfig:
        if account_id != 1:
            raise NeedsOperator(f"Exchange account {account_id} does not exist any more.")
        return config_at(url)

    stop = asyncio.Event()
    connection = redis.asyncio.Redis.from_url(settings.REDIS_URL, decode_responses=True)
    stream = PriceStream(
        connection=connection,
        channel_layer=get_channel_layer(),
        load_config=load,
        clock=wall,
        pace=pace,
        exchanges=exchanges,
    )
    running = asyncio.create_task(stream.run(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(running, PATIENCE)
        await connection.aclose()


async def eventually(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < deadline, f"never: {what}"
        await asyncio.sleep(0.02)


async def step(simulator: SimulatorProcess, points: int = 1) -> dict[str, Decimal]:
    """Moves the market and tells its prices."""
    answer = await asyncio.to_thread(simulator.step, points)
    return {symbol: Decimal(price) for symbol, price in answer["last"].items()}


def last(symbol: str) -> Decimal | None:
    price = prices.read_price(VENUE, symbol)
    return price.last if price else None


async def prices_are(expected: dict[str, Decimal]) -> None:
    await eventually(lambda: {symbol: last(symbol) for symbol in expected} == expected, f"the prices {expected}")


def want(*symbols: str, account_id: int = 1) -> None:
    prices.replace_subscriptions({VENUE: Subscription(account_id, frozenset(symbols))})


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(scenario(), 3 * PATIENCE)

    asyncio.run(bounded())


async def heard_over_the_socket(simulator: SimulatorProcess, symbol: str) -> None:
    """Moves the market until its price arrives, which a subscription on its way may miss at first."""
    deadline = time.monotonic() + PATIENCE
    coin = symbol.partition("/")[0] + "USDT"
    for _ in itertools.count():
        price = (await step(simulator, 3))[coin]
        await asyncio.sleep(0.05)
        if last(symbol) == price:
            return
        assert time.monotonic() < deadline, f"never heard {symbol} over the socket"


def test_a_process_may_follow_its_own_exchanges_only(simulator: SimulatorProcess) -> None:
    async def scenario() -> None:
        want("BTC/USDT")
        async with streaming(simulator.url, Pace(), frozenset({"okx"})):
            await asyncio.sleep(1)
            assert last("BTC/USDT") is None
        async with streaming(simulator.url, Pace(), frozenset({"okx", VENUE})):
            await eventually(lambda: last("BTC/USDT") is not None, "a price")

    run(scenario)


def test_prices_arrive_over_the_socket(simulator: SimulatorProcess) -> None:
    want(SPOT, LINEAR, "BTC/USDT")

    async def scenario() -> None:
        async with streaming(simulator.url, SOCKET_ONLY):
            for symbol in (SPOT, LINEAR, "BTC/USDT"):
                await heard_over_the_socket(simulator, symbol)
            for _ in range(5):
                now = await step(simulator, 4)
                expected = {SPOT: now["ETHUSDT"], LINEAR: now["ETHUSDT"], "BTC/USDT": now["BTCUSDT"]}
                await prices_are(expected)
            price = prices.read_price(VENUE, LINEAR)
            assert price is not None
            assert price.timestamp == simulator.status()["time"]
            assert abs(wall() - price.received) < 60_000
            assert price.bid is not None
            assert price.ask is not None
            assert price.bid < price.last < price.ask

    run(scenario)


def test_a_new_symbol_has_a_price_at_once(simulator: SimulatorProcess) -> None:
    """Though the market does not move."""
    want(SPOT)

    async def scenario() -> None:
        async with streaming(simulator.url, SOCKET_ONLY):
            await eventually(lambda: last(SPOT) is not None, "the first price")
            want(SPOT, "BTC/USDT:USDT")
            await eventually(lambda: last("BTC/USDT:USDT") is not None, "the price of the symbol that was added")

    run(scenario)


def test_symbols_come_and_go_without_a_restart(simulator: SimulatorProcess) -> None:
    want(SPOT, "BTC/USDT")

    async def scenario() -> None:
        async with streaming(simulator.url, SOCKET_ONLY):
            await heard_over_the_socket(simulator, "BTC/USDT")
            want(SPOT, LINEAR)
            await heard_over_the_socket(simulator, LINEAR)
            prices.redis_client().delete(prices.price_key(VENUE, "BTC/USDT"))
            await heard_over_the_socket(simulator, SPOT)
            assert last("BTC/USDT") is None

    run(scenario)


def test_a_silent_socket_is_replaced_by_polling_and_back(simulator: SimulatorProcess) -> None:
    want(SPOT)

    async def scenario() -> None:
        async with Forwarder(simulator.url) as wire, streaming(wire.url, IMPATIENT):
            await heard_over_the_socket(simulator, SPOT)
            wire.mute = True
            for _ in range(3):
                now = await step(simulator, 4)
                await prices_are({SPOT: now["ETHUSDT"]})

            wire.mute = False
            wire.hang_up()
            await eventually(lambda: wire.sockets_opened >= 2, "a new socket")
            now = await step(simulator, 4)
            await prices_are({SPOT: now["ETHUSDT"]})
            await eventually(lambda: "price socket speaks again" in events(), "back to the socket")

    with structlog.testing.capture_logs() as logs:

        def events() -> list[str]:
            return [line["event"] for line in logs]

        run(scenario)
    assert events().index("price socket silent, polling instead") < events().index("price socket speaks again")


def test_a_socket_that_stays_silent_is_given_up(simulator: SimulatorProcess) -> None:
    want(SPOT)

    async def scenario() -> None:
        async with (
            Forwarder(simulator.url) as wire,
            streaming(wire.url, replace(IMPATIENT, reconnect=0.5, reconnect_most=1)),
        ):
            await eventually(lambda: wire.sockets_opened >= 3, "new sockets in the place of the silent ones")
            now = await step(simulator, 4)
            await prices_are({SPOT: now["ETHUSDT"]})

    run(scenario)


def test_the_stream_survives_the_exchange(simulator: SimulatorProcess) -> None:
    want(SPOT)

    async def scenario() -> None:
        async with streaming(simulator.url, SOCKET_ONLY):
            await heard_over_the_socket(simulator, SPOT)
            await asyncio.to_thread(simulator.kill9)
            await asyncio.to_thread(simulator.start)
            await heard_over_the_socket(simulator, SPOT)

    run(scenario)


def test_an_exchange_that_is_not_there_yet_is_waited_for(simulator: SimulatorProcess) -> None:
    want(SPOT)
    simulator.stop()

    async def scenario() -> None:
        async with streaming(simulator.url, SOCKET_ONLY):
            await asyncio.to_thread(simulator.start)
            await eventually(lambda: last(SPOT) is not None, "a price")

    run(scenario)


def test_what_cannot_be_streamed_does_not_keep_the_rest_from_it(simulator: SimulatorProcess) -> None:
    prices.replace_subscriptions(
        {
            VENUE: Subscription(1, frozenset({SPOT, "XYZ/USDT"})),
            "gone": Subscription(404, frozenset({SPOT})),
        }
    )

    async def scenario() -> None:
        async with streaming(simulator.url, SOCKET_ONLY):
            await heard_over_the_socket(simulator, SPOT)

    with structlog.testing.capture_logs() as logs:
        run(scenario)
    assert [line["symbols"] for line in logs if line["event"] == "symbols that this venue does not have"] == [
        ["XYZ/USDT"]
    ]
    assert any("account 404 does not exist" in line.get("error", "") for line in logs)


def test_the_heart_beats_while_it_runs(simulator: SimulatorProcess) -> None:
    def beat() -> Any:
        return prices.redis_client().get(prices.HEARTBEAT_KEY)

    async def scenario() -> None:
        async with streaming(simulator.url, SOCKET_ONLY):
            await eventually(lambda: beat() is not None, "a heartbeat")
            first = beat()
            await eventually(lambda: beat() != first, "a second one")
            assert prices.redis_client().pttl(prices.HEARTBEAT_KEY) <= SOCKET_ONLY.heartbeat_expiry * 1000
        assert beat() is None

    run(scenario)


# --- Hints ---------------------------------------------------------------------------------------------------------


def test_many_prices_of_a_symbol_are_one_hint_with_the_newest() -> None:
    sent: list[tuple[str, dict[str, Any]]] = []

    class Layer:
        async def group_send(self, group: str, message: dict[str, Any]) -> None:
            sent.append((group, message))

    async def scenario() -> None:
        connection = redis.asyncio.Redis.from_url(settings.REDIS_URL, decode_responses=True)
        sink = PriceSink(connection, Layer(), wall)
        for price in ("2000.1", "2000.2", "2000.30"):
            await sink.write(VENUE, [Ticker(SPOT, Decimal(price), 1_700_000_000_000)])
        await sink.send_hints()
        await sink.send_hints()
        await connection.aclose()

    run(scenario)
    data = {"venue": VENUE, "symbol": SPOT, "last": "2000.30", "timestamp": 1_700_000_000_000}
    assert sent == [(HINT_GROUP, {"type": "hint", "payload": {"kind": "price", "bot": None, "data": data}})]


def test_hints_reach_the_group(simulator: SimulatorProcess) -> None:
    want(SPOT)

    async def scenario() -> None:
        layer = get_channel_layer()
        assert layer is not None
        name = await layer.new_channel()
        await layer.group_add(HINT_GROUP, name)
        async with streaming(simulator.url, SOCKET_ONLY):
            message = await asyncio.wait_for(layer.receive(name), PATIENCE)
        assert message["type"] == "hint"
        assert message["payload"]["data"]["symbol"] == SPOT

    run(scenario)


# --- The command ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_command_streams_until_it_is_terminated(simulator: SimulatorProcess, django_user_model: Any) -> None:
    from exchange.models import ExchangeAccount

    owner = django_user_model.objects.create_user("ada", password="x")
    account = ExchangeAccount.objects.create(
        name="practice", owner=owner, environment="simulator", base_url=simulator.url, api_key="k", api_secret="s"
    )
    prices.replace_subscriptions({account.venue: Subscription(account.pk, frozenset({SPOT}))})
    with stream_process():
        run(lambda: eventually(lambda: prices.read_price(account.venue, SPOT) is not None, "a price"))
    assert prices.redis_client().get(prices.HEARTBEAT_KEY) is None
