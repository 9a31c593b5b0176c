"""Candles and candle files for the tests beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from exchange.candles.files import COLUMNS, Candles

MINUTE = 60_000
# 2025-01-01 00:00 UTC
START = 1_735_689_600_000


def candles(rows: list[tuple[float, float, float, float]], *, start: int = START, step: int = MINUTE) -> Candles:
    """(open, high, low, close) rows without gaps; volume 1."""
    opened, high, low, close = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    timestamp = start + np.arange(len(rows), dtype=np.int64) * step
    return Candles(timestamp, opened, high, low, close, np.ones(len(rows)))


def flat(count: int, price: float = 100.0, *, start: int = START) -> Candles:
    return candles([(price, price, price, price)] * count, start=start)


def write(directory: Path, name: str, one: Candles) -> Path:
    """``name`` ends in .parquet or .csv.gz."""
    path = directory / name
    frame = pd.DataFrame({column: getattr(one, column) for column in COLUMNS})
    if name.endswith(".parquet"):
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    return path
