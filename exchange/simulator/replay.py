"""Candles as a path of prices that never ends.

Every symbol's candles cover the same minutes. Candle *g* has four points (see :func:`exchange.matching.four_points`)
at its open time, a third and two thirds of the way, and its last millisecond. When the last candle is over, the
candles are played backwards, each mirrored in time (open and close change places), then forwards again: the price
goes on without a jump or a drift while the market's time goes on along the grid.

Prices are kept as integers in units of 10^-decimals, so that they stay exact.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from exchange.candles.files import Candles, decimals_of

POINTS_PER_CANDLE = 4
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Series:
    """One symbol's candles on a gapless grid. ``ohlc`` is int64 (n, 4) in units of 10^-decimals; volume in base."""

    symbol: str
    decimals: int
    start: int
    timeframe_ms: int
    ohlc: NDArray[np.int64]
    volume: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.ohlc)

    @property
    def end(self) -> int:
        return self.start + len(self) * self.timeframe_ms

    @property
    def unit(self) -> Decimal:
        return Decimal(1).scaleb(-self.decimals)

    def fingerprint(self) -> str:
        digest = hashlib.sha256(f"{self.symbol} {self.decimals} {self.start} {self.timeframe_ms}".encode())
        digest.update(self.ohlc.tobytes())
        return digest.hexdigest()[:16]


