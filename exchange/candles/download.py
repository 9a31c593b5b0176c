"""Recent candles from a real exchange, kept on disk; whatever a few seconds give, or nothing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from exchange.candles.files import CandleFileError, Candles, check, read_file

log = logging.getLogger(__name__)

BUDGET_S = 4.0
WANTED = 7 * 1440
ENOUGH = 1440
PAGE = 1000
FRESH_S = 86_400
MINUTE_MS = 60_000
# What the time before those minutes is drawn through.
PAST_MINUTES = 15

# One page of raw rows [open time, open, high, low, close, volume, ...] that open before ``end``, in any order.
Fetch = Callable[[str, int], list[list[Any]]]
# Makes one of a timeout in ms and the candles' minutes.
Prepare = Callable[[int, int], Fetch]


@dataclass(frozen=True, slots=True)
class Wanted:
    """``count`` candles of ``minutes`` that open before ``end``, of which ``enough`` will do."""

    minutes: int
    end: int
    count: int
    enough: int


def download(
    symbols: list[str], *, cache: Path | None, network: bool, budget_s: float = BUDGET_S
) -> tuple[str, dict[str, Candles]] | None:
    """(exchange, candles by symbol) from the cache when it is of today, else from the network, else an older cache.

    ``None`` when neither has at least a day of every symbol. Never takes longer than the budget.
    """
    kept = _read_cache(cache, symbols)
    if kept is not None and time.time() - kept[2] < FRESH_S:
        return kept[0], kept[1]
    if network:
        deadline = time.monotonic() + budget_s
        wanted = Wanted(1, int(time.time() * 1000) // MINUTE_MS * MINUTE_MS, WANTED, ENOUGH)
        for exchange, prepare in _exchanges().items():
            found = _fetch_all(exchange, prepare, symbols, wanted, deadline)
            if found is not None:
                _write_cache(cache, exchange, found)
                return exchange, found
    return None if kept is None else (kept[0], kept[1])


def download_past(
    exchange: str, symbols: list[str], *, until: int, days: int, budget_s: float = BUDGET_S
) -> dict[str, Candles] | None:
    """15-minute candles of up to ``days`` days before ``until``; ``None`` when not every symbol's came in time."""
    step = PAST_MINUTES * MINUTE_MS
    count = days * 1440 // PAST_MINUTES
    wanted = Wanted(PAST_MINUTES, until - until % step, count, 1)
    return _fetch_all(exchange, _exchanges()[exchange], symbols, wanted, time.monotonic() + budget_s)


def _exchanges() -> dict[str, Prepare]:
    """In the order in which they are asked."""
    return {"bybit": _bybit, "binance": _binance}


def _fetch_all(
    exchange: str, prepare: Prepare, symbols: list[str], wanted: Wanted, deadline: float
) -> dict[str, Candles] | None:
    """One thread per symbol, so that a name server that does not answer cannot hold the start up."""
    rows: dict[str, list[list[Any]]] = {symbol: [] for symbol in symbols}
    threads = [
        threading.Thread(target=_collect, args=(exchange, prepare, symbol, rows[symbol], wanted, deadline), daemon=True)
        for symbol in symbols
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    # A thread may still be adding: what is used is what is there now.
    taken = {symbol: list(found) for symbol, found in rows.items()}
    if any(len(found) < wanted.enough for found in taken.values()):
        return None
    candles = {symbol: _candles(found) for symbol, found in taken.items()}
    for symbol, one in candles.items():
        check(one, f"{exchange} {symbol}")
    return candles


def _collect(
    exchange: str, prepare: Prepare, symbol: str, rows: list[list[Any]], wanted: Wanted, deadline: float
) -> None:
    import ccxt

    try:
        fetch = prepare(max(500, int((deadline - time.monotonic()) * 1000)), wanted.minutes)
        end = wanted.end
        while len(rows) < wanted.count and time.monotonic() < deadline:
            page = fetch(symbol, end)
            page = [row for row in page if int(row[0]) < end]
            if not page:
                return
            rows.extend(page)
            end = min(int(row[0]) for row in page)
    except ccxt.BaseError as error:
        log.info("no candles of %s from %s: %s", symbol, exchange, str(error)[:200])


def _bybit(timeout_ms: int, minutes: int) -> Fetch:
    import ccxt

    client = ccxt.bybit({"timeout": timeout_ms, "enableRateLimit": False})

    def fetch(symbol: str, end: int) -> list[list[Any]]:
        query = {"category": "linear", "symbol": symbol, "interval": str(minutes), "end": end - 1, "limit": PAGE}
        rows: list[list[Any]] = client.publicGetV5MarketKline(query)["result"]["list"]
        return rows

    return fetch


def _binance(timeout_ms: int, minutes: int) -> Fetch:
    import ccxt

    client = ccxt.binance({"timeout": timeout_ms, "enableRateLimit": False})

    def fetch(symbol: str, end: int) -> list[list[Any]]:
        query = {"symbol": symbol, "interval": f"{minutes}m", "endTime": end - 1, "limit": PAGE}
        rows: list[list[Any]] = client.fapiPublicGetKlines(query)
        return rows

    return fetch


def _candles(rows: list[list[Any]]) -> Candles:
    ordered = np.array(sorted({int(row[0]): [float(value) for value in row[:6]] for row in rows}.values()))
    return Candles(ordered[:, 0].astype(np.int64), *(ordered[:, column] for column in range(1, 6)))


def _cache_file(cache: Path, exchange: str, symbol: str) -> Path:
    return cache / f"{exchange}_{symbol}_linear_1m_downloaded.parquet"


def _read_cache(cache: Path | None, symbols: list[str]) -> tuple[str, dict[str, Candles], float] | None:
    """(exchange, candles, written at) when one exchange's file of every symbol is there and sound."""
    if cache is None:
        return None
    for exchange in ("bybit", "binance"):
        paths = {symbol: _cache_file(cache, exchange, symbol) for symbol in symbols}
        if not all(path.is_file() for path in paths.values()):
            continue
        try:
            candles = {symbol: read_file(path) for symbol, path in paths.items()}
        except CandleFileError as error:
            log.warning("the kept candles cannot be used and are fetched anew: %s", error)
            continue
        return exchange, candles, min(path.stat().st_mtime for path in paths.values())
    return None


def _write_cache(cache: Path | None, exchange: str, candles: dict[str, Candles]) -> None:
    import pandas as pd

    if cache is None:
        return
    cache.mkdir(parents=True, exist_ok=True)
    for symbol, one in candles.items():
        path = _cache_file(cache, exchange, symbol)
        columns = {name: getattr(one, name) for name in ("timestamp", "open", "high", "low", "close", "volume")}
        unfinished = path.with_suffix(".part")
        pd.DataFrame(columns).to_parquet(unfinished)
        unfinished.replace(path)
