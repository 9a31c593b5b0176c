"""ccxt.pro against the running simulator, with nothing but its URLs changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import ccxt.async_support
import ccxt.pro
import pytest

from exchange.simulator.urls import simulator_urls
from tests.exchange.simulator.process import SimulatorProcess

SPOT = "ETH/USDT"
LINEAR = "ETH/USDT:USDT"


@pytest.fixture
async def exchange(new_account: Callable[..., Any]) -> AsyncIterator[Any]:
    connected = new_account(ccxt.pro.bybit, USDT="10000", ETH="10")
    await connected.load_markets()
    yield connected
    await connected.close()


async def soon(awaitable: Any) -> Any:
    return await asyncio.wait_for(awaitable, 10)


class Watching:
    """Starts ccxt's watch calls and waits until the exchange has taken their subscriptions."""

    def __init__(self, simulator: SimulatorProcess) -> None:
        self._simulator = simulator

    async def __call__(self, *watches: tuple[Callable[[], Any], str]) -> list[asyncio.Task[Any]]:
        """(call, topic) each. A task that is returned has its place in the queue of its topic."""
        tasks = [asyncio.create_task(call()) for call, _ in watches]
        deadline = asyncio.get_running_loop().time() + 10
        while {topic for _, topic in watches} - self._simulator.status()["listeners"].keys():
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.05)
        return tasks


@pytest.fixture
def watching(simulator: SimulatorProcess) -> Watching:
    return Watching(simulator)


@pytest.mark.parametrize(("symbol", "topic"), [(SPOT, "spot:tickers.ETHUSDT"), (LINEAR, "linear:tickers.ETHUSDT")])
async def test_tickers(simulator: SimulatorProcess, exchange: Any, watching: Watching, symbol: str, topic: str) -> None:
    first = await soon(exchange.watch_ticker(symbol))
    assert (first["symbol"], first["last"]) == (symbol, 100.0)
    [task] = await watching((lambda: exchange.watch_ticker(symbol), topic))
    stand = await asyncio.to_thread(simulator.step)
    ticker = await soon(task)
    assert (ticker["last"], ticker["timestamp"]) == (103.0, stand["time"])


@pytest.mark.parametrize(("symbol", "topic"), [(SPOT, "spot:kline.1.ETHUSDT"), (LINEAR, "linear:kline.1.ETHUSDT")])
async def test_candles_tell_every_close_even_when_many_points_pass_at_once(
    simulator: SimulatorProcess, exchange: Any, watching: Watching, symbol: str, topic: str
) -> None:
    start = simulator.status()["time"]
    await soon(exchange.watch_ohlcv(symbol, "1m"))
    [task] = await watching((lambda: exchange.watch_ohlcv(symbol, "1m"), topic))
    await asyncio.to_thread(simulator.step, 9)
    await soon(task)
    while len(exchange.ohlcvs[symbol]["1m"]) < 3:
        await soon(exchange.watch_ohlcv(symbol, "1m"))
    seen = {row[0]: row[1:] for row in exchange.ohlcvs[symbol]["1m"]}
    assert seen[start][:4] == [100.0, 103.0, 90.0, 95.0]
    assert seen[start + 60_000][:4] == [95.0, 110.0, 94.0, 105.0]
    assert seen[start + 120_000][:4] == [105.0, 105.0, 104.0, 104.0]


async def test_the_order_book_and_the_trades(simulator: SimulatorProcess, exchange: Any) -> None:
    book = await soon(exchange.watch_order_book(LINEAR))
    assert book["bids"][0][0] < 100.0 < book["asks"][0][0]
    trades = await soon(exchange.watch_trades(SPOT))
    assert (trades[-1]["symbol"], trades[-1]["price"]) == (SPOT, 100.0)


@pytest.mark.parametrize(("symbol", "fee"), [(SPOT, ("ETH", 0.001)), (LINEAR, ("USDT", 0.0184))])
async def test_orders_and_their_fills(
    simulator: SimulatorProcess, exchange: Any, watching: Watching, symbol: str, fee: tuple[str, float]
) -> None:
    [orders, trades] = await watching((exchange.watch_orders, "order"), (exchange.watch_my_trades, "execution"))
    await exchange.create_order(symbol, "limit", "buy", 1, 92, {"clientOrderId": "watched"})
    [placed] = await soon(orders)
    assert (placed["symbol"], placed["clientOrderId"], placed["status"]) == (symbol, "watched", "open")
    [orders] = await watching((exchange.watch_orders, "order"))
    stand = await asyncio.to_thread(simulator.step, 2)
    [filled] = await soon(orders)
    assert (filled["status"], filled["filled"], filled["average"]) == ("closed", 1.0, 92.0)
    [trade] = await soon(trades)
    assert (trade["symbol"], trade["price"], trade["takerOrMaker"]) == (symbol, 92.0, "maker")
    assert (trade["fee"]["currency"], trade["fee"]["cost"]) == fee
    assert (trade["timestamp"], trade["order"]) == (stand["time"], placed["id"])


