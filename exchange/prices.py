"""The last prices, shared by all processes through Redis, and who wants them.

Keys:

* ``price:{venue}:{symbol}`` — hash: ``last, bid, ask`` (decimal strings; ``bid`` and ``ask`` may be empty),
  ``timestamp`` (the exchange's, ms), ``lag`` (the price's age by the exchange's clock when it was received, ms; empty
  in a replayed market), ``received`` (the writer's clock, ms). Expires a day after the last write.
* ``stream:venues`` — hash: venue → id of an exchange account through which its prices can be read.
* ``stream:symbols:{venue}`` — set of the symbols wanted there.
* ``stream:state:{venue}`` — hash: symbol → ``socket``, ``polling`` or ``silent``, a blank, and since when (ms): how its
  price comes at present. Expires when the streaming process stops renewing it.
* ``heartbeat:stream`` — the streaming process's clock, ms; expires when it stops beating.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

import redis
from django.conf import settings

from exchange.port import Ticker

KEPT_S = 24 * 3600
HEARTBEAT_KEY = "heartbeat:stream"
VENUES_KEY = "stream:venues"


@dataclass(frozen=True, slots=True)
class CachedPrice:
    """``timestamp`` is the exchange's time of the price, ``received`` this platform's; both in milliseconds.

    ``lag`` is how old the price was already when it was received, by the exchange's own clock: a feed that goes on
    repeating an old price is told by it, and a wrong clock on this machine is not taken for one. ``None`` in a replayed
    market, whose time says nothing about how old a price is.
    """

    last: Decimal
    bid: Decimal | None
    ask: Decimal | None
    timestamp: int
    received: int
    lag: int | None = None

    def age(self, now_ms: int) -> int:
        """Milliseconds since the exchange's time of the price, or since it was received in a replayed market."""
        return now_ms - self.received + (self.lag or 0)

    def is_fresh(self, now_ms: int, max_age_ms: int, max_lag_ms: int) -> bool:
        """Neither received long ago, nor old already when it was received."""
        return now_ms - self.received <= max_age_ms and (self.lag is None or self.lag <= max_lag_ms)


class Served(StrEnum):
    """How a symbol's price comes at present."""

    SOCKET = "socket"
    POLLING = "polling"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Service:
    """``since`` is the streaming process's clock, ms."""

    served: Served
    since: int


@functools.cache
def redis_client() -> redis.Redis:
    """The process's one client for ``REDIS_URL``; it is thread-safe, survives a fork and connects on first use."""
    return redis.Redis.from_url(settings.REDIS_URL, decode_responses=True, socket_timeout=5, socket_connect_timeout=5)


def price_key(venue: str, symbol: str) -> str:
    return f"price:{venue}:{symbol}"


def symbols_key(venue: str) -> str:
    return f"stream:symbols:{venue}"


# --- Prices --------------------------------------------------------------------------------------------------------


def queue_prices(pipeline: Any, venue: str, tickers: Iterable[Ticker], received: int) -> None:
    """Adds the writes to a Redis pipeline, synchronous or not; the caller executes it."""
    for ticker in tickers:
        key = price_key(venue, ticker.symbol)
        pipeline.hset(
            key,
            mapping={
                "last": format(ticker.last, "f"),
                "bid": "" if ticker.bid is None else format(ticker.bid, "f"),
                "ask": "" if ticker.ask is None else format(ticker.ask, "f"),
                "timestamp": ticker.timestamp,
                "lag": "" if ticker.lag is None else ticker.lag,
                "received": received,
            },
        )
        pipeline.expire(key, KEPT_S)


def write_prices(venue: str, tickers: Iterable[Ticker], *, received: int, client: redis.Redis | None = None) -> None:
    """In one round trip. ``received`` is the wall clock in milliseconds."""
    pipeline = (client or redis_client()).pipeline(transaction=False)
    queue_prices(pipeline, venue, tickers, received)
    pipeline.execute()


def read_price(venue: str, symbol: str, *, client: redis.Redis | None = None) -> CachedPrice | None:
    fields: Any = (client or redis_client()).hgetall(price_key(venue, symbol))
    return _price(fields)


