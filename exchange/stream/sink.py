"""Where prices go: Redis at once, hints to browsers at most one per symbol and interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import redis.asyncio

from exchange import prices
from exchange.port import Ticker
from exchange.prices import Service

HINT_GROUP = "prices"

Clock = Callable[[], int]  # the wall clock, milliseconds


class PriceSink:
    def __init__(self, connection: redis.asyncio.Redis, channel_layer: Any, clock: Clock) -> None:
        self._connection = connection
        self._channel_layer = channel_layer
        self.clock = clock
        self._unhinted: dict[tuple[str, str], Ticker] = {}

    async def write(self, venue: str, tickers: list[Ticker]) -> None:
        """Raises ``RedisError``."""
        pipeline = self._connection.pipeline(transaction=False)
        prices.queue_prices(pipeline, venue, tickers, self.clock())
        await pipeline.execute()
        for ticker in tickers:
            self._unhinted[(venue, ticker.symbol)] = ticker

    async def write_services(self, venue: str, services: Mapping[str, Service], kept_s: float) -> None:
        """How each symbol is served, for ``kept_s`` seconds: a stream that died claims nothing. Raises ``RedisError``."""
        pipeline = self._connection.pipeline(transaction=True)
        prices.queue_services(pipeline, venue, services, kept_s)
        await pipeline.execute()

    async def send_hints(self) -> None:
        waiting, self._unhinted = self._unhinted, {}
        for (venue, symbol), ticker in waiting.items():
            data = {"venue": venue, "symbol": symbol, "last": format(ticker.last, "f"), "timestamp": ticker.timestamp}
            payload = {"kind": "price", "bot": None, "data": data}
            await self._channel_layer.group_send(HINT_GROUP, {"type": "hint", "payload": payload})
