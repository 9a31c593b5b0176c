"""The price stream: one asyncio process that keeps the last price of every wanted symbol in Redis.

What is wanted stands in Redis too (:mod:`exchange.prices`), so that bots come and go without a restart. Prices come
over the exchange's WebSocket; a symbol that has been silent there for a while is asked for by polling until it is
heard again. Nothing here needs an account's keys.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import ccxt
import ccxt.pro
import redis.asyncio
import structlog
from redis.exceptions import RedisError

from exchange import ccxt_parsing, prices
from exchange.ccxt_client import build_client
from exchange.errors import ExchangeError
from exchange.gateway_config import GatewayConfig
from exchange.port import Ticker
from exchange.prices import Subscription
from exchange.translation import Intent, translate

log = structlog.get_logger(__name__)

HINT_GROUP = "prices"
CLOSING_S = 2.0
SWALLOWED_AFTER_S = 3.0  # longer than closing takes

LoadConfig = Callable[[int], Awaitable[GatewayConfig]]
Clock = Callable[[], int]  # the wall clock, milliseconds


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. Written prices and hints are the newest of their interval; what came between is not missed by anyone."""

    refresh: float = 1.0  # between looks at what is wanted
    write: float = 0.1  # between writes to Redis, per market kind
    hint: float = 0.5  # between hints to browsers, per symbol
    silence: float = 10.0  # without a message on the socket, until a symbol is polled
    poll: float = 1.0  # between polls
    reconnect: float = 60.0  # of silence of all symbols, until the socket is given up and opened anew
    retry: float = 5.0  # after an error
    heartbeat: float = 3.0
    heartbeat_expiry: float = 15.0
    # A ticker of one symbol is a small answer, the tickers of a market are hundreds of kilobytes.
    poll_singly: int = 5


class PriceSink:
    """Where prices go: Redis at once, hints at most one per symbol and interval."""

    def __init__(self, connection: redis.asyncio.Redis, channel_layer: Any, clock: Clock) -> None:
        self._connection = connection
        self._channel_layer = channel_layer
        self._clock = clock
        self._unhinted: dict[tuple[str, str], Ticker] = {}

    async def write(self, venue: str, tickers: list[Ticker]) -> None:
        """Raises ``RedisError``."""
        pipeline = self._connection.pipeline(transaction=False)
        prices.queue_prices(pipeline, venue, tickers, self._clock())
        await pipeline.execute()
        for ticker in tickers:
            self._unhinted[(venue, ticker.symbol)] = ticker

    async def send_hints(self) -> None:
        waiting, self._unhinted = self._unhinted, {}
        for (venue, symbol), ticker in waiting.items():
            data = {"venue": venue, "symbol": symbol, "last": format(ticker.last, "f"), "timestamp": ticker.timestamp}
            payload = {"kind": "price", "bot": None, "data": data}
            await self._channel_layer.group_send(HINT_GROUP, {"type": "hint", "payload": payload})


