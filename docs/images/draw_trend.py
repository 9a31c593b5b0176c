"""Draws docs/images/trend.svg: a trend follower's trades on real candles.

python docs/images/draw_trend.py FOLDER_WITH_CANDLES
"""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from backtests.engine import run
from backtests.features import history_features
from backtests.points import candles_of, points_of
from exchange.candles.files import read_file
from strategies.contract import MarketKind, MarketSpec
from strategies.trend.config import TrendConfig
from strategies.trend.logic import TrendStrategy

CANDLES = "binance_ETHUSDT_linear_1h_202010-202406.parquet"
HOUR_MS = 3_600_000
FIRST_MS = 1_696_809_600_000  # 2023-10-09
HOURS = 24 * 28
WIDTH, HEIGHT, EDGE = 960, 360, 12
MARKET = MarketSpec(
    symbol="ETH/USDT:USDT",
    kind=MarketKind.LINEAR,
    base="ETH",
    quote="USDT",
    tick=Decimal("0.01"),
    step=Decimal("0.01"),
    min_amount=Decimal("0.01"),
    maker_fee=Decimal("0.0002"),
    taker_fee=Decimal("0.00055"),
)


def main(folder: Path) -> None:
    strategy = TrendStrategy()
    config = TrendConfig.model_validate({"investment": 10_000, "direction": "neutral"})
    # Two months before the picture for the averages to settle.
    candles = read_file(folder / CANDLES).between(FIRST_MS - 60 * 24 * HOUR_MS, FIRST_MS + HOURS * HOUR_MS)
    table = history_features(strategy, config, candles, "1h")
    assert table is not None
    points = points_of(candles_of(candles), HOUR_MS)
    result = run(strategy, config, MARKET, points, quote=Decimal(10_000), features=table)
    start = len(candles) - HOURS
    low, high = candles.low[start:].min(), candles.high[start:].max()

    def at(row: float, price: float) -> str:
        x = EDGE + (row - start) / HOURS * (WIDTH - 2 * EDGE)
        return f"{x:.1f},{EDGE + (high - price) / (high - low) * (HEIGHT - 2 * EDGE):.1f}"

    lines = [
        (candles.close, "#8b949e", 1.0),
        (table.columns["ema_fast"], "#007aff", 1.2),
        (table.columns["ema_slow"], "#ed800d", 1.2),
    ]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        "<title>Hourly closes of ETH with both averages; entries, targets and stops of the trend follower</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#0d1117"/>',
    ]
    for column, colour, width in lines:
        path = " ".join(at(row, column[row]) for row in range(start, len(candles)))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>')
    colours = {"entry": "#ffffff", "stop": "#f85149"}
    for fill in result.fills:
        if fill.point // 4 >= start:
            x, y = at(fill.point / 4, float(fill.price)).split(",")
            colour = colours.get(fill.slot, "#3fb950")
            parts.append(f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}" stroke="#0d1117"/>')
    (Path(__file__).parent / "trend.svg").write_text("\n".join([*parts, "</svg>"]) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
