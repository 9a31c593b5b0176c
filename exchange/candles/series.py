"""Which candles: of what exchange, kind of market, symbol and timeframe; and where they have holes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from exchange.candles.files import Candles
from strategies.candles import timeframe_ms
from strategies.contract import CandleSeries

HOUR_MS = 3_600_000
WEEK_MS = 604_800_000
# The epoch was a Thursday, and weeks of candles begin on a Monday.
MONDAY_MS = 4 * 86_400_000

_PARTS = {
    "exchange": re.compile(r"[a-z0-9]+"),
    "kind": re.compile(r"spot|linear"),
    "symbol": re.compile(r"[A-Z0-9][A-Z0-9.-]*"),
    "timeframe": re.compile(r"\d+[mhdw]"),
}


@dataclass(frozen=True, slots=True, order=True)
class SeriesKey:
    """``symbol`` as in ``ETHUSDT``, whatever the market's kind. Raises ``ValueError`` for parts that cannot be."""

    exchange: str
    kind: str
    symbol: str
    timeframe: str

    def __post_init__(self) -> None:
        for name, pattern in _PARTS.items():
            if not pattern.fullmatch(getattr(self, name)):
                raise ValueError(f"{getattr(self, name)!r} is no {name} of candles: give {_EXAMPLES[name]}")
        timeframe_ms(self.timeframe)

    @classmethod
    def of_market(cls, exchange_id: str, environment: str, symbol: str, timeframe: str) -> SeriesKey:
        """Live and demo trading share a market, and its candles; a test net and the simulator have their own."""
        exchange = exchange_id if environment in ("live", "demo") else f"{exchange_id}{environment}"
        return cls.of_unified(exchange, symbol, timeframe)

    @classmethod
    def of_unified(cls, exchange: str, symbol: str, timeframe: str) -> SeriesKey:
        """``symbol`` as in ``ETH/USDT`` (spot) or ``ETH/USDT:USDT`` (linear)."""
        pair, _, settled = symbol.partition(":")
        expiry = settled.partition("-")[2]
        own = pair.replace("/", "") + (f"-{expiry}" if expiry else "")
        return cls(exchange, "linear" if settled else "spot", own.upper(), timeframe)

    def __str__(self) -> str:
        return f"{self.exchange}/{self.kind}/{self.symbol}/{self.timeframe}"

    @property
    def step(self) -> int:
        return timeframe_ms(self.timeframe)

    @property
    def offset(self) -> int:
        """Open times are multiples of ``step`` away from it."""
        return MONDAY_MS if self.step % WEEK_MS == 0 else 0

    def floor(self, timestamp: int) -> int:
        """The open time of the candle that holds ``timestamp``."""
        return timestamp - (timestamp - self.offset) % self.step

    def period_of(self, timestamps: NDArray[np.int64]) -> NDArray[np.datetime64]:
        """The stretch of time whose candles lie in one file: a month below one hour a candle, else a year."""
        unit = "M" if self.step < HOUR_MS else "Y"
        return timestamps.astype("datetime64[ms]").astype(f"datetime64[{unit}]")


_EXAMPLES = {
    "exchange": "its id in small letters, such as bybit",
    "kind": "spot or linear",
    "symbol": "the exchange's own, such as ETHUSDT",
    "timeframe": "a number and m, h, d or w, such as 15m",
}


@dataclass(frozen=True, slots=True)
class Gap:
    """Candles that are missing between two that are there: open times ``start`` … ``end`` (exclusive), ms."""

    start: int
    end: int
    count: int

    def __str__(self) -> str:
        return f"{utc(self.start)} – {utc(self.end)}: {self.count} missing"


@dataclass(frozen=True, slots=True)
class Coverage:
    """``first`` and ``last`` are open times in ms."""

    first: int
    last: int
    count: int
    files: int


def gaps_in(timestamps: NDArray[np.int64], step: int) -> list[Gap]:
    """``timestamps`` are sorted and without duplicates. Markets never close: every step has a candle, or a gap."""
    jumps = np.diff(timestamps)
    return [
        Gap(int(timestamps[row]) + step, int(timestamps[row + 1]), int(jumps[row]) // step - 1)
        for row in np.flatnonzero(jumps > step)
    ]


def empty() -> Candles:
    return Candles(np.empty(0, np.int64), *(np.empty(0, np.float64) for _ in range(5)))


def as_series(candles: Candles, timeframe: str) -> CandleSeries:
    """The same columns, as strategies are given them."""
    return CandleSeries(
        timeframe, candles.timestamp, candles.open, candles.high, candles.low, candles.close, candles.volume
    )


def utc(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp / 1000, UTC).strftime("%Y-%m-%d %H:%M")
