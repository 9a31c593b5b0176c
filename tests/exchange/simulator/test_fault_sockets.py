"""Faults of the sockets, seen by clients that really listen. ETH's points are 100, 103, 90, 95, 95, 94, 110 …"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import ccxt.pro
import pytest

from exchange.simulator.auth import sign
from exchange.simulator.urls import simulator_urls
from tests.exchange.simulator.process import SimulatorProcess

TICKERS = "tickers.ETHUSDT"


class Listener:
    """A raw connection to one of the simulator's sockets."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def ask(self, **request: object) -> dict[str, Any]:
        await self.socket.send_json(request)
        answer: dict[str, Any] = await self.socket.receive_json(timeout=5)
        return answer

    async def prices(self, count: int) -> list[str]:
        """The last prices that the next messages tell."""
        return [(await self.socket.receive_json(timeout=5))["data"]["lastPrice"] for _ in range(count)]

    async def hears_nothing(self, seconds: float = 0.4) -> bool:
        try:
            await self.socket.receive(timeout=seconds)
        except TimeoutError:
            return True
        return False


@pytest.fixture
async def listen(simulator: SimulatorProcess) -> AsyncIterator[Callable[..., Awaitable[Listener]]]:
    """``await listen()`` subscribes to linear tickers and has heard where they stand."""
    session = aiohttp.ClientSession()

    async def connect(topic: str = TICKERS, **options: Any) -> Listener:
        address = simulator_urls(simulator.url)["ws"]["public"]["linear"]
        listener = Listener(await session.ws_connect(address, **options))
        assert (await listener.ask(op="subscribe", args=[topic]))["topic"] == topic
        assert (await listener.socket.receive_json(timeout=5))["success"] is True
        return listener

    yield connect
    await session.close()


async def step(simulator: SimulatorProcess, points: int = 1) -> None:
    for _ in range(points):
        await asyncio.to_thread(simulator.step)


async def test_messages_come_twice(simulator: SimulatorProcess, listen: Any) -> None:
    listener = await listen()
    simulator.inject("duplicate on ws/public ×1")
    await step(simulator, 2)
    assert await listener.prices(3) == ["103.00", "103.00", "90.00"]


async def test_messages_come_in_the_wrong_order(simulator: SimulatorProcess, listen: Any) -> None:
    listener = await listen()
    simulator.inject("reorder on ws/public/linear ×1")
    await step(simulator, 3)
    assert await listener.prices(3) == ["90.00", "103.00", "95.00"]


async def test_a_silent_socket_answers_pings_and_tells_nothing(simulator: SimulatorProcess, listen: Any) -> None:
    listener = await listen()
    simulator.inject("silent on ws/public")
    await step(simulator, 3)
    assert (await listener.ask(op="ping"))["ret_msg"] == "pong"
    assert await listener.hears_nothing()
    simulator.clear_faults()
    await step(simulator)
    assert await listener.prices(1) == ["95.00"]


async def test_a_dead_socket_does_not_even_answer_pings(simulator: SimulatorProcess, listen: Any) -> None:
    listener = await listen(autoping=False)
    await listener.socket.ping(b"there?")
    assert (await listener.socket.receive(timeout=5)).type is aiohttp.WSMsgType.PONG
    simulator.inject("silent no-pongs on ws/*")
    await listener.socket.send_json({"op": "ping"})
    await listener.socket.ping(b"there?")
    await step(simulator)
    assert await listener.hears_nothing()
    assert not listener.socket.closed


async def test_a_topic_can_be_silent_alone(simulator: SimulatorProcess, listen: Any) -> None:
    silent, other = await listen(), await listen("publicTrade.ETHUSDT")
    simulator.inject(f"silent on ws/public/linear/{TICKERS}")
    await step(simulator)
    assert (await other.socket.receive_json(timeout=5))["data"][0]["p"] == "103.00"
    assert await silent.hears_nothing()


async def test_a_connection_breaks_without_a_word(simulator: SimulatorProcess, listen: Any) -> None:
    first, second = await listen(), await listen()
    simulator.inject("at point +2: disconnect on ws/public ×2")
    await step(simulator, 2)
    for listener in (first, second):
        assert await listener.prices(1) == ["103.00"]
        assert (await listener.socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSED
        assert listener.socket.close_code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE
    assert await (await listen()).hears_nothing(0.1)


async def test_a_new_rule_breaks_connections_at_once(simulator: SimulatorProcess, listen: Any) -> None:
    listener = await listen()
    simulator.inject("disconnect on ws/public ×1")
    assert (await listener.socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSED


async def test_a_socket_cannot_be_opened(simulator: SimulatorProcess, listen: Any) -> None:
    simulator.inject("error 503 on ws/public ×1")
    with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
        await listen()
    # Without a count: aiohttp tries once more by itself.
    simulator.inject("drop-before-accept on ws/*")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await listen()
    simulator.clear_faults()
    assert await (await listen()).hears_nothing(0.1)


@asynccontextmanager
async def private_socket(simulator: SimulatorProcess, key: str) -> AsyncIterator[Listener]:
    address = simulator_urls(simulator.url)["ws"]["private"]["contract"]
    expires = 4_000_000_000_000
    async with aiohttp.ClientSession() as session, session.ws_connect(address) as socket:
        listener = Listener(socket)
        arguments = [key, expires, sign("secret", f"GET/realtime{expires}")]
        assert (await listener.ask(op="auth", args=arguments))["success"] is True
        assert (await listener.ask(op="subscribe", args=["order", "execution"]))["success"] is True
        yield listener


async def test_private_messages_have_faults_of_their_own(simulator: SimulatorProcess, new_account: Any) -> None:
    exchange = new_account(USDT="1000")
    await asyncio.to_thread(exchange.load_markets)
    async with private_socket(simulator, exchange.apiKey) as listener:
        simulator.inject("duplicate on ws/private/execution", "silent on ws/private/order")
        await asyncio.to_thread(exchange.create_order, "ETH/USDT", "market", "buy", 1)
        heard = [json.loads((await listener.socket.receive(timeout=5)).data) for _ in range(2)]
        assert [message["topic"] for message in heard] == ["execution", "execution"]
        assert heard[0]["data"] == heard[1]["data"]
        assert await listener.hears_nothing()


async def test_ccxt_notices_a_broken_connection_and_comes_back(simulator: SimulatorProcess, new_account: Any) -> None:
    exchange = new_account(ccxt.pro.bybit)
    try:
        await exchange.load_markets()
        assert (await asyncio.wait_for(exchange.watch_ticker("ETH/USDT"), 10))["last"] == 100.0
        waiting = asyncio.create_task(exchange.watch_ticker("ETH/USDT"))
        await asyncio.sleep(0.1)
        simulator.inject("disconnect on ws/public ×1")
        with pytest.raises(ccxt.NetworkError):
            await asyncio.wait_for(waiting, 10)
        await step(simulator)
        assert (await asyncio.wait_for(exchange.watch_ticker("ETH/USDT"), 10))["last"] == 103.0
    finally:
        await exchange.close()
