"""Candles as the points that a strategy ticks at, in exact decimals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from exchange.candles.files import Candles
from exchange.matching import four_points
from exchange.port import Candle

POINTS_PER_CANDLE: Final = 4
PricePoint = tuple[int, Decimal]


def candles_of(candles: Candles) -> Iterator[Candle]:
    """Arrays as candles with the shortest decimals that are these floats: the exchange's own digits."""
    columns = (candles.open, candles.high, candles.low, candles.close, candles.volume)
    for timestamp, *values in zip(candles.timestamp.tolist(), *(column.tolist() for column in columns), strict=True):
        yield Candle(timestamp, *(Decimal(repr(value)) for value in values))


def points_of(candles: Iterable[Candle], timeframe_ms: int) -> Iterator[PricePoint]:
    """Four points per candle, spread over its time: open, first extreme, second extreme, close."""
    third = timeframe_ms // 3
    for candle in candles:
        first, second, third_price, last = four_points(candle.open, candle.high, candle.low, candle.close)
        yield candle.timestamp, first
        yield candle.timestamp + third, second
        yield candle.timestamp + 2 * timeframe_ms // 3, third_price
        yield candle.timestamp + timeframe_ms - 1, last
