"""What became of an order that the exchange did not answer for, or no longer lists.

It is asked for by its id: among open orders, then in the history (``gateway.order`` does both), then among the
executions. Only when all three were asked after the exchange's own lag, and know nothing, is the order taken for
absent; one look-up that misses it proves nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from bots.booking import book_fills
from bots.locks import LockKind, try_lock
from bots.models import Order
from bots.reports import UNANSWERED, close_as_absent, kind_of, note_report
from exchange.errors import NeedsOperator, OrderNotFound
from exchange.port import ExchangeGateway, FillReport, OrderReport, ReportedStatus
from exchange.traits import DuplicateIds, VenueTraits
from strategies.contract import OrderType, Side

# Executions are read again from a little before the newest one known: they may be published late and out of order.
OVERLAP_MS = 30_000
# A request that nobody waits for any more may still arrive: no client waits longer than this, no signature is good
# for longer. It matters where the exchange itself would not refuse the double.
LONGEST_REQUEST = timedelta(seconds=15)
# How long an execution that may be of an unanswered order is left to turn out to be another's.
GUESSED_FOR = timedelta(minutes=1)

_SAFE_IDS = frozenset({DuplicateIds.REFUSED, DuplicateIds.FIRST_RETURNED})
_NOTHING_CAME_OF_IT = frozenset({ReportedStatus.CANCELED, ReportedStatus.REJECTED, ReportedStatus.EXPIRED})


class Verdict(StrEnum):
    KNOWN = "known"  # the answer is in the database
    UNSURE = "unsure"  # too early to say
    ABSENT = "absent"  # neither it nor an execution of it exists


def ask(order: Order, *, gateway: ExchangeGateway, now: datetime) -> bool:
    """Asks the exchange for one order and notes the answer. Returns whether the exchange knows it.

    Raises ``NeedsOperator`` where orders have no ids of ours and more than one could be this one.
    """
    if gateway.traits.client_order_ids or order.exchange_order_id:
        try:
            report = gateway.order(order.symbol, order.client_order_id, exchange_order_id=order.exchange_order_id)
        except OrderNotFound:
            return False
    else:
        likely = _likeness(order, gateway)
        if likely is None:
            return False
        report = likely
    note_report(order, report, now=now)
    return True


def look_for(order: Order, *, gateway: ExchangeGateway, now: datetime, since: datetime, wait: timedelta) -> Verdict:
    """``since`` is when the order was last on its way, or first missed; before ``wait`` has passed nothing is proved."""
    if ask(order, gateway=gateway, now=now):
        return Verdict.KNOWN
    if now - since < wait:
        return Verdict.UNSURE
    before = (order.status, order.filled)
    if not _read_executions(order, gateway=gateway, now=now, since=since):
        return Verdict.UNSURE
    order.refresh_from_db()
    return Verdict.ABSENT if (order.status, order.filled) == before else Verdict.KNOWN


def wait_before_resending(traits: VenueTraits) -> timedelta:
    return traits.not_found_lag if traits.duplicate_ids in _SAFE_IDS else wait_before_closing(traits)


def wait_before_closing(traits: VenueTraits) -> timedelta:
    """Until a request that was given up can neither arrive any more nor have arrived unseen."""
    return LONGEST_REQUEST + max(traits.not_found_lag, traits.fills_lag)


def find_out(order: Order, *, gateway: ExchangeGateway, now: datetime) -> None:
    """Asks what became of an order that stood; what cannot be found out yet, a later tick asks for.

    Closes the order when the exchange has known nothing of it for longer than its look-ups and executions lag.
    """
    since = order.missing_since or now
    traits = gateway.traits
    wait = max(traits.not_found_lag, traits.fills_lag)
    verdict = look_for(order, gateway=gateway, now=now, since=since, wait=wait)
    if verdict is Verdict.UNSURE:
        Order.objects.filter(pk=order.pk, missing_since__isnull=True).on_the_book().update(missing_since=now)
    elif verdict is Verdict.ABSENT:
        waited = (now - since).total_seconds()
        close_as_absent(
            order,
            f"For {waited:.0f} s the exchange has known neither the order nor another execution of it.",
            now=now,
        )


def _read_executions(order: Order, *, gateway: ExchangeGateway, now: datetime, since: datetime) -> bool:
    """Books what was executed since the order was made. False when that proves nothing yet: another worker is reading
    the account just now, or there are executions that may be of this order."""
    account = order.account
    with try_lock(LockKind.ACCOUNT_SYNC, account.pk) as held:
        if not held:
            return False
        reports = gateway.fills_since(kind_of(order.symbol), first_moment(order), symbols=[order.symbol])
        book_fills(account, reports, gateway=gateway, now=now)
    unnamed = [report for report in reports if not report.client_order_id]
    return not (order.status in UNANSWERED and _may_be_among(order, unnamed, waited=now - since))


def _may_be_among(order: Order, unnamed: list[FillReport], *, waited: timedelta) -> bool:
    """Whether an execution without an id of ours, of an order that we do not know, may be of the unanswered one.

    It may as well be of another one whose answer was lost, which will be found. Raises ``NeedsOperator`` when it was not.
    """
    known = set(
        Order.objects.filter(
            account_id=order.account_id, exchange_order_id__in=[report.exchange_order_id for report in unnamed]
        ).values_list("symbol", "exchange_order_id")
    )
    for report in unnamed:
        if (report.symbol, report.exchange_order_id) in known or not _may_be_of(order, report):
            continue
        if waited > GUESSED_FOR:
            raise NeedsOperator(
                f"The exchange executed {report.side} {report.amount.normalize():f} {report.symbol} at "
                f"{report.price.normalize():f} for its order {report.exchange_order_id}, which may be the one whose "
                f"answer was lost ({order.client_order_id}); it does not say."
            )
        return True
    return False


def _may_be_of(order: Order, report: FillReport) -> bool:
    if report.symbol != order.symbol or report.side != order.side or report.amount > order.amount:
        return False
    if order.type != OrderType.LIMIT or order.price is None:
        return True
    return bool(report.price <= order.price if report.side is Side.BUY else report.price >= order.price)


def first_moment(order: Order) -> int:
    """Milliseconds on the exchange's clock before which nothing can have been executed of this order."""
    return max(int((order.exchange_time or order.created_at).timestamp() * 1000) - OVERLAP_MS, 0)


