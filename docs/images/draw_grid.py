"""Draws docs/images/grid.svg: the lines of a grid on real candles, and what was bought and sold on them.

python docs/images/draw_grid.py FOLDER_WITH_CANDLES
"""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from backtests.simulation import simulate
from exchange.candles.files import read_file
from strategies.contract import MarketKind, MarketSpec
from strategies.grid.config import GridConfig
from strategies.grid.logic import GridStrategy

CANDLES = "binance_ETHUSDT_spot_1m_202506.parquet"
MINUTE_MS = 60_000
MINUTES = 3 * 24 * 60
WIDTH, HEIGHT, EDGE = 960, 360, 12
MARKET = MarketSpec(
    symbol="ETH/USDT",
    kind=MarketKind.SPOT,
    base="ETH",
    quote="USDT",
    tick=Decimal("0.01"),
    step=Decimal("0.00001"),
    min_amount=Decimal("0.00062"),
    maker_fee=Decimal("0.001"),
    taker_fee=Decimal("0.001"),
    min_notional=Decimal(1),
)
CONFIG = {"direction": "long", "range_percent": "5", "grids": 14, "investment": 5000}
COLOURS = {1: "#3fb950", -1: "#f85149"}


def main(folder: Path) -> None:
    candles = read_file(folder / CANDLES)
    first = int(candles.timestamp[0])
    candles = candles.between(first, first + MINUTES * MINUTE_MS)
    config = GridConfig.model_validate(CONFIG)
    result = simulate(GridStrategy(), config, MARKET, candles, "1m", quote=10_000)
    low, high = min(candles.low.min(), result.state.lower), max(candles.high.max(), result.state.upper)

    def at(row: float, price: float) -> tuple[float, float]:
        x = EDGE + row / MINUTES * (WIDTH - 2 * EDGE)
        return round(x, 1), round(float(EDGE + (high - price) / (high - low) * (HEIGHT - 2 * EDGE)), 1)

    path = " ".join("{},{}".format(*at(row, candles.close[row])) for row in range(0, len(candles), 3))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        "<title>ETH within the lines of a grid, with what was bought and sold on them</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#0d1117"/>',
    ]
    for line in result.state.lines:
        (left, y), (right, _) = at(0, line), at(MINUTES, line)
        parts.append(f'<line x1="{left}" y1="{y}" x2="{right}" y2="{y}" stroke="#30363d"/>')
    parts.append(f'<polyline points="{path}" fill="none" stroke="#8b949e" stroke-width="1"/>')
    for fill in result.fills:
        x, y = at(fill.point / 4, fill.price)
        parts.append(f'<circle cx="{x}" cy="{y}" r="4" fill="{COLOURS[int(fill.side)]}" stroke="#0d1117"/>')
    (Path(__file__).parent / "grid.svg").write_text("\n".join([*parts, "</svg>"]) + "\n")
    print(f"{len(result.fills)} fills, profit and loss {result.equity[-1] - 10_000:.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
