"""Answers have the shape of Bybit's: every field of a recorded payload is there, with the same type of value.

The recordings are looked at for names and types only; several of their values are invented.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from exchange.simulator.auth import sign
from exchange.simulator.urls import simulator_urls
from tests.exchange.simulator.process import SimulatorProcess

LINEAR = "ETH/USDT:USDT"


@pytest.fixture
def recorded(fixtures_dir: Path) -> Callable[[str], Any]:
    def load(name: str) -> Any:
        return json.loads((fixtures_dir / "bybit_v5_nautilus" / f"{name}.json").read_text())

    return load


def differences(expected: Any, actual: Any, where: str = "", *, but: frozenset[str] = frozenset()) -> list[str]:
    """What of ``expected`` is missing in ``actual`` or of another type. A recorded null says nothing of the type.

    Lists are compared by their first entries. ``but`` names fields that are knowingly left out.
    """
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            return [f"{where}: an object was expected, not {actual!r}"]
        found = []
        for name, value in expected.items():
            if name in but:
                continue
            if name not in actual:
                found.append(f"{where}.{name} is missing")
            else:
                found += differences(value, actual[name], f"{where}.{name}", but=but)
        return found
    if isinstance(expected, list):
        if not isinstance(actual, list):
            return [f"{where}: a list was expected, not {actual!r}"]
        if expected and actual:
            return differences(expected[0], actual[0], f"{where}[0]", but=but)
        return [f"{where}: an entry was expected"] if expected else []
    if expected is None or type(expected) is type(actual):
        return []
    return [f"{where}: {type(expected).__name__} was expected, not {actual!r}"]


def test_the_comparison_sees_what_is_missing_and_what_has_another_type() -> None:
    assert differences({"a": {"b": "1"}}, {"a": {}}) == [".a.b is missing"]
    assert differences({"a": "1"}, {"a": 1}) == [".a: str was expected, not 1"]
    assert differences({"a": [{"b": 1}]}, {"a": []}) == [".a: an entry was expected"]
    assert differences({"a": True}, {"a": 1}) == [".a: bool was expected, not 1"]


# Permissions of other products: the simulated key has none of them.
NOT_SIMULATED: dict[str, frozenset[str]] = {
    "http_get_user_query_api": frozenset(
        {"FiatP2P", "FiatBybitPay", "FiatConvertBroker", "FiatGlobalPay", "FiatBitPay", "BitCard", "ByXPost"}
        | {"Earn", "Exchange", "userIDInt64", "inviterIDInt64", "affiliateIDInt64"}
    ),
}

REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "http_get_instruments_spot": ("publicGetV5MarketInstrumentsInfo", {"category": "spot"}),
    "http_get_instruments_linear": ("publicGetV5MarketInstrumentsInfo", {"category": "linear"}),
    "http_get_klines_linear": (
        "publicGetV5MarketKline",
        {"category": "linear", "symbol": "ETHUSDT", "interval": "1"},
    ),
    "http_get_orderbook": ("publicGetV5MarketOrderbook", {"category": "linear", "symbol": "ETHUSDT", "limit": 3}),
    "http_get_trades_recent": ("publicGetV5MarketRecentTrade", {"category": "linear", "symbol": "ETHUSDT"}),
    "http_get_account_info": ("privateGetV5AccountInfo", {}),
    "http_get_fee_rate": ("privateGetV5AccountFeeRate", {"category": "linear"}),
    "http_get_user_query_api": ("privateGetV5UserQueryApi", {}),
    "http_get_wallet_balance": ("privateGetV5AccountWalletBalance", {"accountType": "UNIFIED"}),
    "http_get_positions": ("privateGetV5PositionList", {"category": "linear", "symbol": "ETHUSDT"}),
    "http_get_orders_realtime": ("privateGetV5OrderRealtime", {"category": "linear", "symbol": "ETHUSDT"}),
    "http_get_orders_history": ("privateGetV5OrderHistory", {"category": "linear"}),
    "http_get_executions": ("privateGetV5ExecutionList", {"category": "linear"}),
}


@pytest.fixture
def trading(exchange: Any) -> Any:
    """An account with a position, an open and a closed order and a fill."""
    exchange.create_order(LINEAR, "market", "buy", 1)
    exchange.create_order(LINEAR, "limit", "buy", 1, 90)
    return exchange


@pytest.mark.parametrize("name", REQUESTS)
def test_an_answer_has_the_recorded_fields(trading: Any, recorded: Callable[[str], Any], name: str) -> None:
    method, query = REQUESTS[name]
    answer = getattr(trading, method)(query)
    # The envelope's own "time" is a number in Bybit's JSON; ccxt leaves it one.
    assert differences(recorded(name), answer, but=NOT_SIMULATED.get(name, frozenset())) == []


def test_spot_orders_and_fills_can_be_told_from_linear_ones_by_what_they_lack(exchange: Any) -> None:
    """ccxt takes an order with tpslMode and a fill with createType for a contract's."""
    exchange.create_order("ETH/USDT", "limit", "buy", 1, 90)
    exchange.create_order("ETH/USDT", "market", "buy", 1)
    [order] = exchange.privateGetV5OrderRealtime({"category": "spot"})["result"]["list"]
    [fill] = exchange.privateGetV5ExecutionList({"category": "spot"})["result"]["list"]
    assert "tpslMode" not in order
    assert "createType" not in fill
    assert [one["symbol"] for one in exchange.fetch_open_orders(params={"category": "spot", "type": "spot"})] == [
        "ETH/USDT"
    ]


