"""What the start conditions look at: indicators of closed candles of one timeframe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from strategies.contract import CandleNeed, CandleSeries
from strategies.dca.config import DcaConfig
from strategies.dca.start import BOLLINGER, EMA_CROSS, EMA_FAST, EMA_SLOW, RSI

if TYPE_CHECKING:
    from strategies.contract import FloatColumn


def candles_looked_at(config: DcaConfig) -> tuple[CandleNeed, ...]:
    """Nothing when no condition looks at candles."""
    from strategies.indicators import bollinger_warmup, ema_warmup, rsi_warmup

    counts = []
    if config.start_on_rsi:
        counts.append(rsi_warmup(config.rsi_period))
    if config.start_on_ema_cross:
        counts.append(max(ema_warmup(config.ema_fast), ema_warmup(config.ema_slow)) + 1)
    if config.start_on_bollinger:
        counts.append(bollinger_warmup(config.bollinger_period))
    return (CandleNeed(config.start_timeframe, max(counts)),) if counts else ()


def columns(config: DcaConfig, candles: Mapping[str, CandleSeries]) -> dict[str, FloatColumn]:
    """``ema_cross`` is +1 where the fast average came above the slow one with this candle, -1 where it came below it, else
    0. ``bollinger_percent`` is 0 at the lower band and 100 at the upper one, unknown while both are the same."""
    import numpy as np

    from strategies.indicators import bollinger, ema, rsi

    found: dict[str, FloatColumn] = {}
    if not candles_looked_at(config):
        return found
    close = candles[config.start_timeframe].close
    if config.start_on_rsi:
        found[RSI] = rsi(close, config.rsi_period)
    if config.start_on_ema_cross:
        fast, slow = ema(close, config.ema_fast), ema(close, config.ema_slow)
        found[EMA_FAST], found[EMA_SLOW] = fast, slow
        cross = np.full(close.size, np.nan)
        gap = fast - slow
        before, after = gap[:-1], gap[1:]
        cross[1:] = np.where((before <= 0) & (after > 0), 1.0, np.where((before >= 0) & (after < 0), -1.0, 0.0))
        cross[1:][np.isnan(before) | np.isnan(after)] = np.nan
        found[EMA_CROSS] = cross
    if config.start_on_bollinger:
        bands = bollinger(close, config.bollinger_period, float(config.bollinger_deviations))
        width = bands.upper - bands.lower
        unknown = np.full(close.size, np.nan)
        found[BOLLINGER] = np.divide(100.0 * (close - bands.lower), width, out=unknown, where=width > 0)
    return found
