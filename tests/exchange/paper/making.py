"""A paper book in memory, and short ways to speak of it."""

from __future__ import annotations

from decimal import Decimal

from exchange.paper.book import Book, Counters
from exchange.paper.orders import BookOrder, Market, PricePoint
from exchange.paper.purse import Purse
from exchange.port import OrderRequest
from strategies.contract import MarketSpec, OrderType, Side
from tests.strategies.markets import LINEAR, SPOT

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
SPECS = {SPOT.symbol: SPOT, LINEAR.symbol: LINEAR}


class Desk:
    """One market at 2000, and a clock that goes on by a second with each price."""

    def __init__(self, spec: MarketSpec = SPOT, slippage: str = "0", leverage: str = "10", **totals: str) -> None:
        self.market = Market(spec.symbol, D(2000), 0, leverage=D(leverage))
        self.purse = Purse(
            {**SPECS, spec.symbol: spec},
            {coin: D(amount) for coin, amount in totals.items()},
            {spec.symbol: self.market},
        )
        self.book = Book(spec, self.market, self.purse, Counters(), slippage=D(slippage))
        self._number = 0

    def place(self, side: Side, amount: str, price: str = "", *, stop: str = "", **flags: bool) -> BookOrder:
        self._number += 1
        kind = OrderType.STOP if stop else OrderType.LIMIT if price else OrderType.MARKET
        request = OrderRequest(
            symbol=self.market.symbol,
            client_order_id=f"order-{self._number}",
            side=side,
            type=kind,
            amount=D(amount),
            price=D(price) if price else None,
            trigger_price=D(stop) if stop else None,
            **flags,
        )
        return self.book.place(request)

    def go(self, *prices: str) -> None:
        start = self.market.seen_at
        self.book.follow(PricePoint(start + 1000 * (step + 1), D(price)) for step, price in enumerate(prices))

    @property
    def fills(self) -> list[tuple[int, Decimal, Decimal, Decimal, str, bool]]:
        """(order's number, price, amount, fee, its coin, maker)."""
        return [
            (one.order.number, one.price, one.amount, one.fee, one.fee_currency, one.is_maker)
            for one in self.book.executions
        ]
