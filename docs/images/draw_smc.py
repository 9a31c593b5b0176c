"""Draws docs/images/smc.svg: trades of Smart Money Concepts on real candles, and the zones they began in.

python docs/images/draw_smc.py FOLDER_WITH_CANDLES
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from picture import GREEN, GREY, ORANGE, RED, WHITE, Picture, folder_named, linear

from backtests.engine import run
from backtests.features import history_features
from backtests.points import candles_of, points_of
from exchange.candles.files import read_file
from strategies.checks import Recording
from strategies.contract import Direction
from strategies.smc.config import SmcConfig
from strategies.smc.logic import SmcStrategy
from strategies.smc.state import SmcState

CANDLES = "bybit_BTCUSDT_linear_15m.parquet"
QUARTER_MS, DAY_MS = 900_000, 86_400_000
FIRST_MS = 1_729_382_400_000  # 2024-10-20
DAYS = 5
# Of the candles before the signal, over which its zone is drawn.
ZONE_CANDLES = 24
COLOURS = {"entry": WHITE, "stop": RED, "partial": GREEN, "target": GREEN}


def main(folder: Path) -> None:
    config = SmcConfig.model_validate({"capital": 10_000, "direction": "neutral", "leverage": 2})
    strategy: Recording[SmcConfig, SmcState] = Recording(SmcStrategy())
    # The longest timeframe needs 210 days before the picture.
    candles = read_file(folder / CANDLES).between(FIRST_MS - 220 * DAY_MS, FIRST_MS + DAYS * DAY_MS)
    table = history_features(SmcStrategy(), config, candles, "15m")
    assert table is not None
    points = points_of(candles_of(candles), QUARTER_MS)
    market = linear("BTC", tick="0.1", step="0.001")
    result = run(strategy, config, market, points, quote=Decimal(10_000), features=table)
    start = len(candles) - DAYS * DAY_MS // QUARTER_MS
    picture = Picture(
        "15m candles of BTC; the zones in which a signal was given, entries, exits and stops",
        start=start,
        end=len(candles),
        low=candles.low[start:].min(),
        high=candles.high[start:].max(),
        height=400,
    )
    for number, step in enumerate(strategy.steps):
        signal = step.decision.signal
        if signal is not None and number // 4 >= start + ZONE_CANDLES:
            zone = float(signal.metadata["zone_bottom"]), float(signal.metadata["zone_top"])
            colour = GREEN if signal.direction is Direction.LONG else RED
            picture.area((number / 4 - ZONE_CANDLES, number / 4), zone, colour, 0.25)
    for row in range(start, len(candles)):
        colour = "#58a6ff" if candles.close[row] >= candles.open[row] else GREY
        picture.stroke(row, (candles.high[row], candles.low[row]), colour)
        picture.stroke(row, (candles.open[row], candles.close[row]), colour, 1.6)
    for fill in result.fills:
        if fill.point // 4 >= start:
            picture.dot(fill.point / 4, float(fill.price), COLOURS.get(fill.slot.partition(":")[0], ORANGE))
    picture.write("smc.svg")


if __name__ == "__main__":
    main(folder_named())
