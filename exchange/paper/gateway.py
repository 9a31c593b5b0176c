"""A paper account behind the port: prices, markets and candles of a real exchange, orders in our own database.

The book is brought up to the present price by every call that reads or changes it: nothing runs in between, and nothing
is missed by it (:mod:`exchange.paper.feed`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from decimal import Decimal

from exchange.errors import DuplicateClientOrderId, NeedsOperator, NothingSent, OrderNotFound, TemporaryError
from exchange.order_rules import refuse_what_does_not_fit, refuse_what_the_exchange_must_refuse
from exchange.paper.book import Book
from exchange.paper.feed import PriceFeed
from exchange.paper.models import PaperStatus
from exchange.paper.orders import BookOrder, Execution, PricePoint
from exchange.paper.store import BookStore
from exchange.port import (
    Balance,
    Candle,
    ExchangeGateway,
    ExchangePosition,
    FillReport,
    OrderReport,
    OrderRequest,
    ReportedStatus,
    Ticker,
)
from exchange.traits import DuplicateIds, VenueTraits
from strategies.contract import MarketKind, MarketSpec, OrderType

TRAITS = VenueTraits(
    client_order_ids=True,
    finds_by_client_id=True,
    fills_carry_client_id=True,
    duplicate_ids=DuplicateIds.REFUSED,
    amends=frozenset(MarketKind),
    amends_stops=frozenset(MarketKind),
    stop_orders=frozenset(MarketKind),
    # An order and its executions are written in one transaction.
    not_found_lag=timedelta(0),
    fills_lag=timedelta(0),
)
_REPORTED = {
    PaperStatus.WAITING: ReportedStatus.OPEN,
    PaperStatus.OPEN: ReportedStatus.OPEN,
    PaperStatus.FILLED: ReportedStatus.FILLED,
    PaperStatus.CANCELED: ReportedStatus.CANCELED,
    PaperStatus.REJECTED: ReportedStatus.REJECTED,
}


class PaperGateway:
    """One account. ``public`` answers for the market, and is of this thread as well."""

    def __init__(self, public: ExchangeGateway, store: BookStore, feed: PriceFeed) -> None:
        self._public = public
        self._store = store
        self._feed = feed

    @property
    def traits(self) -> VenueTraits:
        return TRAITS

    # --- The market ----------------------------------------------------------------------------------------------

    def server_time(self) -> int:
        return self._public.server_time()

    def markets(self) -> Mapping[str, MarketSpec]:
        return self._public.markets()

    def market(self, symbol: str) -> MarketSpec:
        return self._spec(symbol)

    def ticker(self, symbol: str) -> Ticker:
        return self._public.ticker(symbol)

    def candles(self, symbol: str, timeframe: str, *, since: int | None = None, limit: int = 500) -> list[Candle]:
        return self._public.candles(symbol, timeframe, since=since, limit=limit)

    # --- The account ---------------------------------------------------------------------------------------------

    def balances(self) -> Mapping[str, Balance]:
        self._advance_all()
        purse = self._store.purse(self.markets())
        found = {}
        for coin, total in purse.totals.items():
            used = purse.used(coin)
            found[coin] = Balance(free=total - used, used=used, total=total)
        return found

    def positions(self) -> list[ExchangePosition]:
        self._advance_all()
        return [
            ExchangePosition(
                symbol=market.symbol,
                amount=market.size,
                # As exchanges round it: the money is kept as a sum.
                average_price=round(market.entry_value / market.size, 12),
                unrealised_pnl=market.unrealised,
                leverage=market.leverage,
            )
            for market in self._store.purse(self.markets()).markets.values()
            if market.size
        ]

    def open_orders(self, symbol: str) -> list[OrderReport]:
        self._advance(symbol)
        return [_report(order) for order in self._store.open_orders(symbol)]

    def order(self, symbol: str, client_order_id: str, *, exchange_order_id: str = "") -> OrderReport:
        self._advance(symbol)
        found = self._store.order(symbol, client_order_id)
        if found is None:
            raise OrderNotFound(f"The paper account knows no order {client_order_id} on {symbol}.")
        return _report(found)

    def orders_since(self, symbol: str, since: int) -> list[OrderReport]:
        self._advance(symbol)
        return [_report(order) for order in self._store.orders_since(symbol, since)]

    def fills_since(self, kind: MarketKind, since: int, *, symbols: Collection[str] = ()) -> list[FillReport]:
        """May begin a little before ``since``: see :meth:`BookStore.executions_since`."""
        self._advance_all(kind)
        found = self._store.executions_since(is_spot=kind is MarketKind.SPOT, since=since)
        return [_fill_report(execution) for execution in found]

    # --- Writing -------------------------------------------------------------------------------------------------

    def place(self, request: OrderRequest) -> OrderReport:
        """Never leaves a doubt: the order is in the book when this returns, and is not when it raises."""
        spec = self._spec(request.symbol)
        refuse_what_the_exchange_must_refuse(request, spec)
        try:
            seen = self._advance(request.symbol)
        except TemporaryError as error:
            raise NothingSent(f"{request.client_order_id} was not placed: {error.detail}") from error
        with self._store.matching(spec, self.markets(), seen) as book:
            if self._store.is_known(request.client_order_id):
                raise DuplicateClientOrderId(f"The paper account has an order {request.client_order_id} already.")
            order = book.place(request)
        return _report(order)

    def amend(
        self,
        symbol: str,
        client_order_id: str,
        *,
        amount: Decimal,
        price: Decimal | None = None,
        trigger_price: Decimal | None = None,
        exchange_order_id: str = "",
    ) -> None:
        spec = self._spec(symbol)
        refuse_what_does_not_fit(client_order_id, spec, amount=amount, price=price, trigger_price=trigger_price)
        try:
            seen = self._advance(symbol)
        except TemporaryError as error:
            raise NothingSent(f"{client_order_id} was not amended: {error.detail}") from error
        with self._store.matching(spec, self.markets(), seen) as book:
            order = _open_order(book, symbol, client_order_id)
            book.amend(order, amount=amount, price=price, trigger_price=trigger_price)

    def cancel(self, symbol: str, client_order_id: str, *, exchange_order_id: str = "") -> None:
        seen = self._advance(symbol)
        with self._store.matching(self._spec(symbol), self.markets(), seen) as book:
            book.cancel(_open_order(book, symbol, client_order_id))

    def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        spec = self._spec(symbol)
        if spec.kind is not MarketKind.LINEAR:
            raise NeedsOperator(f"{symbol} is a spot market, which has no leverage.")
        if leverage < 1 or (spec.max_leverage is not None and leverage > spec.max_leverage):
            raise NeedsOperator(
                f"Leverage {leverage} is outside what {symbol} allows: 1 to {spec.max_leverage or '?'}."
            )
        self._store.set_leverage(symbol, leverage, self._feed.now(symbol))

    # --- The book's way through time -----------------------------------------------------------------------------

    def _advance_all(self, kind: MarketKind | None = None) -> None:
        specs = self.markets()
        for symbol in sorted(self._store.resting_symbols()):
            if kind is None or (symbol in specs and specs[symbol].kind is kind):
                self._advance(symbol, something_rests=True)

    def _advance(self, symbol: str, *, something_rests: bool | None = None) -> PricePoint:
        """Brings the book up to the present price and returns it. Where nothing rests, the way there does not matter.

        Prices are asked for outside the transaction. Whoever else was faster has moved the book beyond what was seen
        here, and what lies behind it is not followed again.
        """
        spec = self._spec(symbol)
        now = self._feed.now(symbol)
        market = self._store.market(symbol)
        if market is None or (market.seen_at, market.price) == (now.at, now.price) or market.seen_at > now.at:
            return now
        if something_rests is None:
            something_rests = symbol in self._store.resting_symbols()
        seen = PricePoint(market.seen_at, market.price)
        for points in self._feed.path(symbol, seen, now) if something_rests else [[now]]:
            if points and not self._store.follow_quietly(symbol, points):
                with self._store.matching(spec, self.markets(), now) as book:
                    book.follow(points)
        return now

    def _spec(self, symbol: str) -> MarketSpec:
        spec = self.markets().get(symbol)
        if spec is None:
            raise NeedsOperator(
                f"{symbol!r} cannot be traded here. Symbols are written ETH/USDT (spot) or ETH/USDT:USDT (linear)."
            )
        return spec


def _open_order(book: Book, symbol: str, client_order_id: str) -> BookOrder:
    """Raises ``OrderNotFound``."""
    for order in book.purse.orders.values():
        if order.client_order_id == client_order_id and order.symbol == symbol:
            return order
    raise OrderNotFound(f"The paper account has no open order {client_order_id} on {symbol}.")


def _exchange_id(order: BookOrder) -> str:
    return f"paper-{order.number}"


def _report(order: BookOrder) -> OrderReport:
    return OrderReport(
        symbol=order.symbol,
        client_order_id=order.client_order_id,
        exchange_order_id=_exchange_id(order),
        status=_REPORTED[order.status],
        side=order.side,
        type=order.type,
        amount=order.amount,
        filled=order.filled,
        price=order.price,
        average_price=round(order.filled_value / order.filled, 12) if order.filled else None,
        trigger_price=order.trigger_price,
        triggered=order.triggered if order.type is OrderType.STOP else None,
        timestamp=order.created,
        reason=order.reason,
    )


def _fill_report(execution: Execution) -> FillReport:
    order = execution.order
    return FillReport(
        symbol=order.symbol,
        trade_id=f"paper-{execution.number}",
        exchange_order_id=_exchange_id(order),
        client_order_id=order.client_order_id,
        side=order.side,
        price=execution.price,
        amount=execution.amount,
        fee=execution.fee,
        fee_currency=execution.fee_currency,
        timestamp=execution.timestamp,
        is_maker=execution.is_maker,
    )
