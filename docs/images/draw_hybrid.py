"""Draws docs/images/hybrid.svg: a month of real candles, the family that ran, and its fills.

python docs/images/draw_hybrid.py FOLDER_WITH_CANDLES
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from picture import BLUE, GREEN, ORANGE, WHITE, Picture, folder_named, linear

from backtests.engine import run
from backtests.features import history_features
from backtests.points import candles_of, points_of
from exchange.candles.files import read_file
from strategies.hybrid.config import HybridConfig
from strategies.hybrid.logic import HybridStrategy

CANDLES = "bybit_ETHUSDT_linear_15m.parquet"
QUARTER_MS = 900_000
FIRST_MS = 1_746_057_600_000  # 2025-05-01
QUARTERS = 31 * 96
WARM_UP = 40 * 96
COLOURS = {"grid": BLUE, "dca": ORANGE, "trend": GREEN}


def main(folder: Path) -> None:
    strategy = HybridStrategy()
    config = HybridConfig.model_validate({"investment": 10_000})
    end = FIRST_MS + QUARTERS * QUARTER_MS
    history = read_file(folder / CANDLES).between(FIRST_MS - WARM_UP * QUARTER_MS, end)
    month = history.between(FIRST_MS, end)
    table = history_features(strategy, config, history, "15m")
    assert table is not None
    points = points_of(candles_of(month), QUARTER_MS)
    market = linear("ETH", tick="0.01", step="0.01")
    result = run(strategy, config, market, points, quote=Decimal(10_000), features=table)
    low, high = month.low.min(), month.high.max()
    title = "Closes of ETH over a month, the family that ran, and its fills"
    picture = Picture(title, start=0, end=QUARTERS, low=low, high=high, height=380)
    changes = [
        ((stamp - FIRST_MS) / QUARTER_MS, str(note.numbers["family"]) if note.code == "hybrid.start" else "")
        for stamp, note in result.notes
        if note.code in ("hybrid.start", "hybrid.switch")
    ]
    for (begun, family), (until, _) in zip(changes, [*changes[1:], (QUARTERS, "")], strict=True):
        if family:
            picture.area((begun, until), (low, high), COLOURS[family], 0.16)
    picture.line(((row, month.close[row]) for row in range(0, len(month), 4)), "#c9d1d9")
    for fill in result.fills:
        family = fill.slot.partition("/")[0].rstrip("0123456789")
        picture.dot(fill.point / 4, float(fill.price), COLOURS.get(family, WHITE), radius=2.6)
    picture.write("hybrid.svg")


if __name__ == "__main__":
    main(folder_named())
