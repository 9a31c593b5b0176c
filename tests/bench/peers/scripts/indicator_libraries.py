"""TA-Lib's, ta's and smartmoneyconcepts' parts of the comparison."""

# mypy: disable-error-code="import-not-found"
from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import pandas as pd
import work
from work import Columns, Done

os.environ["SMC_CREDIT"] = "0"  # it thanks its users on standard output otherwise


def talib(columns: Columns) -> Callable[[], Done]:
    import talib

    high, low, close = columns["high"], columns["low"], columns["close"]

    def call() -> Done:
        talib.ADX(high, low, close, 14)
        talib.PLUS_DI(high, low, close, 14)
        talib.MINUS_DI(high, low, close, 14)
        talib.ATR(high, low, close, 14)
        talib.EMA(close, work.FAST)
        talib.EMA(close, work.SLOW)
        talib.BBANDS(close, 20)
        return 0, float(talib.RSI(close, 14)[-1])

    return call


def ta(columns: Columns) -> Callable[[], Done]:
    from ta import momentum, trend, volatility

    high, low, close = (pd.Series(columns[name]) for name in ("high", "low", "close"))

    def call() -> Done:
        strength = trend.ADXIndicator(high, low, close)
        strength.adx(), strength.adx_pos(), strength.adx_neg()
        volatility.AverageTrueRange(high, low, close).average_true_range()
        trend.EMAIndicator(close, work.FAST).ema_indicator()
        trend.EMAIndicator(close, work.SLOW).ema_indicator()
        bands = volatility.BollingerBands(close)
        bands.bollinger_hband(), bands.bollinger_lband(), bands.bollinger_mavg()
        return 0, float(momentum.RSIIndicator(close).rsi().iloc[-1])

    return call


def smc(columns: Columns) -> Callable[[], Done]:
    from smartmoneyconcepts import smc as concepts

    frame = pd.DataFrame({name: np.asarray(columns[name]) for name in ("open", "high", "low", "close", "volume")})

    def call() -> Done:
        swings = concepts.swing_highs_lows(frame, swing_length=5)
        concepts.fvg(frame)
        concepts.bos_choch(frame, swings)
        concepts.ob(frame, swings)
        concepts.liquidity(frame, swings)
        return 0, 0.0

    return call


if __name__ == "__main__":
    # What loops over its rows in Python is given fewer of them.
    work.report({"talib": talib, "ta": ta, "smc": smc}, {"ta": 50_000, "smc": 10_000})
