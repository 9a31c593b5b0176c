"""Draws docs/images/hybrid.svg: a month of real candles, the family that ran, and its fills.

python docs/images/draw_hybrid.py FOLDER_WITH_CANDLES
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
from strategies.hybrid.config import HybridConfig
from strategies.hybrid.logic import HybridStrategy

CANDLES = "bybit_ETHUSDT_linear_15m.parquet"
QUARTER_MS = 900_000
FIRST_MS = 1_746_057_600_000  # 2025-05-01
QUARTERS = 31 * 96
WARM_UP = 40 * 96
WIDTH, HEIGHT, EDGE = 960, 380, 12
COLOURS = {"grid": "#007aff", "dca": "#ed800d", "trend": "#3fb950"}
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
    strategy = HybridStrategy()
    config = HybridConfig.model_validate({"investment": 10_000})
    end = FIRST_MS + QUARTERS * QUARTER_MS
    history = read_file(folder / CANDLES).between(FIRST_MS - WARM_UP * QUARTER_MS, end)
    month = history.between(FIRST_MS, end)
    table = history_features(strategy, config, history, "15m")
    assert table is not None
    points = points_of(candles_of(month), QUARTER_MS)
    result = run(strategy, config, MARKET, points, quote=Decimal(10_000), features=table)
    low, high = month.low.min(), month.high.max()

    def across(row: float) -> float:
        return EDGE + row / QUARTERS * (WIDTH - 2 * EDGE)

    def down(price: float) -> float:
        return EDGE + (high - price) / (high - low) * (HEIGHT - 2 * EDGE)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        "<title>Closes of ETH over a month, the family that ran, and its fills</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#0d1117"/>',
    ]
    changes = [
        ((stamp - FIRST_MS) / QUARTER_MS, str(note.numbers["family"]) if note.code == "hybrid.start" else "")
        for stamp, note in result.notes
        if note.code in ("hybrid.start", "hybrid.switch")
    ]
    for (begun, family), (until, _) in zip(changes, [*changes[1:], (QUARTERS, "")], strict=True):
        if family:
            x, width = across(begun), across(until) - across(begun)
            parts.append(
                f'<rect x="{x:.1f}" y="0" width="{width:.1f}" height="{HEIGHT}" fill="{COLOURS[family]}" opacity="0.16"/>'
            )
    closes = enumerate(month.close[::4].tolist())
    path = " ".join(f"{across(hour * 4):.1f},{down(price):.1f}" for hour, price in closes)
    parts.append(f'<polyline points="{path}" fill="none" stroke="#c9d1d9" stroke-width="1"/>')
    for fill in result.fills:
        family = fill.slot.partition("/")[0].rstrip("0123456789")
        x, y = across(fill.point / 4), down(float(fill.price))
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2" fill="{COLOURS.get(family, "#ffffff")}"/>')
    (Path(__file__).parent / "hybrid.svg").write_text("\n".join([*parts, "</svg>"]) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
