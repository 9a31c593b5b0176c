"""Acting on the exchange: intents are sent after they were committed, and the answer is written down.

An order goes out under the client order id that it was stored with. When the answer is lost, the order is *asked
for* (:mod:`bots.resolution`); only when the exchange has proved not to know it is it sent again, under the same id.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from bots import hints
from bots.events import record
from bots.lifecycle import OrderStatus
from bots.models import Bot, EventKind, Order, Severity
from bots.reports import close_as_absent, describe, note_amended, note_report
from bots.resolution import Verdict, ask, find_out, look_for, wait_before_closing, wait_before_resending
from exchange.errors import (
    AuthenticationFailed,
    DuplicateClientOrderId,
    NeedsOperator,
    NothingSent,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
    TemporaryError,
)
from exchange.port import ExchangeGateway, OrderRequest
from strategies.contract import OrderType, Side

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]

# An order whose id the exchange calls used, and which it does not find for so long, is over and forgotten.
FORGOTTEN_AFTER = timedelta(minutes=1)


def send_intents(bot: Bot, *, gateway: ExchangeGateway, clock: Clock) -> int:
    """Sends every stored intent of the bot that nobody else claimed. Returns how many went out."""
    intents = list(Order.objects.filter(bot=bot, status=OrderStatus.INTENT).order_by("id"))
    sent = 0
    for order in intents:
        now = clock()
        if not Order.objects.claim_for_sending(order.pk, now=now):
            continue
        order.status, order.sent_at, order.bot = OrderStatus.SENT, now, bot
        try:
            _send(order, gateway=gateway, clock=clock)
        except NothingSent as held:
            Order.objects.filter(pk=order.pk, status=OrderStatus.SENT).update(status=OrderStatus.INTENT, sent_at=None)
            log.warning("orders are held back", order=order.client_order_id, reason=held.detail)
            break
        sent += 1
    return sent


def _send(order: Order, *, gateway: ExchangeGateway, clock: Clock) -> None:
    """Raises ``NothingSent`` when the platform held the call back, and ``AuthenticationFailed``."""
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
        Order.objects.filter(pk=order.pk).update(called_duplicate=True)
        ask(order, gateway=gateway, now=clock())
    except OrderRejected as error:
        _note_refusal(order, error.detail, now=clock())
    except AuthenticationFailed as error:
        _note_refusal(order, error.detail, now=clock())
        raise
    except NothingSent:
        raise
    except (OutcomeUnknown, TemporaryError) as error:
        # Even "try again later" may come from a proxy after the order got through.
        _note_unknown(order, error.detail, now=clock())
    else:
        note_report(order, report, now=clock())


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


def _note_unknown(order: Order, reason: str, *, now: datetime) -> None:
    Order.objects.filter(pk=order.pk, status=OrderStatus.SENT).update(
        status=OrderStatus.UNKNOWN, reject_reason=reason, lost_at=now
    )
    log.warning("outcome unknown", order=order.client_order_id, reason=reason)


def resolve_unanswered(bot: Bot, *, gateway: ExchangeGateway, clock: Clock) -> str:
    """Finds out what became of orders whose answer never came: a time-out, or a worker that died.

    Only the holder of the bot's tick lock may call this: then nobody else is waiting for one of these answers.
    Returns what only an operator can decide, or an empty string: the bot's other orders have to be looked after
    meanwhile.
    """
    unanswered = Order.objects.filter(bot=bot, status__in=[OrderStatus.SENT, OrderStatus.UNKNOWN])
    trouble = ""
    for order in unanswered.select_related("bot", "account").order_by("id"):
        try:
            _resolve(order, gateway=gateway, clock=clock)
        except NeedsOperator as error:
            trouble = trouble or error.detail
        except NothingSent as held:
            log.warning("a look-up is held back", order=order.client_order_id, reason=held.detail)
            break
    return trouble


def _resolve(order: Order, *, gateway: ExchangeGateway, clock: Clock) -> None:
    now = clock()
    on_its_way_until = order.lost_at or order.sent_at or order.created_at
    wait = wait_before_resending(gateway.traits)
    verdict = look_for(order, gateway=gateway, now=now, since=on_its_way_until, wait=wait)
    if verdict is not Verdict.ABSENT:
        return
    if order.called_duplicate:
        # It arrived, then, and is neither open nor remembered nor executed: it was over before anybody saw it.
        if now - on_its_way_until > FORGOTTEN_AFTER:
            close_as_absent(
                order, "The exchange took it, knows nothing of it any more, and executed none of it.", now=now
            )
        return
    if order.cancel_requested_at is not None:
        if now - on_its_way_until >= wait_before_closing(gateway.traits):
            close_as_absent(order, "It never reached the exchange, and is not wanted any more.", now=now)
        return
    _send_again(order, gateway=gateway, clock=clock, now=now)


def _send_again(order: Order, *, gateway: ExchangeGateway, clock: Clock, now: datetime) -> None:
    log.warning("sending again under the same id", order=order.client_order_id, bot=order.bot.name)
    before = {"status": order.status, "sent_at": order.sent_at, "lost_at": order.lost_at}
    Order.objects.filter(pk=order.pk).update(status=OrderStatus.SENT, sent_at=now, lost_at=None, reject_reason="")
    order.status, order.sent_at, order.lost_at = OrderStatus.SENT, now, None
    try:
        _send(order, gateway=gateway, clock=clock)
    except NothingSent:
        # Still where it was: sent once, and proved to be absent once.
        Order.objects.filter(pk=order.pk, status=OrderStatus.SENT).update(**before)
        raise


def send_amends(bot: Bot, *, gateway: ExchangeGateway, clock: Clock) -> None:
    """Changes in place every order that is to become another one.

    What was sent before and not answered is asked for first; sending the same change twice does no harm.
    """
    pending = Order.objects.filter(bot=bot, amend_requested_at__isnull=False, cancel_requested_at__isnull=True)
    for order in pending.on_the_book().select_related("bot", "account").order_by("id"):
        try:
            if order.amend_is_out:
                find_out(order, gateway=gateway, now=clock())
            if order.is_live and order.missing_since is None and order.amend_requested_at is not None:
                _amend(order, gateway=gateway, clock=clock)
        except NothingSent as held:
            log.warning("changes are held back", order=order.client_order_id, reason=held.detail)
            break


def _amend(order: Order, *, gateway: ExchangeGateway, clock: Clock) -> None:
    now = clock()
    wanted_since, amount = order.amend_requested_at, order.amend_amount
    assert wanted_since is not None
    assert amount is not None
    # Before the first byte leaves: a fill that comes in meanwhile must not be taken to complete the old amount.
    Order.objects.filter(pk=order.pk).update(amend_sent_at=now)
    try:
        gateway.amend(
            order.symbol,
            order.client_order_id,
            amount=amount,
            price=order.amend_price,
            trigger_price=order.amend_trigger_price,
            exchange_order_id=order.exchange_order_id,
        )
    except OrderNotFound:
        # It may have filled, or been triggered.
        find_out(order, gateway=gateway, now=clock())
    except OrderRejected as error:
        _note_refused_amend(order, error.detail, now=clock())
    except NothingSent:
        Order.objects.filter(pk=order.pk).update(amend_sent_at=order.amend_sent_at)
        raise
    except (OutcomeUnknown, TemporaryError) as error:
        log.warning("change not confirmed", order=order.client_order_id, reason=error.detail)
    else:
        if not note_amended(order, now=clock()):
            # As much or more was booked meanwhile, and the exchange has to say what the order is now.
            find_out(order, gateway=gateway, now=clock())


def _note_refused_amend(order: Order, reason: str, *, now: datetime) -> None:
    Order.objects.filter(pk=order.pk).update(
        amend_refused=True, amend_amount=None, amend_price=None, amend_trigger_price=None, amend_requested_at=None
    )
    order.refresh_from_db()
    record(
        EventKind.ORDER_FAILED,
        f"The exchange refused to change {describe(order)} in place: {reason} It is cancelled and placed anew.",
        now=now,
        bot=order.bot,
        order=order,
        severity=Severity.WARNING,
        data={"slot": order.slot, "reason": reason},
    )


def send_cancels(bot: Bot, *, gateway: ExchangeGateway, clock: Clock) -> int:
    """Cancels every order that was asked to go and still stands. Returns how many remain.

    An accepted cancel is not yet a cancelled order: the order is asked for afterwards, and what had filled is noted.
    """
    remaining = 0
    leaving = Order.objects.filter(bot=bot, cancel_requested_at__isnull=False).on_the_book()
    for order in leaving.select_related("bot", "account").order_by("id"):
        try:
            gateway.cancel(order.symbol, order.client_order_id, exchange_order_id=order.exchange_order_id)
        except OrderNotFound:
            log.info("nothing left to cancel", order=order.client_order_id)
        except (OutcomeUnknown, TemporaryError) as error:
            log.warning("cancel not confirmed", order=order.client_order_id, reason=error.detail)
            remaining += 1
            continue
        find_out(order, gateway=gateway, now=clock())
        if order.is_live:
            remaining += 1
    return remaining
