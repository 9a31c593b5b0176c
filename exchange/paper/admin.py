"""Paper books in the back office: to be looked at. What changes them is the market."""

from __future__ import annotations

from django.contrib import admin

from exchange.back_office import Fact
from exchange.paper.models import PaperBalance, PaperBook, PaperExecution, PaperMarket, PaperOrder


@admin.register(PaperBook)
class PaperBookAdmin(Fact):
    list_display = ("account", "orders", "executions")
    list_select_related = ("account",)
    search_fields = ("account__name",)


@admin.register(PaperBalance)
class PaperBalanceAdmin(Fact):
    list_display = ("book", "coin", "total")
    list_select_related = ("book__account",)
    list_filter = ("coin",)


@admin.register(PaperMarket)
class PaperMarketAdmin(Fact):
    list_display = ("book", "symbol", "price", "size", "leverage")
    list_select_related = ("book__account",)
    search_fields = ("symbol",)


@admin.register(PaperOrder)
class PaperOrderAdmin(Fact):
    list_display = ("number", "book", "symbol", "side", "type", "amount", "price", "status", "filled")
    list_select_related = ("book__account",)
    list_filter = ("status", "side", "type")
    search_fields = ("client_order_id", "symbol")


@admin.register(PaperExecution)
class PaperExecutionAdmin(Fact):
    list_display = ("number", "order", "price", "amount", "fee", "fee_currency", "is_maker")
    list_select_related = ("order",)
