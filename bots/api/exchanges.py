"""How every exchange is doing, as the page "Exchanges" shows it."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bots.exchanges import close_breaker, exchanges_state
from exchange.resilience.status import BreakerState


class _BreakerOut(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=[state.value for state in BreakerState])
    failures = serializers.IntegerField(help_text="In a row.")
    since = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True, help_text="When the next probe may be sent.")
    reason = serializers.CharField()


class _BanOut(serializers.Serializer[Any]):
    since = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField()
    reason = serializers.CharField()


class _TroubleOut(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    host = serializers.CharField()
    kind = serializers.CharField()
    text = serializers.CharField()


class _HostOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    breaker = _BreakerOut()
    ban = _BanOut(allow_null=True)
    used = serializers.IntegerField(help_text="Requests (or the exchange's weights) in the last `seconds`.")
    limit = serializers.IntegerField()
    seconds = serializers.FloatField()
    seen = serializers.DateTimeField(help_text="When somebody last called it.")
    last_errors = _TroubleOut(source="errors", many=True, help_text="The newest first.")


class _ClockOut(serializers.Serializer[Any]):
    machine = serializers.CharField()
    offset = serializers.FloatField(help_text="Seconds; positive when the machine is ahead of the exchange.")
    round_trip = serializers.FloatField(help_text="Seconds.")
    at = serializers.DateTimeField()
    is_alarming = serializers.BooleanField()


class _FeedOut(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    service = serializers.ChoiceField(choices=["socket", "polling", "silent", "unknown"])
    since = serializers.DateTimeField(allow_null=True)
    age = serializers.FloatField(allow_null=True, help_text="Seconds since the price was received.")


class _VenueOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    exchange = serializers.CharField()
    environments = serializers.ListField(child=serializers.CharField(), help_text="Of its accounts.")
    accounts = serializers.SerializerMethodField()
    hosts = _HostOut(many=True)
    clocks = _ClockOut(many=True)
    feeds = _FeedOut(many=True)

    def get_accounts(self, venue: Any) -> list[str]:
        return [item.account.name for item in venue.accounts]


class ExchangesOut(serializers.Serializer[Any]):
    venues = _VenueOut(many=True)
    log = _TroubleOut(many=True, help_text="What happened to hosts and clocks, the newest first.")


class _CloseIn(serializers.Serializer[Any]):
    host = serializers.CharField()


class _CloseOut(serializers.Serializer[Any]):
    closed = serializers.BooleanField(help_text="False when it was closed already.")


class ExchangesView(APIView):
    @extend_schema(summary="Breakers, bans, budgets, clocks and prices of every exchange", responses=ExchangesOut)
    def get(self, request: Request) -> Response:
        return Response(ExchangesOut(exchanges_state(now=timezone.now())).data)


class CloseBreakerView(APIView):
    @extend_schema(
        summary="Close a host's circuit breaker: the next request finds out", request=_CloseIn, responses=_CloseOut
    )
    def post(self, request: Request) -> Response:
        wanted = _CloseIn(data=request.data)
        wanted.is_valid(raise_exception=True)
        closed = close_breaker(host=wanted.validated_data["host"], requested_by=request.user.get_username())
        return Response({"closed": closed})
