"""Bots in the back office: everything can be looked at; what changes a bot goes through the services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from bots import services
from bots.errors import BotError
from bots.lifecycle import InvalidTransition
from bots.models import (
    Bot,
    EquityPoint,
    Event,
    ExternalSignal,
    Fill,
    JournalEntry,
    Order,
    Position,
    Signal,
    Snapshot,
    Trade,
)
from exchange.back_office import Fact


def _each(request: HttpRequest, bots: QuerySet[Bot], done: str, command: Callable[[Bot], Any]) -> None:
    """Runs a service for each bot; what is refused is told and does not keep the others waiting."""
    for bot in bots.select_related("account"):
        try:
            command(bot)
        except (BotError, InvalidTransition) as error:
            messages.error(request, f"Bot {bot.name}: {error}")
        else:
            messages.success(request, f"Bot {bot.name} {done}.")


@admin.register(Bot)
class BotAdmin(Fact):
    list_display = ("name", "status", "mode", "strategy", "symbol", "account", "owner", "last_tick_at", "status_reason")
    list_filter = ("status", "mode", "strategy", "account", ("archived_at", admin.EmptyFieldListFilter))
    list_select_related = ("account", "owner")
    search_fields = ("name", "symbol", "tag")
    actions = ("start", "stop", "pause", "resume", "emergency_stop", "put_away")

    @admin.action(description="Start")
    def start(self, request: HttpRequest, bots: QuerySet[Bot]) -> None:
        _each(request, bots, "is starting", lambda bot: services.start_bot(bot=bot, requested_by=_who(request)))

    @admin.action(description="Stop, keep the position")
    def stop(self, request: HttpRequest, bots: QuerySet[Bot]) -> None:
        _each(request, bots, "is stopping", lambda bot: services.stop_bot(bot=bot, requested_by=_who(request)))

    @admin.action(description="Pause")
    def pause(self, request: HttpRequest, bots: QuerySet[Bot]) -> None:
        _each(request, bots, "is paused", lambda bot: services.pause_bot(bot=bot, requested_by=_who(request)))

    @admin.action(description="Resume")
    def resume(self, request: HttpRequest, bots: QuerySet[Bot]) -> None:
        _each(request, bots, "goes on", lambda bot: services.resume_bot(bot=bot, requested_by=_who(request)))

    @admin.action(description="Emergency stop")
    def emergency_stop(self, request: HttpRequest, bots: QuerySet[Bot]) -> None:
        _each(
            request,
            bots,
            "is in emergency",
            lambda bot: services.emergency_stop_bot(bot=bot, requested_by=_who(request)),
        )

    @admin.action(description="Delete; those that have traded are put away")
    def put_away(self, request: HttpRequest, bots: QuerySet[Bot]) -> None:
        _each(request, bots, "is deleted", lambda bot: services.delete_bot(bot=bot, requested_by=_who(request)))


@admin.register(Order)
class OrderAdmin(Fact):
    list_display = (
        "client_order_id",
        "bot",
        "symbol",
        "side",
        "type",
        "amount",
        "price",
        "status",
        "filled",
        "created_at",
    )
    list_filter = ("status", "side", "type", "bot")
    list_select_related = ("bot",)
    search_fields = ("client_order_id", "exchange_order_id", "slot")


@admin.register(Fill)
class FillAdmin(Fact):
    list_display = ("trade_id", "bot", "symbol", "side", "amount", "price", "fee", "fee_currency", "executed_at")
    list_filter = ("side", "is_maker", "bot")
    list_select_related = ("bot",)
    search_fields = ("trade_id", "order__client_order_id")


@admin.register(Position)
class PositionAdmin(Fact):
    list_display = ("bot", "symbol", "amount", "average_price", "realised_pnl", "fees_quote", "fills", "updated_at")
    list_select_related = ("bot",)
    search_fields = ("bot__name", "symbol")


@admin.register(Trade)
class TradeAdmin(Fact):
    list_display = ("key", "ordinal", "bot", "symbol", "direction", "amount", "profit", "opened_at", "closed_at")
    list_filter = ("direction", ("closed_at", admin.EmptyFieldListFilter), "bot")
    list_select_related = ("bot",)
    search_fields = ("key", "bot__name")


@admin.register(Event)
class EventAdmin(Fact):
    list_display = ("created_at", "severity", "kind", "bot", "message")
    list_filter = ("severity", "kind", "bot")
    list_select_related = ("bot",)
    search_fields = ("message",)


@admin.register(JournalEntry)
class JournalEntryAdmin(Fact):
    list_display = ("created_at", "bot", "action", "code", "sentence", "requested_by")
    list_filter = ("action", "code", "bot")
    list_select_related = ("bot",)
    search_fields = ("sentence", "order__client_order_id")


@admin.register(Signal)
class SignalAdmin(Fact):
    list_display = ("timestamp", "bot", "direction", "entry", "confidence", "strategy_type")
    list_filter = ("direction", "strategy_type", "bot")
    list_select_related = ("bot",)


@admin.register(ExternalSignal)
class ExternalSignalAdmin(Fact):
    list_display = ("received_at", "bot", "direction", "source", "delivery_id", "requested_by")
    list_filter = ("direction", "source", "bot")
    list_select_related = ("bot",)
    search_fields = ("delivery_id", "bot__name")


@admin.register(Snapshot)
class SnapshotAdmin(Fact):
    list_display = ("created_at", "bot", "run", "strategy_version", "price")
    list_filter = ("bot",)
    list_select_related = ("bot",)


@admin.register(EquityPoint)
class EquityPointAdmin(Fact):
    list_display = ("at", "bot", "price", "realised_pnl", "unrealised_pnl")
    list_filter = ("bot",)
    list_select_related = ("bot",)


def _who(request: HttpRequest) -> str:
    return request.user.get_username()
