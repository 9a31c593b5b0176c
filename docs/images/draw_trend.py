"""Draws docs/images/trend.svg: a trend follower's trades on real candles.

python docs/images/draw_trend.py FOLDER_WITH_CANDLES
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from picture import BLUE, GREEN, GREY, ORANGE, RED, WHITE, Picture, folder_named, linear

from backtests.engine import run
from backtests.features import history_features
from backtests.points import candles_of, points_of
from exchange.candles.files import read_file
from strategies.trend.config import TrendConfig
from strategies.trend.logic import TrendStrategy

CANDLES = "binance_ETHUSDT_linear_1h_202010-202406.parquet"
HOUR_MS = 3_600_000
FIRST_MS = 1_696_809_600_000  # 2023-10-09
HOURS = 24 * 28
COLOURS = {"entry": WHITE, "stop": RED}


def main(folder: Path) -> None:
    strategy = TrendStrategy()
    config = TrendConfig.model_validate({"investment": 10_000, "direction": "neutral"})
    # Two months before the picture for the averages to settle.
    candles = read_file(folder / CANDLES).between(FIRST_MS - 60 * 24 * HOUR_MS, FIRST_MS + HOURS * HOUR_MS)
    table = history_features(strategy, config, candles, "1h")
    assert table is not None
    points = points_of(candles_of(candles), HOUR_MS)
    market = linear("ETH", tick="0.01", step="0.01")
    result = run(strategy, config, market, points, quote=Decimal(10_000), features=table)
    start = len(candles) - HOURS
    picture = Picture(
        "Hourly closes of ETH with both averages; entries, targets and stops of the trend follower",
        start=start,
        end=len(candles),
        low=candles.low[start:].min(),
        high=candles.high[start:].max(),
    )
    lines = [
        (candles.close, GREY, 1.0),
        (table.columns["ema_fast"], BLUE, 1.2),
        (table.columns["ema_slow"], ORANGE, 1.2),
    ]
    for column, colour, width in lines:
        picture.line(((row, column[row]) for row in range(start, len(candles))), colour, width)
    for fill in result.fills:
        if fill.point // 4 >= start:
            picture.dot(fill.point / 4, float(fill.price), COLOURS.get(fill.slot, GREEN))
    picture.write("trend.svg")


if __name__ == "__main__":
    main(folder_named())
