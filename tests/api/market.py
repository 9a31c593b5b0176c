"""An exchange that answers only what a preview asks."""

from __future__ import annotations

from decimal import Decimal

from exchange.port import Balance, Ticker
from strategies.contract import MarketSpec
from tests.bots.cast import ETH_LINEAR, NOW


class QuietMarket:
    """ETH stands at 2,000, and there are 100,000 USDT to spend."""

    def markets(self) -> dict[str, MarketSpec]:
        return {ETH_LINEAR.symbol: ETH_LINEAR}

    def market(self, symbol: str) -> MarketSpec:
        return self.markets()[symbol]

    def ticker(self, symbol: str) -> Ticker:
        return Ticker(symbol=symbol, last=Decimal("2000"), timestamp=int(NOW.timestamp() * 1000))

    def balances(self) -> dict[str, Balance]:
        return {"USDT": Balance(free=Decimal("100000"), used=Decimal(0), total=Decimal("100000"))}
