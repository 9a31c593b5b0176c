"""Draws docs/images/grid.svg: the lines of a grid on real candles, and what was bought and sold on them.

python docs/images/draw_grid.py FOLDER_WITH_CANDLES
"""

from __future__ import annotations

from pathlib import Path

from picture import ETH_SPOT, GREEN, GREY, RED, Picture, folder_named

from backtests.simulation import simulate
from exchange.candles.files import read_file
from strategies.grid.config import GridConfig
from strategies.grid.logic import GridStrategy

CANDLES = "binance_ETHUSDT_spot_1m_202506.parquet"
MINUTE_MS = 60_000
MINUTES = 3 * 24 * 60
CONFIG = {"direction": "long", "range_percent": "5", "grids": 14, "investment": 5000}
LINE = "#30363d"


def main(folder: Path) -> None:
    candles = read_file(folder / CANDLES)
    first = int(candles.timestamp[0])
    candles = candles.between(first, first + MINUTES * MINUTE_MS)
    config = GridConfig.model_validate(CONFIG)
    result = simulate(GridStrategy(), config, ETH_SPOT, candles, "1m", quote=10_000)
    picture = Picture(
        "ETH within the lines of a grid, with what was bought and sold on them",
        start=0,
        end=MINUTES,
        low=min(candles.low.min(), result.state.lower),
        high=max(candles.high.max(), result.state.upper),
    )
    for line in result.state.lines:
        picture.line([(0, line), (MINUTES, line)], LINE)
    picture.line(((row, candles.close[row]) for row in range(0, len(candles), 3)), GREY)
    for fill in result.fills:
        picture.dot(fill.point / 4, fill.price, GREEN if fill.side > 0 else RED)
    picture.write("grid.svg")
    print(f"{len(result.fills)} fills, profit and loss {result.equity[-1] - 10_000:.2f}")


if __name__ == "__main__":
    main(folder_named())
