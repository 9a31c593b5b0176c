"""One kind of market of one venue over a socket of its own, so that each socket lives and dies alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from decimal import InvalidOperation
from typing import Any

import ccxt
import structlog
from redis.exceptions import RedisError

from exchange import ccxt_parsing
from exchange.port import Ticker
from exchange.stream.ending import cancelled, closed, wait_for
from exchange.stream.pace import Pace
from exchange.stream.sink import PriceSink
from exchange.translation import Intent, translate

log = structlog.get_logger(__name__)


def ticker_of(client: Any, structure: Any, *, replayed: bool) -> Ticker:
    now = int(client.milliseconds() - client.options.get("timeDifference", 0))
    return ccxt_parsing.ticker(structure, now, replayed=replayed)


def learn(client: Any, source: Any) -> None:
    """Markets are shared, not copied."""
    client.set_markets_from_exchange(source)
    client.options["timeDifference"] = source.options.get("timeDifference", 0)


def is_news(ticker: Ticker, known: Ticker | None) -> bool:
    """Neither a message that was overtaken, nor a feed that repeats an old price with its old time, is news."""
    if known is None or ticker.timestamp > known.timestamp:
        return True
    prices, known_prices = (ticker.last, ticker.bid, ticker.ask), (known.last, known.bid, known.ask)
    return ticker.timestamp == known.timestamp and prices != known_prices


class SocketFeed:
    """``open_client`` gives a ccxt.pro exchange with the venue's markets; each one has one socket here.

    ``run`` ends when it is cancelled, or when one of its parts broke.
    """

    def __init__(
        self,
        venue: str,
        exchange_id: str,
        open_client: Callable[[], Any],
        sink: PriceSink,
        pace: Pace,
        *,
        replayed: bool,
    ) -> None:
        self._venue = venue
        self._exchange_id = exchange_id
        self._open_client = open_client
        self._client = open_client()
        self._sink = sink
        self._pace = pace
        self._replayed = replayed
        self._wanted: frozenset[str] = frozenset()
        self._changed = asyncio.Event()
        self._looked_at: dict[str, Any] = {}  # symbol → ccxt's structure that was read last
        self._last: dict[str, Ticker] = {}  # what this connection said last
        self._unwritten: dict[str, Ticker] = {}
        self._heard: dict[str, float] = {}  # symbol → when there was news of it
        self._spoke = now()  # when there was news of anything, or when the socket was opened
        self._dead_after = pace.reconnect
        self._told_silent = False
        self._ending = False  # redis-py may swallow a cancellation, and a loop that has to end would go on
        self._log = log.bind(venue=venue)

    def want(self, symbols: frozenset[str]) -> None:
        if symbols != self._wanted:
            self._wanted = symbols
            self._changed.set()

    def learn_from(self, source: Any) -> None:
        """``source`` is a ccxt exchange that has loaded its markets, or measured the exchange's clock, anew."""
        learn(self._client, source)

    def heard_within(self, symbol: str, seconds: float) -> bool:
        heard = self._heard.get(symbol)
        return heard is not None and now() - heard < seconds

    @property
    def is_speaking(self) -> bool:
        return any(self.heard_within(symbol, self._pace.silence) for symbol in self._wanted)

    async def run(self) -> None:
        tasks = [asyncio.create_task(self._follow_what_is_wanted()), asyncio.create_task(self._write_news())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._ending = True
            await cancelled(tasks)
            await closed(self._client)

    async def _follow_what_is_wanted(self) -> None:
        listening: frozenset[str] = frozenset()
        while not self._ending:
            self._changed.clear()
            await self._unsubscribe(listening - self._wanted)
            listening = self._wanted
            listener = asyncio.create_task(self._listen(sorted(listening)))
            try:
                while not self._changed.is_set() and not self._is_dead():
                    await wait_for(self._changed, self._pace.refresh)
            finally:
                await cancelled([listener])
            if not self._changed.is_set():
                await self._reopen()
                listening = frozenset()

    def _is_dead(self) -> bool:
        return bool(self._wanted) and now() - self._spoke > self._dead_after

    async def _reopen(self) -> None:
        self._log.warning("price socket silent for long, opening it anew", symbols=sorted(self._wanted))
        old, self._client = self._client, self._open_client()
        self._dead_after = min(2 * self._dead_after, self._pace.reconnect_most)
        self._spoke = now()
        self._looked_at.clear()
        self._last.clear()
        await closed(old)

    async def _unsubscribe(self, symbols: frozenset[str]) -> None:
        if not symbols:
            return
        for symbol in symbols:
            self._heard.pop(symbol, None)
        with suppress(ccxt.BaseError, TimeoutError):  # at worst it is streamed and not looked at
            async with asyncio.timeout(self._pace.retry):
                await self._client.un_watch_tickers(sorted(symbols))

    async def _listen(self, symbols: list[str]) -> None:
        """Keeps the subscriptions and the connection up; ccxt puts what arrives into ``tickers``."""
        while symbols:
            try:
                await self._client.watch_tickers(symbols)
                await asyncio.sleep(self._pace.write)  # waking for every message would cost more than it tells
                continue
            except Exception as error:  # noqa: BLE001 - polling goes on meanwhile
                self._tell(error, "listening to prices")
            self._last.clear()  # an exchange that was restored from a copy may have gone back in time
            await asyncio.sleep(self._pace.retry)

    async def _write_news(self) -> None:
        """By looking, not by being woken: a message that comes while the one before is written has to be seen too."""
        while not self._ending:
            self._unwritten.update(self._news())
            try:
                if self._unwritten:
                    waiting, self._unwritten = self._unwritten, {}
                    await self._write(waiting)
            except RedisError as error:
                self._log.error("prices cannot be written", error=str(error))
                await asyncio.sleep(self._pace.retry)
            self._note_silence()
            await asyncio.sleep(self._pace.write)

    async def _write(self, tickers: dict[str, Ticker]) -> None:
        try:
            await self._sink.write(self._venue, list(tickers.values()))
        except RedisError:
            self._unwritten = {**tickers, **self._unwritten}
            raise

    def _news(self) -> dict[str, Ticker]:
        found: dict[str, Ticker] = {}
        for symbol in self._wanted:
            structure = self._client.tickers.get(symbol)
            if structure is None or structure is self._looked_at.get(symbol):
                continue
            self._looked_at[symbol] = structure
            if structure.get("last") is None:
                continue
            try:
                ticker = ticker_of(self._client, structure, replayed=self._replayed)
            except (KeyError, TypeError, ValueError, InvalidOperation) as error:
                self._tell(error, f"reading the price of {symbol}")
                continue
            if is_news(ticker, self._last.get(symbol)):
                found[symbol] = self._last[symbol] = ticker
        if found:
            self._spoke = now()
            self._dead_after = self._pace.reconnect
            self._heard.update(dict.fromkeys(found, self._spoke))
        return found

    def _note_silence(self) -> None:
        silent = bool(self._wanted) and now() - self._spoke >= self._pace.tell
        if silent and not self._told_silent:
            self._log.warning("price socket silent, polling instead", symbols=sorted(self._wanted))
            self._told_silent = True
        elif self._told_silent and self.is_speaking:
            self._log.info("price socket speaks again", symbols=sorted(self._wanted))
            self._told_silent = False

    def _tell(self, error: Exception, doing: str) -> None:
        said = translate(error, exchange=self._exchange_id, intent=Intent.READ, doing=doing)
        self._log.warning("price stream", error=said.detail)


def now() -> float:
    return asyncio.get_running_loop().time()