async def test_a_cancellation_is_told(exchange: Any, watching: Watching) -> None:
    placed = await exchange.create_order(SPOT, "limit", "buy", 1, 92)
    [orders] = await watching((exchange.watch_orders, "order"))
    await exchange.cancel_order(placed["id"], SPOT)
    [order] = await soon(orders)
    assert (order["id"], order["status"]) == (placed["id"], "canceled")


async def test_the_balance_tells_what_orders_lock_and_what_fills_cost(exchange: Any, watching: Watching) -> None:
    [balance] = await watching((exchange.watch_balance, "wallet"))
    await exchange.create_order(SPOT, "limit", "buy", 1, 92)
    locked = await soon(balance)
    assert (locked["USDT"]["total"], locked["USDT"]["used"]) == (10000.0, 92.0)
    [balance] = await watching((exchange.watch_balance, "wallet"))
    await exchange.create_order(SPOT, "market", "sell", 1)
    sold = await soon(balance)
    assert (sold["USDT"]["total"], sold["ETH"]["total"]) == (10099.9, 9.0)


async def test_positions(exchange: Any, watching: Watching) -> None:
    assert await soon(exchange.watch_positions()) == []  # the first answer is what REST knows
    [positions] = await watching((exchange.watch_positions, "position"))
    await exchange.create_order(LINEAR, "market", "sell", 2)
    [position] = await soon(positions)
    assert (position["side"], position["contracts"], position["entryPrice"]) == ("short", 2.0, 100.0)


async def test_another_accounts_orders_are_not_told(
    exchange: Any, watching: Watching, new_account: Callable[..., Any]
) -> None:
    other = new_account(ccxt.pro.bybit, USDT="10000")
    try:
        await other.load_markets()
        [mine] = await watching((exchange.watch_orders, "order"))
        await other.create_order(SPOT, "limit", "buy", 1, 92)
        await exchange.create_order(SPOT, "limit", "buy", 1, 93)
        assert [order["price"] for order in await soon(mine)] == [93.0]
    finally:
        await other.close()


async def test_a_wrong_secret_is_refused(simulator: SimulatorProcess) -> None:
    stranger = simulator.connect(ccxt.pro.bybit, secret="another", options={"enableUnifiedAccount": True})
    stranger.options["enableUnifiedMargin"] = False
    try:
        with pytest.raises(ccxt.AuthenticationError):
            await soon(stranger.authenticate(stranger.urls["api"]["ws"]["private"]["contract"]))
    finally:
        await stranger.close()


async def test_an_unknown_topic_is_refused(simulator: SimulatorProcess) -> None:
    public = simulator_urls(simulator.url)["ws"]["public"]["spot"]
    async with aiohttp.ClientSession() as session, session.ws_connect(public) as socket:
        await socket.send_json({"op": "subscribe", "req_id": "7", "args": ["tickers.NOUSDT"]})
        answer = await socket.receive_json(timeout=5)
        assert (answer["success"], answer["req_id"]) == (False, "7")
        assert "tickers.NOUSDT" in answer["ret_msg"]
        await socket.send_json({"op": "ping", "req_id": "8"})
        assert (await socket.receive_json(timeout=5))["ret_msg"] == "pong"


async def test_private_topics_need_authentication(simulator: SimulatorProcess) -> None:
    private = simulator_urls(simulator.url)["ws"]["private"]["contract"]
    async with aiohttp.ClientSession() as session, session.ws_connect(private) as socket:
        await socket.send_json({"op": "subscribe", "args": ["order"]})
        assert (await socket.receive_json(timeout=5))["success"] is False


async def test_the_asynchronous_client_trades_too(simulator: SimulatorProcess, new_account: Callable[..., Any]) -> None:
    exchange = new_account(ccxt.async_support.bybit, USDT="10000")
    try:
        await exchange.load_markets()
        orders = await asyncio.gather(
            *(exchange.create_order(SPOT, "limit", "buy", 0.1, 80 + number) for number in range(20))
        )
        assert len({order["id"] for order in orders}) == 20
        assert len(await exchange.fetch_open_orders(SPOT)) == 20
        assert (await exchange.fetch_balance())["USDT"]["used"] == pytest.approx(sum(80 + n for n in range(20)) / 10)
    finally:
        await exchange.close()
