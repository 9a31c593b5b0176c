"""All wanted symbols of one venue: a socket for each kind of market, and polls for what the sockets do not tell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import InvalidOperation
from typing import Any

import ccxt
import ccxt.pro
import structlog
from redis.exceptions import RedisError

from exchange.ccxt_client import build_client
from exchange.gateway_config import GatewayConfig
from exchange.port import Ticker
from exchange.prices import Served, Service
from exchange.stream.ending import cancelled, closed
from exchange.stream.feed import SocketFeed, learn, now, ticker_of
from exchange.stream.pace import Pace
from exchange.stream.sink import PriceSink
from exchange.translation import Intent, translate

log = structlog.get_logger(__name__)

Kind = tuple[str, str | None]  # ccxt's ``type`` and ``subType``: each kind of market has a socket of its own


class VenueStream:
    """``run`` ends when it is cancelled, or when one of its parts broke."""

    def __init__(self, venue: str, config: GatewayConfig, sink: PriceSink, pace: Pace) -> None:
        self.venue = venue
        self.config = config
        self._sink = sink
        self._pace = pace
        self._client = build_client(config, ccxt.pro, with_keys=False)
        self._wanted: frozenset[str] = frozenset()
        self._unknown: frozenset[str] = frozenset()
        self._feeds: dict[Kind, tuple[SocketFeed, asyncio.Task[None]]] = {}
        self._since: dict[str, float] = {}  # symbol → since when it is followed
        self._polled: dict[str, float] = {}  # symbol → when a poll last brought its price
        self._services: dict[str, Service] = {}
        self._clock_due = 0.0
        self._ending = False  # redis-py may swallow a cancellation, and a loop that has to end would go on
        self._log = log.bind(venue=venue)

    def want(self, symbols: frozenset[str]) -> None:
        self._wanted = symbols

    async def run(self) -> None:
        tasks = [
            asyncio.create_task(self._repeat(self._pace.refresh, self._report)),
            asyncio.create_task(self._follow()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._ending = True
            await cancelled([*tasks, *(task for _, task in self._feeds.values())])
            await closed(self._client)

    async def _follow(self) -> None:
        await self._load_markets()
        await self._repeat(self._pace.poll, self._poll_what_is_silent)

    async def _repeat(self, seconds: float, work: Callable[[], Any]) -> None:
        while not self._ending:
            try:
                await work()
            except RedisError as error:
                self._log.error("prices cannot be written", error=str(error))
            await asyncio.sleep(seconds)

    # --- Markets and their sockets -------------------------------------------------------------------------------

    async def _load_markets(self) -> None:
        while True:
            try:
                await self._client.load_markets()
                await self._measure_clock()
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, prices have to come back by themselves
                self._tell(error, "loading the markets")
            await asyncio.sleep(self._pace.retry)

    async def _look_for_new_markets(self) -> None:
        """A symbol that this venue does not have may have been listed since: looked for once, then told."""
        unknown = frozenset(symbol for symbol in self._wanted if symbol not in self._client.markets)
        if unknown - self._unknown:
            await self._client.load_markets(True)
            self._teach()
            unknown = frozenset(symbol for symbol in unknown if symbol not in self._client.markets)
            if unknown:
                self._log.warning("symbols that this venue does not have", symbols=sorted(unknown))
        self._unknown = unknown

    async def _measure_clock(self) -> None:
        """This machine's clock may drift, or be set: prices must not grow old or young by it."""
        if self._client.has.get("fetchTime") and now() >= self._clock_due:
            await self._client.load_time_difference()
            self._clock_due = now() + self._pace.clock
            self._teach()

    def _teach(self) -> None:
        for feed, _ in self._feeds.values():
            feed.learn_from(self._client)

    def _new_client(self) -> Any:
        client = build_client(self.config, ccxt.pro, with_keys=False)
        learn(client, self._client)
        return client

    def _symbols(self) -> list[str]:
        return sorted(symbol for symbol in self._wanted if symbol in self._client.markets)

    def _kind(self, symbol: str) -> Kind:
        market = self._client.markets[symbol]
        return market["type"], market["subType"]

    def _feed(self, symbol: str) -> SocketFeed | None:
        running = self._feeds.get(self._kind(symbol))
        return running[0] if running else None

    async def _share_out(self, symbols: list[str]) -> None:
        """Every symbol to the socket of its kind; a kind that nobody wants any more has none."""
        self._since = {symbol: self._since.get(symbol, now()) for symbol in symbols}
        self._polled = {symbol: at for symbol, at in self._polled.items() if symbol in self._since}
        if not self._client.has.get("watchTickers"):
            return
        kinds: dict[Kind, set[str]] = {}
        for symbol in symbols:
            kinds.setdefault(self._kind(symbol), set()).add(symbol)
        for kind in list(self._feeds):
            _, task = self._feeds[kind]
            if kind not in kinds or task.done():
                await cancelled([task])
                del self._feeds[kind]
        for kind, members in kinds.items():
            if kind not in self._feeds:
                feed = SocketFeed(
                    self.venue, self.config.exchange_id, self._new_client, self._sink, self._pace,
                    replayed=self.config.is_replayed,
                )  # fmt: skip
                self._feeds[kind] = (feed, asyncio.create_task(feed.run()))
            self._feeds[kind][0].want(frozenset(members))

    # --- Polling -------------------------------------------------------------------------------------------------

    async def _poll_what_is_silent(self) -> None:
        try:
            await self._measure_clock()
            await self._look_for_new_markets()
        except Exception as error:  # noqa: BLE001 - the symbols that are known have to go on
            self._tell(error, "asking for the time and new markets")
        symbols = self._symbols()
        await self._share_out(symbols)
        found = await self._ask([symbol for symbol in symbols if self._is_due(symbol)])
        if found:
            await self._sink.write(self.venue, found)
            self._polled.update({ticker.symbol: now() for ticker in found})

    def _is_due(self, symbol: str) -> bool:
        """A new symbol is asked for at once, and then given time to be heard."""
        feed, polled = self._feed(symbol), self._polled.get(symbol)
        if feed is None:
            return True
        if feed.heard_within(symbol, self._pace.silence):
            return False
        if polled is None:
            return True
        if now() - self._since[symbol] < self._pace.silence:
            return False
        # A quiet symbol on a socket that speaks is only confirmed from time to time.
        return not feed.is_speaking or now() - polled >= self._pace.silence

    async def _ask(self, symbols: list[str]) -> list[Ticker]:
        if len(symbols) <= self._pace.poll_singly:
            questions = [self._client.fetch_ticker(symbol) for symbol in symbols]
        else:
            groups: dict[str, list[str]] = {}
            for symbol in symbols:
                groups.setdefault(self._client.markets[symbol]["type"], []).append(symbol)
            questions = [self._client.fetch_tickers(group) for group in groups.values()]
        answers = await asyncio.gather(*(self._answer(question) for question in questions))
        structures = [
            structure
            for answer in answers
            for structure in ([answer] if "symbol" in answer else answer.values())
            if structure.get("last") is not None
        ]
        return [ticker for structure in structures if (ticker := self._parsed(structure)) is not None]

    async def _answer(self, question: Any) -> Any:
        """Nothing when there is none: one symbol's failure is not another's."""
        try:
            async with asyncio.timeout(self._pace.patience):
                return await question
        except Exception as error:  # noqa: BLE001 - tried again in a second
            self._tell(error, "polling prices")
            return {}

    def _parsed(self, structure: Any) -> Ticker | None:
        try:
            return ticker_of(self._client, structure, replayed=self.config.is_replayed)
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            self._tell(error, f"reading the price of {structure.get('symbol')}")
            return None

    # --- Telling -------------------------------------------------------------------------------------------------

    async def _report(self) -> None:
        wall = self._sink.clock()
        services = {}
        for symbol in sorted(self._wanted):
            served, known = self._served(symbol), self._services.get(symbol)
            services[symbol] = known if known and known.served is served else Service(served, wall)
        self._services = services
        await self._sink.write_services(self.venue, services, self._pace.heartbeat_expiry)

    def _served(self, symbol: str) -> Served:
        if symbol not in self._since:
            return Served.SILENT  # its markets are not loaded, or it has none here
        feed, polled = self._feed(symbol), self._polled.get(symbol)
        if feed is not None and feed.heard_within(symbol, self._pace.silence):
            return Served.SOCKET
        expected = self._pace.silence + self._pace.poll + self._pace.patience
        return Served.POLLING if polled is not None and now() - polled < expected else Served.SILENT

    def _tell(self, error: Exception, doing: str) -> None:
        said = translate(error, exchange=self.config.exchange_id, intent=Intent.READ, doing=doing)
        self._log.warning("price stream", error=said.detail)