def _likeness(order: Order, gateway: ExchangeGateway) -> OrderReport | None:
    """The one order at the exchange that can be this one: same side, price and amount, not older, nobody else's."""
    since = first_moment(order)
    reports = gateway.orders_since(order.symbol, since)
    taken = set(
        Order.objects.filter(
            account_id=order.account_id,
            symbol=order.symbol,
            exchange_order_id__in=[report.exchange_order_id for report in reports],
        ).values_list("exchange_order_id", flat=True)
    )
    alike = [report for report in reports if report.exchange_order_id not in taken and _is_like(order, report, since)]
    if len(alike) > 1:
        # Those that came to nothing change nothing, whosever they are.
        alike = [report for report in alike if report.status not in _NOTHING_CAME_OF_IT or report.filled] or alike[:1]
    if len(alike) > 1:
        raise NeedsOperator(
            f"{len(alike)} orders at the exchange could be the {order.side} of {order.amount.normalize():f} "
            f"{order.symbol} whose answer was lost, and it keeps no ids of ours to tell them apart. "
            f"Cancel those that are not wanted at the exchange: {', '.join(r.exchange_order_id for r in alike)}."
        )
    return alike[0] if alike else None


def _is_like(order: Order, report: OrderReport, since: int) -> bool:
    if report.side != order.side or report.amount != order.amount:
        return False
    if report.timestamp is not None and report.timestamp < since:
        return False
    if order.type == OrderType.LIMIT:
        return bool(report.price == order.price)
    if order.type == OrderType.STOP:
        return bool(report.trigger_price == order.trigger_price)
    return report.type in (None, OrderType.MARKET)
