"""What an exchange says of an order, carried into its row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from django.db import transaction

from bots import hints
from bots.events import record
from bots.lifecycle import OrderStatus
from bots.models import EventKind, Order, Severity
from exchange.port import OrderReport, ReportedStatus
from strategies.contract import MarketKind, OrderType

_STATUS: Mapping[ReportedStatus, OrderStatus] = {
    ReportedStatus.OPEN: OrderStatus.OPEN,
    ReportedStatus.PARTIALLY_FILLED: OrderStatus.PARTIALLY_FILLED,
    ReportedStatus.FILLED: OrderStatus.FILLED,
    ReportedStatus.CANCELED: OrderStatus.CANCELED,
    ReportedStatus.REJECTED: OrderStatus.REJECTED,
    ReportedStatus.EXPIRED: OrderStatus.EXPIRED,
}
UNANSWERED = frozenset({OrderStatus.SENT, OrderStatus.UNKNOWN})


def moment(milliseconds: int) -> datetime:
    """An exchange's timestamp as an aware datetime."""
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)


def kind_of(symbol: str) -> MarketKind:
    return MarketKind.LINEAR if ":" in symbol else MarketKind.SPOT


def note_report(order: Order, report: OrderReport, *, now: datetime) -> None:
    """Carries what the exchange says of an order into the database.

    The row is read again under a lock: another worker may have booked its fills meanwhile, and what is over stays
    over. An order is only called filled here when its executions are booked too; until then it counts as standing.
    """
    with transaction.atomic():
        row = Order.objects.select_for_update(no_key=True, of=("self",)).select_related("bot").get(pk=order.pk)
        first_news = row.status in UNANSWERED
        row.exchange_order_id = row.exchange_order_id or report.exchange_order_id
        row.missing_since = None
        if report.timestamp is not None:
            row.exchange_time = moment(report.timestamp)
        if report.reason:
            row.reject_reason = report.reason
        if report.triggered and row.triggered_at is None:
            row.triggered_at = now
        status = _STATUS[report.status]
        _settle_amend(row, report, status, now=now)
        filled = report.filled
        if filled is None and status is OrderStatus.FILLED:
            filled = row.amount
        if filled is not None:
            row.reported_filled = max(row.reported_filled, filled)
        if status == OrderStatus.FILLED and row.filled < row.amount:
            status = OrderStatus.PARTIALLY_FILLED if row.filled else OrderStatus.OPEN
        if status == OrderStatus.OPEN and row.filled:
            status = OrderStatus.PARTIALLY_FILLED
        over = row.status not in UNANSWERED and not row.is_live
        if not over:
            row.change_status(status)
            if not row.is_live:
                row.closed_at = now
        row.save()
        order.refresh_from_db()
        if over:
            return
        if row.status in (OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED):
            tell_that_it_is_over(row, now=now)
        elif first_news:
            tell_that_it_stands(row, now=now)


def note_amended(order: Order, *, now: datetime) -> bool:
    """The exchange confirmed the change. False when fills were booked meanwhile that leave nothing of the new amount."""
    with transaction.atomic():
        row = Order.objects.select_for_update(no_key=True, of=("self",)).select_related("bot").get(pk=order.pk)
        if row.amend_requested_at is None or row.amend_amount is None:
            return row.is_live
        if row.filled >= row.amend_amount:
            return False
        _carry_out_amend(row, now=now)
        row.save()
    order.refresh_from_db()
    return True


def _carry_out_amend(row: Order, *, now: datetime) -> None:
    before = describe(row)
    row.carry_out_amend()
    record(
        EventKind.ORDER_AMENDED,
        f"Amended: {before} is now {describe(row)}.",
        now=now,
        bot=row.bot,
        order=row,
        data={"slot": row.slot, "amount": str(row.amount), "price": str(row.price or row.trigger_price)},
    )
    hints.publish("order", bot=row.bot.name, data={"id": row.pk, "status": row.status})


def _settle_amend(row: Order, report: OrderReport, status: OrderStatus, *, now: datetime) -> None:
    """Whether a change whose answer was lost has been made shows in the exchange's own terms of the order."""
    if row.amend_requested_at is None:
        return
    if terms_of(row, report) == (row.amend_amount, row.amend_price, row.amend_trigger_price):
        _carry_out_amend(row, now=now)
    elif status not in (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED):
        row.drop_amend()


