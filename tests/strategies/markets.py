"""The cast: two markets with Bybit's figures for ETH, and prices that walk."""

from __future__ import annotations

import random
from decimal import Decimal

from exchange.port import Candle
from strategies.contract import MarketKind, MarketSpec

SPOT = MarketSpec(
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
    max_amount=Decimal("2900"),
)
LINEAR = MarketSpec(
    symbol="ETH/USDT:USDT",
    kind=MarketKind.LINEAR,
    base="ETH",
    quote="USDT",
    tick=Decimal("0.01"),
    step=Decimal("0.01"),
    min_amount=Decimal("0.01"),
    maker_fee=Decimal("0.0002"),
    taker_fee=Decimal("0.00055"),
    min_notional=Decimal(5),
    max_amount=Decimal("7240"),
    max_leverage=Decimal(100),
)
MINUTE = 60_000


def walking_candles(count: int, *, start: Decimal = Decimal(1850), seed: int = 7, stride: float = 2.0) -> list[Candle]:
    """A seeded walk around ``start`` on a tick of 0.01. Candles open where the last one closed, now and then with a gap."""
    dice = random.Random(seed)
    candles: list[Candle] = []
    price = start
    for minute in range(count):
        opened = price + (_cents(dice.gauss(0, 3 * stride)) if dice.random() < 0.02 else 0)
        walk = [opened]
        for _ in range(6):
            walk.append(max(Decimal(10), walk[-1] + _cents(dice.gauss(float(start - walk[-1]) * 0.002, stride))))
        candles.append(Candle(minute * MINUTE, opened, max(walk), min(walk), walk[-1], Decimal(1)))
        price = walk[-1]
    return candles


def _cents(value: float) -> Decimal:
    return Decimal(round(value * 100)) / 100
