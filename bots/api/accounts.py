"""Exchange accounts. Keys are taken in and never given out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import ClassVar

from django.db.models import Count, Q, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from bots.api.filters import AccountFilters
from bots.api.serializers import AccountIn, AccountOut, ConnectionOut
from exchange.accounts import create_account, delete_account, update_account
from exchange.connection import check_connection, may_trade
from exchange.models import ExchangeAccount
from web.lists import LeanList, Rows
from web.problem_details import ProblemDetails

_INVALID = OpenApiResponse(ProblemDetails, description="`errors` name field, value, limit and mend.")
_USED = OpenApiResponse(ProblemDetails, description="Bots stand in the way.")


@extend_schema_view(list=extend_schema(summary="Exchange accounts by name", parameters=[AccountFilters]))
class AccountViewSet(LeanList):
    lookup_field = "name"
    lookup_value_regex = "[-a-zA-Z0-9_]+"
    queryset = ExchangeAccount.objects.all()
    serializer_class, filters = AccountOut, AccountFilters
    columns: ClassVar[Mapping[str, str]] = {
        "name": "name",
        "exchange_id": "exchange_id",
        "environment": "environment",
        "base_url": "base_url",
        "options": "options",
        "paper_balances": "paper_balances",
        "paper_slippage": "paper_slippage",
        "owner": "owner__username",
        "api_key": "api_key",
        "api_secret": "api_secret",
        "bots": "bot_count",
        "created_at": "created_at",
    }

    def get_queryset(self) -> QuerySet[ExchangeAccount]:
        in_use = Count("bots", filter=Q(bots__archived_at__isnull=True))
        return ExchangeAccount.objects.annotate(bot_count=in_use).order_by("name")

    def shape(self, rows: Rows) -> Rows:
        for row in rows:
            key, secret = row.pop("api_key"), row.pop("api_secret")
            row["has_keys"] = bool(key and secret)
        return rows

    def _account(self) -> ExchangeAccount:
        return get_object_or_404(ExchangeAccount, name=self.kwargs["name"])

    def _shown(self, name: str, code: int = status.HTTP_200_OK) -> Response:
        row = get_object_or_404(self.get_queryset().values_list(*self.columns.values()), name=name)
        return Response(self.shape([dict(zip(self.columns, row, strict=True))])[0], status=code)

    @extend_schema(summary="One exchange account")
    def retrieve(self, request: Request, name: str) -> Response:
        return self._shown(name)

    @extend_schema(summary="Add an exchange account", request=AccountIn, responses={201: AccountOut, 400: _INVALID})
    def create(self, request: Request) -> Response:
        wanted = AccountIn(data=request.data)
        wanted.is_valid(raise_exception=True)
        account = create_account(
            owner=request.user,  # type: ignore[arg-type]  # nobody gets here without a login
            **wanted.validated_data,
        )
        return self._shown(account.name, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Replace an account's settings; empty keys stay as they are",
        request=AccountIn,
        responses={200: AccountOut, 400: _INVALID, 409: _USED},
    )
    def update(self, request: Request, name: str) -> Response:
        return self._change(request, partial=False)

    @extend_schema(
        summary="Change some of an account's settings",
        request=AccountIn,
        responses={200: AccountOut, 400: _INVALID, 409: _USED},
    )
    def partial_update(self, request: Request, name: str) -> Response:
        return self._change(request, partial=True)

    def _change(self, request: Request, *, partial: bool) -> Response:
        account = self._account()
        wanted = AccountIn(data=request.data, partial=partial)
        wanted.is_valid(raise_exception=True)
        account = update_account(account=account, **wanted.validated_data)
        return self._shown(account.name)

    @extend_schema(summary="Delete an account that no bot ever used", responses={204: None, 409: _USED})
    def destroy(self, request: Request, name: str) -> Response:
        delete_account(account=self._account())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(summary="Try the connection and the keys", request=None, responses=ConnectionOut)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, name: str) -> Response:
        checks = check_connection(self._account().gateway_config(), clock=lambda: time.time_ns() // 1_000_000)
        return Response({"ok": may_trade(checks), "checks": [asdict(check) for check in checks]})
