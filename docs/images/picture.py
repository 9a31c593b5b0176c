"""What the drawings of docs/images have in common: real candles on a dark ground, with fills as dots."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[2]))

from strategies.contract import MarketKind, MarketSpec

HERE: Final = Path(__file__).parent
WIDTH: Final = 960
EDGE: Final = 12
BLUE, ORANGE, GREEN, RED, WHITE, GREY = "#007aff", "#ed800d", "#3fb950", "#f85149", "#ffffff", "#8b949e"
GROUND: Final = "#0d1117"

ETH_SPOT: Final = MarketSpec(
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


def linear(base: str, *, tick: str, step: str) -> MarketSpec:
    return MarketSpec(
        symbol=f"{base}/USDT:USDT",
        kind=MarketKind.LINEAR,
        base=base,
        quote="USDT",
        tick=Decimal(tick),
        step=Decimal(step),
        min_amount=Decimal(step),
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.00055"),
    )


def folder_named() -> Path:
    """The folder with candles that the command line names."""
    return Path(sys.argv[1])


class Picture:
    """Rows ``start`` to ``end`` of candles across, prices from ``low`` to ``high`` upwards."""

    def __init__(self, title: str, *, start: int, end: int, low: float, high: float, height: int = 360) -> None:
        self.start, self.rows = start, end - start
        self.low, self.high, self.height = float(low), float(high), height
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            f"<title>{title}</title>",
            f'<rect width="{WIDTH}" height="{height}" fill="{GROUND}"/>',
        ]

    def x(self, row: float) -> float:
        return round(EDGE + (row - self.start) / self.rows * (WIDTH - 2 * EDGE), 1)

    def y(self, price: float) -> float:
        return round(float(EDGE + (self.high - price) / (self.high - self.low) * (self.height - 2 * EDGE)), 1)

    def line(self, points: Iterable[tuple[float, float]], colour: str, width: float = 1) -> None:
        """Through (row, price)."""
        path = " ".join(f"{self.x(row)},{self.y(price)}" for row, price in points)
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>')

    def area(self, rows: tuple[float, float], prices: tuple[float, float], colour: str, opacity: float) -> None:
        (left, right), (bottom, top) = (self.x(row) for row in rows), (self.y(price) for price in prices)
        self.parts.append(
            f'<rect x="{left}" y="{top}" width="{right - left:.1f}" height="{bottom - top:.1f}" '
            f'fill="{colour}" fill-opacity="{opacity}"/>'
        )

    def stroke(self, row: float, prices: tuple[float, float], colour: str, width: float = 1) -> None:
        first, last = (self.y(price) for price in prices)
        self.parts.append(f'<path d="M{self.x(row)} {first}V{last}" stroke="{colour}" stroke-width="{width}"/>')

    def dot(self, row: float, price: float, colour: str, radius: float = 4) -> None:
        self.parts.append(
            f'<circle cx="{self.x(row)}" cy="{self.y(price)}" r="{radius}" fill="{colour}" stroke="{GROUND}"/>'
        )

    def write(self, name: str) -> None:
        (HERE / name).write_text("\n".join([*self.parts, "</svg>"]) + "\n")
