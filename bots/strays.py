"""Orders at the exchange that carry a bot's mark and are not in its books: a backup was restored, or rows were lost.

They are cancelled, or taken into the books first, as ``STRAY_ORDERS`` says. What is adopted is the bot's order from then
on: its executions are booked, and when the strategy wants just this order (the id of its wish is the same), it stays.
What nobody wants is cancelled by the next plan like any other order.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.conf import settings

from bots.events import record
from bots.lifecycle import OrderStatus
from bots.models import Bot, EventKind, Order, Severity
from bots.models.order import STRAY_SLOT, client_order_id
from bots.plan import Standing
from bots.reports import describe, moment
from exchange.errors import OrderNotFound
from exchange.port import ExchangeGateway, OrderReport
from strategies.contract import OrderType, WantedOrder


def treat_stray(bot: Bot, report: OrderReport, *, gateway: ExchangeGateway, now: datetime) -> None:
    known = Order.objects.filter(account_id=bot.account_id, client_order_id=report.client_order_id)
    # It may have been placed, and written down, since our own list was read.
    if known.live().exists():
        return
    if settings.STRAY_ORDERS == "adopt" and not known.exists() and _is_whole(report):
        _adopt(bot, report, gateway=gateway, now=now)
    else:
        _cancel(bot, report, gateway=gateway, now=now)


def _is_whole(report: OrderReport) -> bool:
    """Whether the exchange tells enough of it to keep books of it."""
    if not report.side or not report.amount:
        return False
    return {
        OrderType.LIMIT: report.price is not None,
        OrderType.STOP: report.trigger_price is not None,
        OrderType.MARKET: True,
        None: False,
    }[report.type]


def _adopt(bot: Bot, report: OrderReport, *, gateway: ExchangeGateway, now: datetime) -> None:
    assert report.side is not None
    assert report.type is not None
    assert report.amount is not None
    order = Order.objects.create(
        bot=bot,
        account_id=bot.account_id,
        client_order_id=report.client_order_id,
        exchange_order_id=report.exchange_order_id,
        symbol=report.symbol,
        run=bot.run,
        mode=bot.mode,
        slot=f"{STRAY_SLOT}{report.client_order_id[8:]}",
        sequence=0,
        side=report.side,
        type=report.type,
        amount=report.amount,
        price=report.price if report.type == OrderType.LIMIT else None,
        trigger_price=report.trigger_price,
        amount_step=gateway.markets()[report.symbol].step,
        status=OrderStatus.OPEN,
        # More than is booked: so its executions are read from its beginning.
        reported_filled=report.filled or Decimal(0),
        created_at=now,
        sent_at=now,
        exchange_time=moment(report.timestamp) if report.timestamp is not None else now,
    )
    record(
        EventKind.ORDER_PLACED,
        f"Adopted a stray order: {describe(order)} carries this bot's mark and was not in its books.",
        now=now,
        bot=bot,
        order=order,
        severity=Severity.WARNING,
        data={"slot": order.slot, "client_order_id": order.client_order_id},
    )


def _cancel(bot: Bot, report: OrderReport, *, gateway: ExchangeGateway, now: datetime) -> None:
    try:
        gateway.cancel(report.symbol, report.client_order_id, exchange_order_id=report.exchange_order_id)
    except OrderNotFound:
        return
    record(
        EventKind.ORDER_CANCELED,
        f"Canceled a stray order on {report.symbol}: it carries this bot's mark but is not in its books.",
        now=now,
        bot=bot,
        severity=Severity.WARNING,
        data={"client_order_id": report.client_order_id},
    )


def claim_strays(bot: Bot, wanted: Sequence[WantedOrder], live: Sequence[Standing]) -> bool:
    """Gives adopted orders the wishes that they were made for. Returns whether any was; ``live`` is then out of date."""
    strays = [order.order_id for order in live if order.slot.startswith(STRAY_SLOT)]
    if not strays:
        return False
    rows = {order.client_order_id: order for order in Order.objects.filter(id__in=strays)}
    standing = {order.wish for order in live}
    claimed = False
    for order in wanted:
        if (order.slot, order.sequence) in standing:
            continue
        attempts = Order.objects.filter(bot=bot, run=bot.run, slot=order.slot, sequence=order.sequence).count()
        wish_id = client_order_id(tag=bot.tag, run=bot.run, slot=order.slot, sequence=order.sequence, attempt=attempts)
        row = rows.get(wish_id)
        if row is None or row.side != order.side or row.type != order.type:
            continue
        Order.objects.filter(pk=row.pk).update(
            slot=order.slot,
            sequence=order.sequence,
            attempt=attempts,
            trade_key=order.trade,
            post_only=order.post_only,
            reduce_only=order.reduce_only,
            protective=order.protective,
        )
        claimed = True
    return claimed
