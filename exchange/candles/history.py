"""An exchange's past candles into the store, page by page; what is stored already is not asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from exchange.candles.merging import Merged
from exchange.candles.series import Gap, SeriesKey
from exchange.candles.store import CandleStore, from_port_candles
from exchange.port import Candle, ExchangeGateway

PAGE = 1000
# Pages that are merged together; what a killed download has lost at most.
PAGES_TOGETHER = 10


@dataclass(frozen=True, slots=True)
class Downloaded:
    """``still_missing`` are the stretches that the exchange has no candles of either."""

    merged: Merged
    requests: int
    still_missing: list[Gap]


def download_series(
    gateway: ExchangeGateway,
    store: CandleStore,
    *,
    key: SeriesKey,
    symbol: str,
    since: int,
    until: int,
    progress: Callable[[int], None] | None = None,
) -> Downloaded:
    """Closed candles of ``symbol`` (unified) that open in ``[since, until)`` into ``key``, oldest first.

    Only stretches that the store lacks are asked for, so that a download that broke off goes on at its last candle,
    and gaps are asked for again. The price's own time says which candle is still forming. ``progress`` is told how many
    candles' time is behind it. Raises ``exchange.errors.ExchangeError``; what came before is stored then.
    """
    forming = key.floor(gateway.ticker(symbol).timestamp)
    until = min(until, forming)
    merged, requests = Merged(), 0
    waiting: list[Candle] = []
    try:
        for gap in store.missing(key, since, until):
            for page, behind in _pages(gateway, symbol, key, gap):
                requests += 1
                waiting += page
                if progress:
                    progress(behind)
                if requests % PAGES_TOGETHER == 0:
                    merged += _flush(store, key, waiting)
    finally:
        merged += _flush(store, key, waiting)
    return Downloaded(merged, requests, store.missing(key, since, until))


def _flush(store: CandleStore, key: SeriesKey, waiting: list[Candle]) -> Merged:
    rows = waiting[:]
    waiting.clear()
    return store.merge(key, from_port_candles(rows)) if rows else Merged()


def _pages(gateway: ExchangeGateway, symbol: str, key: SeriesKey, gap: Gap) -> Iterator[tuple[list[Candle], int]]:
    """Each page's candles of the gap, and how many candles' time it was."""
    cursor = gap.start
    while cursor < gap.end:
        limit = min(PAGE, (gap.end - cursor) // key.step)
        found = gateway.candles(symbol, key.timeframe, since=cursor, limit=limit)
        page = [candle for candle in found if cursor <= candle.timestamp < gap.end]
        # A page may be shorter than asked for because the exchange gives fewer at once; an empty one is a hole.
        after = page[-1].timestamp + key.step if page else min(cursor + limit * key.step, gap.end)
        yield page, (after - cursor) // key.step
        cursor = after
