"""Reading the truth: executions are booked once, and orders that the exchange closed are noticed.

One reader at a time serves all bots of an account. Executions are what positions follow from; an order's status only
tells whether more of them may come.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import structlog
from django.db import transaction

from bots import hints
from bots.events import record
from bots.ledger import apply_fill
from bots.lifecycle import OrderStatus
from bots.locks import LockKind, try_lock
from bots.models import Bot, EventKind, Fill, Order, Severity
from exchange.errors import OrderNotFound
from exchange.models import ExchangeAccount
from exchange.port import ExchangeGateway, FillReport, OrderReport, ReportedStatus
from strategies.contract import MarketKind

log = structlog.get_logger(__name__)

# Executions are read again from a little before the newest one known: they may be published late and out of order.
OVERLAP_MS = 30_000
# A price is good for a tick that follows the last reading by no more than this while another reader is at work.
STALE_AFTER = timedelta(seconds=5)
# How often all open orders of an account are compared with ours, to notice what was cancelled behind our back.
AUDIT_EVERY = timedelta(seconds=15)
# An exchange may not list an order yet that it has just accepted.
NOT_FOUND_LAG = timedelta(seconds=3)

_STATUS = {
    ReportedStatus.OPEN: OrderStatus.OPEN,
    ReportedStatus.PARTIALLY_FILLED: OrderStatus.PARTIALLY_FILLED,
    ReportedStatus.FILLED: OrderStatus.FILLED,
    ReportedStatus.CANCELED: OrderStatus.CANCELED,
    ReportedStatus.REJECTED: OrderStatus.REJECTED,
    ReportedStatus.EXPIRED: OrderStatus.EXPIRED,
}


def moment(milliseconds: int) -> datetime:
    """An exchange's timestamp as an aware datetime."""
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)


def kind_of(symbol: str) -> MarketKind:
    return MarketKind.LINEAR if ":" in symbol else MarketKind.SPOT


def sync_account(
    account: ExchangeAccount, *, gateway: ExchangeGateway, now: datetime, max_age: timedelta, audit: bool = False
) -> bool:
    """Makes sure that the account's executions were read no longer than ``max_age`` ago.

    Returns whether the database is fresh enough to decide on. When another worker is reading just now, its last
    reading serves unless it is older than ``STALE_AFTER``.
    """
    if not audit and account.synced_at is not None and now - account.synced_at < max_age:
        return True
    with try_lock(LockKind.ACCOUNT_SYNC, account.pk) as held:
        account.refresh_from_db(fields=["synced_at", "audited_at", "fills_cursor"])
        if not held:
            return account.synced_at is not None and now - account.synced_at < max(STALE_AFTER, max_age)
        if not audit and account.synced_at is not None and now - account.synced_at < max_age:
            return True
        # Every kind of market that a bot was started on has a cursor.
        for kind in sorted(account.fills_cursor):
            _sync_fills(account, MarketKind(kind), gateway, now)
        if audit or account.audited_at is None or now - account.audited_at >= AUDIT_EVERY:
            audit_open_orders(Bot.objects.ticking().filter(account=account), gateway=gateway, now=now)
            account.audited_at = now
        account.synced_at = now
        account.save(update_fields=["synced_at", "audited_at", "fills_cursor"])
    return True


def _sync_fills(account: ExchangeAccount, kind: MarketKind, gateway: ExchangeGateway, now: datetime) -> None:
    cursor = int(account.fills_cursor.get(kind, 0))
    symbols = traded_symbols(account, gateway)
    reports = gateway.fills_since(kind, max(cursor - OVERLAP_MS, 0), symbols=symbols)
    if reports:
        book_fills(account, reports, gateway=gateway, now=now)
        # Stored by the caller. Should it not come to that, these are only read once more.
        account.fills_cursor[kind] = max(cursor, *(report.timestamp for report in reports))


def traded_symbols(account: ExchangeAccount, gateway: ExchangeGateway) -> list[str]:
    """What the account's bots trade, for exchanges that list executions by symbol only; the others need no list."""
    if not gateway.traits.fills_by_symbol:
        return []
    return sorted(set(Bot.objects.filter(account=account).values_list("symbol", flat=True)))


