"""Acting on the exchange: intents are sent after they were committed, and the answer is written down.

An order goes out under the client order id that it was stored with. When the answer is lost, the order is *asked
for*; only when the exchange has proved not to know it, after its own lag, it is sent again, under the same id.
"""

from __future__ import annotations

from datetime import datetime

import structlog

from bots import hints
from bots.events import record
from bots.lifecycle import OrderStatus
from bots.models import Bot, EventKind, Order, Severity
from bots.sync import NOT_FOUND_LAG, ask, note_report
from exchange.errors import (
    AuthenticationFailed,
    DuplicateClientOrderId,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
    TemporaryError,
)
from exchange.port import ExchangeGateway, OrderRequest
from strategies.contract import OrderType, Side

log = structlog.get_logger(__name__)


def send_intents(bot: Bot, *, gateway: ExchangeGateway, now: datetime) -> int:
    """Sends every stored intent of the bot that nobody else claimed. Returns how many went out."""
    intents = list(Order.objects.filter(bot=bot, status=OrderStatus.INTENT).order_by("id"))
    sent = 0
    for order in intents:
        if Order.objects.claim_for_sending(order.pk, now=now):
            order.status, order.sent_at = OrderStatus.SENT, now
            order.bot = bot
            _send(order, gateway=gateway, now=now)
            sent += 1
    return sent


def _send(order: Order, *, gateway: ExchangeGateway, now: datetime) -> None:
    request = OrderRequest(
        symbol=order.symbol,
        client_order_id=order.client_order_id,
        side=Side(order.side),
        type=OrderType(order.type),
        amount=order.amount,
        price=order.price,
        trigger_price=order.trigger_price,
        post_only=order.post_only,
        reduce_only=order.reduce_only,
    )
    try:
        report = gateway.place(request)
    except DuplicateClientOrderId:
        # An earlier sending arrived after all.
        ask(order, gateway=gateway, now=now)
    except OrderRejected as error:
        _note_refusal(order, error.detail, now=now)
    except AuthenticationFailed as error:
        _note_refusal(order, error.detail, now=now)
        raise
    except (OutcomeUnknown, TemporaryError) as error:
        # Even "try again later" may come from a proxy after the order got through.
        _note_unknown(order, error.detail)
    else:
        note_report(order, report, now=now)


def _note_refusal(order: Order, reason: str, *, now: datetime) -> None:
    changed = Order.objects.filter(pk=order.pk, status__in=[OrderStatus.SENT, OrderStatus.UNKNOWN]).update(
        status=OrderStatus.REJECTED, reject_reason=reason, closed_at=now
    )
    if changed:
        order.refresh_from_db()
        record(
            EventKind.ORDER_FAILED,
            f"The exchange refused to {order.side} {order.amount.normalize():f} {order.symbol}: {reason}",
            now=now,
            bot=order.bot,
            order=order,
            severity=Severity.WARNING,
            data={"slot": order.slot, "reason": reason},
        )
        hints.publish("order", bot=order.bot.name, data={"id": order.pk, "status": order.status})


def _note_unknown(order: Order, reason: str) -> None:
    Order.objects.filter(pk=order.pk, status=OrderStatus.SENT).update(status=OrderStatus.UNKNOWN, reject_reason=reason)
    log.warning("outcome unknown", order=order.client_order_id, reason=reason)


def resolve_unanswered(bot: Bot, *, gateway: ExchangeGateway, now: datetime) -> None:
    """Finds out what became of orders whose answer never came: a time-out, or a worker that died.

    Only the holder of the bot's tick lock may call this: then nobody else is waiting for one of these answers.
    """
    for order in Order.objects.filter(bot=bot, status__in=[OrderStatus.SENT, OrderStatus.UNKNOWN]).select_related(
        "bot"
    ):
        if ask(order, gateway=gateway, now=now):
            continue
        # Dead before the first byte left, or never arrived. Wait for the exchange's own lag before believing it.
        waited_from = order.sent_at or order.created_at
        if now - waited_from >= NOT_FOUND_LAG:
            log.warning("sending again under the same id", order=order.client_order_id, bot=bot.name)
            Order.objects.filter(pk=order.pk).update(status=OrderStatus.SENT, sent_at=now, reject_reason="")
            order.status, order.sent_at = OrderStatus.SENT, now
            _send(order, gateway=gateway, now=now)


def send_cancels(bot: Bot, *, gateway: ExchangeGateway, now: datetime) -> int:
    """Cancels every order that was asked to go and still stands. Returns how many remain.

    An accepted cancel is not yet a cancelled order: the order is asked for afterwards, and what had filled is noted.
    """
    remaining = 0
    for order in Order.objects.filter(bot=bot, cancel_requested_at__isnull=False).on_the_book().select_related("bot"):
        try:
            gateway.cancel(order.symbol, order.client_order_id)
        except OrderNotFound:
            log.info("nothing left to cancel", order=order.client_order_id)
        except (OutcomeUnknown, TemporaryError) as error:
            log.warning("cancel not confirmed", order=order.client_order_id, reason=error.detail)
            remaining += 1
            continue
        ask(order, gateway=gateway, now=now)
        if order.is_live:
            remaining += 1
    return remaining
