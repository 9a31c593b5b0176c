"""One order: why it exists, what became of it, what it executed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone

from bots import selectors
from bots.lifecycle import OrderStatus
from bots.models import BotMode, Order
from bots.views.sight import seen_in
from web.pages import Context, page, signed_in


@dataclass(frozen=True, slots=True)
class Step:
    """One moment in an order's life, by our clock."""

    title: str
    at: datetime
    note: str = ""


@signed_in
def order_detail(request: HttpRequest, order_id: int) -> HttpResponse:
    order = get_object_or_404(Order.objects.select_related("bot", "account"), pk=order_id)
    return page(request, "bots/order.html", {"order": lambda: _order(order)})


def _order(order: Order) -> Context:
    fills = list(order.fills.order_by("id"))
    return {
        "now": timezone.now(),
        "order": order,
        "bot": order.bot,
        "quote": selectors.quote_of(order.symbol),
        "base": selectors.base_of(order.symbol),
        "fills": fills,
        "journal": [(entry, seen_in(order.bot.strategy, entry.features)) for entry in order.journal.order_by("id")],
        "life": life_of(order, [(fill.booked_at, fill.completes_order) for fill in fills]),
        "attempts": list(
            Order.objects.filter(bot=order.bot, run=order.run, slot=order.slot, sequence=order.sequence)
            .exclude(pk=order.pk)
            .order_by("attempt")
        ),
    }


def life_of(order: Order, bookings: list[tuple[datetime, bool]]) -> list[Step]:
    """Oldest first. ``bookings`` are the times at which its fills were booked, and whether each completed it."""
    sends = order.mode != BotMode.SIGNALS
    note = "Written down before anything was sent." if sends else "Written down. A bot for signals only sends nothing."
    steps = [Step("Decided", order.created_at, note)]
    if order.sent_at:
        steps.append(Step("Sent to the exchange", order.sent_at, f"Under client order id {order.client_order_id}."))
    steps += [Step("Filled" if completes else "Partly filled", at) for at, completes in bookings]
    if order.cancel_requested_at:
        steps.append(Step("Cancel asked for", order.cancel_requested_at))
    if order.closed_at and order.status != OrderStatus.FILLED:
        steps.append(Step(OrderStatus(order.status).label, order.closed_at, order.reject_reason))
    return sorted(steps, key=lambda step: step.at)
