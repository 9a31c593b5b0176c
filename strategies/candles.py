"""Closed candles as columns: how long they are, when they close, and which of them were closed at a given time."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING, Final

from strategies.contract import CandleSeries

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_UNIT_MS: Final = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def timeframe_ms(timeframe: str) -> int:
    """Length of ``1m``, ``15m``, ``4h``, ``1d`` … in milliseconds. Raises ``ValueError``."""
    match = re.fullmatch(r"(\d+)([mhdw])", timeframe)
    if match is None:
        raise ValueError(f"timeframe {timeframe!r} is not understood; write a number and m, h, d or w, as in 15m")
    return int(match[1]) * _UNIT_MS[match[2]]


def closes_of(series: CandleSeries) -> npt.NDArray[np.int64]:
    """When each candle closes, ms UTC: that is the next one's open time, and from then on it is known."""
    return series.timestamp + timeframe_ms(series.timeframe)


def closed_by(series: CandleSeries, now: int) -> CandleSeries:
    """The candles that had closed by ``now`` (ms UTC)."""
    return rows_of(series, 0, int(closes_of(series).searchsorted(now, side="right")))


def rows_of(series: CandleSeries, start: int, end: int) -> CandleSeries:
    """Rows ``start`` … ``end`` (exclusive), as views."""
    columns = [getattr(series, column.name)[start:end] for column in fields(series) if column.name != "timeframe"]
    return CandleSeries(series.timeframe, *columns)