def series_from_candles(symbol: str, candles: Candles, timeframe_ms: int) -> Series:
    """Missing candles are filled flat at the last close, without volume, so that time has no holes."""
    prices = np.column_stack([candles.open, candles.high, candles.low, candles.close])
    decimals = decimals_of(prices.ravel())
    rows = np.round(prices * 10.0**decimals).astype(np.int64)
    slots = ((candles.timestamp - candles.timestamp[0]) // timeframe_ms).astype(np.int64)
    count = int(slots[-1]) + 1
    if count == len(rows):
        return Series(symbol, decimals, int(candles.timestamp[0]), timeframe_ms, rows, candles.volume.copy())
    source = np.maximum.accumulate(_scatter(slots, count))
    ohlc = rows[source]
    volume = candles.volume[source]
    filled = np.ones(count, dtype=bool)
    filled[slots] = False
    ohlc[filled] = ohlc[filled][:, 3:4]
    volume[filled] = 0.0
    return Series(symbol, decimals, int(candles.timestamp[0]), timeframe_ms, ohlc, volume)


def _scatter(slots: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    rows = np.zeros(count, dtype=np.int64)
    rows[slots] = np.arange(len(slots))
    return rows


def points_of(ohlc: NDArray[np.int64]) -> NDArray[np.int64]:
    """:func:`exchange.matching.four_points` for many candles at once: (n, 4) → (4n,)."""
    opened, high, low, close = ohlc.T
    high_first = high - opened < opened - low
    first = np.where(high_first, high, low)
    second = np.where(high_first, low, high)
    return np.column_stack([opened, first, second, close]).ravel()


@dataclass(frozen=True, slots=True)
class Kline:
    """``start`` in ms; prices in the series' integer units; volume in base, turnover in quote."""

    start: int
    open: int
    high: int
    low: int
    close: int
    volume: float
    turnover: float


def _epoch_of(interval_ms: int) -> int:
    """Where the grid of an interval begins: at 1970, and for whole weeks at its first Monday, as exchanges count."""
    return 4 * 86_400_000 if interval_ms % 604_800_000 == 0 else 0


def _open_of(time: int, interval_ms: int) -> int:
    return time - (time - _epoch_of(interval_ms)) % interval_ms


class Track:
    """One symbol's endless path: the candles forwards, then mirrored."""

    def __init__(self, series: Series) -> None:
        self.series = series
        mirrored = series.ohlc[::-1, [3, 1, 2, 0]]
        self.ohlc = np.concatenate([series.ohlc, mirrored])
        self.volume = np.concatenate([series.volume, series.volume[::-1]])
        self.points = points_of(self.ohlc)

    def price(self, point: int) -> int:
        return int(self.points[point % len(self.points)])

    def klines(self, point: int, interval_ms: int, since: int | None, until: int | None, limit: int) -> list[Kline]:
        """At most ``limit`` candles from the one that holds ``since`` to the one that holds ``until``, oldest first.

        Without ``until`` they are counted from ``since`` on, else back from ``until`` or now, as Bybit does. The last
        one holds what has happened of it at ``point``. Raises ``ValueError`` when the interval is not a multiple of
        the series' own.
        """
        series = self.series
        step = series.timeframe_ms
        if interval_ms % step:
            raise ValueError(
                f"interval of {interval_ms // 60_000} minutes cannot be made of {step // 60_000}-minute candles"
            )
        current = point // POINTS_PER_CANDLE
        last_open = _open_of(series.start + current * step, interval_ms)
        if until is not None:
            last_open = min(last_open, _open_of(until, interval_ms))
        first_open = last_open - (limit - 1) * interval_ms
        if since is not None:
            oldest = _open_of(since, interval_ms)
            if until is None:
                first_open = oldest
                last_open = min(last_open, oldest + (limit - 1) * interval_ms)
            first_open = max(first_open, oldest)
        first = max(0, -((series.start - first_open) // step))
        last = min(current, (last_open + interval_ms - step - series.start) // step)
        if last < first:
            return []
        return self._aggregate(np.arange(first, last + 1, dtype=np.int64), point, interval_ms)

    def last_day(self, point: int) -> Kline:
        """The last 24 hours up to and with ``point``, as one candle."""
        current = point // POINTS_PER_CANDLE
        first = max(0, current - DAY_MS // self.series.timeframe_ms + 1)
        candles = np.arange(first, current + 1, dtype=np.int64)
        ohlc, volume, turnover = self._seen(candles, point)
        high, low = int(ohlc[:, 1].max()), int(ohlc[:, 2].min())
        start = self.series.start + first * self.series.timeframe_ms
        return Kline(start, int(ohlc[0, 0]), high, low, int(ohlc[-1, 3]), float(volume.sum()), float(turnover.sum()))

    def _seen(
        self, candles: NDArray[np.int64], point: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """(ohlc, volume, turnover) of candles in a row, the last one cut off where ``point`` stands in it."""
        rows = candles % len(self.ohlc)
        ohlc = self.ohlc[rows]
        volume = self.volume[rows]
        current, phase = divmod(point, POINTS_PER_CANDLE)
        if candles[-1] == current and phase < POINTS_PER_CANDLE - 1:
            begin = current * POINTS_PER_CANDLE % len(self.points)
            seen = self.points[begin : begin + phase + 1]
            ohlc[-1] = seen[0], seen.max(), seen.min(), seen[-1]
            volume[-1] *= phase / (POINTS_PER_CANDLE - 1)
        turnover = volume * ohlc.mean(axis=1) / 10.0**self.series.decimals
        return ohlc, volume, turnover

    def _aggregate(self, candles: NDArray[np.int64], point: int, interval_ms: int) -> list[Kline]:
        series = self.series
        ohlc, volume, turnover = self._seen(candles, point)
        opens = series.start + candles * series.timeframe_ms
        buckets = opens - (opens - _epoch_of(interval_ms)) % interval_ms
        starts = np.flatnonzero(np.r_[True, buckets[1:] != buckets[:-1]])
        ends = np.r_[starts[1:], len(buckets)] - 1
        columns = zip(
            buckets[starts].tolist(),
            ohlc[starts, 0].tolist(),
            np.maximum.reduceat(ohlc[:, 1], starts).tolist(),
            np.minimum.reduceat(ohlc[:, 2], starts).tolist(),
            ohlc[ends, 3].tolist(),
            np.add.reduceat(volume, starts).tolist(),
            np.add.reduceat(turnover, starts).tolist(),
            strict=True,
        )
        return [Kline(*row) for row in columns]


class Replay:
    """All symbols' tracks and where they stand. ``point`` counts from the first candle's open and only rises."""

    def __init__(self, series: list[Series], point: int = 0) -> None:
        if not series:
            raise ValueError("a replay needs the candles of at least one symbol")
        grids = {(one.start, one.timeframe_ms, len(one)) for one in series}
        if len(grids) != 1:
            raise ValueError(f"the replayed series do not cover the same candles: {sorted(grids)}")
        self.tracks = {one.symbol: Track(one) for one in series}
        self.start = series[0].start
        self.timeframe_ms = series[0].timeframe_ms
        self.candles = len(series[0])
        self.point = point

    @property
    def points(self) -> int:
        """Points of one pass over the candles."""
        return self.candles * POINTS_PER_CANDLE

    def time_of(self, point: int) -> int:
        """Market time of a point, in milliseconds UTC."""
        candle, phase = divmod(point, POINTS_PER_CANDLE)
        step = self.timeframe_ms
        return self.start + candle * step + (0, step // 3, 2 * step // 3, step - 1)[phase]

    @property
    def time(self) -> int:
        return self.time_of(self.point)

    def fingerprint(self) -> str:
        joined = " ".join(track.series.fingerprint() for _, track in sorted(self.tracks.items()))
        return hashlib.sha256(joined.encode()).hexdigest()[:16]
