"""Executions become fills, each exactly once, whatever order they are listed in and however often."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

import structlog
from django.db import transaction
from django.db.models import Q

from bots import hints
from bots.events import record
from bots.ledger import apply_fill
from bots.lifecycle import ORDER_TRANSITIONS, OrderStatus
from bots.models import Bot, Event, EventKind, Fill, Order, Severity
from bots.models.order import STRAY_SLOT
from bots.reports import moment, note_report
from exchange.errors import OrderNotFound
from exchange.models import ExchangeAccount
from exchange.port import ExchangeGateway, FillReport

log = structlog.get_logger(__name__)


def book_fills(
    account: ExchangeAccount, reports: Sequence[FillReport], *, gateway: ExchangeGateway, now: datetime
) -> list[Fill]:
    """Books those of ``reports`` that are ours and new. Must run under the account's sync lock."""
    known = set(
        Fill.objects.filter(account=account, trade_id__in=[report.trade_id for report in reports]).values_list(
            "symbol", "trade_id"
        )
    )
    # Trade ids are unique within a symbol only, and one list may name an execution twice.
    new = {
        (report.symbol, report.trade_id): report for report in reports if (report.symbol, report.trade_id) not in known
    }
    if not new:
        return []
    ordered = sorted(new.values(), key=lambda item: item.timestamp)
    _settle_amends(account, ordered, gateway=gateway, now=now)
    with transaction.atomic():
        return _book_new(account, ordered, gateway=gateway, now=now)


class _Owners:
    """Orders by the ids that executions carry: ours, or where an exchange does not repeat it, the exchange's."""

    def __init__(self, orders: Iterable[Order]) -> None:
        self.by_client_id: dict[str, Order] = {}
        self.by_exchange_id: dict[tuple[str, str], Order] = {}
        for order in orders:
            self.by_client_id[order.client_order_id] = order
            if order.exchange_order_id:
                self.by_exchange_id[(order.symbol, order.exchange_order_id)] = order

    def of(self, report: FillReport) -> Order | None:
        if report.client_order_id:
            return self.by_client_id.get(report.client_order_id)
        return self.by_exchange_id.get((report.symbol, report.exchange_order_id))


def _concerned(account: ExchangeAccount, reports: Iterable[FillReport]) -> Q:
    named, unnamed, symbols = set(), set(), set()
    for report in reports:
        if report.client_order_id:
            named.add(report.client_order_id)
        elif report.exchange_order_id:
            unnamed.add(report.exchange_order_id)
            symbols.add(report.symbol)
    wanted = Q(client_order_id__in=named)
    if unnamed:
        wanted |= Q(symbol__in=symbols, exchange_order_id__in=unnamed)
    return Q(account=account) & wanted


def _settle_amends(
    account: ExchangeAccount, reports: Sequence[FillReport], *, gateway: ExchangeGateway, now: datetime
) -> None:
    """Whether a fill completes an order cannot be told while a change of its amount is unanswered: ask first."""
    pending = Order.objects.filter(_concerned(account, reports), amend_sent_at__isnull=False)
    for order in pending.filter(amend_requested_at__isnull=False).select_related("bot").order_by("id"):
        try:
            report = gateway.order(order.symbol, order.client_order_id, exchange_order_id=order.exchange_order_id)
        except OrderNotFound:
            log.warning("an order with fills and a pending change is not found", order=order.client_order_id)
            continue
        note_report(order, report, now=now)


def _book_new(
    account: ExchangeAccount, new: Sequence[FillReport], *, gateway: ExchangeGateway, now: datetime
) -> list[Fill]:
    owners = _Owners(
        Order.objects.select_for_update(no_key=True, of=("self",))
        .filter(_concerned(account, new))
        .select_related("bot")
        .order_by("id")
    )
    booked = []
    for report in new:
        order = owners.of(report)
        if order is None:
            _tell_if_it_looks_like_ours(account, report, now=now)
            continue
        booked.append(_book(order, report, gateway=gateway, now=now))
    return booked


def _tell_if_it_looks_like_ours(account: ExchangeAccount, report: FillReport, *, now: datetime) -> None:
    log.info("execution of an order that is not ours", trade_id=report.trade_id, symbol=report.symbol)
    if not report.client_order_id.startswith("ta"):
        return
    bot = Bot.objects.filter(account=account, tag=report.client_order_id[2:8]).first()
    told = Event.objects.filter(kind=EventKind.BOOKS_DIFFER, bot=bot, data__trade_id=report.trade_id)
    if bot is not None and not told.exists():
        record(
            EventKind.BOOKS_DIFFER,
            f"The exchange executed {report.side} {report.amount.normalize():f} {report.symbol} at "
            f"{report.price.normalize():f} for an order with this bot's mark that is not in its books.",
            now=now,
            bot=bot,
            severity=Severity.CRITICAL,
            data={"trade_id": report.trade_id, "client_order_id": report.client_order_id},
        )


def _book(order: Order, report: FillReport, *, gateway: ExchangeGateway, now: datetime) -> Fill:
    market = gateway.markets()[report.symbol]
    fee_base = report.fee if report.fee_currency == market.base else Decimal(0)
    complete = _carry_into_order(order, report, now=now)
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
        # A strategy does not know of an order that was adopted and that it never wished for.
        applied=order.slot.startswith(STRAY_SLOT),
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


def _carry_into_order(order: Order, report: FillReport, *, now: datetime) -> bool:
    """Adds an execution to its order. Returns whether the order is complete with it.

    What was executed is a fact, whatever we thought of the order: nothing here may keep it out of the books.
    """
    order.filled += report.amount
    order.filled_quote += report.price * report.amount
    order.reported_filled = max(order.reported_filled, order.filled)
    order.exchange_order_id = order.exchange_order_id or report.exchange_order_id
    order.missing_since = None
    complete = bool(order.filled >= order.amount)
    wanted = OrderStatus.FILLED if complete else OrderStatus.PARTIALLY_FILLED
    # What was cancelled may have been executed before; what was refused or complete may not.
    believed = order.is_live or order.status in (OrderStatus.CANCELED, OrderStatus.EXPIRED)
    if order.filled > order.amount or not believed:
        record(
            EventKind.BOOKS_DIFFER,
            f"The exchange executed {order.filled.normalize():f} of {order.amount.normalize():f} {order.symbol} for an "
            f"order that was {order.get_status_display().lower()}.",
            now=now,
            bot=order.bot,
            order=order,
            severity=Severity.CRITICAL,
            data={"slot": order.slot, "trade_id": report.trade_id},
        )
        order.amount = max(order.amount, order.filled)
    if wanted in ORDER_TRANSITIONS[OrderStatus(order.status)]:
        order.change_status(wanted)
    if complete:
        order.closed_at = now
        order.drop_amend()
    order.save()
    return complete


def _fee_in_quote(report: FillReport, base: str, quote: str, *, gateway: ExchangeGateway) -> Decimal:
    """The fee's worth in quote. A third coin is valued at its present price; the fill keeps that value for good."""
    if report.fee == 0 or report.fee_currency == quote:
        return report.fee
    if report.fee_currency == base:
        return report.fee * report.price
    return report.fee * gateway.ticker(f"{report.fee_currency}/{quote}").last
