"""Results are read here, never changed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from backtests.models import BackTest, Study


class _ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(BackTest)
class BackTestAdmin(_ReadOnly):
    list_display = ("__str__", "symbol", "strategy", "status", "requested_by", "created_at")
    list_filter = ("status",)


@admin.register(Study)
class StudyAdmin(_ReadOnly):
    list_display = (
        "__str__",
        "kind",
        "symbol",
        "strategy",
        "status",
        "finished",
        "total",
        "requested_by",
        "created_at",
    )
    list_filter = ("status", "kind")
