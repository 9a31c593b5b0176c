"""Columns of candles for tests: real ones, and drawn ones."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from strategies.indicators import Array

# A lively month, a thin market (no trade in four of ten minutes), a price of 0.00001, a crash to a tenth, candles
# missing here and there, few and long candles.
REAL = (
    "binance_ETHUSDT_linear_1m_202505.parquet",
    "binanceus_BTCUSDC_spot_1m_202303.parquet",
    "kucoin_SHIBUSDT_spot_1m.parquet",
    "bybit_WIFUSDT_linear_15m.parquet",
    "bybit_BTCUSDT_spot_15m.csv.gz",
    "bybit_BTCUSDT_linear_1d.csv.gz",
)


@dataclass(frozen=True)
class Columns:
    high: Array
    low: Array
    close: Array
    volume: Array

    def __len__(self) -> int:
        return self.close.size

    def rows(self, start: int, end: int) -> Columns:
        return Columns(*(getattr(self, each.name)[start:end].copy() for each in fields(self)))

    def joined(self, other: Columns) -> Columns:
        return Columns(*(np.concatenate([getattr(self, e.name), getattr(other, e.name)]) for e in fields(self)))


@cache
def real_columns(folder: Path, name: str, rows: int | None = None) -> Columns:
    path = folder / name
    table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    return Columns(*(table[each.name].to_numpy(np.float64, copy=True)[:rows] for each in fields(Columns)))


def random_columns(seed: int, rows: int) -> Columns:
    """Prices from 0.001 to 1,000,000 in any order, gaps and silent candles included: nothing like a market."""
    chance = np.random.default_rng(seed)
    low = 10.0 ** chance.uniform(-3, 6, rows)
    height = chance.uniform(0, 0.5, rows) * low
    volume = chance.choice([0.0, 1.0, 1e9], rows) * chance.uniform(0, 1, rows)
    columns = Columns(low + height, low, low + height * chance.uniform(0, 1, rows), volume)
    for each in fields(columns):
        getattr(columns, each.name)[chance.uniform(size=rows) < 0.02] = np.nan
    return columns


@st.composite
def drawn_columns(draw: st.DrawFn, least: int = 0, most: int = 60) -> Columns:
    """Prices on a coarse grid, so that equal ones and standstills are common."""
    candle = st.tuples(st.integers(1, 30), st.integers(0, 5), st.integers(0, 5), st.integers(0, 3))
    drawn = draw(st.lists(candle, min_size=least, max_size=most))
    low, first, second, volume = (
        (np.array(each, np.float64) for each in zip(*drawn, strict=True)) if drawn else [np.empty(0)] * 4
    )
    return Columns((low + first + second) / 4, low / 4, (low + first) / 4, volume)
