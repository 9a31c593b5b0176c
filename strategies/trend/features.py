"""What a step is shown of the closed candles. All of it is causal; prices and ranges in quote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from strategies.contract import CandleNeed, CandleSeries
from strategies.trend.config import TrendConfig

if TYPE_CHECKING:
    from strategies.contract import FloatColumn


COLUMNS: Final = (
    "open",
    "close",
    "ema_fast",
    "ema_slow",
    "atr",
    "adx",
    "adx_peak",
    "plus_di",
    "minus_di",
    "volume_ratio",
    "zone_low",
    "zone_high",
    "highest",
    "lowest",
)
# Their places in a row.
OPEN: Final = 0
CLOSE: Final = 1
EMA_FAST: Final = 2
EMA_SLOW: Final = 3
ATR: Final = 4
ADX: Final = 5
ADX_PEAK: Final = 6
PLUS_DI: Final = 7
MINUS_DI: Final = 8
VOLUME_RATIO: Final = 9
ZONE_LOW: Final = 10
ZONE_HIGH: Final = 11
HIGHEST: Final = 12
LOWEST: Final = 13
WIDTH: Final = 14


def needs(config: TrendConfig) -> tuple[CandleNeed, ...]:
    from strategies import indicators as of

    atr = of.atr_warmup(config.atr_period)
    # Windows over smoothed columns need every row in them settled.
    zone = max(of.ema_warmup(config.ema_fast), atr) + config.pullback_candles - 1
    strength = of.directional_warmup(config.adx_period) + config.exhaustion_candles - 1
    breakout = of.rolling_warmup(config.breakout_candles) + 1
    volume = of.volume_warmup(config.volume_period)
    return (CandleNeed(config.timeframe, max(of.ema_warmup(config.ema_slow), zone, strength, breakout, volume)),)


def columns(config: TrendConfig, candles: Mapping[str, CandleSeries]) -> dict[str, FloatColumn]:
    """``zone_low`` is the least distance of a low above the (upper) pullback zone within the last candles, at or below
    0 when one touched it; ``zone_high`` mirrors it. ``highest`` and ``lowest`` are of the candles *before* the row's."""
    import numpy as np

    from strategies import indicators as of

    series = candles[config.timeframe]
    fast, slow = of.ema(series.close, config.ema_fast), of.ema(series.close, config.ema_slow)
    atr = of.atr(series.high, series.low, series.close, config.atr_period)
    movement = of.directional_movement(series.high, series.low, series.close, config.adx_period)
    zone = float(config.pullback_zone) * atr

    def before(values: FloatColumn) -> FloatColumn:
        return np.concatenate(([np.nan], values))[: values.size]

    return {
        "open": series.open,
        "close": series.close,
        "ema_fast": fast,
        "ema_slow": slow,
        "atr": atr,
        "adx": movement.adx,
        "adx_peak": of.rolling_max(movement.adx, config.exhaustion_candles),
        "plus_di": movement.plus_di,
        "minus_di": movement.minus_di,
        "volume_ratio": of.volume_ratio(series.volume, config.volume_period),
        "zone_low": of.rolling_min(series.low - fast - zone, config.pullback_candles),
        "zone_high": of.rolling_max(series.high - fast + zone, config.pullback_candles),
        "highest": before(of.rolling_max(series.high, config.breakout_candles)),
        "lowest": before(of.rolling_min(series.low, config.breakout_candles)),
    }
