"""Draws docs/images/smc.svg: trades of Smart Money Concepts on real candles, and the zones they began in.

python docs/images/draw_smc.py FOLDER_WITH_CANDLES
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
from strategies.checks import Recording
from strategies.contract import Direction, MarketKind, MarketSpec
from strategies.smc.config import SmcConfig
from strategies.smc.logic import SmcStrategy
from strategies.smc.state import SmcState

CANDLES = "bybit_BTCUSDT_linear_15m.parquet"
QUARTER_MS, DAY_MS = 900_000, 86_400_000
FIRST_MS = 1_729_382_400_000  # 2024-10-20
DAYS = 5
# Of the candles before the signal, over which its zone is drawn.
ZONE_CANDLES = 24
WIDTH, HEIGHT, EDGE = 960, 400, 12
DEMAND, SUPPLY = "#3fb950", "#f85149"
COLOURS = {"entry": "#ffffff", "stop": "#f85149", "partial": "#3fb950", "target": "#3fb950"}
MARKET = MarketSpec(
    symbol="BTC/USDT:USDT",
    kind=MarketKind.LINEAR,
    base="BTC",
    quote="USDT",
    tick=Decimal("0.1"),
    step=Decimal("0.001"),
    min_amount=Decimal("0.001"),
    maker_fee=Decimal("0.0002"),
    taker_fee=Decimal("0.00055"),
)


def main(folder: Path) -> None:
    config = SmcConfig.model_validate({"capital": 10_000, "direction": "neutral", "leverage": 2})
    strategy: Recording[SmcConfig, SmcState] = Recording(SmcStrategy())
    # The longest timeframe needs 210 days before the picture.
    candles = read_file(folder / CANDLES).between(FIRST_MS - 220 * DAY_MS, FIRST_MS + DAYS * DAY_MS)
    table = history_features(SmcStrategy(), config, candles, "15m")
    assert table is not None
    points = points_of(candles_of(candles), QUARTER_MS)
    result = run(strategy, config, MARKET, points, quote=Decimal(10_000), features=table)
    count = DAYS * DAY_MS // QUARTER_MS
    start = len(candles) - count
    low, high = candles.low[start:].min(), candles.high[start:].max()

    def x(row: float) -> float:
        return float(round(EDGE + (row - start) / count * (WIDTH - 2 * EDGE), 1))

    def y(price: float) -> float:
        return float(round(EDGE + (high - price) / (high - low) * (HEIGHT - 2 * EDGE), 1))

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        "<title>15m candles of BTC; the zones in which a signal was given, entries, exits and stops</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#0d1117"/>',
    ]
    for number, step in enumerate(strategy.steps):
        signal = step.decision.signal
        if signal is not None and number // 4 >= start + ZONE_CANDLES:
            bottom, top = float(signal.metadata["zone_bottom"]), float(signal.metadata["zone_top"])
            left, right = x(number / 4 - ZONE_CANDLES), x(number / 4)
            colour = DEMAND if signal.direction is Direction.LONG else SUPPLY
            parts.append(
                f'<rect x="{left}" y="{y(top)}" width="{right - left:.1f}" height="{y(bottom) - y(top):.1f}" '
                f'fill="{colour}" fill-opacity="0.25"/>'
            )
    for row in range(start, len(candles)):
        rose = candles.close[row] >= candles.open[row]
        body = sorted((y(candles.open[row]), y(candles.close[row])))
        colour = "#58a6ff" if rose else "#8b949e"
        parts.append(f'<path d="M{x(row)} {y(candles.high[row])}V{y(candles.low[row])}" stroke="{colour}"/>')
        parts.append(f'<path d="M{x(row)} {body[0]}V{body[1]}" stroke="{colour}" stroke-width="1.6"/>')
    for fill in result.fills:
        if fill.point // 4 >= start:
            colour = COLOURS.get(fill.slot.partition(":")[0], "#ed800d")
            parts.append(
                f'<circle cx="{x(fill.point / 4)}" cy="{y(float(fill.price))}" r="4" fill="{colour}" stroke="#0d1117"/>'
            )
    (Path(__file__).parent / "smc.svg").write_text("\n".join([*parts, "</svg>"]) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
