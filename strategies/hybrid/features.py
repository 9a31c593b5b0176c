"""What a step is shown of the closed candles: the regime's measures, and what each family is shown on its own.

Columns are named ``regime.adx``, ``trend.ema_fast`` …; ``….candle_close`` is when the candle closed that they are of (ms
UTC), by which a family can tell a new one though the rows are those of a shorter timeframe.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from strategies.candles import closes_of, timeframe_ms
from strategies.contract import CandleNeed, CandleSeries, Point, UsesFeatures
from strategies.hybrid.config import HybridConfig
from strategies.hybrid.families import STRATEGIES, family_config, regime_config, share_of

if TYPE_CHECKING:
    from strategies.contract import FloatColumn
    from strategies.regimes.classification import RegimeInputs

REGIME: Final = "regime"
CANDLE_CLOSE: Final = "candle_close"
_INPUTS: Final = ("adx", "ema_fast", "ema_slow", "atr_percent", "volume_ratio")


def needs(config: HybridConfig) -> tuple[CandleNeed, ...]:
    """The shortest timeframe first; of each as many candles as the one that needs most."""
    counts: dict[str, int] = {}
    for _, each in _sources(config):
        for need in each:
            counts[need.timeframe] = max(need.count, counts.get(need.timeframe, 0))
    return tuple(CandleNeed(frame, counts[frame]) for frame in sorted(counts, key=timeframe_ms))


def columns(config: HybridConfig, candles: Mapping[str, CandleSeries]) -> dict[str, FloatColumn]:
    from strategies.indicators import at_rows, closed_rows

    base = candles[needs(config)[0].timeframe]
    found: dict[str, FloatColumn] = {}
    for name, own_needs in _sources(config):
        own = candles[own_needs[0].timeframe]
        rows = closed_rows(base.timestamp, timeframe_ms(base.timeframe), own.timestamp, timeframe_ms(own.timeframe))
        for column, values in _columns_of(name, config, candles).items():
            found[f"{name}.{column}"] = at_rows(values, rows)
        found[f"{name}.{CANDLE_CLOSE}"] = at_rows(closes_of(own), rows)
    return found


def point_for(family: str, point: Point) -> Point:
    """The point as the family on its own would see it."""
    start = len(family) + 1
    own = {name[start:]: value for name, value in point.features.items() if name.startswith(f"{family}.")}
    close = own.pop(CANDLE_CLOSE, math.nan)
    return Point(point.timestamp, point.price, own, None if math.isnan(close) else int(close))


def regime_row(point: Point) -> tuple[int, RegimeInputs] | None:
    """When the newest of the regime's candles closed, and its measures; ``None`` while there is none."""
    from strategies.regimes.classification import RegimeInputs

    close = point.features.get(f"{REGIME}.{CANDLE_CLOSE}", math.nan)
    if math.isnan(close):
        return None
    return int(close), RegimeInputs(*(point.features[f"{REGIME}.{name}"] for name in _INPUTS))


def _sources(config: HybridConfig) -> Iterator[tuple[str, tuple[CandleNeed, ...]]]:
    """Those that look at candles, each with what it needs, its own base timeframe first."""
    from strategies.regimes.series import input_warmup

    yield REGIME, (CandleNeed(config.regime_timeframe, input_warmup(regime_config(config))),)
    for family, strategy in STRATEGIES.items():
        if isinstance(strategy, UsesFeatures):
            own = strategy.timeframes(_config(config, family))
            if own:
                yield family, own


def _columns_of(name: str, config: HybridConfig, candles: Mapping[str, CandleSeries]) -> Mapping[str, FloatColumn]:
    if name == REGIME:
        from strategies.regimes.series import input_columns

        series = candles[config.regime_timeframe]
        return input_columns(regime_config(config), series.high, series.low, series.close, series.volume)._asdict()
    strategy: Any = STRATEGIES[name]
    found: Mapping[str, FloatColumn] = strategy.features(_config(config, name), candles)
    return found


def _config(config: HybridConfig, family: str) -> Any:
    return family_config(config, family, share_of(config, family))
