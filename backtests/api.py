"""Back-tests and studies under ``/api/v1/``: asked for, watched, cancelled, read."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from backtests import services
from backtests.api_examples import BACK_TESTS
from backtests.models import BackTest, Study
from backtests.result_schemas import schema_of
from backtests.serializers import BackTestIn, BackTestOut, JobFilters, StudyFilters, StudyIn, StudyOut
from web.lists import LeanList, Rows
from web.problem_details import ProblemDetails

_INVALID = OpenApiResponse(ProblemDetails, description="`errors` name field, value, limit and mend.")
_NOT_DONE = OpenApiResponse(ProblemDetails, description="There is no result, or not yet.")
_COLUMNS = {
    name: name
    for name in (
        "id", "status", "progress", "error", "preset", "source", "since", "until", "summary", "hash", "requested_by",
        "created_at", "started_at", "finished_at",
    )
} | {"same_as": "same_as_id"}  # fmt: skip


class JobViewSet(LeanList):
    """What both have in common."""

    lookup_value_regex = r"\d+"
    filters = JobFilters

    def shape(self, rows: Rows) -> Rows:
        now = timezone.now()
        return [{**row, "seconds_left": _seconds_left(self.get_queryset().model, row, now)} for row in rows]

    def retrieve(self, request: Request, pk: str) -> Response:
        return self._shown(int(pk))

    @extend_schema(summary="Cancel; one that is over stays as it is", request=None)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        services.cancel(self._job())
        return self._shown(int(pk))

    @action(detail=True)
    def result(self, request: Request, pk: str) -> HttpResponse:
        return HttpResponse(services.result_of(self._job()), content_type="application/json")

    def _job(self) -> Any:
        return get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])

    def _shown(self, key: int, code: int = status.HTTP_200_OK) -> Response:
        row = get_object_or_404(self.get_queryset().values_list(*self.columns.values()), pk=key)
        return Response(self.shape([dict(zip(self.columns, row, strict=True))])[0], status=code)


def _seconds_left(model: Any, row: dict[str, Any], now: datetime) -> float | None:
    job = model(**{name: row[name] for name in ("progress", "started_at", "finished_at")})
    left: float | None = job.seconds_left(now)
    return left


@extend_schema_view(
    list=extend_schema(summary="Back-tests, newest first", parameters=[JobFilters]),
    retrieve=extend_schema(summary="One back-test"),
    result=extend_schema(
        summary="The whole result, as `manage.py backtest --json` writes it",
        description="Of one bot, or of a portfolio, which has `bots`.",
        responses={200: {"oneOf": [schema_of("result"), schema_of("portfolio")]}, 409: _NOT_DONE},
    ),
)
class BackTestViewSet(JobViewSet):
    queryset = BackTest.objects.all()
    serializer_class = BackTestOut
    columns: ClassVar[dict[str, str]] = _COLUMNS

    def get_queryset(self) -> QuerySet[BackTest]:
        return BackTest.objects.order_by("-pk")

    @extend_schema(
        summary="Ask for a back-test, of one bot or of a portfolio",
        request=BackTestIn,
        responses={201: BackTestOut, 400: _INVALID},
        examples=BACK_TESTS,
    )
    def create(self, request: Request) -> Response:
        wanted = BackTestIn(data=request.data)
        wanted.is_valid(raise_exception=True)
        made = services.request_back_test(requested_by=request.user.get_username(), **wanted.validated_data)
        return self._shown(made.pk, status.HTTP_201_CREATED)

    @extend_schema(summary="A page that stands alone", responses={(200, "text/html"): str, 409: _NOT_DONE})
    @action(detail=True)
    def report(self, request: Request, pk: str) -> HttpResponse:
        return HttpResponse(services.report_of(self._job()), content_type="text/html; charset=utf-8")


@extend_schema_view(
    list=extend_schema(summary="Studies, newest first", parameters=[StudyFilters]),
    retrieve=extend_schema(summary="One study"),
    result=extend_schema(
        summary="The whole result; of every kind but optimise as its command's `--json` writes it",
        responses={200: OpenApiTypes.OBJECT, 409: _NOT_DONE},
    ),
)
class StudyViewSet(JobViewSet):
    queryset = Study.objects.all()
    serializer_class = StudyOut
    filters = StudyFilters
    columns: ClassVar[dict[str, str]] = _COLUMNS | {
        name: name for name in ("kind", "search", "options", "total", "finished")
    }

    def get_queryset(self) -> QuerySet[Study]:
        return Study.objects.order_by("-pk")

    @extend_schema(summary="Ask for a study", request=StudyIn, responses={201: StudyOut, 400: _INVALID})
    def create(self, request: Request) -> Response:
        wanted = StudyIn(data=request.data)
        wanted.is_valid(raise_exception=True)
        made = services.request_study(requested_by=request.user.get_username(), **wanted.validated_data)
        return self._shown(made.pk, status.HTTP_201_CREATED)
