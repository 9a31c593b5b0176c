"""What is not one table: the dashboard and the strategies."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bots import selectors
from bots.api.serializers import StrategyOut
from bots.lifecycle import BotStatus, OrderStatus
from bots.models import BotMode, EventKind, Severity
from bots.models.order import SIDES
from strategies.registry import regimes_of, strategies
from web.rendering import PlainDecimalField, PlainJSONRenderer


class _TotalsOut(serializers.Serializer[Any]):
    mode = serializers.ChoiceField(choices=BotMode.choices)
    quote = serializers.CharField()
    profit = PlainDecimalField(help_text="Realised and unrealised, after fees.")
    profit_today = PlainDecimalField(help_text="Since midnight UTC.")
    bots = serializers.IntegerField()
    running = serializers.IntegerField()
    troubled = serializers.IntegerField(help_text="In emergency, or failing.")
    open_orders = serializers.IntegerField()
    fills = serializers.IntegerField()


class _BotFiguresOut(serializers.Serializer[Any]):
    name = serializers.SlugField(source="bot.name")
    status = serializers.ChoiceField(choices=BotStatus.choices, source="bot.status")
    mode = serializers.ChoiceField(choices=BotMode.choices, source="bot.mode")
    strategy = serializers.CharField(source="bot.strategy")
    symbol = serializers.CharField(source="bot.symbol")
    quote = serializers.CharField()
    profit = PlainDecimalField()
    profit_today = PlainDecimalField()
    price = PlainDecimalField(allow_null=True)
    position = PlainDecimalField(help_text="In base; negative is short.")
    fills = serializers.IntegerField()
    open_orders = serializers.IntegerField()
    last_tick_at = serializers.DateTimeField(source="bot.last_tick_at", allow_null=True)
    sparkline = serializers.ListField(child=PlainDecimalField(), help_text="Profit over the last day, oldest first.")


class _OpenOrderOut(serializers.Serializer[Any]):
    client_order_id = serializers.CharField()
    bot = serializers.SlugField(source="bot.name")
    symbol = serializers.CharField()
    side = serializers.ChoiceField(choices=SIDES)
    status = serializers.ChoiceField(choices=OrderStatus.choices)
    amount = PlainDecimalField()
    price = PlainDecimalField(allow_null=True)
    filled = PlainDecimalField()
    created_at = serializers.DateTimeField()


class _RecentEventOut(serializers.Serializer[Any]):
    bot = serializers.SlugField(source="bot.name", allow_null=True, default=None)
    kind = serializers.ChoiceField(choices=EventKind.choices)
    severity = serializers.ChoiceField(choices=Severity.choices)
    message = serializers.CharField()
    created_at = serializers.DateTimeField()


class DashboardOut(serializers.Serializer[Any]):
    totals = _TotalsOut(many=True, help_text="One for each mode and quote coin: these may be added up.")
    bots = _BotFiguresOut(many=True)
    open_orders = _OpenOrderOut(many=True, help_text="The newest.")
    recent_events = _RecentEventOut(many=True)


class DashboardView(APIView):
    renderer_classes = [PlainJSONRenderer]

    @extend_schema(summary="The overview page in figures", responses=DashboardOut)
    def get(self, request: Request) -> Response:
        rows = selectors.bot_rows(now=timezone.now())
        found = {
            "totals": selectors.totals_of(rows),
            "bots": rows,
            "open_orders": selectors.open_orders(),
            "recent_events": selectors.recent_events(),
        }
        return Response(DashboardOut(found).data)


class StrategiesView(APIView):
    @extend_schema(
        summary="What bots can do, with the JSON schema of each configuration",
        responses=inline_serializer(
            "StrategyList",
            {
                "count": serializers.IntegerField(),
                "next": serializers.CharField(allow_null=True),
                "previous": serializers.CharField(allow_null=True),
                "results": StrategyOut(many=True),
            },
        ),
    )
    def get(self, request: Request) -> Response:
        found = [
            {
                "name": strategy.name,
                "version": strategy.version,
                "title": strategy.title,
                "description": strategy.description,
                "regimes": list(regimes_of(strategy)),
                "config_schema": strategy.Config.model_json_schema(),
            }
            for strategy in strategies()
        ]
        return Response({"count": len(found), "next": None, "previous": None, "results": found})
