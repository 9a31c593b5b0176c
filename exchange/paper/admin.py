"""Paper books in the back office: to be looked at. What changes them is the market."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from exchange.paper.models import PaperBalance, PaperBook, PaperExecution, PaperMarket, PaperOrder


class PaperRecord(admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the type checker only
    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(PaperBook)
class PaperBookAdmin(PaperRecord):
    list_display = ("account", "orders", "executions")
    list_select_related = ("account",)
    search_fields = ("account__name",)


@admin.register(PaperBalance)
class PaperBalanceAdmin(PaperRecord):
    list_display = ("book", "coin", "total")
    list_select_related = ("book__account",)
    list_filter = ("coin",)


@admin.register(PaperMarket)
class PaperMarketAdmin(PaperRecord):
    list_display = ("book", "symbol", "price", "size", "leverage")
    list_select_related = ("book__account",)
    search_fields = ("symbol",)


@admin.register(PaperOrder)
class PaperOrderAdmin(PaperRecord):
    list_display = ("number", "book", "symbol", "side", "type", "amount", "price", "status", "filled")
    list_select_related = ("book__account",)
    list_filter = ("status", "side", "type")
    search_fields = ("client_order_id", "symbol")


@admin.register(PaperExecution)
class PaperExecutionAdmin(PaperRecord):
    list_display = ("number", "order", "price", "amount", "fee", "fee_currency", "is_maker")
    list_select_related = ("order",)
