"""The library ``ta`` is the definition, and StockCharts' sheets are its reference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ta.momentum import RSIIndicator
from ta.trend import MACD, ADXIndicator, EMAIndicator, SMAIndicator
from ta.volatility import AverageTrueRange, BollingerBands, DonchianChannel

from strategies import indicators
from strategies.indicators import Array
from tests.strategies.indicators.series import REAL, Columns, real_columns

ROWS = 4000


def _ta_adx(c: Columns) -> list[pd.Series]:
    adx = ADXIndicator(*(pd.Series(each) for each in (c.high, c.low, c.close)))
    return [adx.adx(), adx.adx_pos(), adx.adx_neg()]


def _ta_macd(c: Columns) -> list[pd.Series]:
    macd = MACD(pd.Series(c.close))
    return [macd.macd(), macd.macd_signal(), macd.macd_diff()]


def _ta_bands(c: Columns) -> list[pd.Series]:
    bands = BollingerBands(pd.Series(c.close))
    return [bands.bollinger_mavg(), bands.bollinger_hband(), bands.bollinger_lband()]


def _ta_channel(c: Columns) -> list[pd.Series]:
    channel = DonchianChannel(pd.Series(c.high), pd.Series(c.low), pd.Series(c.close), window=55)
    return [channel.donchian_channel_hband(), channel.donchian_channel_lband()]


Ours = Callable[[Columns], tuple[Array, ...]]
Theirs = Callable[[Columns], list[pd.Series]]

# Ours, theirs, and the first row in which theirs is known: ``ta`` leaves the first ±DI at 0, StockCharts shows it.
CASES: dict[str, tuple[Ours, Theirs, tuple[int, ...]]] = {
    "sma": (
        lambda c: (indicators.sma(c.close, 20),),
        lambda c: [SMAIndicator(pd.Series(c.close), 20).sma_indicator()],
        (19,),
    ),
    "ema": (
        lambda c: (indicators.ema(c.close, 20),),
        lambda c: [EMAIndicator(pd.Series(c.close), 20).ema_indicator()],
        (19,),
    ),
    "rsi": (lambda c: (indicators.rsi(c.close),), lambda c: [RSIIndicator(pd.Series(c.close)).rsi()], (13,)),
    "macd": (lambda c: tuple(indicators.macd(c.close)), _ta_macd, (25, 33, 33)),
    "atr": (
        lambda c: (indicators.atr(c.high, c.low, c.close),),
        lambda c: [AverageTrueRange(*(pd.Series(x) for x in (c.high, c.low, c.close))).average_true_range()],
        (13,),
    ),
    "bollinger": (lambda c: tuple(indicators.bollinger(c.close)), _ta_bands, (19, 19, 19)),
    "adx": (lambda c: tuple(indicators.directional_movement(c.high, c.low, c.close)), _ta_adx, (27, 15, 15)),
    "highest and lowest": (
        lambda c: (indicators.rolling_max(c.high, 55), indicators.rolling_min(c.low, 55)),
        _ta_channel,
        (54, 54),
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", REAL)
def test_a_real_series_gives_what_ta_gives(candles_dir: Path, name: str, case: str) -> None:
    columns = real_columns(candles_dir, name, ROWS)
    ours, theirs, first_known = CASES[case]
    scale = 1.0 if case in ("rsi", "adx") else float(np.max(columns.close))
    for here, there, first in zip(ours(columns), theirs(columns), first_known, strict=True):
        np.testing.assert_allclose(here[first:], there.to_numpy()[first:], rtol=1e-9, atol=1e-9 * scale)


def sheet(fixtures_dir: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(fixtures_dir / "ta_stockcharts_vectors" / f"{name}.csv")


def assert_as_printed(values: Array, printed: pd.Series, first: int, tolerance: float) -> None:
    """The sheets are rounded, and some are begun in another way, which shows in the first rows."""
    expected = printed.to_numpy(np.float64)[first:]
    assert not np.isnan(expected).any()
    assert not np.isnan(values[first:]).any()
    np.testing.assert_allclose(values[first:], expected, rtol=0, atol=tolerance)


def test_adx_of_stockcharts(fixtures_dir: Path) -> None:
    table = sheet(fixtures_dir, "cs-adx")
    movement = indicators.directional_movement(table["High"], table["Low"], table["Close"])
    assert_as_printed(movement.adx, table["ADX"], 27, 1e-5)
    assert_as_printed(movement.plus_di, table["+DI14"], 14, 1e-5)
    assert_as_printed(movement.minus_di, table["-DI14"], 14, 1e-5)


@pytest.mark.parametrize(("name", "period"), [("cs-atr", 14), ("cs-atr2", 10)])
def test_atr_of_stockcharts(fixtures_dir: Path, name: str, period: int) -> None:
    table = sheet(fixtures_dir, name)
    assert_as_printed(indicators.true_range(table["High"], table["Low"], table["Close"]), table["TR"], 0, 1e-9)
    assert_as_printed(indicators.atr(table["High"], table["Low"], table["Close"], period), table["ATR"], 13, 1e-9)


def test_rsi_of_stockcharts(fixtures_dir: Path) -> None:
    table = sheet(fixtures_dir, "cs-rsi")
    assert_as_printed(indicators.rsi(table["Close"]), table["RSI"], 14, 1e-4)


def test_macd_of_stockcharts(fixtures_dir: Path) -> None:
    table = sheet(fixtures_dir, "cs-macd")
    macd = indicators.macd(table["Close"])
    assert_as_printed(macd.line, table["MACD_line"], 25, 1e-8)
    # The sheet's signal begins earlier and with another value: 0.8 to the number of rows is left of that.
    assert_as_printed(macd.signal, table["MACD_signal"], 100, 1e-6)
    assert_as_printed(macd.histogram, table["MACD_diff"], 100, 1e-6)


def test_bands_of_stockcharts(fixtures_dir: Path) -> None:
    table = sheet(fixtures_dir, "cs-bbands")
    bands = indicators.bollinger(table["Close"])
    assert_as_printed(bands.middle, table["MiddleBand"], 19, 1e-6)
    assert_as_printed(bands.upper, table["HighBand"], 19, 2e-6)
    assert_as_printed(bands.lower, table["LowBand"], 19, 2e-6)
