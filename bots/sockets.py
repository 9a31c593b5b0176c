"""WebSockets that tell an open page that something changed, so that it may fetch what it shows again."""

from __future__ import annotations

import asyncio
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.urls import path

from bots.models import Bot

# On a page that lists all bots a price only means "look again", and there may be hundreds of them every second.
_SECONDS_BETWEEN_PRICES = 0.5


class HintConsumer(AsyncJsonWebsocketConsumer):
    """Relays the hints of the channel-layer groups named by :meth:`find_groups`. Signed-in users only."""

    async def find_groups(self) -> list[str]:
        """Raises ``Bot.DoesNotExist`` when there is nothing to listen to."""
        raise NotImplementedError

    def wants(self, payload: dict[str, Any]) -> bool:
        raise NotImplementedError

    async def connect(self) -> None:
        if not self.scope["user"].is_authenticated:
            await self.close()
            return
        try:
            self.groups = await self.find_groups()
        except Bot.DoesNotExist:
            await self.close()
            return
        for group in self.groups:
            await self.channel_layer.group_add(group, self.channel_name)
        await self.accept()

    async def hint(self, message: dict[str, Any]) -> None:
        """Handler of the group messages of type ``hint``."""
        payload = message["payload"]
        if self.wants(payload):
            await self.send_json(payload)


class EventsConsumer(HintConsumer):
    """Everything that happens to any bot, and now and then that prices have moved."""

    _next_price = 0.0

    async def find_groups(self) -> list[str]:
        return ["events", "prices"]

    def wants(self, payload: dict[str, Any]) -> bool:
        if payload["kind"] != "price":
            return True
        now = asyncio.get_running_loop().time()
        if now < self._next_price:
            return False
        self._next_price = now + _SECONDS_BETWEEN_PRICES
        return True


class BotConsumer(HintConsumer):
    """What happens to one bot, and the prices of its symbol on its venue."""

    async def find_groups(self) -> list[str]:
        name = self.scope["url_route"]["kwargs"]["name"]
        bot = await database_sync_to_async(Bot.objects.active().select_related("account").get)(name=name)
        self.symbol, self.venue = bot.symbol, bot.account.venue
        return [f"bot.{bot.name}", "prices"]

    def wants(self, payload: dict[str, Any]) -> bool:
        if payload["kind"] != "price":
            return True
        data = payload["data"]
        return bool(data["symbol"] == self.symbol and data["venue"] == self.venue)


websocket_urlpatterns = [
    path("ws/events", EventsConsumer.as_asgi()),
    path("ws/bots/<slug:name>", BotConsumer.as_asgi()),
]