def book_fills(
    account: ExchangeAccount, reports: Sequence[FillReport], *, gateway: ExchangeGateway, now: datetime
) -> list[Fill]:
    """Books those of ``reports`` that are ours and new. Must run under the account's sync lock."""
    known = set(
        Fill.objects.filter(account=account, trade_id__in=[report.trade_id for report in reports]).values_list(
            "symbol", "trade_id"
        )
    )
    new = [report for report in reports if (report.symbol, report.trade_id) not in known]
    if not new:
        return []
    with transaction.atomic():
        return _book_new(account, new, gateway=gateway, now=now)


def _book_new(
    account: ExchangeAccount, new: Sequence[FillReport], *, gateway: ExchangeGateway, now: datetime
) -> list[Fill]:
    orders = {
        order.client_order_id: order
        for order in Order.objects.select_for_update(no_key=True, of=("self",))
        .filter(account=account, client_order_id__in={report.client_order_id for report in new})
        .select_related("bot")
        .order_by("id")
    }
    booked = []
    for report in sorted(new, key=lambda item: item.timestamp):
        order = orders.get(report.client_order_id)
        if order is None:
            log.info("execution of an order that is not ours", trade_id=report.trade_id, symbol=report.symbol)
            continue
        booked.append(_book(order, report, gateway=gateway, now=now))
    return booked


def _book(order: Order, report: FillReport, *, gateway: ExchangeGateway, now: datetime) -> Fill:
    market = gateway.markets()[report.symbol]
    fee_base = report.fee if report.fee_currency == market.base else Decimal(0)
    order.filled += report.amount
    order.filled_quote += report.price * report.amount
    order.reported_filled = max(order.reported_filled, order.filled)
    order.exchange_order_id = order.exchange_order_id or report.exchange_order_id
    complete = order.filled >= order.amount
    if complete:
        order.change_status(OrderStatus.FILLED)
        order.closed_at = now
    elif order.is_live:
        order.change_status(OrderStatus.PARTIALLY_FILLED)
    order.save()
    fill = Fill.objects.create(
        bot=order.bot,
        account_id=order.account_id,
        order=order,
        symbol=report.symbol,
        trade_id=report.trade_id,
        side=report.side,
        price=report.price,
        amount=report.amount,
        fee=report.fee,
        fee_currency=report.fee_currency,
        fee_base=fee_base,
        fee_quote=_fee_in_quote(report, market.base, market.quote, gateway=gateway),
        is_maker=report.is_maker,
        executed_at=moment(report.timestamp),
        booked_at=now,
        completes_order=complete,
    )
    apply_fill(fill, now=now)
    record(
        EventKind.ORDER_FILLED if complete else EventKind.ORDER_PARTIALLY_FILLED,
        f"{'Bought' if report.side == 'buy' else 'Sold'} {report.amount.normalize():f} {market.base} "
        f"at {report.price.normalize():f} {market.quote}.",
        now=now,
        bot=order.bot,
        order=order,
        data={"slot": order.slot, "price": str(report.price), "amount": str(report.amount), "side": report.side},
    )
    hints.publish(
        "fill",
        bot=order.bot.name,
        data={
            "side": report.side,
            "price": str(report.price),
            "amount": str(report.amount),
            "timestamp": report.timestamp,
            "slot": order.slot,
        },
    )
    return fill


def _fee_in_quote(report: FillReport, base: str, quote: str, *, gateway: ExchangeGateway) -> Decimal:
    """The fee's worth in quote. A third coin is valued at its present price; the fill keeps that value for good."""
    if report.fee == 0 or report.fee_currency == quote:
        return report.fee
    if report.fee_currency == base:
        return report.fee * report.price
    return report.fee * gateway.ticker(f"{report.fee_currency}/{quote}").last


def audit_open_orders(bots: Iterable[Bot], *, gateway: ExchangeGateway, now: datetime) -> None:
    """Compares the exchange's open orders with ours, for every symbol these bots trade.

    An order of ours that is not among them is asked for by its id. One that carries the tag of one of these bots but
    is not live in the database is a stray, and is cancelled: nothing would ever look after it.
    """
    by_symbol: dict[str, list[Bot]] = {}
    for bot in bots:
        by_symbol.setdefault(bot.symbol, []).append(bot)
    for symbol, group in by_symbol.items():
        ours = {
            order.client_order_id: order
            for order in Order.objects.filter(bot__in=group, symbol=symbol).live().select_related("bot")
        }
        listed = {report.client_order_id: report for report in gateway.open_orders(symbol)}
        for client_order_id, order in ours.items():
            if client_order_id not in listed and order.status in (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED):
                ask(order, gateway=gateway, now=now)
        tags = {f"ta{bot.tag}": bot for bot in group}
        for client_order_id in listed.keys() - ours.keys():
            owner = tags.get(client_order_id[:8])
            if owner is not None:
                _cancel_stray(owner, symbol, client_order_id, gateway=gateway, now=now)


