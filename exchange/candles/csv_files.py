"""Candles out of CSV files (``.csv``, ``.csv.gz``, ``.zip``) and Parquet files, a block at a time."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from exchange.candles.columns import Layout, layout_of
from exchange.candles.files import COLUMNS, CandleFileError, Candles, first_impossible, said_of
from exchange.candles.merging import first_off_grid
from exchange.candles.series import SeriesKey, utc

# Arrow reads up to 32 of them ahead.
BLOCK_BYTES = 1 << 18
SUFFIXES = (".csv", ".csv.gz", ".zip", ".parquet")
# 1973 … 5138 in seconds; what is larger is in milliseconds, microseconds, nanoseconds.
_SECONDS_BELOW, _MS_BELOW, _US_BELOW = 10**11, 10**14, 10**17


@dataclass(frozen=True, slots=True)
class Block:
    """``read`` of the file's ``size`` bytes are behind it, compressed as they are."""

    candles: Candles
    read: int


def blocks(path: Path, key: SeriesKey) -> Iterator[Block]:
    """Raises ``CandleFileError`` naming file, line, value and mend."""
    try:
        if path.name.endswith(".parquet"):
            yield from _parquet_blocks(path, key)
        elif path.name.endswith(".zip"):
            yield from _zip_blocks(path, key)
        else:
            with path.open("rb") as raw:
                yield from _csv_blocks(_Text(path, raw), key)
    except (OSError, EOFError, zipfile.BadZipFile, pa.ArrowInvalid) as error:
        raise CandleFileError(f"{path} cannot be read: {error}. Fetch it again; it may be cut off.") from error


class _Text:
    """The bytes of one CSV: a file's own, what is compressed in it, or a member of an archive."""

    def __init__(self, path: Path, raw: IO[bytes], member: str = "") -> None:
        self.path, self.raw, self.member = path, raw, member
        self.name = f"{path}:{member}" if member else str(path)

    def open(self) -> IO[bytes]:
        """From the beginning."""
        self.raw.seek(0)
        if self.member:
            return zipfile.ZipFile(self.raw).open(self.member)
        return cast(IO[bytes], gzip.open(self.raw)) if self.path.name.endswith(".gz") else self.raw


def _zip_blocks(path: Path, key: SeriesKey) -> Iterator[Block]:
    with path.open("rb") as raw:
        members = [name for name in zipfile.ZipFile(raw).namelist() if name.endswith(".csv")]
        if not members:
            raise CandleFileError(f"{path} holds no .csv file")
        for member in members:
            yield from _csv_blocks(_Text(path, raw, member), key)


def _csv_blocks(text: _Text, key: SeriesKey) -> Iterator[Block]:
    lines = io.TextIOWrapper(text.open(), encoding="utf-8-sig", newline="")
    layout = layout_of(text.name, [line for line in (lines.readline(), lines.readline()) if line.strip()])
    lines.detach()
    time_type = pa.string() if layout.is_dated else pa.int64()
    types = {name: pa.float64() for name in layout.wanted[1:]} | {layout.wanted[0]: time_type}
    line = 1 + layout.header_lines
    with ExitStack() as stack:
        source = stack.enter_context(pa.PythonFile(text.open(), mode="r"))
        try:
            reader = pa.csv.open_csv(
                source,
                read_options=pa.csv.ReadOptions(
                    block_size=BLOCK_BYTES, column_names=list(layout.names), skip_rows=layout.header_lines,
                    use_threads=False,
                ),
                convert_options=pa.csv.ConvertOptions(column_types=types, include_columns=list(layout.wanted)),
            )  # fmt: skip
            for batch in reader:
                yield Block(_candles(batch, layout, text, line, key), text.raw.tell())
                line += batch.num_rows
        except pa.ArrowInvalid as error:
            raise _named(text, layout, error) from error


def _candles(batch: Any, layout: Layout, text: _Text, line: int, key: SeriesKey) -> Candles:
    for name in layout.wanted:
        missing = batch.column(name).is_null()
        if batch.column(name).null_count:
            row = int(np.argmax(missing.to_numpy(zero_copy_only=False)))
            raise CandleFileError(f"{text.name}, line {line + row}: {name} is empty; take the line out, or fill it in")
    times = batch.column(layout.wanted[0])
    timestamps = _dates(times, text, line) if layout.is_dated else milliseconds(_numpy(times))
    candles = Candles(timestamps, *(_numpy(batch.column(name)) for name in layout.wanted[1:]))
    _check(candles, key, lambda row: f"{text.name}, line {line + row}")
    return candles