def terms_of(order: Order, report: OrderReport) -> tuple[object, object, object]:
    """Amount, price and trigger price by the exchange; where it does not say, or means something else, by our row.

    A stop's price is what it was filled at or a limit of the exchange's own, a market order's too.
    """
    is_limit, is_stop = order.type == OrderType.LIMIT, order.type == OrderType.STOP
    return (
        report.amount if report.amount is not None and (is_limit or is_stop) else order.amount,
        report.price if report.price is not None and is_limit else order.price,
        report.trigger_price if report.trigger_price is not None and is_stop else order.trigger_price,
    )


def note_other_terms(order: Order, report: OrderReport, *, now: datetime, lag: timedelta) -> None:
    """Somebody changed a standing order by hand: the row follows, so that the plan sees it and puts it right.

    ``lag`` is how old the exchange's word may be: within it a change of our own may not show yet.
    """
    if order.amend_requested_at is not None or (order.amend_sent_at is not None and now - order.amend_sent_at < lag):
        return
    amount, price, trigger = terms_of(order, report)
    if (amount, price, trigger) == (order.amount, order.price, order.trigger_price):
        return
    changed = Order.objects.filter(
        pk=order.pk, amount=order.amount, price=order.price, trigger_price=order.trigger_price, filled__lte=amount
    ).on_the_book()
    if changed.update(amount=amount, price=price, trigger_price=trigger):
        record(
            EventKind.ORDER_AMENDED,
            f"Somebody changed an order of this bot at the exchange: {describe(order)}.",
            now=now,
            bot=order.bot,
            order=order,
            severity=Severity.WARNING,
            data={"slot": order.slot, "amount": str(amount), "price": str(price), "trigger_price": str(trigger)},
        )
        order.refresh_from_db()


def close_as_absent(order: Order, reason: str, *, now: datetime) -> None:
    """The exchange was asked for long enough and knows neither the order nor executions of it: it is over."""
    with transaction.atomic():
        row = Order.objects.select_for_update(no_key=True, of=("self",)).select_related("bot").get(pk=order.pk)
        if not row.is_live:
            order.refresh_from_db()
            return
        row.change_status(OrderStatus.CANCELED)
        row.reject_reason, row.closed_at = reason, now
        row.drop_amend()
        row.save()
        order.refresh_from_db()
        record(
            EventKind.ORDER_CANCELED,
            f"Taken as canceled: {describe(row)}. {reason}",
            now=now,
            bot=row.bot,
            order=row,
            severity=Severity.WARNING,
            data={"slot": row.slot, "reason": reason},
        )
        hints.publish("order", bot=row.bot.name, data={"id": row.pk, "status": row.status})


def describe(order: Order) -> str:
    at = order.price if order.price is not None else order.trigger_price
    return f"{order.side} {order.amount.normalize():f} {order.symbol}" + (f" at {at.normalize():f}" if at else "")


def tell_that_it_stands(order: Order, *, now: datetime) -> None:
    record(
        EventKind.ORDER_PLACED,
        f"Placed: {describe(order)}." if order.type != OrderType.MARKET else f"Placed: {describe(order)} at market.",
        now=now,
        bot=order.bot,
        order=order,
        data={"slot": order.slot},
    )
    hints.publish("order", bot=order.bot.name, data={"id": order.pk, "status": order.status})


def tell_that_it_is_over(order: Order, *, now: datetime) -> None:
    asked_for = order.cancel_requested_at is not None
    why = f" {order.reject_reason}" if order.reject_reason else ""
    record(
        EventKind.ORDER_FAILED if order.status == OrderStatus.REJECTED else EventKind.ORDER_CANCELED,
        f"{order.get_status_display()}: {describe(order)}" + ("." if asked_for else f", by the exchange.{why}"),
        now=now,
        bot=order.bot,
        order=order,
        severity=Severity.INFO if asked_for else Severity.WARNING,
        data={"slot": order.slot, "reason": order.reject_reason},
    )
    hints.publish("order", bot=order.bot.name, data={"id": order.pk, "status": order.status})
