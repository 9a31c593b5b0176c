"""What the pages of the back office for records have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db.models import DecimalField, Model
from django.http import HttpRequest


class Fact(admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the type checker only
    """A record of what happened: it can be read, never written."""

    # Counting all of a big table for "12 of 4,000,000" costs more than the page.
    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return [self._column(name) for name in super().get_list_display(request)]

    def _column(self, name: Any) -> Any:
        try:
            field = self.model._meta.get_field(name)
        except FieldDoesNotExist:
            return name
        return _exact_column(field) if isinstance(field, DecimalField) else name


def _exact_column(field: DecimalField[Any, Any]) -> Callable[[Model], str | None]:
    """Django writes all of a column's 18 places, and nobody sees what stands to the right of three such columns."""

    @admin.display(description=field.verbose_name, ordering=field.name)
    def column(record: Model) -> str | None:
        value = getattr(record, field.attname)
        if value is None:
            return None
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text

    return column
