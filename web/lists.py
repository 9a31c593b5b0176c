"""Lists: rows straight from the database, a page at a time, filtered by query parameters that are checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from web.rendering import PlainJSONRenderer


class Pages(PageNumberPagination):
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500

    def get_page_size(self, request: Request) -> int:
        given = request.query_params.get("page_size")
        if given is None:
            return self.page_size
        if not given.isdigit() or not 1 <= int(given) <= self.max_page_size:
            raise ValidationError({"page_size": f"page_size must be a whole number from 1 to {self.max_page_size}."})
        return int(given)


class Filters(serializers.Serializer[Any]):
    """Base of a list's query parameters: each field's ``source`` is the look-up that it is applied with."""

    def apply(self, rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
        return rows.filter(**self.validated_data)


Rows = list[dict[str, Any]]


class LeanList(GenericViewSet[Any]):
    """A view set's ``list`` of dictionaries, without model instances in between.

    ``columns`` maps the name in the answer to the column; ``shape`` may turn a page of rows into what is shown.
    """

    columns: ClassVar[Mapping[str, str]]
    filters: ClassVar[type[Filters]] = Filters
    pagination_class = Pages
    renderer_classes = [PlainJSONRenderer]

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        rows = checked(self.filters, request).apply(self.get_queryset()).values_list(*self.columns.values())
        page = self.paginate_queryset(rows) or []
        return self.get_paginated_response(self.shape([dict(zip(self.columns, row, strict=True)) for row in page]))

    def shape(self, rows: Rows) -> Rows:
        return rows


def checked(filters: type[Filters], request: Request) -> Filters:
    """Raises ``ValidationError`` for bad values, and for parameters that would silently do nothing."""
    found = filters(data=request.query_params)
    known = {*found.fields, "page", "page_size", "format"}
    _refuse_unknown(known, request.query_params)
    found.is_valid(raise_exception=True)
    return found


def _refuse_unknown(known: Iterable[str], given: Iterable[str]) -> None:
    if unknown := sorted(set(given) - set(known)):
        possible = ", ".join(sorted(set(known) - {"format"}))
        raise ValidationError({name: f"There is no parameter {name}. Possible: {possible}." for name in unknown})
