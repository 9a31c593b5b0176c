"""A back-test in which a strategy is shown, at every point, only the candles that had closed by then.

The back-test itself computes the features once, of the whole history, and hands each point the row that had closed. Here
each row is computed from ``candles[:k]``, for every *k* that the walk passes, or from a series that goes on otherwise
after *k*. Both give the same decisions, or something looked ahead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from backtests.engine import run
from backtests.points import candles_of, points_of
from exchange.candles.files import Candles
from strategies.checks import Recording, Step
from strategies.checks.causality import altered_after
from strategies.contract import CandleSeries, UsesFeatures
from strategies.feature_rows import FeatureRow, FeatureTable, feature_table
from strategies.user_files import AnyStrategy
from tests.strategies.shown.cases import Case

Series = Mapping[str, CandleSeries]
# What there is to be seen of a series when its candles up to a time (ms UTC) have closed.
Seen = Callable[[CandleSeries, int], CandleSeries]
QUOTE = Decimal(1_000_000)


@dataclass(frozen=True)
class PointInTime(FeatureTable):
    """Rows that are made when they are asked for, of what ``seen`` leaves of the candles."""

    strategy: UsesFeatures[Any]
    config: Any
    candles: Series
    seen: Seen

    def row(self, number: int) -> FeatureRow:
        if number < 0:
            return super().row(number)
        close = int(self.closes[number])
        shown = {timeframe: self.seen(series, close) for timeframe, series in self.candles.items()}
        return feature_table(self.strategy, self.config, shown).row(number)


def point_in_time(strategy: AnyStrategy, config: Any, candles: Series, seen: Seen) -> PointInTime:
    assert isinstance(strategy, UsesFeatures)
    whole = feature_table(strategy, config, candles)
    return PointInTime(whole.closes, whole.known, whole.columns, strategy, config, candles, seen)


def altered(seed: int) -> Seen:
    """What closes later is there, at half to twice its price and volume."""
    chance = np.random.default_rng(seed)
    return lambda series, now: altered_after(series, now, chance)


def steps_of(case: Case, strategy: AnyStrategy, walk: Candles, table: FeatureTable | None) -> list[Step[Any]]:
    """Every step of a back-test over ``walk``."""
    recording: Recording[Any, Any] = Recording(strategy)
    points = points_of(candles_of(walk), case.length_ms)
    run(recording, case.config, case.market, points, quote=QUOTE, features=table)
    return recording.steps


def table_of(case: Case, strategy: AnyStrategy, candles: Series) -> FeatureTable | None:
    return feature_table(strategy, case.config, candles) if isinstance(strategy, UsesFeatures) and candles else None
