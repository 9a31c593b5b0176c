"""The paper book in the database. What changes it happens under the book's row lock, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Context, Decimal, localcontext
from typing import Any

from django.db import transaction
from django.db.models import Q

from exchange.ccxt_parsing import plain
from exchange.models import ExchangeAccount
from exchange.paper.book import Book, Counters
from exchange.paper.models import (
    OPEN_STATUSES,
    PaperBalance,
    PaperBook,
    PaperExecution,
    PaperMarket,
    PaperOrder,
    PaperStatus,
)
from exchange.paper.orders import BookOrder, Execution, Market, PricePoint
from exchange.paper.purse import Purse
from strategies.contract import MarketKind, MarketSpec, OrderType, Side

# The columns hold 38 digits; products of two of them need twice that before they are rounded.
PRECISION = Context(prec=80)

_ORDER_COLUMNS = (
    "number", "client_order_id", "symbol", "side", "type", "amount", "price", "trigger_price", "rising", "post_only",
    "reduce_only", "status", "arrival", "created", "updated", "filled", "filled_value", "triggered", "reason",
)  # fmt: skip
_MARKET_COLUMNS = ("symbol", "price", "seen_at", "size", "entry_value", "leverage")


def exact(number: Decimal) -> Decimal:
    """Without the zeros that a column fills up with."""
    return Decimal(plain(number))


class BookStore:
    """One account's. ``slippage`` is a fraction."""

    def __init__(self, account_id: int, slippage: Decimal) -> None:
        self._account_id = account_id
        self._slippage = slippage

    # --- Reading -------------------------------------------------------------------------------------------------

    def market(self, symbol: str) -> Market | None:
        """``None`` before the first look at it."""
        row = PaperMarket.objects.filter(book_id=self._account_id, symbol=symbol).values(*_MARKET_COLUMNS).first()
        return _market(row) if row else None

    def resting_symbols(self) -> set[str]:
        """Where orders of the account wait for the price."""
        return set(self._orders().filter(status__in=OPEN_STATUSES).values_list("symbol", flat=True).distinct())

    def open_orders(self, symbol: str) -> list[BookOrder]:
        return [_order(row) for row in self._rows(symbol=symbol, status__in=OPEN_STATUSES)]

    def orders_since(self, symbol: str, since: int) -> list[BookOrder]:
        return [_order(row) for row in self._rows(symbol=symbol, created__gte=since)]

    def order(self, symbol: str, client_order_id: str) -> BookOrder | None:
        row = self._rows(symbol=symbol, client_order_id=client_order_id).first()
        return _order(row) if row else None

    def is_known(self, client_order_id: str) -> bool:
        return bool(self._orders().filter(client_order_id=client_order_id).exists())

    def executions_since(self, *, is_spot: bool, since: int) -> list[Execution]:
        """Everything from the first execution at or after ``since`` on, in the order in which it was matched.

        Two markets are followed one after the other, and a later match may bear an earlier time. A reader that goes on
        from the newest time it has seen must not miss it, so the numbers decide, not the times.
        """
        rows = PaperExecution.objects.filter(book_id=self._account_id, is_spot=is_spot)
        first = rows.filter(timestamp__gte=since).order_by("number").values_list("number", flat=True).first()
        if first is None:
            return []
        found = rows.filter(number__gte=first).order_by("timestamp", "number").select_related("order")
        return [
            Execution(
                order=_order({name: getattr(row.order, name) for name in _ORDER_COLUMNS}),
                number=row.number,
                price=exact(row.price),
                amount=exact(row.amount),
                fee=exact(row.fee),
                fee_currency=row.fee_currency,
                is_maker=row.is_maker,
                timestamp=row.timestamp,
            )
            for row in found
        ]

    def purse(self, specs: Mapping[str, MarketSpec]) -> Purse:
        """Under the lock, so that its parts fit together."""
        with self._locked():
            return self._purse(specs)

    # --- Writing -------------------------------------------------------------------------------------------------

    @contextmanager
    def matching(self, spec: MarketSpec, specs: Mapping[str, MarketSpec], seen: PricePoint) -> Iterator[Book]:
        """The book of one market to be worked on; what was changed is stored when the block ends without an error.

        ``seen`` is where a market begins that was never looked at.
        """
        with self._locked() as counters:
            market = self._market(spec.symbol, seen)
            purse = self._purse(specs)
            purse.markets[spec.symbol] = market
            book = Book(spec=spec, market=market, purse=purse, counters=counters, slippage=self._slippage)
            yield book
            self._save(book)

    def follow_quietly(self, symbol: str, points: list[PricePoint]) -> bool:
        """Notes the price when nothing of the account is met on the way there. False: the book has to be matched."""
        with self._locked():
            market = self._market(symbol, points[0])
            ahead = [point for point in points if point.at >= market.seen_at]
            if not ahead:
                return True
            prices = [market.price, *(point.price for point in ahead)]
            if self._meets_something(symbol, min(prices), max(prices)):
                return False
            PaperMarket.objects.filter(book_id=self._account_id, symbol=symbol).update(
                price=ahead[-1].price, seen_at=ahead[-1].at
            )
        return True

    def set_leverage(self, symbol: str, leverage: Decimal, seen: PricePoint) -> None:
        with self._locked():
            self._market(symbol, seen)
            PaperMarket.objects.filter(book_id=self._account_id, symbol=symbol).update(leverage=leverage)

    # --- Machinery -----------------------------------------------------------------------------------------------

    def _orders(self) -> Any:
        return PaperOrder.objects.filter(book_id=self._account_id)

    def _rows(self, **wanted: Any) -> Any:
        return self._orders().filter(**wanted).order_by("number").values(*_ORDER_COLUMNS)

    def _meets_something(self, symbol: str, low: Decimal, high: Decimal) -> bool:
        limits = Q(status=PaperStatus.OPEN, side=Side.BUY, price__gte=low) | Q(
            status=PaperStatus.OPEN, side=Side.SELL, price__lte=high
        )
        triggers = Q(status=PaperStatus.WAITING, rising=True, trigger_price__lte=high) | Q(
            status=PaperStatus.WAITING, rising=False, trigger_price__gte=low
        )
        return bool(self._orders().filter(limits | triggers, symbol=symbol).exists())

    @contextmanager
    def _locked(self) -> Iterator[Counters]:
        self._open_book()
        with transaction.atomic(), localcontext(PRECISION):
            row = PaperBook.objects.select_for_update(no_key=True).get(pk=self._account_id)
            counters = Counters(row.orders, row.executions, row.arrivals)
            yield counters
            if (row.orders, row.executions, row.arrivals) != (counters.orders, counters.executions, counters.arrivals):
                row.orders, row.executions, row.arrivals = counters.orders, counters.executions, counters.arrivals
                row.save(update_fields=["orders", "executions", "arrivals"])

    def _open_book(self) -> None:
        """The first time, with what the account was told to begin with."""
        if PaperBook.objects.filter(pk=self._account_id).exists():
            return
        with transaction.atomic():
            # Two workers may be the first.
            account = ExchangeAccount.objects.select_for_update(no_key=True).get(pk=self._account_id)
            book, created = PaperBook.objects.get_or_create(account=account)
            if created:
                PaperBalance.objects.bulk_create(
                    PaperBalance(book=book, coin=coin, total=Decimal(total))
                    for coin, total in sorted(account.paper_balances.items())
                )

    def _market(self, symbol: str, seen: PricePoint) -> Market:
        row, _ = PaperMarket.objects.get_or_create(
            book_id=self._account_id, symbol=symbol, defaults={"price": seen.price, "seen_at": seen.at}
        )
        return _market({name: getattr(row, name) for name in _MARKET_COLUMNS})

    def _purse(self, specs: Mapping[str, MarketSpec]) -> Purse:
        return Purse(
            specs=specs,
            totals={row.coin: exact(row.total) for row in PaperBalance.objects.filter(book_id=self._account_id)},
            markets={
                row["symbol"]: _market(row)
                for row in PaperMarket.objects.filter(book_id=self._account_id).values(*_MARKET_COLUMNS)
            },
            orders={order.number: order for order in (_order(row) for row in self._rows(status__in=OPEN_STATUSES))},
        )

    def _save(self, book: Book) -> None:
        stored = self._save_orders(book)
        PaperExecution.objects.bulk_create(
            PaperExecution(
                book_id=self._account_id,
                order_id=stored[execution.order.number],
                number=execution.number,
                is_spot=book.spec.kind is MarketKind.SPOT,
                price=execution.price,
                amount=execution.amount,
                fee=execution.fee,
                fee_currency=execution.fee_currency,
                is_maker=execution.is_maker,
                timestamp=execution.timestamp,
            )
            for execution in book.executions
        )
        for coin in book.purse.touched:
            PaperBalance.objects.update_or_create(
                book_id=self._account_id, coin=coin, defaults={"total": book.purse.totals[coin]}
            )
        market = book.market
        PaperMarket.objects.filter(book_id=self._account_id, symbol=market.symbol).update(
            price=market.price, seen_at=market.seen_at, size=market.size, entry_value=market.entry_value
        )

    def _save_orders(self, book: Book) -> dict[int, int]:
        """Row ids by number."""
        ids: dict[int, int] = dict(self._orders().filter(number__in=book.changed).values_list("number", "pk"))
        for number, order in sorted(book.changed.items()):
            values = {name: getattr(order, name) for name in _ORDER_COLUMNS}
            if number in ids:
                PaperOrder.objects.filter(pk=ids[number]).update(**values)
            else:
                ids[number] = PaperOrder.objects.create(book_id=self._account_id, **values).pk
        return ids


def _order(row: Mapping[str, Any]) -> BookOrder:
    values = dict(row)
    for name in ("amount", "price", "trigger_price", "filled", "filled_value"):
        values[name] = exact(values[name]) if values[name] is not None else None
    values["side"], values["type"] = Side(values["side"]), OrderType(values["type"])
    values["status"] = PaperStatus(values["status"])
    return BookOrder(**values)


def _market(row: Mapping[str, Any]) -> Market:
    return Market(
        symbol=row["symbol"],
        price=exact(row["price"]),
        seen_at=row["seen_at"],
        size=exact(row["size"]),
        entry_value=exact(row["entry_value"]),
        leverage=exact(row["leverage"]),
    )
