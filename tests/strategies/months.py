"""May 2025 by the minute: Bitcoin, Ether and Solana, with the increments of Bybit's markets."""

from __future__ import annotations

import os
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from backtests.points import candles_of
from exchange.candles.files import read_file
from exchange.port import Candle
from strategies.contract import MarketKind, MarketSpec
from tests.strategies.markets import LINEAR, MINUTE, SPOT

SYMBOLS: Final = ("BTC", "ETH", "SOL")
# 2025-05-01 00:00 UTC
FIRST_MS: Final = 1_746_057_600_000
MONTH: Final = 31  # days
_TICKS: Final = {"BTC": "0.1", "ETH": "0.01", "SOL": "0.01"}
_STEPS: Final = {
    MarketKind.LINEAR: {"BTC": "0.001", "ETH": "0.01", "SOL": "0.1"},
    MarketKind.SPOT: {"BTC": "0.000001", "ETH": "0.00001", "SOL": "0.0001"},
}


def market_of(symbol: str, kind: MarketKind) -> MarketSpec:
    market, step = LINEAR if kind is MarketKind.LINEAR else SPOT, Decimal(_STEPS[kind][symbol])
    name = market.symbol.replace(market.base, symbol)
    return replace(market, symbol=name, base=symbol, tick=Decimal(_TICKS[symbol]), step=step, min_amount=step)


@cache
def days_of(symbol: str, days: int) -> tuple[Candle, ...]:
    """The first ``days`` of the month."""
    folder = os.environ.get("TRADERAGENT_CANDLES")
    if not folder:
        pytest.skip("TRADERAGENT_CANDLES is not set: it names the folder with real candles")
    candles = read_file(Path(folder) / f"binance_{symbol}USDT_linear_1m_202505.parquet")
    return tuple(candles_of(candles.between(FIRST_MS, FIRST_MS + days * 1440 * MINUTE)))
