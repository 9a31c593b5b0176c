"""What start conditions see of candles: worked out by hand, causal, and known after the declared warm-up."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backtests.engine import run
from backtests.features import history_features
from backtests.points import candles_of, points_of
from exchange.candles.files import read_file
from strategies.contract import CandleNeed, CandleSeries
from strategies.dca.config import DcaConfig
from strategies.dca.logic import DcaStrategy
from tests.strategies.markets import LINEAR, MINUTE

STRATEGY = DcaStrategy()
MINUTES = "binance_ETHUSDT_linear_1m_202505.parquet"


def config_of(**changes: Any) -> DcaConfig:
    return DcaConfig.model_validate(
        {"base_order_size": 100, "safety_order_size": 100, "take_profit": 1, "start_timeframe": "1m"} | changes
    )


def closes(*prices: float) -> dict[str, CandleSeries]:
    column = np.array(prices, float)
    times = np.arange(column.size, dtype=np.int64) * MINUTE
    return {"1m": CandleSeries("1m", times, column, column, column, column, np.ones(column.size))}


def test_without_a_condition_on_candles_none_are_asked_for() -> None:
    config = config_of(start_price=100)
    assert STRATEGY.timeframes(config) == ()
    assert STRATEGY.features(config, {}) == {}


def test_only_what_is_switched_on_is_computed() -> None:
    columns = STRATEGY.features(config_of(start_on_bollinger=True), closes(*range(1, 60)))
    assert set(columns) == {"bollinger_percent"}
    assert STRATEGY.timeframes(config_of(start_on_bollinger=True)) == (CandleNeed("1m", 20),)


def test_a_cross_is_told_by_the_candle_that_makes_it() -> None:
    """EMA 2 (alpha 2/3) and EMA 3 (alpha 1/2) of 10, 10, 10, 13, 13, 4.

    EMA 2: 10, 10, 10, 12, 12.667, 6.889. EMA 3: 10, 10, 10, 11.5, 12.25, 8.125. Known from the third candle on; they are
    equal there, the fast one is above with the fourth, and below with the sixth.
    """
    config = config_of(start_on_ema_cross=True, ema_fast=2, ema_slow=3)
    columns = STRATEGY.features(config, closes(10, 10, 10, 13, 13, 4))
    assert columns["ema_fast"][3:].tolist() == pytest.approx([12, 38 / 3, 62 / 9])
    assert columns["ema_slow"][3:].tolist() == pytest.approx([11.5, 12.25, 8.125])
    assert np.isnan(columns["ema_cross"][:3]).all()
    assert columns["ema_cross"][3:].tolist() == [1.0, 0.0, -1.0]


def test_where_a_close_stands_between_the_bands() -> None:
    """Closes 2 and 4: mean 3, deviation 1, bands 1 and 5 at two deviations. 4 is three quarters of the way."""
    config = config_of(start_on_bollinger=True, bollinger_period=2)
    columns = STRATEGY.features(config, closes(3, 3, 2, 4))
    assert columns["bollinger_percent"][3] == pytest.approx(75.0)
    assert np.isnan(columns["bollinger_percent"][1])  # the bands are one line


def test_deals_start_where_the_index_is_low_on_real_candles() -> None:
    folder = os.environ.get("TRADERAGENT_CANDLES")
    if not folder:
        pytest.skip("TRADERAGENT_CANDLES is not set: it names the folder with real candles")
    candles = read_file(Path(folder) / MINUTES)
    start = int(candles.timestamp[0])
    candles = candles.between(start, start + 5 * 1440 * MINUTE)
    config = config_of(start_on_rsi=True, rsi_limit=40, start_timeframe="5m", take_profit="0.4", price_deviation="0.5")
    table = history_features(STRATEGY, config, candles, "1m")
    assert table is not None
    points = list(points_of(candles_of(candles), MINUTE))
    result = run(STRATEGY, config, LINEAR, points, quote=Decimal(100_000), features=table)
    bases = [fill for fill in result.fills if fill.slot == "base"]
    assert len(bases) > 5
    for fill in bases:
        assert table.row(table.row_at(points[fill.point][0])).values["rsi"] < 40
