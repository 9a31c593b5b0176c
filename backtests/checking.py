"""All checks of a strategy on one series: its features, their warm-up, and every decision of a back-test over it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from backtests.engine import run
from backtests.features import longer
from backtests.points import candles_of, points_of
from exchange.candles.files import Candles
from exchange.candles.merging import taken
from strategies.candles import timeframe_ms
from strategies.checks import Recording, Violation, check_features, check_steps, check_warm_up
from strategies.contract import CandleSeries, MarketSpec, Strategy, UsesFeatures
from strategies.feature_rows import FeatureTable, feature_table


@dataclass(frozen=True, slots=True)
class Checked:
    """``rows`` of features were compared, ``orders`` wanted in ``steps`` steps: nothing found in none proves nothing."""

    violations: tuple[Violation, ...]
    rows: int
    steps: int
    orders: int


def check_strategy(
    strategy: Strategy[Any, Any],
    config: Any,
    market: MarketSpec,
    candles: Candles,
    timeframe: str,
    *,
    cuts: int = 200,
    seed: int = 0,
    walked: int = 1000,
    quote: Decimal = Decimal(1_000_000),
) -> Checked:
    """Features are checked on all candles; the decisions of the ``walked`` candles after the warm-up.

    Raises ``ValueError`` when a timeframe that the strategy needs cannot be made of these candles.
    """
    found: list[Violation] = []
    series: dict[str, CandleSeries] | None = None
    table: FeatureTable | None = None
    if isinstance(strategy, UsesFeatures) and strategy.timeframes(config):
        needed = [need.timeframe for need in strategy.timeframes(config)]
        series = {each: longer(candles, timeframe, each) for each in needed}
        found += check_features(strategy, config, series, cuts=cuts, seed=seed)
        found += check_warm_up(strategy, config, series, cuts=cuts, seed=seed)
        table = feature_table(strategy, config, series)
    recording = Recording(strategy)
    walk = _after_warm_up(candles, table, walked)
    points = points_of(candles_of(walk), timeframe_ms(timeframe))
    run(recording, config, market, points, quote=quote, features=table)
    found += check_steps(strategy, config, market, recording.steps, candles=series, cuts=cuts, seed=seed)
    rows = 0 if table is None else int(np.count_nonzero(table.known))
    return Checked(tuple(found), rows, len(recording.steps), len(set(_wishes(recording))))


def _after_warm_up(candles: Candles, table: FeatureTable | None, count: int) -> Candles:
    """A few candles of the warm-up too: a step has to bear not to know anything yet."""
    start = 0
    if table is not None and table.known.any():
        first_known = int(table.closes[int(np.argmax(table.known))])
        start = max(0, int(np.searchsorted(candles.timestamp, first_known)) - 10)
    return taken(candles, np.arange(start, min(start + count, len(candles))))


def _wishes(recording: Recording[Any, Any]) -> Iterator[tuple[str, int]]:
    for step in recording.steps:
        for order in step.decision.wanted:
            yield order.slot, order.sequence
