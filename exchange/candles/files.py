"""Candle files: Parquet and gzipped CSV, named ``<exchange>_<SYMBOL>_<spot|linear>_<timeframe>[_...]``.

Columns: ``timestamp`` (open time, milliseconds UTC), ``open, high, low, close, volume`` (volume in base).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SUFFIXES = (".parquet", ".csv.gz")
_NAME = re.compile(
    r"^(?P<exchange>[a-z0-9]+)_(?P<symbol>[A-Z0-9]+)_(?P<kind>spot|linear)_(?P<timeframe>\d+[mhdw])(?:_(?P<span>.+))?$"
)
PRICE_COLUMNS = ("open", "high", "low", "close")
MAX_DECIMALS = 12


class CandleFileError(ValueError):
    """A candle file that cannot be used; the message names the file, what is wrong and the mend."""


@dataclass(frozen=True, slots=True)
class Candles:
    """Parallel arrays, oldest first: ``timestamp`` int64 (open time, ms UTC), the rest float64."""

    timestamp: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.timestamp)

    def between(self, start: int, end: int) -> Candles:
        """The candles that open in ``[start, end)``."""
        first, last = np.searchsorted(self.timestamp, [start, end])
        window = slice(int(first), int(last))
        return Candles(*(getattr(self, name)[window] for name in COLUMNS))


COLUMNS = ("timestamp", *PRICE_COLUMNS, "volume")


@dataclass(frozen=True, slots=True)
class CandleFile:
    """What a file's name says of it. ``symbol`` is the exchange's own (``ETHUSDT``)."""

    path: Path
    exchange: str
    symbol: str
    kind: str
    timeframe: str

    @property
    def stem(self) -> str:
        return _stem(self.path)


def _stem(path: Path) -> str:
    for suffix in SUFFIXES:
        if path.name.endswith(suffix):
            return path.name.removesuffix(suffix)
    return path.stem


def describe_file(path: Path) -> CandleFile | None:
    """What the name says, or ``None`` when it is not a candle file's name (funding rates, mark prices, others)."""
    if not path.name.endswith(SUFFIXES):
        return None
    match = _NAME.match(_stem(path))
    if match is None:
        return None
    return CandleFile(path, match["exchange"], match["symbol"], match["kind"], match["timeframe"])


def list_files(directory: Path) -> list[CandleFile]:
    """Every candle file of a directory, by name. Raises ``CandleFileError`` when there is no such directory."""
    if not directory.is_dir():
        raise CandleFileError(f"candle directory {directory} does not exist; name a directory with candle files")
    found = (describe_file(path) for path in sorted(directory.iterdir()))
    return [file for file in found if file is not None]


def read_file(path: Path) -> Candles:
    """Reads and checks one file. Raises ``CandleFileError`` (missing, wrong columns, unsorted, impossible candle)."""
    import pandas as pd

    if not path.is_file():
        raise CandleFileError(f"candle file {path} does not exist")
    try:
        frame = pd.read_parquet(path) if path.name.endswith(".parquet") else pd.read_csv(path)
    except (ValueError, OSError) as error:
        raise CandleFileError(f"candle file {path} cannot be read: {error}") from error
    missing = [column for column in COLUMNS if column not in frame.columns]
    if missing:
        raise CandleFileError(f"candle file {path} lacks the column {missing[0]}; it needs {', '.join(COLUMNS)}")
    candles = Candles(
        frame["timestamp"].to_numpy(dtype=np.int64),
        *(frame[column].to_numpy(dtype=np.float64) for column in (*PRICE_COLUMNS, "volume")),
    )
    check(candles, str(path))
    return candles


def check(candles: Candles, name: str) -> None:
    """Raises ``CandleFileError`` on the first candle that cannot be: out of order, not positive, high below low."""
    if not len(candles):
        raise CandleFileError(f"{name} holds no candles")
    if np.any(np.diff(candles.timestamp) <= 0):
        row = int(np.argmax(np.diff(candles.timestamp) <= 0)) + 1
        raise CandleFileError(f"{name}: row {row} is not later than the one before; sort it and drop duplicates")
    impossible = first_impossible(candles)
    if impossible is not None:
        raise CandleFileError(f"{name}: row {impossible} is no candle: {said_of(candles, impossible)}")


def first_impossible(candles: Candles) -> int | None:
    """The first row that cannot be: a price that is not positive, a high below or a low above open or close, a volume
    below zero, or not a number."""
    top = np.maximum(candles.open, candles.close)
    bottom = np.minimum(candles.open, candles.close)
    finite = np.isfinite(candles.high) & np.isfinite(candles.volume)
    sound = (candles.low > 0) & (candles.high >= top) & (candles.low <= bottom) & (candles.volume >= 0) & finite
    return None if sound.all() else int(np.argmin(sound))


def said_of(candles: Candles, row: int) -> str:
    """A row's numbers, for a message."""
    return ", ".join(f"{name} {getattr(candles, name)[row]}" for name in COLUMNS[1:])


def decimals_of(values: NDArray[np.float64]) -> int:
    """The number of decimals that the values were written with: the fewest that give every one of them back."""
    for decimals in range(MAX_DECIMALS):
        scaled = values * 10.0**decimals
        if np.all(np.abs(scaled - np.round(scaled)) <= 1e-6 + np.abs(scaled) * 1e-12):
            return decimals
    return MAX_DECIMALS