class VenueStream:
    """Follows the wanted symbols of one venue. ``run`` ends when it is cancelled, or when one of its parts broke."""

    def __init__(self, venue: str, config: GatewayConfig, sink: PriceSink, pace: Pace) -> None:
        self.venue = venue
        self.config = config
        self._sink = sink
        self._pace = pace
        self._client = self._new_client()
        self._wanted: frozenset[str] = frozenset()
        self._unknown: frozenset[str] = frozenset()
        self._changed = asyncio.Event()
        self._seen: dict[str, Any] = {}  # symbol → the last structure that was written
        self._heard: dict[str, float] = {}  # symbol → when the socket last said something
        self._polled: frozenset[str] = frozenset()
        self._socket_since = 0.0
        self._ending = False  # redis-py may swallow a cancellation, and a loop that has to end would go on
        self._log = log.bind(venue=venue)

    def _new_client(self) -> Any:
        return build_client(self.config, ccxt.pro, with_keys=False)

    def want(self, symbols: frozenset[str]) -> None:
        if symbols != self._wanted:
            self._wanted = symbols
            self._changed.set()

    async def run(self) -> None:
        tasks: list[asyncio.Task[None]] = []
        try:
            await self._load_markets()
            self._socket_since = _now()
            tasks.append(asyncio.create_task(self._poll_what_is_silent()))
            if self._client.has.get("watchTickers"):
                tasks.append(asyncio.create_task(self._listen_to_all()))
                tasks.append(asyncio.create_task(self._write_news()))
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._ending = True
            await _cancelled(tasks)
            await _closed(self._client)

    async def _load_markets(self) -> None:
        while True:
            try:
                await self._client.load_markets()
                self._client.options["timeDifference"] = await self._client.load_time_difference()
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, prices have to come back by themselves
                self._tell(error, "loading the markets")
            await asyncio.sleep(self._pace.retry)

    def _symbols(self) -> list[str]:
        return sorted(symbol for symbol in self._wanted if symbol in self._client.markets)

    async def _look_for_new_markets(self) -> None:
        """A symbol that this venue does not have may have been listed since: looked for once, then told."""
        unknown = frozenset(symbol for symbol in self._wanted if symbol not in self._client.markets)
        if unknown - self._unknown:
            await self._client.load_markets(True)
            unknown = frozenset(symbol for symbol in unknown if symbol not in self._client.markets)
            if unknown:
                self._log.warning("symbols that this venue does not have", symbols=sorted(unknown))
            self._changed.set()
        self._unknown = unknown

    # --- Socket --------------------------------------------------------------------------------------------------

    async def _listen_to_all(self) -> None:
        """One listener per kind of market, since each has a socket of its own; anew whenever the symbols change."""
        listening: frozenset[str] = frozenset()
        while True:
            self._changed.clear()
            symbols = self._symbols()
            await self._unsubscribe(listening - frozenset(symbols))
            listening = frozenset(symbols)
            kinds: dict[tuple[str, str | None], list[str]] = {}
            for symbol in symbols:
                market = self._client.markets[symbol]
                kinds.setdefault((market["type"], market["subType"]), []).append(symbol)
            listeners = [asyncio.create_task(self._listen(group)) for group in kinds.values()]
            try:
                while not self._changed.is_set():
                    await _wait(self._changed, self._pace.refresh)
                    if symbols and self._is_dead():
                        self._log.warning("price socket silent for long, opening it anew")
                        break
            finally:
                await _cancelled(listeners)
            if not self._changed.is_set():
                await self._reopen()
                listening = frozenset()

    def _is_dead(self) -> bool:
        newest = max(self._heard.values(), default=0.0)
        return _now() - max(newest, self._socket_since) > self._pace.reconnect

    async def _reopen(self) -> None:
        old, self._client = self._client, self._new_client()
        self._client.set_markets_from_exchange(old)
        self._client.options["timeDifference"] = old.options.get("timeDifference", 0)
        self._socket_since = _now()
        self._seen.clear()
        await _closed(old)

    async def _unsubscribe(self, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            with suppress(ccxt.BaseError, TimeoutError):  # at worst it is streamed and not looked at
                async with asyncio.timeout(self._pace.retry):
                    await self._client.un_watch_tickers([symbol])

    async def _listen(self, symbols: list[str]) -> None:
        """Keeps the subscriptions and the connection up; ccxt puts what arrives into ``tickers``."""
        while True:
            try:
                await self._client.watch_tickers(symbols)
                await asyncio.sleep(self._pace.write)  # waking for every message would cost more than it tells
                continue
            except Exception as error:  # noqa: BLE001 - polling goes on meanwhile
                self._tell(error, "listening to prices")
            await asyncio.sleep(self._pace.retry)

    async def _write_news(self) -> None:
        """By looking, not by being woken: a message that comes while the one before is written has to be seen too."""
        while not self._ending:
            news = {
                symbol: structure
                for symbol in self._symbols()
                if (structure := self._client.tickers.get(symbol)) is not None
                and structure is not self._seen.get(symbol)
            }
            self._heard.update(dict.fromkeys(news, _now()))
            tickers = [self._parsed(structure) for structure in news.values() if structure.get("last") is not None]
            try:
                if tickers:
                    await self._sink.write(self.venue, tickers)
                self._seen.update(news)
            except RedisError as error:
                self._log.error("prices cannot be written", error=str(error))
                await asyncio.sleep(self._pace.retry)
            await asyncio.sleep(self._pace.write)

    # --- Polling -------------------------------------------------------------------------------------------------

    async def _poll_what_is_silent(self) -> None:
        while not self._ending:
            try:
                await self._look_for_new_markets()
                symbols = self._symbols()
                found = await self._poll(self._unheard(symbols))
                if found:
                    await self._sink.write(self.venue, found)
                for symbol in symbols:
                    self._heard.setdefault(symbol, _now())
            except RedisError as error:
                self._log.error("prices cannot be written", error=str(error))
            except Exception as error:  # noqa: BLE001 - tried again in a second
                self._tell(error, "polling prices")
            await asyncio.sleep(self._pace.poll)

    def _unheard(self, symbols: list[str]) -> list[str]:
        """Those to be polled: the silent ones, and the new ones, which are then given time to be heard."""
        if not self._client.has.get("watchTickers"):
            return symbols
        self._seen = {symbol: seen for symbol, seen in self._seen.items() if symbol in symbols}
        self._heard = {symbol: heard for symbol, heard in self._heard.items() if symbol in symbols}
        silent = frozenset(symbol for symbol, heard in self._heard.items() if _now() - heard >= self._pace.silence)
        self._tell_who_is_silent(silent)
        return [symbol for symbol in symbols if symbol in silent or symbol not in self._heard]

    def _tell_who_is_silent(self, silent: frozenset[str]) -> None:
        if silent - self._polled:
            self._log.warning("price socket silent, polling instead", symbols=sorted(silent - self._polled))
        if back := (self._polled & self._wanted) - silent:
            self._log.info("price socket speaks again", symbols=sorted(back))
        self._polled = silent

    async def _poll(self, symbols: list[str]) -> list[Ticker]:
        structures: list[Any] = []
        if len(symbols) <= self._pace.poll_singly:
            structures = [await self._client.fetch_ticker(symbol) for symbol in symbols]
        else:
            for kind in {self._client.markets[symbol]["type"] for symbol in symbols}:
                group = [symbol for symbol in symbols if self._client.markets[symbol]["type"] == kind]
                structures += (await self._client.fetch_tickers(group)).values()
        return [self._parsed(structure) for structure in structures if structure.get("last") is not None]

    def _parsed(self, structure: Any) -> Ticker:
        now = self._client.milliseconds() - self._client.options.get("timeDifference", 0)
        return ccxt_parsing.ticker(structure, now)

    def _tell(self, error: Exception, doing: str) -> None:
        said = translate(error, exchange=self.config.exchange_id, intent=Intent.READ, doing=doing)
        self._log.warning("price stream", error=said.detail)


class PriceStream:
    """All venues. ``connection`` must decode answers; ``load_config`` gives the configuration of an account by id."""

    def __init__(
        self,
        *,
        connection: redis.asyncio.Redis,
        channel_layer: Any,
        load_config: LoadConfig,
        clock: Clock,
        pace: Pace | None = None,
    ) -> None:
        self._connection = connection
        self._load_config = load_config
        self._clock = clock
        self._pace = pace or Pace()
        self._sink = PriceSink(connection, channel_layer, clock)
        self._ending = False
        self._venues: dict[str, tuple[int, VenueStream, asyncio.Task[None]]] = {}

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
            await _cancelled([*loops, *(task for _, _, task in self._venues.values())])
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
            account_id, _, task = self._venues[venue]
            subscription = wanted.get(venue)
            if subscription is None or task.done() or subscription.account_id != account_id:
                await _cancelled([task])
                del self._venues[venue]
        for venue, subscription in wanted.items():
            if venue not in self._venues and not await self._start(venue, subscription.account_id):
                continue
            self._venues[venue][1].want(subscription.symbols)

    async def _start(self, venue: str, account_id: int) -> bool:
        try:
            stream = VenueStream(venue, await self._load_config(account_id), self._sink, self._pace)
        except ExchangeError as error:
            log.error("price stream of a venue cannot start", venue=venue, account=account_id, error=error.detail)
            return False
        self._venues[venue] = (account_id, stream, asyncio.create_task(stream.run()))
        return True

    async def _subscriptions(self) -> dict[str, Subscription]:
        connection: Any = self._connection  # redis-py types its asynchronous answers as "maybe not awaitable"
        venues = await connection.hgetall(prices.VENUES_KEY)
        pipeline = connection.pipeline(transaction=False)
        for venue in venues:
            pipeline.smembers(prices.symbols_key(venue))
        sets = await pipeline.execute()
        return {
            venue: Subscription(int(account_id), frozenset(symbols))
            for (venue, account_id), symbols in zip(venues.items(), sets, strict=True)
        }


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def _closed(client: Any) -> None:
    """A peer that does not answer is not waited for long: its farewell is a courtesy."""
    connector = client.tcp_connector
    with suppress(ccxt.BaseError, OSError, TimeoutError):
        async with asyncio.timeout(CLOSING_S):
            await client.close()
    if connector is not None:
        await connector.close()


async def _cancelled(tasks: list[asyncio.Task[Any]]) -> None:
    """Returns when all have ended. Those that do not are told again: a library may have swallowed it."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        ended, pending = await asyncio.wait(pending, timeout=SWALLOWED_AFTER_S)
        for task in ended:
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("price stream task broke", error=repr(error))
