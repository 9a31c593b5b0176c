"""The newest closed candles for strategies: asked for once per symbol and timeframe, whatever the number of bots.

Redis keys: ``candles:{venue}:{symbol}:{timeframe}`` holds JSON ``{"newest": ms, "asked": count, "rows": […]}`` until
the next candle closes; ``…:lock`` is held by the one who asks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import redis
import structlog
from django.conf import settings
from redis.exceptions import LockError

from exchange.candles.files import CandleFileError
from exchange.candles.series import SeriesKey, gaps_in
from exchange.candles.store import CandleStore, as_port_candles, from_port_candles
from exchange.gateway_config import GatewayConfig
from exchange.port import Candle, ExchangeGateway
from exchange.prices import redis_client

log = structlog.get_logger(__name__)

# Bots of one symbol want different numbers of candles: whoever asks, asks for enough for most.
LEAST = 300
PAGE = 1000
# An exchange may take a moment to list the candle that has just closed; then it is asked again soon.
SOON_MS = 1_000
ASKING_S = 15.0  # after which the lock of one who died is free
PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Market:
    """Whose candles: ``stored`` is the exchange whose candles in the store are this market's own, if any are."""

    venue: str
    symbol: str
    stored: str | None = None

    @classmethod
    def of(cls, config: GatewayConfig, symbol: str) -> Market:
        """Demo trading runs on the real market's prices; a test net and a replay have their own."""
        shares = config.environment in ("live", "demo")
        return cls(config.venue, symbol, config.exchange_id if shares else None)


def closed_candles(
    market: Market,
    timeframe: str,
    count: int,
    *,
    gateway: ExchangeGateway,
    now_ms: int,
    client: redis.Redis | None = None,
) -> list[Candle]:
    """The last ``count`` closed candles, oldest first; fewer when the market is younger than that.

    ``now_ms`` is the market's time, as its price tells it: the candle that it lies in is still forming and is never
    given. A minute in which nobody traded may be missing; it is asked for once more and then left out. Raises
    ``exchange.errors.ExchangeError``.
    """
    connection = client or redis_client()
    series = SeriesKey.of_unified(market.stored or "any", market.symbol, timeframe)
    forming = series.floor(now_ms)
    name = f"candles:{market.venue}:{market.symbol}:{timeframe}"
    newest = forming - series.step
    found = _shared(connection, name, newest, series.step, count)
    if found is None:
        lock = connection.lock(f"{name}:lock", timeout=ASKING_S, blocking_timeout=PATIENCE_S)
        has_lock = lock.acquire()
        try:
            found = _shared(connection, name, newest, series.step, count)
            if found is None:
                asked = max(count, LEAST)
                found = _collect(market, series, asked, gateway=gateway, forming=forming)
                until_close = forming + series.step - now_ms
                _share(connection, name, found, asked=asked, newest=newest, until_close=until_close)
        finally:
            if has_lock:
                _release(lock)
    return found[-count:]


def _collect(market: Market, series: SeriesKey, count: int, *, gateway: ExchangeGateway, forming: int) -> list[Candle]:
    since = forming - count * series.step
    known = {candle.timestamp: candle for candle in _from_store(market, series, since, forming)}
    start = _first_missing(known, since, series.step)
    while start < forming:
        limit = min(PAGE, (forming - start) // series.step + 1)
        page = gateway.candles(market.symbol, series.timeframe, since=start, limit=limit)
        known |= {candle.timestamp: candle for candle in page if start <= candle.timestamp < forming}
        start += limit * series.step
    found = [known[timestamp] for timestamp in sorted(known)]
    gaps = gaps_in(from_port_candles(found).timestamp, series.step)
    if not gaps:
        return found
    limit = min(PAGE, (gaps[-1].end - gaps[0].start) // series.step)
    page = gateway.candles(market.symbol, series.timeframe, since=gaps[0].start, limit=limit)
    known |= {candle.timestamp: candle for candle in page if gaps[0].start <= candle.timestamp < forming}
    return [known[timestamp] for timestamp in sorted(known)]


def _from_store(market: Market, series: SeriesKey, since: int, until: int) -> list[Candle]:
    if market.stored is None:
        return []
    try:
        return as_port_candles(CandleStore(settings.CANDLE_STORE).read(series, since, until))
    except CandleFileError as error:
        log.warning("stored candles cannot be used, the exchange is asked for all", error=str(error))
        return []


def _first_missing(known: dict[int, Candle], since: int, step: int) -> int:
    """After the stored stretch that reaches back to ``since``."""
    while since in known:
        since += step
    return since


def _shared(connection: redis.Redis, name: str, newest: int, step: int, count: int) -> list[Candle] | None:
    """A bot whose price is a moment older than another's may see an entry that is one candle ahead of it."""
    entry: Any = connection.get(name)
    if entry is None:
        return None
    said = json.loads(entry)
    ahead = (said["newest"] - newest) // step
    if ahead < 0 or said["asked"] < count + ahead:
        return None
    return [Candle(row[0], *(Decimal(text) for text in row[1:])) for row in said["rows"] if row[0] <= newest]


def _share(
    connection: redis.Redis, name: str, found: list[Candle], *, asked: int, newest: int, until_close: int
) -> None:
    is_whole = bool(found) and found[-1].timestamp == newest
    rows = [
        [row.timestamp, *(format(number, "f") for number in (row.open, row.high, row.low, row.close, row.volume))]
        for row in found
    ]
    entry = json.dumps({"newest": newest, "asked": asked, "rows": rows})
    connection.set(name, entry, px=max(1, until_close if is_whole else min(SOON_MS, until_close)))


def _release(lock: Any) -> None:
    """Whose time had run out while the exchange was slow: another one may hold it by now, and keeps it."""
    try:
        lock.release()
    except LockError:
        return