def test_a_rejected_stop_has_the_fields_of_a_recorded_rejection(
    simulator: SimulatorProcess, exchange: Any, recorded: Callable[[str], Any]
) -> None:
    exchange.create_order("ETH/USDT", "market", "sell", 10, None, {"triggerPrice": 95})
    exchange.create_order("ETH/USDT", "market", "sell", 10)
    simulator.step(2)
    answer = exchange.privateGetV5OrderHistory({"category": "spot", "orderFilter": "StopOrder"})
    assert differences(recorded("http_get_order_partially_filled_rejected"), answer, but=frozenset({"tpslMode"})) == []
    assert answer["result"]["list"][0]["orderStatus"] == "Rejected"


class Socket:
    """Says what it is told to and keeps what it hears."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.heard: list[dict[str, Any]] = []

    async def listen(self, requests: list[dict[str, Any]], act: Callable[[], Any], want: set[str]) -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(self.url) as socket:
            for request in requests:
                await socket.send_json(request)
                self.heard.append(await socket.receive_json(timeout=5))
            await act()
            deadline = asyncio.get_running_loop().time() + 5
            while want - {str(message.get("topic")) for message in self.heard}:
                left = deadline - asyncio.get_running_loop().time()
                self.heard.append(await socket.receive_json(timeout=left))

    def first(self, topic: str) -> dict[str, Any]:
        return next(message for message in self.heard if message.get("topic") == topic)


async def test_private_messages_have_the_recorded_fields(
    simulator: SimulatorProcess, exchange: Any, recorded: Callable[[str], Any]
) -> None:
    socket = Socket(simulator_urls(simulator.url)["ws"]["private"]["contract"])
    expires = exchange.milliseconds() + 10_000
    requests = [
        {"op": "auth", "args": [exchange.apiKey, expires, sign(exchange.secret, f"GET/realtime{expires}")]},
        {"op": "subscribe", "req_id": "sub-1", "args": ["order", "execution", "wallet", "position"]},
    ]

    async def act() -> None:
        await asyncio.to_thread(exchange.create_order, LINEAR, "market", "buy", 1)

    await socket.listen(requests, act, {"order", "execution", "wallet", "position"})
    authenticated, subscribed = socket.heard[:2]
    assert differences(recorded("ws_auth_success"), authenticated) == []
    assert differences(recorded("ws_subscription_ack"), subscribed) == []
    for topic, name in (
        ("execution", "ws_account_execution"),
        ("order", "ws_account_order_filled"),
        ("position", "ws_account_position"),
        ("wallet", "ws_account_wallet"),
    ):
        # Recorded with the spelling of an older version; REST and the documentation write totalPerpUPL.
        but = frozenset({"totalPerpUpl"})
        assert differences(recorded(name), socket.first(topic), but=but) == []


async def test_public_messages_have_the_recorded_fields(
    simulator: SimulatorProcess, recorded: Callable[[str], Any]
) -> None:
    socket = Socket(simulator_urls(simulator.url)["ws"]["public"]["linear"])
    topics = ["tickers.ETHUSDT", "kline.5.ETHUSDT", "orderbook.50.ETHUSDT", "publicTrade.ETHUSDT"]

    async def act() -> None:
        await asyncio.to_thread(simulator.step)

    await socket.listen([{"op": "subscribe", "args": topics}], act, set(topics))
    # Which way the last tick went is not kept.
    but = frozenset({"tickDirection"})
    for topic, name in zip(
        topics, ("ws_ticker_linear", "ws_kline", "ws_orderbook_snapshot", "ws_public_trade"), strict=True
    ):
        assert differences(recorded(name), socket.first(topic), but=but) == []


async def test_refusals_on_a_socket_have_the_recorded_fields(
    simulator: SimulatorProcess, recorded: Callable[[str], Any]
) -> None:
    urls = simulator_urls(simulator.url)["ws"]

    async def nothing() -> None:
        return

    private = Socket(urls["private"]["contract"])
    await private.listen([{"op": "auth", "args": ["nobody", 9_999_999_999_999, "x"]}], nothing, set())
    assert differences(recorded("ws_auth_failure"), private.heard[0]) == []
    assert private.heard[0]["retCode"] == recorded("ws_auth_failure")["retCode"]
    public = Socket(urls["public"]["linear"])
    await public.listen([{"op": "subscribe", "args": ["invalid.topic.BTCUSDT"]}], nothing, set())
    assert differences(recorded("ws_subscription_failure"), public.heard[0]) == []
    assert public.heard[0]["ret_msg"] == recorded("ws_subscription_failure")["ret_msg"]
