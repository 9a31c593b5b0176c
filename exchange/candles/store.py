"""Candles kept as Parquet, in a directory or an object store.

``<root>/<exchange>/<kind>/<SYMBOL>/<timeframe>/<period>.parquet``, where a period is a month (``2025-05``) for candles
shorter than an hour and a year (``2025``) for longer ones: a merge rewrites only the files whose months it touches, and
each of those is replaced as a whole or not at all.

Columns: ``timestamp`` (open time, int64 ms UTC), ``open, high, low, close, volume`` (float64; volume in base). Floats,
because back-tests compute in floats and read millions of rows; a decimal of up to fifteen significant digits, which
every exchange's prices have, is given back by a float's shortest text exactly (IEEE 754: ``DBL_DIG`` is 15).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from exchange.candles.files import COLUMNS, CandleFileError, Candles
from exchange.candles.merging import Merged, check_series, joined, merge, taken
from exchange.candles.series import Coverage, Gap, SeriesKey, empty, gaps_in
from exchange.port import Candle

SCHEMA = pa.schema([("timestamp", pa.int64()), *((name, pa.float64()) for name in COLUMNS[1:])])
SUFFIX = ".parquet"


class CandleStoreBusy(CandleFileError):
    """Another process of this machine writes."""


class CandleStore:
    """``address`` is a directory, or a URL of pyarrow's file systems (``s3://bucket/candles``, ``gs://…``).

    One process writes at a time (:meth:`claimed`); any number may read meanwhile.
    """

    def __init__(self, address: str | Path) -> None:
        self.address = str(address)
        try:
            if "://" in self.address:
                self._fs, self._root = fs.FileSystem.from_uri(self.address)
            else:
                self._fs, self._root = fs.LocalFileSystem(), str(Path(self.address).absolute())
        except (pa.ArrowInvalid, OSError) as error:
            raise CandleFileError(f"candle store {self.address} cannot be opened: {error}") from error
        self._is_local = isinstance(self._fs, fs.LocalFileSystem)

    # --- What there is -------------------------------------------------------------------------------------------

    def series(self) -> list[SeriesKey]:
        found = set()
        for path in self._list(self._root, recursive=True):
            parts = path[len(self._root) :].strip("/").split("/")
            if len(parts) == 5 and path.endswith(SUFFIX):
                found.add(SeriesKey(*parts[:4]))
        return sorted(found)

    def coverage(self, key: SeriesKey) -> Coverage | None:
        """From the files' footers alone; ``None`` when there are no candles."""
        first, last, count, files = 0, 0, 0, self._files(key)
        for path in files:
            with self._open(path) as source:
                metadata = pq.ParquetFile(source).metadata
            groups = [metadata.row_group(number).column(0).statistics for number in range(metadata.num_row_groups)]
            first = first or groups[0].min
            last, count = groups[-1].max, count + metadata.num_rows
        return Coverage(first, last, count, len(files)) if files else None

    def gaps(self, key: SeriesKey) -> list[Gap]:
        """Every hole between the first candle and the last."""
        found: list[Gap] = []
        before = np.empty(0, np.int64)
        for path in self._files(key):
            timestamps = self._read(path, ["timestamp"])["timestamp"].to_numpy()
            found += gaps_in(np.append(before, timestamps), key.step)
            before = timestamps[-1:]
        return found

    def missing(self, key: SeriesKey, since: int, until: int) -> list[Gap]:
        """Every stretch of ``[since, until)`` without candles, before the first and after the last ones too."""
        since, until = key.floor(since + key.step - 1), key.floor(until + key.step - 1)
        if since >= until:
            return []
        found: list[Gap] = []
        before = np.array([since - key.step])
        for path in self._files(key, since, until):
            timestamps = self._read(path, ["timestamp"])["timestamp"].to_numpy()
            timestamps = timestamps[(timestamps >= since) & (timestamps < until)]
            found += gaps_in(np.append(before, timestamps), key.step)
            before = timestamps[-1:] if len(timestamps) else before
        return found + gaps_in(np.append(before, until), key.step)

    # --- Reading -------------------------------------------------------------------------------------------------

    def read(self, key: SeriesKey, since: int | None = None, until: int | None = None) -> Candles:
        """The candles that open in ``[since, until)``, oldest first."""
        return joined([empty(), *self.parts(key, since, until)])

    def parts(self, key: SeriesKey, since: int | None = None, until: int | None = None) -> Iterator[Candles]:
        """The same, one file's worth at a time."""
        for path in self._files(key, since, until):
            table = self._read(path, list(COLUMNS))
            candles = Candles(*(table[name].to_numpy() for name in COLUMNS))
            start = int(candles.timestamp[0]) if since is None else since
            end = int(candles.timestamp[-1]) + 1 if until is None else until
            yield candles.between(start, end)

    # --- Writing -------------------------------------------------------------------------------------------------

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Held while writing: a second writer could lose what the first one merged. Raises :class:`CandleStoreBusy` when
        another process of this machine holds it; in an object store nobody watches, and one has to see to it."""
        if not self._is_local:
            yield
            return
        root = Path(self._root)
        root.mkdir(parents=True, exist_ok=True)
        with (root / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise CandleStoreBusy(
                    f"another process is writing to candle store {self.address}; wait until it has finished"
                ) from error
            yield

    def merge(self, key: SeriesKey, candles: Candles) -> Merged:
        """Adds candles, in any order. The same ones again change nothing; where numbers differ, these win.

        Raises ``CandleFileError``, before anything is written, on a candle that cannot be.
        """
        check_series(candles, key)
        total = Merged()
        periods = key.period_of(candles.timestamp)
        for period in np.unique(periods):
            path = f"{self._folder(key)}/{period}{SUFFIX}"
            known = self._known(path)
            result, merged = merge(known, taken(candles, np.flatnonzero(periods == period)))
            if merged.added or merged.changed:
                self._write(path, result)
            total += merged
        return total

    def _known(self, path: str) -> Candles:
        if self._fs.get_file_info(path).type is fs.FileType.NotFound:
            return empty()
        table = self._read(path, list(COLUMNS))
        return Candles(*(table[name].to_numpy() for name in COLUMNS))

    def _write(self, path: str, candles: Candles) -> None:
        contents = pa.BufferOutputStream()
        table = pa.table([getattr(candles, name) for name in COLUMNS], schema=SCHEMA)
        pq.write_table(table, contents, compression="zstd", write_statistics=True)
        self._replace(path, contents.getvalue())

    def _replace(self, path: str, contents: Any) -> None:
        """As a whole or not at all: an object store shows an object when its upload is complete, and in a directory a
        file that is written beside the old one is renamed over it."""
        folder, _, name = path.rpartition("/")
        self._fs.create_dir(folder, recursive=True)
        unfinished = f"{folder}/.{name}.{os.getpid()}.part" if self._is_local else path
        with self._fs.open_output_stream(unfinished) as sink:
            sink.write(contents)
        if self._is_local:
            self._fs.move(unfinished, path)

    # --- Files beside the candles --------------------------------------------------------------------------------

    def note(self, name: str) -> bytes | None:
        """What :meth:`write_note` wrote under this name."""
        path = f"{self._root}/{name}"
        if self._fs.get_file_info(path).type is fs.FileType.NotFound:
            return None
        with self._fs.open_input_stream(path) as source:
            contents: bytes = source.read()
        return contents

    def write_note(self, name: str, contents: bytes) -> None:
        self._replace(f"{self._root}/{name}", contents)

    # --- Paths ---------------------------------------------------------------------------------------------------

    def _folder(self, key: SeriesKey) -> str:
        return f"{self._root}/{key}"

    def _files(self, key: SeriesKey, since: int | None = None, until: int | None = None) -> list[str]:
        """Oldest first; only those that may hold candles of ``[since, until)``."""
        found = {
            path.rpartition("/")[2].removesuffix(SUFFIX): path
            for path in self._list(self._folder(key))
            if path.endswith(SUFFIX)
        }
        first = "" if since is None else str(key.period_of(np.array([since]))[0])
        last = max(found, default="") if until is None else str(key.period_of(np.array([until - 1]))[0])
        return [found[period] for period in sorted(found) if first <= period <= last]

    def _list(self, folder: str, *, recursive: bool = False) -> list[str]:
        selector = fs.FileSelector(folder, recursive=recursive, allow_not_found=True)
        return [info.path for info in self._fs.get_file_info(selector) if info.type is fs.FileType.File]

    def _open(self, path: str) -> Any:
        return self._fs.open_input_file(path)

    def _read(self, path: str, columns: list[str]) -> Any:
        try:
            with self._open(path) as source:
                return pq.read_table(source, columns=columns, schema=None)
        except (pa.ArrowInvalid, OSError, KeyError) as error:
            raise CandleFileError(
                f"{path} of the candle store cannot be read: {error}. Delete it and import or download it again."
            ) from error


def exact(number: float) -> Decimal:
    """The decimal of up to fifteen digits that this float was read from."""
    return Decimal(repr(float(number)))


def as_port_candles(candles: Candles) -> list[Candle]:
    return [
        Candle(int(candles.timestamp[row]), *(exact(getattr(candles, name)[row]) for name in COLUMNS[1:]))
        for row in range(len(candles))
    ]


def from_port_candles(rows: list[Candle]) -> Candles:
    timestamps = np.array([row.timestamp for row in rows], dtype=np.int64)
    return Candles(
        timestamps, *(np.array([float(getattr(row, name)) for row in rows], dtype=np.float64) for name in COLUMNS[1:])
    )
