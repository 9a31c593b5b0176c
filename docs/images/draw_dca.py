"""Draws docs/images/dca.svg: deals on real candles, with their take profit as it follows the average.

python docs/images/draw_dca.py FOLDER_WITH_CANDLES
"""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from backtests.engine import run
from backtests.points import candles_of, points_of
from exchange.candles.files import read_file
from strategies.contract import MarketKind, MarketSpec
from strategies.dca.config import DcaConfig
from strategies.dca.logic import DcaStrategy

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
CONFIG = {
    "base_order_size": 100,
    "safety_order_size": 100,
    "safety_orders": 5,
    "price_deviation": "0.8",
    "step_scale": "1.2",
    "volume_scale": "1.4",
    "take_profit": "1",
}
COLOURS = {"base": "#ffffff", "safety": "#007aff", "take_profit": "#3fb950"}


def main(folder: Path) -> None:
    candles = read_file(folder / CANDLES)
    first = int(candles.timestamp[0])
    candles = candles.between(first, first + MINUTES * MINUTE_MS)
    config = DcaConfig.model_validate(CONFIG)
    result = run(DcaStrategy(), config, MARKET, points_of(candles_of(candles), MINUTE_MS), quote=Decimal(10_000))
    low, high = candles.low.min(), candles.high.max()

    def at(row: float, price: float) -> str:
        x = EDGE + row / MINUTES * (WIDTH - 2 * EDGE)
        return f"{x:.1f},{EDGE + (high - price) / (high - low) * (HEIGHT - 2 * EDGE):.1f}"

    path = " ".join(at(row, candles.close[row]) for row in range(0, len(candles), 3))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        "<title>ETH with the fills of DCA deals, and the average price of each deal</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#0d1117"/>',
        f'<polyline points="{path}" fill="none" stroke="#8b949e" stroke-width="1"/>',
    ]
    spent = bought = 0.0
    corners: list[str] = []
    for fill in result.fills:
        row, kind = fill.point / 4, fill.slot.partition(":")[0]
        if bought:
            corners.append(at(row, spent / bought))
        if kind == "take_profit":
            parts.append(f'<polyline points="{" ".join(corners)}" fill="none" stroke="#ed800d" stroke-width="1.4"/>')
            corners, spent, bought = [], 0.0, 0.0
        else:
            spent, bought = spent + float(fill.price * fill.amount), bought + float(fill.amount)
            corners.append(at(row, spent / bought))
        x, y = at(row, float(fill.price)).split(",")
        parts.append(f'<circle cx="{x}" cy="{y}" r="4" fill="{COLOURS[kind]}" stroke="#0d1117"/>')
    if corners:
        corners.append(at(MINUTES, spent / bought))
        parts.append(f'<polyline points="{" ".join(corners)}" fill="none" stroke="#ed800d" stroke-width="1.4"/>')
    (Path(__file__).parent / "dca.svg").write_text("\n".join([*parts, "</svg>"]) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
