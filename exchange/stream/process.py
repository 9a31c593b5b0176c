"""All venues in one process: starts, restarts and ends them as what is wanted changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import redis.asyncio
import structlog
from redis.exceptions import RedisError

from exchange import prices
from exchange.errors import ExchangeError
from exchange.gateway_config import GatewayConfig
from exchange.prices import Subscription
from exchange.stream.ending import cancelled
from exchange.stream.feed import now
from exchange.stream.pace import Pace
from exchange.stream.sink import Clock, PriceSink
from exchange.stream.venue import VenueStream

log = structlog.get_logger(__name__)

LoadConfig = Callable[[int], Awaitable[GatewayConfig]]


@dataclass(frozen=True, slots=True)
class _Followed:
    account_id: int
    stream: VenueStream
    task: asyncio.Task[None]


class PriceStream:
    """``connection`` must decode answers; ``load_config`` gives the configuration of an account by id.

    ``exchanges`` are the ids of those to follow, so that each may have a process of its own; none means all.
    """

    def __init__(
        self,
        *,
        connection: redis.asyncio.Redis,
        channel_layer: Any,
        load_config: LoadConfig,
        clock: Clock,
        pace: Pace | None = None,
        exchanges: frozenset[str] = frozenset(),
    ) -> None:
        self._exchanges = exchanges
        self._connection = connection
        self._load_config = load_config
        self._clock = clock
        self._pace = pace or Pace()
        self._sink = PriceSink(connection, channel_layer, clock)
        self._ending = False
        self._venues: dict[str, _Followed] = {}
        self._not_before: dict[str, float] = {}  # venue → when it may be started again after it broke

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop`` is set; then every connection is closed."""
        loops = [
            asyncio.create_task(self._every(self._pace.heartbeat, self._beat)),
            asyncio.create_task(self._every(self._pace.refresh, self._follow)),
            asyncio.create_task(self._every(self._pace.hint, self._sink.send_hints)),
        ]
        log.info("price stream started")
        try:
            await stop.wait()
        finally:
            self._ending = True
            await cancelled([*loops, *(followed.task for followed in self._venues.values())])
            with suppress(RedisError):
                await self._connection.delete(prices.HEARTBEAT_KEY)
            log.info("price stream stopped")

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while not self._ending:
            try:
                await work()
            except (RedisError, OSError) as error:
                log.error("price stream has no Redis", error=str(error))
            await asyncio.sleep(seconds)

    async def _beat(self) -> None:
        await self._connection.set(prices.HEARTBEAT_KEY, self._clock(), px=int(self._pace.heartbeat_expiry * 1000))

    async def _follow(self) -> None:
        """Makes what is streamed what is wanted."""
        wanted = await self._subscriptions()
        for venue in list(self._venues):
            followed, subscription = self._venues[venue], wanted.get(venue)
            broke = followed.task.done()
            if broke or subscription is None or subscription.account_id != followed.account_id:
                await cancelled([followed.task])
                del self._venues[venue]
            if broke:
                log.error("price stream of a venue broke, starting it again", venue=venue, in_s=self._pace.retry)
                self._not_before[venue] = now() + self._pace.retry
        for venue, subscription in wanted.items():
            if venue not in self._venues and not await self._start(venue, subscription.account_id):
                continue
            self._venues[venue].stream.want(subscription.symbols)

    async def _start(self, venue: str, account_id: int) -> bool:
        if now() < self._not_before.get(venue, 0.0):
            return False
        try:
            stream = VenueStream(venue, await self._load_config(account_id), self._sink, self._pace)
        except ExchangeError as error:
            log.error("price stream of a venue cannot start", venue=venue, account=account_id, error=error.detail)
            self._not_before[venue] = now() + self._pace.retry
            return False
        self._venues[venue] = _Followed(account_id, stream, asyncio.create_task(stream.run()))
        return True

    async def _subscriptions(self) -> dict[str, Subscription]:
        connection: Any = self._connection  # redis-py types its asynchronous answers as "maybe not awaitable"
        found = await connection.hgetall(prices.VENUES_KEY)
        # A venue's name begins with its exchange's.
        venues = {
            venue: account_id
            for venue, account_id in found.items()
            if not self._exchanges or venue.partition("-")[0] in self._exchanges
        }
        pipeline = connection.pipeline(transaction=False)
        for venue in venues:
            pipeline.smembers(prices.symbols_key(venue))
        sets = await pipeline.execute()
        return {
            venue: Subscription(int(account_id), frozenset(symbols))
            for (venue, account_id), symbols in zip(venues.items(), sets, strict=True)
        }
