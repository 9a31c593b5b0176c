"""Causal indicators on numpy arrays: row *i* uses nothing after the close of candle *i*.

All take columns of equal length, oldest candle first, and give float64 arrays of that length with NaN where a value is
not known yet. A value that is not finite is a gap: the row is NaN, and what follows is computed as if the series began
after it.

``…_warmup`` tells how many candles, the last one included, give the last row of the full history to 1e-9. The
definitions are those of the library ``ta``; docs/strategies/indicators.md has them all.
"""

from strategies.compiled import Compiled, compiled
from strategies.indicators.arrays import Array
from strategies.indicators.averages import (
    ema,
    ema_warmup,
    sma,
    sma_warmup,
    volume_mean,
    volume_ratio,
    volume_warmup,
)
from strategies.indicators.directional import DirectionalMovement, directional_movement, directional_warmup
from strategies.indicators.extremes import Swings, rolling_max, rolling_min, rolling_warmup, swings, swings_warmup
from strategies.indicators.momentum import Macd, macd, macd_warmup, rsi, rsi_warmup
from strategies.indicators.timeframes import at_rows, closed_rows
from strategies.indicators.volatility import (
    Bands,
    atr,
    atr_percent,
    atr_warmup,
    bollinger,
    bollinger_warmup,
    true_range,
    true_range_warmup,
)

__all__ = [
    "Array",
    "Bands",
    "Compiled",
    "DirectionalMovement",
    "Macd",
    "Swings",
    "at_rows",
    "atr",
    "atr_percent",
    "atr_warmup",
    "bollinger",
    "bollinger_warmup",
    "closed_rows",
    "compiled",
    "directional_movement",
    "directional_warmup",
    "ema",
    "ema_warmup",
    "macd",
    "macd_warmup",
    "rolling_max",
    "rolling_min",
    "rolling_warmup",
    "rsi",
    "rsi_warmup",
    "sma",
    "sma_warmup",
    "swings",
    "swings_warmup",
    "true_range",
    "true_range_warmup",
    "volume_mean",
    "volume_ratio",
    "volume_warmup",
]
