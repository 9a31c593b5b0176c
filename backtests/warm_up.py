"""What a strategy has to look back at before it can trade, and the configuration that this gives it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from backtests.features import longer
from exchange.candles.files import Candles
from exchange.candles.merging import taken
from exchange.candles.series import utc
from strategies.candles import closed_by, rows_of, timeframe_ms
from strategies.contract import CandleNeed, CandleSeries, StartsFromCandles, Strategy, StrategyConfig, UsesFeatures
from strategies.feature_rows import FeatureTable


class WarmUpTooShort(ValueError):
    """The candles before the begin of trading are fewer than the strategy asks for."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A candle as a configuration is resolved from it."""

    high: Decimal
    low: Decimal
    close: Decimal


def needs_of(strategy: Strategy[Any, Any], config: StrategyConfig) -> tuple[CandleNeed, ...]:
    """All closed candles that the strategy wants to have seen when it first trades."""
    steps = strategy.timeframes(config) if isinstance(strategy, UsesFeatures) else ()
    start = strategy.candles_needed(config) if isinstance(strategy, StartsFromCandles) else None
    return steps if start is None else (*steps, start)


def warm_up_ms(strategy: Strategy[Any, Any], config: StrategyConfig) -> int:
    """How long before the begin of trading candles are wanted; a candle more, as the begin may lie inside of one."""
    return max((timeframe_ms(need.timeframe) * (need.count + 1) for need in needs_of(strategy, config)), default=0)


def first_begin(strategy: Strategy[Any, Any], config: StrategyConfig, candles: Candles, timeframe: str) -> int:
    """The open time of the first candle that has enough closed ones before it for the configuration to be resolved.

    Raises :class:`WarmUpTooShort` when none has.
    """
    need = strategy.candles_needed(config) if isinstance(strategy, StartsFromCandles) else None
    if need is None:
        return int(candles.timestamp[0])
    series = longer(candles, timeframe, need.timeframe)
    if len(series.timestamp) >= need.count:
        known_at = int(series.timestamp[need.count - 1]) + timeframe_ms(need.timeframe)
        row = int(candles.timestamp.searchsorted(known_at))
        if row < len(candles):
            return int(candles.timestamp[row])
    raise WarmUpTooShort(_too_short(need, len(series.timestamp), int(candles.timestamp[-1])))


def resolved(
    strategy: Strategy[Any, Any], config: StrategyConfig, candles: Candles, timeframe: str, begin: int
) -> StrategyConfig:
    """The configuration that a start at ``begin`` plans with, made of the candles closed by then, as live.

    Raises :class:`WarmUpTooShort`, or ``ValueError`` when the strategy cannot make one of them.
    """
    if not isinstance(strategy, StartsFromCandles):
        return config
    row = int(candles.timestamp.searchsorted(begin))
    price = Decimal(repr(float(candles.open[row])))
    need = strategy.candles_needed(config)
    bars: list[Bar] = []
    if need is not None:
        before = longer(taken(candles, np.arange(row)), timeframe, need.timeframe)
        closed = closed_by(before, begin)
        count = len(closed.timestamp)
        if count < need.count:
            raise WarmUpTooShort(_too_short(need, count, begin))
        bars = list(_bars(rows_of(closed, count - need.count, count)))
    found: StrategyConfig = strategy.resolve(config, price, bars)
    return found


def check_warm_up(
    strategy: Strategy[Any, Any], config: StrategyConfig, features: FeatureTable | None, begin: int, end: int
) -> int | None:
    """The time from which on the strategy's features are known, where that is after ``begin``.

    Raises :class:`WarmUpTooShort` when it is not before ``end``: nothing would ever be traded.
    """
    if features is None:
        return None
    row = int(np.argmax(features.known)) if len(features.known) else 0
    is_known = bool(features.known[row : row + 1].any())
    known_from = int(features.closes[row]) if is_known else end
    if known_from >= end:
        raise WarmUpTooShort(
            f"the strategy looks back at {told(needs_of(strategy, config))}, and by {utc(end)} these candles do not hold "
            "so many: give candles from further back, or shorten what it looks back at in config"
        )
    return known_from if known_from > begin else None


def told(needs: tuple[CandleNeed, ...]) -> str:
    return ", ".join(f"{need.count} candles of {need.timeframe}" for need in needs)


def _too_short(need: CandleNeed, count: int, at: int) -> str:
    return (
        f"the start is planned from {need.count} closed candles of {need.timeframe}, and by {utc(at)} there are {count}: "
        "begin later, give candles from further back, or let config ask for fewer"
    )


def _bars(series: CandleSeries) -> Iterator[Bar]:
    for high, low, close in zip(series.high.tolist(), series.low.tolist(), series.close.tolist(), strict=True):
        yield Bar(Decimal(repr(high)), Decimal(repr(low)), Decimal(repr(close)))