def read_prices(venue: str, symbols: Iterable[str], *, client: redis.Redis | None = None) -> dict[str, CachedPrice]:
    """Those that are known, in one round trip."""
    wanted = list(symbols)
    pipeline = (client or redis_client()).pipeline(transaction=False)
    for symbol in wanted:
        pipeline.hgetall(price_key(venue, symbol))
    found = zip(wanted, pipeline.execute(), strict=True)
    return {symbol: price for symbol, fields in found if (price := _price(fields)) is not None}


def _price(fields: Mapping[str, str]) -> CachedPrice | None:
    if not fields:
        return None
    return CachedPrice(
        last=Decimal(fields["last"]),
        bid=Decimal(fields["bid"]) if fields["bid"] else None,
        ask=Decimal(fields["ask"]) if fields["ask"] else None,
        timestamp=int(fields["timestamp"]),
        received=int(fields["received"]),
        lag=int(fields["lag"]) if fields.get("lag") else None,
    )


# --- How they come -------------------------------------------------------------------------------------------------


def services_key(venue: str) -> str:
    return f"stream:state:{venue}"


def queue_services(pipeline: Any, venue: str, services: Mapping[str, Service], kept_s: float) -> None:
    """Makes ``services`` (by symbol) all that is said of the venue, for ``kept_s`` seconds; the caller executes it."""
    key = services_key(venue)
    pipeline.delete(key)
    if services:
        said = {symbol: f"{service.served.value} {service.since}" for symbol, service in services.items()}
        pipeline.hset(key, mapping=said)
        pipeline.pexpire(key, int(kept_s * 1000))


def read_services(venue: str, *, client: redis.Redis | None = None) -> dict[str, Service]:
    """By symbol; nothing when no process streams the venue."""
    fields: Any = (client or redis_client()).hgetall(services_key(venue))
    found = {}
    for symbol, said in fields.items():
        served, _, since = said.partition(" ")
        found[symbol] = Service(Served(served), int(since))
    return found


# --- Who wants which prices ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Subscription:
    """``account_id`` is any account of the venue: public prices need no keys, only its address."""

    account_id: int
    symbols: frozenset[str]


def subscribe(venue: str, account_id: int, symbols: Iterable[str], *, client: redis.Redis | None = None) -> None:
    """Adds to what is streamed. Harmless when it is already; worth calling whenever a price is missing."""
    wanted = list(symbols)
    if not wanted:
        return
    pipeline = (client or redis_client()).pipeline(transaction=True)
    pipeline.hset(VENUES_KEY, venue, str(account_id))
    pipeline.sadd(symbols_key(venue), *wanted)
    pipeline.execute()


def replace_subscriptions(wanted: Mapping[str, Subscription], *, client: redis.Redis | None = None) -> None:
    """Makes exactly ``wanted`` (by venue) what is streamed: to be called when bots start, stop or change market."""
    connection = client or redis_client()
    gone = [venue for venue in subscriptions(client=connection) if venue not in wanted]
    pipeline = connection.pipeline(transaction=True)
    for venue in gone:
        pipeline.hdel(VENUES_KEY, venue)
        pipeline.delete(symbols_key(venue))
    for venue, subscription in wanted.items():
        pipeline.delete(symbols_key(venue))
        if subscription.symbols:
            pipeline.hset(VENUES_KEY, venue, str(subscription.account_id))
            pipeline.sadd(symbols_key(venue), *sorted(subscription.symbols))
        else:
            pipeline.hdel(VENUES_KEY, venue)
    pipeline.execute()


def subscriptions(*, client: redis.Redis | None = None) -> dict[str, Subscription]:
    """What is to be streamed, by venue."""
    connection = client or redis_client()
    venues: Any = connection.hgetall(VENUES_KEY)
    pipeline = connection.pipeline(transaction=False)
    for venue in venues:
        pipeline.smembers(symbols_key(venue))
    return {
        venue: Subscription(int(account_id), frozenset(symbols))
        for (venue, account_id), symbols in zip(venues.items(), pipeline.execute(), strict=True)
    }
