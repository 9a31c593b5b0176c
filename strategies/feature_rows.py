"""Which row of a strategy's features is known at which time: one rule for back-test and live.

A candle has closed when its time is over: ``open time + length <= now``. Each of the four points that a back-test makes
of candle *i* therefore sees row *i − 1*, its close point too, which lies one millisecond before the close; row *i* is
first seen at the next candle's open. A live tick goes by the time of the exchange's price and sees the same.

A row is known when, by the close of its candle, as many candles of every timeframe had closed as the strategy declares.
Before that all of its values are NaN, whatever ``features`` made of too few candles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from strategies.candles import closes_of
from strategies.contract import CandleSeries, UsesFeatures

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from strategies.contract import FloatColumn


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """What a step is handed: ``Point.features`` and ``Point.candle_close``."""

    values: Mapping[str, float] = field(default_factory=dict)
    candle_close: int | None = None


NO_FEATURES = FeatureRow()


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """``closes`` are the base candles' closing times (ms UTC); ``known`` tells the rows whose warm-up is complete."""

    closes: npt.NDArray[np.int64]
    known: npt.NDArray[np.bool_]
    columns: Mapping[str, FloatColumn]

    def row_at(self, now: int) -> int:
        """The newest row whose candle had closed by ``now`` (ms UTC); −1 before the first."""
        return int(self.closes.searchsorted(now, side="right")) - 1

    def row(self, number: int) -> FeatureRow:
        """Row ``number``, as :meth:`row_at` gives it."""
        if number < 0:
            return FeatureRow(dict.fromkeys(self.columns, float("nan")))
        close = int(self.closes[number])
        if not self.known[number]:
            return FeatureRow(dict.fromkeys(self.columns, float("nan")), close)
        return FeatureRow({name: float(column[number]) for name, column in self.columns.items()}, close)


def feature_table(strategy: UsesFeatures[Any], config: Any, candles: Mapping[str, CandleSeries]) -> FeatureTable:
    """Raises ``ValueError`` when a timeframe is missing or a column is not as long as the base series."""
    needs = strategy.timeframes(config)
    missing = [need.timeframe for need in needs if need.timeframe not in candles]
    if not needs or missing:
        raise ValueError(f"features need candles of {', '.join(missing) or 'a base timeframe'}")
    closes = closes_of(candles[needs[0].timeframe])
    columns = columns_of(strategy, config, candles, len(closes))
    known = closes == closes
    for need in needs:
        if need.count > 0:
            enough = closes_of(candles[need.timeframe])[need.count - 1 :]
            known &= closes >= enough[0] if len(enough) else False
    return FeatureTable(closes, known, columns)


def columns_of(
    strategy: UsesFeatures[Any], config: Any, candles: Mapping[str, CandleSeries], rows: int
) -> Mapping[str, FloatColumn]:
    """What ``features`` makes of the candles. Raises ``ValueError`` when a column does not have ``rows`` rows."""
    columns = strategy.features(config, candles)
    for name, column in columns.items():
        if column.shape != (rows,):
            raise ValueError(f"features: column {name!r} has the shape {column.shape}, the base series {rows} rows")
    return columns
