"""Real 15m candles and the longer ones made of them."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

from backtests.features import longer
from exchange.candles.files import Candles, read_file
from strategies.candles import rows_of
from strategies.contract import CandleSeries
from strategies.smc.config import TIMEFRAMES

FILES = (
    "bybit_BTCUSDT_linear_15m.parquet",
    "bybit_WIFUSDT_linear_15m.parquet",
    "binance_DOGEUSDT_spot_15m_202304-202404.parquet",
)


def folder() -> Path:
    named = os.environ.get("TRADERAGENT_CANDLES")
    if not named:
        pytest.skip("TRADERAGENT_CANDLES is not set: it names the folder with real candles")
    return Path(named)


@cache
def candles_of_file(name: str) -> Candles:
    return read_file(folder() / name)


@cache
def all_timeframes(name: str) -> dict[str, CandleSeries]:
    return {timeframe: longer(candles_of_file(name), "15m", timeframe) for timeframe in TIMEFRAMES}


def last_candles(series: CandleSeries, count: int) -> CandleSeries:
    size = len(series.timestamp)
    return rows_of(series, max(0, size - count), size)
