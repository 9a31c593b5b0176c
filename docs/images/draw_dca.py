"""Draws docs/images/dca.svg: deals on real candles, with their take profit as it follows the average.

python docs/images/draw_dca.py FOLDER_WITH_CANDLES
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from picture import BLUE, ETH_SPOT, GREEN, GREY, ORANGE, WHITE, Picture, folder_named

from backtests.engine import run
from backtests.points import candles_of, points_of
from exchange.candles.files import read_file
from strategies.dca.config import DcaConfig
from strategies.dca.logic import DcaStrategy

CANDLES = "binance_ETHUSDT_spot_1m_202506.parquet"
MINUTE_MS = 60_000
MINUTES = 3 * 24 * 60
CONFIG = {
    "base_order_size": 100,
    "safety_order_size": 100,
    "safety_orders": 5,
    "price_deviation": "0.8",
    "step_scale": "1.2",
    "volume_scale": "1.4",
    "take_profit": "1",
}
COLOURS = {"base": WHITE, "safety": BLUE, "take_profit": GREEN}


def main(folder: Path) -> None:
    candles = read_file(folder / CANDLES)
    first = int(candles.timestamp[0])
    candles = candles.between(first, first + MINUTES * MINUTE_MS)
    config = DcaConfig.model_validate(CONFIG)
    result = run(DcaStrategy(), config, ETH_SPOT, points_of(candles_of(candles), MINUTE_MS), quote=Decimal(10_000))
    picture = Picture(
        "ETH with the fills of DCA deals, and the average price of each deal",
        start=0,
        end=MINUTES,
        low=candles.low.min(),
        high=candles.high.max(),
    )
    picture.line(((row, candles.close[row]) for row in range(0, len(candles), 3)), GREY)
    spent = bought = 0.0
    averages: list[tuple[float, float]] = []
    for fill in result.fills:
        row, kind = fill.point / 4, fill.slot.partition(":")[0]
        if bought:
            averages.append((row, spent / bought))
        if kind == "take_profit":
            picture.line(averages, ORANGE, 1.4)
            averages, spent, bought = [], 0.0, 0.0
        else:
            spent, bought = spent + float(fill.price * fill.amount), bought + float(fill.amount)
            averages.append((row, spent / bought))
        picture.dot(row, float(fill.price), COLOURS[kind])
    if averages:
        picture.line([*averages, (MINUTES, spent / bought)], ORANGE, 1.4)
    picture.write("dca.svg")


if __name__ == "__main__":
    main(folder_named())
