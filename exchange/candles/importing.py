"""Files into the store: each once, in bounded memory, and after a break from where it was."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from exchange.candles.csv_files import SUFFIXES, blocks
from exchange.candles.files import CandleFileError, Candles
from exchange.candles.merging import Merged, joined, taken
from exchange.candles.series import SeriesKey
from exchange.candles.store import CandleStore

# Rows that wait for the rest of their month before they are merged: 48 bytes each.
WAITING_ROWS = 400_000

_OWN = re.compile(
    r"^(?P<exchange>[a-z0-9]+)_(?P<symbol>[A-Z0-9]+)_(?P<kind>spot|linear)_(?P<timeframe>\d+[mhdw])(?:_.+)?$"
)
# https://data.binance.vision: BTCUSDT-1m-2025-05.csv
_BINANCE = re.compile(r"^(?P<symbol>[A-Z0-9]+)-(?P<timeframe>\d+[mhdw])-\d{4}-\d\d(?:-\d\d)?$")
# https://public.bybit.com: BTCUSDT_15_2025-05-01_2025-05-31.csv.gz
_BYBIT = re.compile(r"^(?P<symbol>[A-Z0-9]+)_(?P<minutes>\d+)_\d{4}-\d\d-\d\d_\d{4}-\d\d-\d\d$")
_PARTS = ("exchange", "kind", "symbol", "timeframe")


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one file."""

    path: Path
    key: SeriesKey
    merged: Merged
    skipped: bool = False


def find_files(given: list[str]) -> list[Path]:
    """Files, directories (all candle files in and below them) and patterns, by name. Raises ``CandleFileError``."""
    found: list[Path] = []
    for item in given:
        path = Path(item)
        if path.is_dir():
            matches = [file for file in path.rglob("*") if file.name.endswith(SUFFIXES)]
        elif path.is_file():
            matches = [path]
        else:
            matches = [match for match in Path(path.anchor).glob(str(path.relative_to(path.anchor))) if match.is_file()]
        if not matches:
            raise CandleFileError(f"{item} names no candle files; they end in {', '.join(SUFFIXES)}")
        found += matches
    return sorted(set(found))


def key_of(path: Path, given: dict[str, str | None]) -> SeriesKey:
    """What the file's name says, and ``given`` where that says something else or nothing.

    Raises ``CandleFileError`` naming the option that is missing.
    """
    stem = path.name
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        stem = stem.removesuffix(suffix)
    parts: dict[str, str] = {}
    for pattern, extra in ((_OWN, {}), (_BINANCE, {"exchange": "binance"}), (_BYBIT, {"exchange": "bybit"})):
        match = pattern.match(stem)
        if match is not None:
            parts = {**extra, **match.groupdict()}
            break
    if "minutes" in parts:
        parts["timeframe"] = _timeframe(int(parts.pop("minutes")))
    parts |= {name: value for name, value in given.items() if value}
    missing = [name for name in _PARTS if name not in parts]
    if missing:
        raise CandleFileError(
            f"{path}: its name does not tell the {missing[0]} of its candles; give --{missing[0]}, "
            "or call it as in binance_ETHUSDT_linear_1m_202505.csv.gz"
        )
    try:
        return SeriesKey(**{name: parts[name] for name in _PARTS})
    except ValueError as error:
        raise CandleFileError(f"{path}: {error}") from error


def _timeframe(minutes: int) -> str:
    for unit, length in (("d", 1440), ("h", 60)):
        if minutes % length == 0:
            return f"{minutes // length}{unit}"
    return f"{minutes}m"


def import_file(
    store: CandleStore,
    path: Path,
    key: SeriesKey,
    *,
    again: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Imported:
    """Merges one file. One that was imported before, and has the same size and time of change since, is skipped.

    ``progress`` is told how many more bytes of the file have been read. Killed at any point, the next call merges the
    file from its beginning, which changes nothing where that has been done.
    """
    mark = _mark(path, key)
    size = path.stat().st_size
    if not again and store.note(mark) is not None:
        if progress:
            progress(size)
        return Imported(path, key, Merged(), skipped=True)
    merged, read = Merged(), 0
    for candles, position in _by_periods(path, key):
        merged += store.merge(key, candles)
        if progress and position > read:
            progress(position - read)
            read = position
    if progress:
        progress(size - read)
    store.write_note(mark, json.dumps({"file": path.name, "series": str(key), **asdict(merged)}).encode())
    return Imported(path, key, merged)


def _by_periods(path: Path, key: SeriesKey) -> Iterator[tuple[Candles, int]]:
    """The file's candles in portions that hold whole months (or years) where the file is sorted, so that each file of
    the store is rewritten once; never more than ``WAITING_ROWS`` and a block in memory."""
    waiting: list[Candles] = []
    position = 0
    for block in blocks(path, key):
        waiting.append(block.candles)
        position = block.read
        periods = key.period_of(np.array([int(block.candles.timestamp[0]), int(block.candles.timestamp[-1])]))
        rows = sum(len(part) for part in waiting)
        if periods[0] == periods[1] and rows < WAITING_ROWS:
            continue
        together = joined(waiting)
        is_last = key.period_of(together.timestamp) == periods[1]
        if rows >= WAITING_ROWS or is_last.all():
            waiting = []
        else:
            waiting = [taken(together, np.flatnonzero(is_last))]
            together = taken(together, np.flatnonzero(~is_last))
        yield together, position
    if waiting:
        yield joined(waiting), position


def _mark(path: Path, key: SeriesKey) -> str:
    """The name of the note that says a file has been imported; a file that changed or was renamed has another."""
    state = path.stat()
    identity = f"{key}\0{path.name}\0{state.st_size}\0{state.st_mtime_ns}"
    return f"_imported/{hashlib.sha256(identity.encode()).hexdigest()}.json"
