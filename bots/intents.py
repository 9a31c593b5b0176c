"""From wishes to rows: what a plan needs of the stored orders, and what it stores of its own.

Everything here runs inside the tick's transaction; nothing is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from bots import gate
from bots.events import record
from bots.journal import entry
from bots.lifecycle import LIVE_ORDER_STATUSES, OrderStatus
from bots.models import Bot, EventKind, JournalEntry, Order, Severity
from bots.models.order import client_order_id
from bots.plan import Placement, Plan, Refusal, Standing, Terms, Wish, make_plan, wishes_without_order
from bots.reports import moment
from bots.scene import Scene
from bots.strays import claim_strays
from strategies.contract import OrderType, Reason, Side, WantedOrder

REST_DROPPED = Reason("plan.rest_dropped")
# A check that goes on refusing is told again after this long.
TELL_AGAIN_AFTER = timedelta(minutes=10)


def plan_orders(scene: Scene, wanted: Sequence[WantedOrder], live: Sequence[Standing]) -> Plan:
    bot = scene.bot
    if claim_strays(bot, wanted, live):
        live = standing_orders(Order.objects.filter(id__in=[order.order_id for order in live]))
    # What earlier attempts filled is part of what a later one is compared with.
    lookup = [*wishes_without_order(wanted, live), *(order.wish for order in live if order.attempt)]
    earlier: dict[Wish, list[Standing]] = {}
    if lookup:
        wishes = Q()
        for slot, sequence in lookup:
            wishes |= Q(slot=slot, sequence=sequence)
        standing = {order.order_id for order in live}
        for order in standing_orders(Order.objects.filter(wishes, bot=bot, run=bot.run)):
            if order.order_id not in standing:
                earlier.setdefault(order.wish, []).append(order)
    plan = make_plan(wanted, live, earlier, scene.market, scene.ticker.last, scene.now, scene.amendable)
    return gate.examine_all(plan, gate.Situation(bot, scene.market, scene.ticker.last, scene.now))


def standing_orders(orders: QuerySet[Order]) -> list[Standing]:
    """As the plan needs them. Plain rows: a bot may have hundreds, and looks at them every second."""
    rows = orders.order_by().values(*_COLUMNS)
    return [_standing(row) for row in rows]


_COLUMNS = (
    "id", "slot", "sequence", "attempt", "status", "reported_filled", "cancel_requested_at", "amount", "filled",
    "price", "trigger_price", "closed_at", "side", "type", "post_only", "reduce_only", "protective",
    "amend_requested_at", "amend_amount", "amend_price", "amend_trigger_price", "amend_refused", "missing_since",
    "rest_dropped_at", "triggered_at",
)  # fmt: skip


def _standing(row: Mapping[str, Any]) -> Standing:
    status, filled = OrderStatus(row["status"]), row["filled"]
    withdrawn = row["cancel_requested_at"] is not None
    ended_by_exchange = status in (OrderStatus.CANCELED, OrderStatus.EXPIRED) and not withdrawn and not filled
    amend = None
    if row["amend_requested_at"] is not None:
        amend = Terms(row["amend_amount"], row["amend_price"], row["amend_trigger_price"])
    return Standing(
        order_id=row["id"],
        slot=row["slot"],
        sequence=row["sequence"],
        attempt=row["attempt"],
        status=status,
        settled=status not in LIVE_ORDER_STATUSES and filled >= row["reported_filled"],
        refused=status is OrderStatus.REJECTED or ended_by_exchange,
        cancel_requested=withdrawn,
        amount=row["amount"],
        filled=filled,
        price=row["price"],
        trigger_price=row["trigger_price"],
        closed_at=row["closed_at"],
        side=Side(row["side"]),
        type=OrderType(row["type"]),
        post_only=row["post_only"],
        reduce_only=row["reduce_only"],
        protective=row["protective"],
        amend=amend,
        amend_refused=row["amend_refused"],
        missing=row["missing_since"] is not None,
        rest_dropped=row["rest_dropped_at"] is not None,
        triggered_at=row["triggered_at"],
    )


def store_plan(scene: Scene, plan: Plan) -> list[JournalEntry]:
    """Stores the intents and returns the journal entries that explain them, unsaved."""
    bot, now, price = scene.bot, scene.now, scene.ticker.last
    entries = [*_store_cancels(scene, plan), *_store_amends(scene, plan), *_store_dropped(scene, plan)]
    orders = Order.objects.bulk_create([_intent(scene, placement) for placement in plan.place])
    features = scene.features.as_json() if scene.features is not None and orders else {}
    for order, placement in zip(orders, plan.place, strict=True):
        checks = [check.as_json() for check in placement.checks]
        reason = placement.wanted.reason
        entries.append(entry(bot, "place", reason, now=now, price=price, order=order, checks=checks, features=features))
    for refusal in plan.refuse:
        entries += _tell_refusal(scene, refusal)
    if not bot.sends_orders:
        _tell_what_was_withheld(bot, orders, now)
    elif any(order.post_only for order in orders):
        bot.audit_due = True
    return entries


def _store_cancels(scene: Scene, plan: Plan) -> Iterator[JournalEntry]:
    if not plan.cancel:
        return
    bot, now, reasons = scene.bot, scene.now, dict(plan.cancel)
    ids = list(reasons)
    # What was never sent needs no cancel at the exchange.
    Order.objects.filter(id__in=ids, status__in=[OrderStatus.INTENT, OrderStatus.WITHHELD]).update(
        status=OrderStatus.CANCELED, cancel_requested_at=now, closed_at=now
    )
    Order.objects.filter(id__in=ids, cancel_requested_at__isnull=True).live().update(cancel_requested_at=now)
    for order in Order.objects.filter(id__in=ids, cancel_requested_at=now):
        yield entry(bot, "cancel", reasons[order.pk], now=now, price=scene.ticker.last, order=order)


def _store_amends(scene: Scene, plan: Plan) -> Iterator[JournalEntry]:
    """A change is in the database before its first byte leaves, as an order is."""
    for amendment in plan.amend:
        terms = amendment.terms
        changed = Order.objects.filter(pk=amendment.order_id, cancel_requested_at__isnull=True).on_the_book()
        if not changed.update(
            amend_amount=terms.amount,
            amend_price=terms.price,
            amend_trigger_price=terms.trigger_price,
            amend_requested_at=scene.now,
        ):
            continue
        at = terms.price if terms.price is not None else terms.trigger_price
        numbers = {"amount": f"{terms.amount.normalize():f}", "price": f"{at.normalize():f}" if at else "market"}
        order = Order.objects.get(pk=amendment.order_id)
        reason = Reason("plan.amended", numbers)
        yield entry(scene.bot, "amend", reason, now=scene.now, price=scene.ticker.last, order=order)


def _store_dropped(scene: Scene, plan: Plan) -> Iterator[JournalEntry]:
    for order in Order.objects.filter(id__in=plan.drop_rest):
        order.rest_dropped_at = scene.now
        order.save(update_fields=["rest_dropped_at"])
        yield entry(scene.bot, "note", REST_DROPPED, now=scene.now, price=scene.ticker.last, order=order)


def _tell_refusal(scene: Scene, refusal: Refusal) -> Iterator[JournalEntry]:
    """Once for each reason: a wish that cannot be is wished again at every tick."""
    bot, wanted = scene.bot, refusal.wanted
    numbers: dict[str, float | int | str] = {"why": refusal.reason, "slot": wanted.slot}
    if refusal.checks:
        # The sentence of a check has the price of the moment in it.
        numbers |= {"check": next(check.name for check in refusal.checks if not check.passed)}
    told = JournalEntry.objects.filter(bot=bot, action="refuse", numbers__slot=wanted.slot)
    if refusal.checks:
        told = told.filter(numbers__check=numbers["check"], created_at__gt=scene.now - TELL_AGAIN_AFTER)
    else:
        told = told.filter(numbers__why=refusal.reason)
    if told.exists():
        return
    checks = [check.as_json() for check in refusal.checks]
    yield entry(
        bot, "refuse", Reason("plan.impossible", numbers), now=scene.now, price=scene.ticker.last, checks=checks
    )
    if refusal.checks:
        record(
            EventKind.ORDER_FAILED,
            f"Not placed: {refusal.reason}.",
            now=scene.now,
            bot=bot,
            severity=Severity.WARNING,
            data={"slot": wanted.slot, "check": str(numbers["check"])},
        )


def _tell_what_was_withheld(bot: Bot, orders: Sequence[Order], now: datetime) -> None:
    for order in orders:
        at = order.price or order.trigger_price
        record(
            EventKind.SIGNAL_GENERATED,
            f"Signal, not sent: {order.side} {order.amount.normalize():f} {order.symbol} "
            + (f"at {at.normalize():f}." if at is not None else "at market."),
            now=now,
            bot=bot,
            order=order,
            data={"slot": order.slot},
        )


def _intent(scene: Scene, placement: Placement) -> Order:
    bot, wanted = scene.bot, placement.wanted
    return Order(
        bot=bot,
        account_id=bot.account_id,
        client_order_id=client_order_id(
            tag=bot.tag, run=bot.run, slot=wanted.slot, sequence=wanted.sequence, attempt=placement.attempt
        ),
        symbol=bot.symbol,
        run=bot.run,
        mode=bot.mode,
        slot=wanted.slot,
        sequence=wanted.sequence,
        attempt=placement.attempt,
        trade_key=wanted.trade,
        side=placement.side,
        type=placement.type,
        amount=placement.amount,
        price=placement.price,
        trigger_price=placement.trigger_price,
        amount_step=scene.market.step,
        post_only=wanted.post_only,
        reduce_only=wanted.reduce_only,
        protective=wanted.protective,
        status=OrderStatus.INTENT if bot.sends_orders else OrderStatus.WITHHELD,
        created_at=scene.now,
        exchange_time=moment(scene.ticker.timestamp),
    )
