"""The strategy in the back-test engine gives, fill for fill, what the naive oracle works out from the rules."""

from __future__ import annotations

import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from backtests.engine import run
from backtests.exact_records import Result
from backtests.features import history_features
from backtests.points import candles_of, points_of
from backtests.simulation import simulate
from exchange.candles.files import Candles, read_file
from strategies.contract import CandleSeries, MarketSpec
from strategies.trend.config import TrendConfig
from strategies.trend.logic import TrendStrategy
from strategies.trend.state import TrendState
from tests.strategies.markets import LINEAR
from tests.strategies.trend.oracle import Fill, Rules, trend_fills

HOUR_MS, QUARTER_MS = 3_600_000, 900_000
STRATEGY = TrendStrategy()
FINE_TICK = Decimal("0.0001")
HOURS = "binance_ETHUSDT_linear_1h_202010-202406.parquet"
SOL_HOURS = "binance_SOLUSDT_linear_1h_202010-202406.parquet"
QUARTERS = "bybit_ETHUSDT_linear_15m.parquet"

# The configuration, and the same as the oracle's rules.
CASES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    (HOURS, "1h", {}, {}),
    (
        HOURS,
        "1h",
        {"leverage": 5, "targets": "", "break_even": None},
        {"leverage": 5, "targets": (), "break_even": None},
    ),
    (
        HOURS,
        "1h",
        {"leverage": 3, "targets": "1:30, 2:30, 4:40", "trail_from": None, "stop_atr": "1.5", "max_losses": 0},
        {
            "leverage": 3,
            "targets": (("1", "30"), ("2", "30"), ("4", "40")),
            "trail_from": None,
            "stop_atr": 1.5,
            "max_losses": 0,
        },
    ),
    (
        SOL_HOURS,
        "1h",
        {"leverage": 5, "risk_percent": 2, "daily_loss": 2, "pullback_volume": 0, "breakout_volume": 1},
        {"leverage": 5, "risk": 2, "daily_loss": 2, "pullback_volume": 0, "breakout_volume": 1, "tick": FINE_TICK},
    ),
    (QUARTERS, "15m", {"leverage": 2, "direction": "short"}, {"leverage": 2, "sides": (-1,)}),
]


def real(name: str, rows: int = 12_000) -> Candles:
    folder = os.environ.get("TRADERAGENT_CANDLES")
    if not folder:
        pytest.skip("TRADERAGENT_CANDLES is not set: it names the folder with real candles")
    candles = read_file(Path(folder) / name)
    return Candles(
        *(getattr(candles, column)[:rows] for column in CandleSeries.__dataclass_fields__ if column != "timeframe")
    )


def config_of(timeframe: str, changes: dict[str, Any]) -> TrendConfig:
    return TrendConfig.model_validate({"investment": 10_000, "timeframe": timeframe, "direction": "neutral"} | changes)


def backtest(candles: Candles, config: TrendConfig, market: MarketSpec) -> Result[TrendState]:
    length = HOUR_MS if config.timeframe == "1h" else QUARTER_MS
    table = history_features(STRATEGY, config, candles, config.timeframe)
    return run(STRATEGY, config, market, points_of(candles_of(candles), length), quote=Decimal(10_000), features=table)


@pytest.mark.parametrize(("name", "timeframe", "changes", "rules"), CASES, ids=range(len(CASES)))
def test_real_candles_give_the_fills_of_the_oracle(
    name: str, timeframe: str, changes: dict[str, Any], rules: dict[str, Any]
) -> None:
    candles, config = real(name), config_of(timeframe, changes)
    market = replace(LINEAR, tick=rules.get("tick", LINEAR.tick))
    result = backtest(candles, config, market)
    bars = list(zip(*(getattr(candles, column).tolist() for column in _COLUMNS), strict=True))
    [need] = STRATEGY.timeframes(config)
    length = HOUR_MS if timeframe == "1h" else QUARTER_MS
    expected = trend_fills(bars, Rules(settled=need.count - 1, candle_ms=length, **rules))
    assert not result.refused
    assert len(expected) > 150
    fills: list[Fill] = [(f.point, f.slot, f.side.value, f.price, f.amount) for f in result.fills]
    assert fills == expected
    assert {fill[1] for fill in expected} >= {"entry", "stop"}
    assert compiled_fills(candles, config, market) == [(*fill[:3], float(fill[3]), float(fill[4])) for fill in expected]


def compiled_fills(
    candles: Candles, config: TrendConfig, market: MarketSpec
) -> list[tuple[int, str, str, float, float]]:
    """The same from the loop in machine code, which steps only where something can happen."""
    found = simulate(STRATEGY, config, market, candles, config.timeframe, quote=10_000)
    assert not len(found.refused)
    assert found.steps < len(candles) * 2, "it wakes more often than at each row and each touch"
    return [
        (int(f.point), found.slots[f.slot], "buy" if f.side > 0 else "sell", float(f.price), float(f.amount))
        for f in found.fills
    ]


_COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")
