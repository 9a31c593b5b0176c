"""Reading the truth: executions are booked once, and orders that the exchange closed are noticed.

One reader at a time serves all bots of an account. Executions are what positions follow from; an order's status only
tells whether more of them may come.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from bots.booking import book_fills
from bots.lifecycle import OrderStatus
from bots.locks import LockKind, try_lock
from bots.models import Bot, Order
from bots.reports import kind_of, note_other_terms
from bots.resolution import OVERLAP_MS, find_out, first_moment
from bots.strays import treat_stray
from exchange.models import ExchangeAccount
from exchange.port import ExchangeGateway, OrderReport
from strategies.contract import MarketKind

# A price is good for a tick that follows the last reading by no more than this while another reader is at work.
STALE_AFTER = timedelta(seconds=5)
# How often all open orders of an account are compared with ours, to notice what was cancelled behind our back.
AUDIT_EVERY = timedelta(seconds=15)


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
        late = _late_executions(account)
        # Every kind of market that a bot was started on has a cursor.
        for kind in sorted(account.fills_cursor):
            _sync_fills(account, MarketKind(kind), gateway, now, late.get(MarketKind(kind)))
        if audit or account.audited_at is None or now - account.audited_at >= AUDIT_EVERY:
            audit_open_orders(Bot.objects.ticking().filter(account=account), gateway=gateway, now=now)
            account.audited_at = now
        account.synced_at = now
        account.save(update_fields=["synced_at", "audited_at", "fills_cursor"])
    return True


def _late_executions(account: ExchangeAccount) -> dict[MarketKind, int]:
    """From when on executions have to be read again, by kind: the exchange has told of some that were never listed."""
    late: dict[MarketKind, int] = {}
    for order in Order.objects.filter(account=account).unsettled():
        kind = kind_of(order.symbol)
        late[kind] = min(late.get(kind, first_moment(order)), first_moment(order))
    return late


def _sync_fills(
    account: ExchangeAccount, kind: MarketKind, gateway: ExchangeGateway, now: datetime, late_since: int | None
) -> None:
    cursor = int(account.fills_cursor.get(kind, 0))
    overlap = max(OVERLAP_MS, int(gateway.traits.fills_lag.total_seconds() * 1000))
    since = max(cursor - overlap, 0)
    if late_since is not None:
        since = min(since, late_since)
    reports = gateway.fills_since(kind, since, symbols=traded_symbols(account, gateway))
    if reports:
        book_fills(account, reports, gateway=gateway, now=now)
        # Stored by the caller. Should it not come to that, these are only read once more.
        account.fills_cursor[kind] = max(cursor, *(report.timestamp for report in reports))


def traded_symbols(account: ExchangeAccount, gateway: ExchangeGateway) -> list[str]:
    """What the account's bots trade, for exchanges that list executions by symbol only; the others need no list."""
    if not gateway.traits.fills_by_symbol:
        return []
    return sorted(set(Bot.objects.filter(account=account).values_list("symbol", flat=True)))


def audit_open_orders(bots: Iterable[Bot], *, gateway: ExchangeGateway, now: datetime) -> None:
    """Compares the exchange's open orders with ours, for every symbol these bots trade.

    An order of ours that is not among them is asked for; one that was changed there is noted. One that carries the
    tag of one of these bots but is not live in the database is a stray (:mod:`bots.strays`): nothing would ever look
    after it.
    """
    by_symbol: dict[str, list[Bot]] = {}
    for bot in bots:
        by_symbol.setdefault(bot.symbol, []).append(bot)
    for symbol, group in by_symbol.items():
        ours = list(Order.objects.filter(bot__in=group, symbol=symbol).live().select_related("bot", "account"))
        reports = gateway.open_orders(symbol)
        listed = {report.client_order_id: report for report in reports if report.client_order_id}
        by_exchange_id = {report.exchange_order_id: report for report in reports}
        for order in ours:
            if order.status not in (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED):
                continue
            report = listed.get(order.client_order_id) or by_exchange_id.get(order.exchange_order_id)
            if report is None:
                find_out(order, gateway=gateway, now=now)
            else:
                _note_standing(order, report, now=now, lag=gateway.traits.not_found_lag)
        tags = {f"ta{bot.tag}": bot for bot in group}
        for client_order_id in listed.keys() - {order.client_order_id for order in ours}:
            owner = tags.get(client_order_id[:8])
            if owner is not None:
                treat_stray(owner, listed[client_order_id], gateway=gateway, now=now)


def _note_standing(order: Order, report: OrderReport, *, now: datetime, lag: timedelta) -> None:
    triggered = bool(report.triggered) and order.triggered_at is None
    if triggered or order.missing_since is not None:
        order.missing_since = None
        order.triggered_at = now if triggered else order.triggered_at
        order.save(update_fields=["missing_since", "triggered_at"])
    note_other_terms(order, report, now=now, lag=lag)
