"""Candles written by a test, as a file that the simulator replays. Free of Django, for what starts before it."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

START_MS = 1_746_316_800_000  # 2025-05-04 00:00 UTC
MINUTE_MS = 60_000

# open, high, low, close
Candle = tuple[str, str, str, str]


def write_candles(folder: Path, candles: Sequence[Candle]) -> Path:
    """A file named and shaped as real candles are."""
    path = folder / "test_ETHUSDT_linear_1m.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("timestamp,open,high,low,close,volume\n")
        for number, candle in enumerate(candles):
            file.write(f"{START_MS + number * MINUTE_MS},{','.join(candle)},100\n")
    return path


def path_of(*prices: str) -> list[Candle]:
    """Candles whose points are exactly these prices, each kept for one whole candle before the next."""
    return [(price, price, price, price) for price in prices]
