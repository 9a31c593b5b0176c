"""A quiet exchange behind the pages: ETH has stood at 2,000 for as long as anybody remembers."""

from __future__ import annotations

from decimal import Decimal

from exchange.port import Candle, ExchangePosition
from tests.api.market import QuietMarket
from tests.bots.cast import NOW

MINUTE_MS = 60_000


class ChartedMarket(QuietMarket):
    """``candles`` counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def candles(self, symbol: str, timeframe: str, *, since: int | None = None, limit: int = 500) -> list[Candle]:
        """Three of one minute, the last one opening at ``NOW``."""
        self.asked += 1
        last = int(NOW.timestamp() * 1000)
        prices = Decimal("1999"), Decimal("2001.5"), Decimal("1998"), Decimal("2000")
        return [Candle(last - back * MINUTE_MS, *prices, volume=Decimal(1)) for back in (2, 1, 0)]

    def positions(self) -> list[ExchangePosition]:
        return [
            ExchangePosition(
                symbol="ETH/USDT:USDT",
                amount=Decimal("0.1"),
                average_price=Decimal("1900"),
                unrealised_pnl=Decimal("10.5"),
            )
        ]
