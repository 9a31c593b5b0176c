"""The warm-up a strategy declares: a window of that many candles gives the rows of the full history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from strategies.candles import closed_by, rows_of
from strategies.checks.violations import Check, Violation, first_differences
from strategies.contract import CandleSeries, UsesFeatures
from strategies.feature_rows import feature_table

PROMISED = 1e-9


def check_warm_up(
    strategy: UsesFeatures[Any], config: Any, candles: Mapping[str, CandleSeries], *, cuts: int = 200, seed: int = 0
) -> list[Violation]:
    """Compares the newest row of a window with that row of the full history, at ``cuts`` random rows.

    At most one violation per column. Finds one too when ``candles`` are too few for a single row to be known.
    """
    needs = strategy.timeframes(config)
    if not needs:
        return []
    full = feature_table(strategy, config, candles)
    known = np.flatnonzero(full.known)
    if not known.size:
        counts = ", ".join(f"{need.count} of {need.timeframe}" for need in needs)
        has = ", ".join(f"{len(candles[need.timeframe].timestamp)} of {need.timeframe}" for need in needs)
        return [Violation(Check.WARM_UP, "*", 0, f"candles enough for the warm-up: {counts}", has)]
    found: dict[str, Violation] = {}
    chance = np.random.default_rng(seed)
    for row in sorted(chance.choice(known, min(cuts, known.size), replace=False).tolist()):
        now = int(full.closes[row])
        window = {need.timeframe: _last(closed_by(candles[need.timeframe], now), need.count) for need in needs}
        live = strategy.features(config, window)
        rows = {name: column[row : row + 1] for name, column in full.columns.items()}
        newest = {name: column[-1:] for name, column in live.items()}
        for name, _, expected, got in first_differences(rows, newest, tolerance=PROMISED):
            detail = "from a window of the declared length"
            opened = int(candles[needs[0].timeframe].timestamp[row])
            found.setdefault(name, Violation(Check.WARM_UP, name, row, expected, got, detail, time=opened))
    return list(found.values())


def _last(series: CandleSeries, count: int) -> CandleSeries:
    size = len(series.timestamp)
    return rows_of(series, max(0, size - count), size)
