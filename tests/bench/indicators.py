"""Every indicator over a year of one-minute candles: how fast, and how many times as fast as the library ``ta``?"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from exchange.candles.synthetic import synthetic_market
from tests.bench.timing import best
from traderagent.embedded.home import PROJECT

MINUTES = 525_600  # a year
TA_MINUTES = 20_000  # what ta is given: some of its indicators loop over rows in Python

# Both in a process of their own, so that nothing is loaded or compiled yet.
_IMPORT = """
import time, psutil
import numpy
before, begin = psutil.Process().memory_info().rss, time.perf_counter()
import strategies.indicators as indicators
imported, memory = time.perf_counter() - begin, psutil.Process().memory_info().rss
bars = numpy.linspace(1.0, 2.0, 1000)
indicators.directional_movement(bars, bars, bars)
indicators.atr_percent(bars, bars, bars)
indicators.rsi(bars)
indicators.macd(bars)
indicators.bollinger(bars)
indicators.swings(bars, bars, 5)
indicators.rolling_max(bars, 5)
indicators.volume_ratio(bars, 5)
called = time.perf_counter() - begin - imported
print(imported * 1000, (memory - before) / 1e6, called, (psutil.Process().memory_info().rss - memory) / 1e6)
"""


def run(_: argparse.Namespace) -> Iterator[str]:
    yield from _starting()
    yield ""
    yield from _speed()


def _starting() -> Iterator[str]:
    yield "| | import | its memory | each indicator once | their memory |"
    yield "|---|---|---|---|---|"
    with tempfile.TemporaryDirectory(prefix="traderagent-bench-") as cache:
        for what in ("nothing compiled yet", "compiled by an earlier process"):
            environ = {**os.environ, "NUMBA_CACHE_DIR": cache}
            command = [sys.executable, "-c", _IMPORT]
            done = subprocess.run(command, cwd=PROJECT, env=environ, capture_output=True, text=True, check=True)
            imported, memory, called, more = map(float, done.stdout.split())
            yield f"| {what} | {imported:.0f} ms | {memory:.1f} MB | {called:.2f} s | {more:.0f} MB |"


def _speed() -> Iterator[str]:
    import pandas as pd
    from ta import momentum, trend, volatility

    from strategies import indicators
    from strategies.regimes.config import RegimeConfig
    from strategies.regimes.series import classify_series, input_columns

    (candles,) = synthetic_market(["BTCUSDT"], minutes=MINUTES, seed=7).values()
    high, low, close, volume = candles.high, candles.low, candles.close, candles.volume
    highs, lows, closes = (pd.Series(column[:TA_MINUTES]) for column in (high, low, close))
    config = RegimeConfig()
    inputs = input_columns(config, high, low, close, volume)
    cases: dict[str, tuple[Callable[[], Any], Callable[[], Any] | None]] = {
        "EMA 20": (lambda: indicators.ema(close, 20), lambda: trend.EMAIndicator(closes, 20).ema_indicator()),
        "SMA 20": (lambda: indicators.sma(close, 20), lambda: trend.SMAIndicator(closes, 20).sma_indicator()),
        "SMA 200": (lambda: indicators.sma(close, 200), lambda: trend.SMAIndicator(closes, 200).sma_indicator()),
        "RSI 14": (lambda: indicators.rsi(close), lambda: momentum.RSIIndicator(closes).rsi()),
        "MACD 12 26 9": (lambda: indicators.macd(close), lambda: trend.MACD(closes).macd_diff()),
        "ATR 14": (
            lambda: indicators.atr(high, low, close),
            lambda: volatility.AverageTrueRange(highs, lows, closes).average_true_range(),
        ),
        "ADX, +DI, −DI 14": (
            lambda: indicators.directional_movement(high, low, close),
            lambda: _three(trend.ADXIndicator(highs, lows, closes)),
        ),
        "Bollinger 20": (
            lambda: indicators.bollinger(close),
            lambda: volatility.BollingerBands(closes).bollinger_hband(),
        ),
        "highest, lowest 55": (
            lambda: (indicators.rolling_max(high, 55), indicators.rolling_min(low, 55)),
            lambda: volatility.DonchianChannel(highs, lows, closes, 55).donchian_channel_wband(),
        ),
        "swings 5": (lambda: indicators.swings(high, low, 5), None),
        "volume ratio 20": (lambda: indicators.volume_ratio(volume, 20), None),
        "regimes, from their inputs": (lambda: classify_series(config, inputs), None),
    }
    yield "| | ours, million candles a second | `ta` | times as fast |"
    yield "|---|---|---|---|"
    for name, (ours, theirs) in cases.items():
        rate = MINUTES / best(ours) / 1e6
        if theirs is None:
            yield f"| {name} | {rate:.0f} | – | – |"
        else:
            reference = TA_MINUTES / best(theirs) / 1e6
            yield f"| {name} | {rate:.0f} | {_short(reference)} | {_short(rate / reference)} |"


def _three(adx: Any) -> tuple[Any, ...]:
    return adx.adx(), adx.adx_pos(), adx.adx_neg()


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"
