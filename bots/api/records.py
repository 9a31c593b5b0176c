"""What bots leave behind: orders, fills, trades, events and the journal; of one bot or of all."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view

from bots.api.filters import (
    AllEventsFilters,
    AllOrdersFilters,
    EventFilters,
    FillFilters,
    JournalFilters,
    OrderFilters,
    TradeFilters,
)
from bots.api.serializers import EventOut, FillOut, JournalOut, OrderOut, TradeOut
from bots.models import Bot, Event, Fill, JournalEntry, Order, Trade
from web.lists import Filters, LeanList

ORDER_COLUMNS = {
    "client_order_id": "client_order_id",
    "exchange_order_id": "exchange_order_id",
    "bot": "bot__name",
    "symbol": "symbol",
    "run": "run",
    "slot": "slot",
    "sequence": "sequence",
    "attempt": "attempt",
    "trade_key": "trade_key",
    "side": "side",
    "type": "type",
    "status": "status",
    "amount": "amount",
    "price": "price",
    "trigger_price": "trigger_price",
    "filled": "filled",
    "filled_quote": "filled_quote",
    "post_only": "post_only",
    "reduce_only": "reduce_only",
    "reject_reason": "reject_reason",
    "created_at": "created_at",
    "sent_at": "sent_at",
    "closed_at": "closed_at",
    "exchange_time": "exchange_time",
}
FILL_COLUMNS = {
    "trade_id": "trade_id",
    "bot": "bot__name",
    "client_order_id": "order__client_order_id",
    "symbol": "symbol",
    "side": "side",
    "price": "price",
    "amount": "amount",
    "fee": "fee",
    "fee_currency": "fee_currency",
    "is_maker": "is_maker",
    "realised_pnl": "realised_pnl",
    "executed_at": "executed_at",
    "booked_at": "booked_at",
}
TRADE_COLUMNS = {
    "bot": "bot__name",
    "symbol": "symbol",
    "run": "run",
    "key": "key",
    "ordinal": "ordinal",
    "direction": "direction",
    "amount": "amount",
    "exit_amount": "exit_amount",
    "entry_value": "entry_value",
    "exit_value": "exit_value",
    "fees_quote": "fees_quote",
    "profit": "profit",
    "opened_at": "opened_at",
    "closed_at": "closed_at",
}
EVENT_COLUMNS = {
    "id": "id",
    "bot": "bot__name",
    "client_order_id": "order__client_order_id",
    "kind": "kind",
    "severity": "severity",
    "message": "message",
    "data": "data",
    "created_at": "created_at",
}
JOURNAL_COLUMNS = {
    "id": "id",
    "bot": "bot__name",
    "client_order_id": "order__client_order_id",
    "action": "action",
    "code": "code",
    "sentence": "sentence",
    "numbers": "numbers",
    "checks": "checks",
    "requested_by": "requested_by",
    "price": "price",
    "created_at": "created_at",
}


class _OfOneBot(LeanList):
    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return rows
        return rows.filter(bot=get_object_or_404(Bot.objects.active(), name=self.kwargs["name"]))


def _documented(summary: str, filters: type[Filters]) -> Any:
    return extend_schema_view(list=extend_schema(summary=summary, parameters=[filters]))


@_documented("Orders of all bots, newest first", AllOrdersFilters)
class OrderViewSet(LeanList):
    queryset = Order.objects.all()
    serializer_class, columns, filters = OrderOut, ORDER_COLUMNS, AllOrdersFilters


@_documented("What happened, newest first", AllEventsFilters)
class EventViewSet(LeanList):
    queryset = Event.objects.all()
    serializer_class, columns, filters = EventOut, EVENT_COLUMNS, AllEventsFilters


@_documented("A bot's orders, newest first", OrderFilters)
class BotOrderViewSet(_OfOneBot):
    queryset = Order.objects.all()
    serializer_class, columns, filters = OrderOut, ORDER_COLUMNS, OrderFilters


@_documented("A bot's fills, newest first", FillFilters)
class BotFillViewSet(_OfOneBot):
    queryset = Fill.objects.all()
    serializer_class, columns, filters = FillOut, FILL_COLUMNS, FillFilters


@_documented("A bot's round trips, newest first", TradeFilters)
class BotTradeViewSet(_OfOneBot):
    queryset = Trade.objects.all()
    serializer_class, columns, filters = TradeOut, TRADE_COLUMNS, TradeFilters


@_documented("What happened to a bot, newest first", EventFilters)
class BotEventViewSet(_OfOneBot):
    queryset = Event.objects.all()
    serializer_class, columns, filters = EventOut, EVENT_COLUMNS, EventFilters


@_documented("Why each order of a bot was placed or cancelled, newest first", JournalFilters)
class BotJournalViewSet(_OfOneBot):
    queryset = JournalEntry.objects.all()
    serializer_class, columns, filters = JournalOut, JOURNAL_COLUMNS, JournalFilters
