"""Bots: read, write, control."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.db.models import Count, F, FilteredRelation, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from bots import services
from bots.api.filters import BotFilters
from bots.api.serializers import (
    BotIn,
    BotOut,
    EmergencyStopIn,
    ExternalSignalIn,
    ExternalSignalOut,
    PlanIn,
    PreviewOut,
    StopIn,
)
from bots.external_signals import receive_signal
from bots.lifecycle import LIVE_ORDER_STATUSES
from bots.models import Bot, BotMode, Order
from bots.preflight import preview as preview_of
from strategies.contract import Direction
from web.lists import LeanList, Rows
from web.problem_details import ProblemDetails

_ZERO = Decimal(0)
_FLAT = {"position_amount": "amount", "position_cost": "cost", "position_fees": "fees"}
_REFUSED = OpenApiResponse(ProblemDetails, description="Not possible in the present state.")
_INVALID = OpenApiResponse(ProblemDetails, description="`errors` name field, value, limit and mend.")


def _command(summary: str, request: Any = None) -> Any:
    return extend_schema(summary=summary, request=request, responses={200: BotOut, 409: _REFUSED})


@extend_schema_view(list=extend_schema(summary="Bots by name", parameters=[BotFilters]))
class BotViewSet(LeanList):
    lookup_field = "name"
    lookup_value_regex = "[-a-zA-Z0-9_]+"
    queryset = Bot.objects.active()
    serializer_class, filters = BotOut, BotFilters
    columns: ClassVar[dict[str, str]] = {
        "name": "name",
        "status": "status",
        "status_reason": "status_reason",
        "mode": "mode",
        "strategy": "strategy",
        "symbol": "symbol",
        "account": "account__name",
        "owner": "owner__username",
        "config": "config",
        "tick_interval": "tick_interval",
        "position_amount": "position_amount",
        "position_cost": "position_cost",
        "position_fees": "position_fees",
        "realised_pnl": "position_realised",
        "open_orders": "open_orders",
        "run": "run",
        "created_at": "created_at",
        "started_at": "started_at",
        "stopped_at": "stopped_at",
        "last_tick_at": "last_tick_at",
        "last_error": "last_error",
        "errors_in_a_row": "errors_in_a_row",
    }

    def get_queryset(self) -> QuerySet[Bot]:
        live = Order.objects.filter(bot=OuterRef("pk"), status__in=LIVE_ORDER_STATUSES).order_by().values("bot")
        return (
            Bot.objects.active()
            .annotate(
                held=FilteredRelation(
                    "positions",
                    condition=Q(positions__symbol=F("symbol"), positions__account=F("account"))
                    & ~Q(mode=BotMode.SIGNALS),
                )
            )
            .annotate(
                position_amount=Coalesce("held__amount", _ZERO),
                position_cost=Coalesce("held__cost", _ZERO),
                position_fees=Coalesce("held__fees_quote", _ZERO),
                position_realised=Coalesce("held__realised_pnl", _ZERO),
                open_orders=Coalesce(Subquery(live.annotate(n=Count("pk")).values("n")), 0),
            )
            .order_by("name")
        )

    def shape(self, rows: Rows) -> Rows:
        shaped = []
        for row in rows:
            position = {short: row.pop(name) for name, short in _FLAT.items()}
            average = position["cost"] / position["amount"] if position["amount"] else _ZERO
            shaped.append({**row, "position": {**position, "average_price": average.quantize(Decimal("1e-18"))}})
        return shaped

    def _bot(self) -> Bot:
        return get_object_or_404(Bot.objects.active().select_related("account"), name=self.kwargs["name"])

    def _shown(self, name: str, code: int = status.HTTP_200_OK) -> Response:
        row = get_object_or_404(self.get_queryset().values_list(*self.columns.values()), name=name)
        return Response(self.shape([dict(zip(self.columns, row, strict=True))])[0], status=code)

    @extend_schema(summary="One bot")
    def retrieve(self, request: Request, name: str) -> Response:
        return self._shown(name)

    @extend_schema(summary="Create a bot", request=BotIn, responses={201: BotOut, 400: _INVALID})
    def create(self, request: Request) -> Response:
        wanted = BotIn(data=request.data)
        wanted.is_valid(raise_exception=True)
        bot = services.create_bot(
            owner=request.user,  # type: ignore[arg-type]  # nobody gets here without a login
            requested_by=_who(request),
            **wanted.validated_data,
        )
        return self._shown(bot.name, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Replace a bot's settings", request=BotIn, responses={200: BotOut, 400: _INVALID, 409: _REFUSED}
    )
    def update(self, request: Request, name: str) -> Response:
        return self._change(request, partial=False)

    @extend_schema(
        summary="Change some of a bot's settings", request=BotIn, responses={200: BotOut, 400: _INVALID, 409: _REFUSED}
    )
    def partial_update(self, request: Request, name: str) -> Response:
        return self._change(request, partial=True)

    def _change(self, request: Request, *, partial: bool) -> Response:
        bot = self._bot()
        wanted = BotIn(data=request.data, partial=partial)
        wanted.is_valid(raise_exception=True)
        bot = services.update_bot(bot=bot, requested_by=_who(request), **wanted.validated_data)
        return self._shown(bot.name)

    @extend_schema(summary="Delete a bot; one that has traded is put away", responses={204: None, 409: _REFUSED})
    def destroy(self, request: Request, name: str) -> Response:
        services.delete_bot(bot=self._bot(), requested_by=_who(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @_command("Start")
    @action(detail=True, methods=["post"])
    def start(self, request: Request, name: str) -> Response:
        services.start_bot(bot=self._bot(), requested_by=_who(request))
        return self._shown(name)

    @_command("Stop: cancel every order, keep or close the position", StopIn)
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, name: str) -> Response:
        wanted = StopIn(data=request.data)
        wanted.is_valid(raise_exception=True)
        services.stop_bot(bot=self._bot(), requested_by=_who(request), **wanted.validated_data)
        return self._shown(name)

    @_command("Pause: keep what stands, decide nothing new")
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, name: str) -> Response:
        services.pause_bot(bot=self._bot(), requested_by=_who(request))
        return self._shown(name)

    @_command("Resume")
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, name: str) -> Response:
        services.resume_bot(bot=self._bot(), requested_by=_who(request))
        return self._shown(name)

    @_command("Emergency stop: cancel everything and wait for an operator", EmergencyStopIn)
    @action(detail=True, methods=["post"], url_path="emergency-stop")
    def emergency_stop(self, request: Request, name: str) -> Response:
        wanted = EmergencyStopIn(data=request.data)
        wanted.is_valid(raise_exception=True)
        services.emergency_stop_bot(bot=self._bot(), requested_by=_who(request), **wanted.validated_data)
        return self._shown(name)

    @extend_schema(
        summary="A signal from outside, for a bot that listens for them",
        request=ExternalSignalIn,
        responses={
            201: ExternalSignalOut,
            200: OpenApiResponse(ExternalSignalOut, description="This delivery is known already."),
            400: _INVALID,
            409: _REFUSED,
        },
    )
    @action(detail=True, methods=["post"])
    def signals(self, request: Request, name: str) -> Response:
        wanted = ExternalSignalIn(data=request.data)
        wanted.is_valid(raise_exception=True)
        given = wanted.validated_data
        signal, is_new = receive_signal(
            bot=self._bot(),
            direction=Direction(given["direction"]),
            source=given["source"],
            delivery_id=given["delivery_id"],
            requested_by=_who(request),
        )
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(ExternalSignalOut(signal).data, status=code)

    @extend_schema(
        summary="What a bot would do, and what stands in its way",
        request=PlanIn,
        responses={200: PreviewOut, 400: _INVALID},
    )
    @action(detail=False, methods=["post"])
    def preview(self, request: Request) -> Response:
        wanted = PlanIn(data=request.data)
        wanted.is_valid(raise_exception=True)
        plan = dict(wanted.validated_data)
        mode = plan.pop("mode")
        found = preview_of(**plan, sends_orders=mode != BotMode.SIGNALS)
        return Response(PreviewOut(found).data)


def _who(request: Request) -> str:
    return request.user.get_username()
