"""The pages' sockets, over the real channel layer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import ChannelLayerManager, get_channel_layer
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import connections
from django.test import override_settings

from bots.models import Bot
from bots.sockets import websocket_urlpatterns
from tests.bots import cast
from traderagent.environment import channel_layer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
async def _close_connections() -> AsyncIterator[None]:
    """The consumers' queries run in a thread of their own, whose connection would outlive the database."""
    yield
    await sync_to_async(connections.close_all)()


def browser(address: str, user: Any) -> WebsocketCommunicator:
    communicator = WebsocketCommunicator(URLRouter(websocket_urlpatterns), address)
    communicator.scope["user"] = user
    return communicator


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[WebsocketCommunicator]:
    socket = browser(address, await sync_to_async(cast.alice)())
    accepted, _ = await socket.connect()
    assert accepted
    try:
        yield socket
    finally:
        await socket.disconnect()
        await get_channel_layer().flush()  # closes this loop's connections


async def send(group: str, payload: dict[str, Any]) -> None:
    await get_channel_layer().group_send(group, {"type": "hint", "payload": payload})


def price(symbol: str, venue: str, last: str = "2000") -> dict[str, Any]:
    return {"kind": "price", "bot": None, "data": {"symbol": symbol, "venue": venue, "last": last, "timestamp": 1}}


@pytest.mark.parametrize("address", ["/ws/events", "/ws/bots/eth-grid"])
async def test_strangers_hear_nothing(address: str) -> None:
    await sync_to_async(cast.bot)("eth-grid")
    accepted, _ = await browser(address, AnonymousUser()).connect()
    assert not accepted


async def test_there_is_nothing_to_hear_of_an_unknown_bot() -> None:
    accepted, _ = await browser("/ws/bots/nobody", await sync_to_async(cast.alice)()).connect()
    assert not accepted


async def test_events_of_all_bots_are_relayed_as_json() -> None:
    hint = {"kind": "status", "bot": "eth-grid", "data": {"status": "running"}}
    async with connected("/ws/events") as socket:
        await send("events", hint)
        assert await socket.receive_json_from() == hint


async def test_a_bot_s_page_hears_of_that_bot_alone() -> None:
    await sync_to_async(cast.bot)("eth-grid")
    await sync_to_async(cast.bot)("btc-grid")
    fill = {"kind": "fill", "bot": "eth-grid", "data": {"price": "1900"}}
    async with connected("/ws/bots/eth-grid") as socket:
        await send("bot.btc-grid", {"kind": "fill", "bot": "btc-grid", "data": {}})
        await send("bot.eth-grid", fill)
        assert await socket.receive_json_from() == fill


async def test_a_bot_s_page_hears_the_prices_of_its_own_symbol_and_venue() -> None:
    bot: Bot = await sync_to_async(cast.bot)("eth-grid")
    venue = await sync_to_async(lambda: bot.account.venue)()
    async with connected("/ws/bots/eth-grid") as socket:
        await send("prices", price("BTC/USDT:USDT", venue))
        await send("prices", price("ETH/USDT:USDT", "binance-live"))
        await send("prices", price("ETH/USDT:USDT", venue, last="2001.5"))
        heard = await socket.receive_json_from()
        assert heard["data"]["last"] == "2001.5"


async def test_the_overview_is_told_that_prices_move_but_not_each_time() -> None:
    status = {"kind": "status", "bot": "eth-grid", "data": {}}
    async with connected("/ws/events") as socket:
        for last in ("1", "2", "3"):
            await send("prices", price("ETH/USDT:USDT", "anywhere", last))
        await send("events", status)
        assert (await socket.receive_json_from())["data"]["last"] == "1"
        assert await socket.receive_json_from() == status


async def test_installations_that_share_a_redis_server_do_not_hear_each_other() -> None:
    server, _, number = settings.REDIS_URL.rpartition("/")
    other = f"{server}/{(int(number) + 8) % 16}"
    hint = {"kind": "status", "bot": "eth-grid", "data": {"status": "running"}}
    with override_settings(CHANNEL_LAYERS={"default": channel_layer(other)}):
        stranger = ChannelLayerManager()["default"]
    async with connected("/ws/events") as socket:
        await stranger.group_send("events", {"type": "hint", "payload": hint | {"bot": "somebody-else-s"}})
        await send("events", hint)
        assert await socket.receive_json_from() == hint
        await stranger.flush()
