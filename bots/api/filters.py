"""The query parameters of each list. A field's ``source`` is the look-up that it is applied with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from bots.lifecycle import LIVE_ORDER_STATUSES, BotStatus, OrderStatus
from bots.models import BotMode, EventKind, Severity
from bots.models.order import SIDES
from exchange.models import Environment
from web.lists import Filters

_SINCE = "Only what is from this moment (ISO 8601) on."
_LIVE = "live"


def _choice(choices: Any, **options: Any) -> serializers.ChoiceField:
    """Refuses with the list of what is possible."""
    possible = ", ".join(str(value) for value, _ in choices)
    return serializers.ChoiceField(
        choices=choices,
        required=False,
        error_messages={"invalid_choice": f"{{input}} is not one of: {possible}."},
        **options,
    )


class BotFilters(Filters):
    status = _choice(BotStatus.choices)
    mode = _choice(BotMode.choices)
    symbol = serializers.CharField(required=False)
    strategy = serializers.CharField(required=False)
    account = serializers.CharField(required=False, source="account__name")


class OrderFilters(Filters):
    status = _choice(
        [(_LIVE, "Standing, or possibly standing"), *OrderStatus.choices],
        help_text="`live` stands for every status in which an order may be on the exchange's book.",
    )
    side = _choice(SIDES)
    symbol = serializers.CharField(required=False)
    run = serializers.IntegerField(required=False, min_value=0)
    since = serializers.DateTimeField(required=False, source="created_at__gte", help_text=_SINCE)

    def apply(self, rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
        found: Mapping[str, Any] = self.validated_data
        if found.get("status") == _LIVE:
            found = {**found, "status__in": LIVE_ORDER_STATUSES}
            del found["status"]
        return rows.filter(**found)


class AllOrdersFilters(OrderFilters):
    bot = serializers.CharField(required=False, source="bot__name")


class FillFilters(Filters):
    side = _choice(SIDES)
    symbol = serializers.CharField(required=False)
    since = serializers.DateTimeField(required=False, source="executed_at__gte", help_text=_SINCE)


class TradeFilters(Filters):
    status = serializers.ChoiceField(
        choices=[("open", "Open"), ("closed", "Closed")],
        required=False,
        source="closed_at__isnull",
        error_messages={"invalid_choice": "{input} is not one of: open, closed."},
    )
    symbol = serializers.CharField(required=False)
    since = serializers.DateTimeField(required=False, source="opened_at__gte", help_text=_SINCE)

    def validate_status(self, value: str) -> bool:
        return value == "open"


class EventFilters(Filters):
    kind = _choice(EventKind.choices)
    severity = _choice(Severity.choices)
    since = serializers.DateTimeField(required=False, source="created_at__gte", help_text=_SINCE)


class AllEventsFilters(EventFilters):
    bot = serializers.CharField(required=False, source="bot__name")
    symbol = serializers.CharField(required=False, source="bot__symbol")


class JournalFilters(Filters):
    action = _choice([(name, name) for name in ("place", "cancel", "refuse", "note")])
    code = serializers.CharField(required=False)
    since = serializers.DateTimeField(required=False, source="created_at__gte", help_text=_SINCE)


class AccountFilters(Filters):
    environment = _choice(Environment.choices)
    exchange_id = serializers.CharField(required=False)
