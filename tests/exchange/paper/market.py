"""A market whose prices a test says, behind the port's public half. Orders never reach it: the paper gateway has its own book."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from exchange.fresh_price import PriceLimits
from exchange.models import ExchangeAccount
from exchange.paper.feed import PriceFeed
from exchange.paper.gateway import PaperGateway
from exchange.paper.store import BookStore
from exchange.port import Candle, ExchangeGateway, OrderRequest, Ticker
from strategies.contract import MarketSpec, OrderType, Side
from tests.bots import cast
from tests.exchange.paper.making import SPECS, D

START = 1_746_316_800_000  # 2025-05-04 00:00 UTC
MINUTE = 60_000


class ToldMarket:
    """``prices`` by symbol, as (time, price); ``history`` are its one-minute candles."""

    def __init__(self) -> None:
        self.prices: dict[str, tuple[int, Decimal]] = {symbol: (START, D(2000)) for symbol in SPECS}
        self.history: list[Candle] = []
        self.asked: list[int | None] = []

    def markets(self) -> Mapping[str, MarketSpec]:
        return SPECS

    def ticker(self, symbol: str) -> Ticker:
        at, price = self.prices[symbol]
        return Ticker(symbol, price, at)

    def candles(self, symbol: str, timeframe: str, *, since: int | None = None, limit: int = 500) -> list[Candle]:
        assert timeframe == "1m"
        self.asked.append(since)
        return [candle for candle in self.history if candle.timestamp >= (since or 0)][:limit]

    def say(self, price: str, *, after: int = 1000) -> None:
        """Every market is at ``price``, ``after`` milliseconds later."""
        for symbol, (at, _) in self.prices.items():
            self.prices[symbol] = (at + after, D(price))


def candle(minute: int, open: str, high: str, low: str, close: str) -> Candle:
    return Candle(START + minute * MINUTE, D(open), D(high), D(low), D(close), D(1))


def paper_account(**balances: str) -> ExchangeAccount:
    return cast.account(
        "paper",
        environment="paper",
        base_url="",
        api_key="",
        api_secret="",
        paper_balances=balances or {"USDT": "1000", "ETH": "1"},
    )


def paper_gateway(market: ToldMarket, account: ExchangeAccount) -> PaperGateway:
    public: ExchangeGateway = market  # type: ignore[assignment]  # the public half is all that is asked for
    feed = PriceFeed(public, "a venue without a stream", PriceLimits(age=0, lag=30_000), now_ms=lambda: START)
    return PaperGateway(public, BookStore(account.pk, account.paper_slippage), feed)


def limit(number: int, side: Side, price: str, amount: str = "0.1", symbol: str = "ETH/USDT") -> OrderRequest:
    return OrderRequest(symbol, f"order-{number}", side, OrderType.LIMIT, D(amount), D(price))
