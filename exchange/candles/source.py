"""Which candles a replay runs on: named files, a directory, a download, or a synthetic market."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from exchange.candles.download import download, download_past
from exchange.candles.files import (
    CandleFile,
    CandleFileError,
    Candles,
    describe_file,
    list_files,
    read_file,
)
from exchange.candles.merging import joined
from exchange.candles.past import TIMEFRAMES as PAST_TIMEFRAMES
from exchange.candles.past import Spanned, drawn, file_for, refined
from exchange.candles.synthetic import synthetic_market
from strategies.candles import timeframe_ms

DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
SYNTHETIC_MINUTES = 30 * 1440


@dataclass(frozen=True, slots=True)
class Source:
    """Candles of each symbol over one common window; ``names`` says where from (file stems, or how they were made).

    The first ``past`` candles are only there to be looked back at.
    """

    candles: dict[str, Candles]
    timeframe_ms: int
    names: list[str]
    synthetic: bool = False
    past: int = 0


def choose(
    *,
    files: list[Path],
    directory: Path | None,
    symbols: list[str],
    seed: int,
    cache: Path | None,
    network: bool,
    history: int = 0,
) -> Source:
    """The first of: the named files; the directory; recent candles over the network; a synthetic market.

    Named files are taken as they are; before the others come up to ``history`` days of past. Raises ``CandleFileError`` when files or a directory were named and cannot be used: asking for real candles and
    getting others would go unnoticed.
    """
    if files:
        return from_files(files)
    if directory is not None:
        return from_directory(directory, symbols, history)
    downloaded = download(symbols, cache=cache, network=network)
    if downloaded is not None:
        exchange, candles = downloaded
        names = [f"{exchange}_{symbol}_linear_1m (downloaded)" for symbol in candles]
        window = Source(_common(candles, 60_000), 60_000, names)
        older = download_past(exchange, symbols, until=_start(window), days=history) if history else None
        if older is None:
            return window
        return _with_past(
            window, {symbol: refined(one, 15) for symbol, one in older.items()}, "15m candles (downloaded)"
        )
    minutes = history * 1440
    made = synthetic_market(symbols, minutes=minutes + SYNTHETIC_MINUTES, seed=seed)
    return Source(made, 60_000, [f"synthetic, seed {seed}"], synthetic=True, past=minutes)


def from_files(paths: list[Path]) -> Source:
    described = []
    for path in paths:
        file = describe_file(path)
        if file is None:
            raise CandleFileError(
                f"candle file {path.name} is not named <exchange>_<SYMBOL>_<spot|linear>_<timeframe>[_...]"
                " with the ending .parquet or .csv.gz"
            )
        described.append(file)
    if len({file.timeframe for file in described}) > 1:
        raise CandleFileError(f"candle files of different timeframes cannot be replayed together: {_stems(described)}")
    if len({file.symbol for file in described}) < len(described):
        raise CandleFileError(f"two candle files of one symbol cannot be replayed together: {_stems(described)}")
    step = timeframe_ms(described[0].timeframe)
    candles = {file.symbol: read_file(file.path) for file in described}
    return Source(_common(candles, step), step, [file.stem for file in described])


def from_directory(directory: Path, symbols: list[str], history: int = 0) -> Source:
    """The newest window of one exchange's one-minute candles that has the most of the wanted symbols.

    A window of a week or more goes before a shorter one. A symbol that only other windows have is left out. The
    ``history`` days before it are drawn through longer candles, as far back as every symbol has some.
    """
    groups: dict[tuple[str, str], dict[str, list[CandleFile]]] = defaultdict(lambda: defaultdict(list))
    for file in list_files(directory):
        if file.timeframe == "1m" and file.symbol in symbols:
            groups[file.exchange, file.kind][file.symbol].append(file)
    spans = {file.path: _span(file) for group in groups.values() for found in group.values() for file in found}
    best: tuple[tuple[int, bool, int], tuple[CandleFile, ...]] | None = None
    for group in groups.values():
        for count in range(1, len(group) + 1):
            for chosen in _choices(group, count):
                start = max(spans[file.path][0] for file in chosen)
                end = min(spans[file.path][1] for file in chosen)
                if end <= start:
                    continue
                rank = (len(chosen), end - start >= WEEK_MS, end)
                if best is None or rank > best[0]:
                    best = (rank, chosen)
    if best is None:
        raise CandleFileError(
            f"candle directory {directory} holds no 1m candles of {', '.join(symbols)}; "
            "files are named as binance_ETHUSDT_linear_1m_202505.parquet"
        )
    window = from_files([file.path for file in best[1]])
    return _reaching_back(window, directory, best[1], history) if history else window


def _reaching_back(window: Source, directory: Path, chosen: tuple[CandleFile, ...], days: int) -> Source:
    until = _start(window)
    start = until - days * DAY_MS
    longer = [
        file for file in list_files(directory) if file.symbol in window.candles and file.timeframe in PAST_TIMEFRAMES
    ]
    spanned = [Spanned(file, *_span(file)) for file in longer]
    found = {file.symbol: file_for(file.symbol, spanned, file, start, until) for file in chosen}
    files = {symbol: one for symbol, one in found.items() if one is not None}
    if len(files) < len(found):
        return window
    start = max(start, *(one.start for one in files.values()))
    past = {symbol: drawn(one, start, until) for symbol, one in files.items()}
    return _with_past(window, past, ", ".join(one.file.stem for one in files.values()))


def _with_past(window: Source, past: dict[str, Candles], name: str) -> Source:
    whole = {symbol: joined([past[symbol], candles]) for symbol, candles in window.candles.items()}
    cut = _common(whole, window.timeframe_ms)
    begin = int(next(iter(cut.values())).timestamp[0])
    return replace(
        window,
        candles=cut,
        past=(_start(window) - begin) // window.timeframe_ms,
        names=[*window.names, f"before that drawn through {name}"],
    )


def _start(source: Source) -> int:
    return int(next(iter(source.candles.values())).timestamp[0])


def _choices(group: dict[str, list[CandleFile]], count: int) -> list[tuple[CandleFile, ...]]:
    """Every way of taking one file each of ``count`` symbols, those wanted first before others."""
    symbols = list(group)
    if count == len(symbols):
        return list(product(*group.values()))
    return [choice for left_out in symbols for choice in _choices(_without(group, left_out), count)]


def _without(group: dict[str, list[CandleFile]], symbol: str) -> dict[str, list[CandleFile]]:
    return {name: files for name, files in group.items() if name != symbol}


def _span(file: CandleFile) -> tuple[int, int]:
    """First open and last close, in ms. Only the timestamps are read."""
    import pandas as pd

    if file.path.name.endswith(".parquet"):
        timestamp = pd.read_parquet(file.path, columns=["timestamp"])["timestamp"]
    else:
        timestamp = pd.read_csv(file.path, usecols=["timestamp"])["timestamp"]
    return int(timestamp.iloc[0]), int(timestamp.iloc[-1]) + timeframe_ms(file.timeframe)


def _common(candles: dict[str, Candles], step: int) -> dict[str, Candles]:
    """Every symbol cut to the time that all of them have.

    A candle missing at either end is moved in from the window's edge by choosing the edge where all have one.
    """
    start = max(int(one.timestamp[0]) for one in candles.values())
    end = min(int(one.timestamp[-1]) for one in candles.values()) + step
    cut = {symbol: one.between(start, end) for symbol, one in candles.items()}
    if any(not len(one) for one in cut.values()):
        raise CandleFileError(f"the candles of {', '.join(candles)} have no time in common")
    edges = {(int(one.timestamp[0]), int(one.timestamp[-1])) for one in cut.values()}
    if len(edges) == 1:
        return cut
    return _common(cut, step)


def _stems(files: list[CandleFile]) -> str:
    return ", ".join(file.stem for file in files)