def _numpy(column: Any) -> Any:
    """The numbers of an Arrow array. Its own ``to_numpy`` imports pandas: 50 MB and a quarter of a second."""
    return column.to_numpy(zero_copy_only=False) if column.null_count else np.from_dlpack(column)


def milliseconds(times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Seconds, milliseconds, microseconds or nanoseconds since the epoch, told apart by their size, each for itself:
    Binance's spot files went from milliseconds to microseconds with 2025."""
    return np.select(
        [times < _SECONDS_BELOW, times < _MS_BELOW, times < _US_BELOW],
        [times * 1000, times, times // 1000],
        times // 10**6,
    )


def _dates(times: Any, text: _Text, line: int) -> NDArray[np.int64]:
    """``2025-05-01 00:00:00``, ``2025-05-01T00:00:00Z``, ``2025.05.01 00:00``, with or without an offset; else UTC."""
    import pandas as pd

    written = pd.Series(pc.replace_substring_regex(times, r"^(\d{4})[./](\d\d)[./](\d\d)", r"\1-\2-\3").to_numpy(False))
    read = pd.to_datetime(written, utc=True, format="ISO8601", errors="coerce")
    if read.isna().any():
        row = int(read.isna().to_numpy().argmax())
        raise CandleFileError(
            f"{text.name}, line {line + row}: {times[row].as_py()!r} is not a time; "
            "write milliseconds since 1970, or a date as in 2025-05-01 00:00"
        )
    found: NDArray[np.int64] = read.dt.tz_localize(None).to_numpy().astype("datetime64[ms]").astype(np.int64)
    return found


def _named(text: _Text, layout: Layout, error: Exception) -> CandleFileError:
    """The first line that is to blame, found by reading again: the fast reader does not count lines."""
    with io.TextIOWrapper(text.open(), encoding="utf-8-sig", newline="", errors="replace") as lines:
        reader = csv.reader(lines)
        for row in reader:
            if reader.line_num <= layout.header_lines or not row:
                continue
            where = f"{text.name}, line {reader.line_num}"
            if len(row) != len(layout.names):
                return CandleFileError(
                    f"{where}: {len(row)} values where there are {len(layout.names)} columns; "
                    "the file may be cut off here: mend the line or fetch the file again"
                )
            for name in layout.wanted:
                value = row[layout.names.index(name)]
                convert = int if name == layout.wanted[0] and not layout.is_dated else float
                try:
                    if not (layout.is_dated and name == layout.wanted[0]):
                        convert(value)
                except ValueError:
                    kind = "a whole number" if convert is int else "a number"
                    return CandleFileError(
                        f"{where}: {name} is {value!r}, which is not {kind}; mend or delete the line"
                    )
        return CandleFileError(f"{text.name} cannot be read: {error}")


def _parquet_blocks(path: Path, key: SeriesKey) -> Iterator[Block]:
    with path.open("rb") as raw:
        file = pq.ParquetFile(raw)
        missing = [name for name in COLUMNS if name not in file.schema_arrow.names]
        if missing:
            raise CandleFileError(f"{path} lacks the column {missing[0]}; it needs {', '.join(COLUMNS)}")
        first = 0
        for batch in file.iter_batches(columns=list(COLUMNS)):
            columns = [_numpy(batch.column(name).cast(pa.float64())) for name in COLUMNS[1:]]
            candles = Candles(milliseconds(_numpy(batch.column("timestamp").cast(pa.int64()))), *columns)
            _check(candles, key, lambda row, first=first: f"{path}, row {first + row}")
            yield Block(candles, raw.tell())
            first += batch.num_rows


def _check(candles: Candles, key: SeriesKey, where: Any) -> None:
    row = first_impossible(candles)
    if row is not None:
        raise CandleFileError(
            f"{where(row)}: {utc(int(candles.timestamp[row]))} is no candle: {said_of(candles, row)}; "
            "prices are positive, the high is the highest and the low the lowest of them: mend or delete the line"
        )
    row = first_off_grid(candles, key)
    if row is not None:
        raise CandleFileError(
            f"{where(row)}: {candles.timestamp[row]} ({utc(int(candles.timestamp[row]))}) is not the open time of a "
            f"{key.timeframe} candle; give the timeframe these candles have with --timeframe"
        )