def _cancel_stray(bot: Bot, symbol: str, client_order_id: str, *, gateway: ExchangeGateway, now: datetime) -> None:
    # It may have been placed, and written down, since our own list was read.
    if Order.objects.filter(account_id=bot.account_id, client_order_id=client_order_id).live().exists():
        return
    try:
        gateway.cancel(symbol, client_order_id)
    except OrderNotFound:
        return
    record(
        EventKind.ORDER_CANCELED,
        f"Canceled a stray order on {symbol}: it carries this bot's mark but is not in its books.",
        now=now,
        bot=bot,
        severity=Severity.WARNING,
        data={"client_order_id": client_order_id},
    )


def ask(order: Order, *, gateway: ExchangeGateway, now: datetime) -> bool:
    """Asks the exchange for one order and notes the answer. Returns whether the exchange knows it."""
    try:
        report = gateway.order(order.symbol, order.client_order_id)
    except OrderNotFound:
        return False
    note_report(order, report, now=now)
    return True


def note_report(order: Order, report: OrderReport, *, now: datetime) -> None:
    """Carries what the exchange says of an order into the database.

    The row is read again under a lock: another worker may have booked its fills meanwhile, and what is over stays
    over. An order is only called filled here when its executions are booked too; until then it counts as standing.
    """
    with transaction.atomic():
        row = Order.objects.select_for_update(no_key=True, of=("self",)).select_related("bot").get(pk=order.pk)
        first_news = row.status in (OrderStatus.SENT, OrderStatus.UNKNOWN)
        row.exchange_order_id = row.exchange_order_id or report.exchange_order_id
        if report.timestamp is not None:
            row.exchange_time = moment(report.timestamp)
        if report.filled is not None:
            row.reported_filled = max(row.reported_filled, report.filled)
        if report.reason:
            row.reject_reason = report.reason
        status = _STATUS[report.status]
        if status == OrderStatus.FILLED and row.filled < row.amount:
            status = OrderStatus.PARTIALLY_FILLED if row.filled else OrderStatus.OPEN
        if status == OrderStatus.OPEN and row.filled:
            status = OrderStatus.PARTIALLY_FILLED
        over = row.status not in (OrderStatus.SENT, OrderStatus.UNKNOWN) and not row.is_live
        if not over:
            row.change_status(status)
            if not row.is_live:
                row.closed_at = now
        row.save()
        order.refresh_from_db()
        if over:
            return
        if row.status in (OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED):
            _tell_that_it_is_over(row, now=now)
        elif first_news:
            tell_that_it_stands(row, now=now)


def tell_that_it_stands(order: Order, *, now: datetime) -> None:
    record(
        EventKind.ORDER_PLACED,
        f"Placed: {order.side} {order.amount.normalize():f} {order.symbol}"
        + (f" at {order.price.normalize():f}." if order.price is not None else " at market."),
        now=now,
        bot=order.bot,
        order=order,
        data={"slot": order.slot},
    )
    hints.publish("order", bot=order.bot.name, data={"id": order.pk, "status": order.status})


def _tell_that_it_is_over(order: Order, *, now: datetime) -> None:
    asked_for = order.cancel_requested_at is not None
    why = f" {order.reject_reason}" if order.reject_reason else ""
    record(
        EventKind.ORDER_FAILED if order.status == OrderStatus.REJECTED else EventKind.ORDER_CANCELED,
        f"{order.get_status_display()}: {order.side} {order.amount.normalize():f} {order.symbol}"
        + (f" at {order.price.normalize():f}" if order.price is not None else "")
        + ("." if asked_for else f", by the exchange.{why}"),
        now=now,
        bot=order.bot,
        order=order,
        severity=Severity.INFO if asked_for else Severity.WARNING,
        data={"slot": order.slot, "reason": order.reject_reason},
    )
    hints.publish("order", bot=order.bot.name, data={"id": order.pk, "status": order.status})
