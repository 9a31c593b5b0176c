"""The dashboard in figures, the strategies, and tokens."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from bots.lifecycle import BotStatus
from bots.models import EquityPoint, Event, Position
from tests.bots import cast


def test_the_dashboard_adds_up_what_may_be_added(api: APIClient) -> None:
    bot = cast.bot("eth-grid", status=BotStatus.RUNNING)
    cast.order(bot, "buy", "0.5", "1900")
    # 0.1 ETH that cost 201.25 are worth 200 now; 3.50 were earned before.
    Position.objects.create(
        bot=bot,
        account=bot.account,
        symbol=bot.symbol,
        amount=Decimal("0.1"),
        cost=Decimal("201.25"),
        realised_pnl=Decimal("3.50"),
        updated_at=cast.NOW,
    )
    EquityPoint.objects.create(
        bot=bot,
        account=bot.account,
        at=timezone.now() - timedelta(seconds=5),
        exchange_time=cast.NOW,
        price=Decimal("2000"),
        realised_pnl=Decimal("3.50"),
        unrealised_pnl=Decimal("-1.25"),
    )
    Event.objects.create(bot=bot, kind="bot_started", message="Started by alice.", created_at=cast.NOW)
    body = api.get("/api/v1/dashboard/").json()
    (total,) = body["totals"]
    assert (total["mode"], total["quote"], total["bots"], total["running"]) == ("demo", "USDT", 1, 1)
    assert total["profit"] == "2.25"
    (row,) = body["bots"]
    assert (row["name"], row["status"], row["profit"], row["price"]) == ("eth-grid", "running", "2.25", "2000")
    (order,) = body["open_orders"]
    assert (order["bot"], order["amount"], order["price"]) == ("eth-grid", "0.5", "1900")
    (event,) = body["recent_events"]
    assert (event["bot"], event["message"]) == ("eth-grid", "Started by alice.")


def test_strategies_bring_the_schema_of_their_configuration(api: APIClient) -> None:
    body = api.get("/api/v1/strategies/").json()
    assert (body["count"], body["next"], body["previous"]) == (len(body["results"]), None, None)
    grid = next(strategy for strategy in body["results"] if strategy["name"] == "grid")
    assert grid["title"]
    assert grid["description"]
    properties = grid["config_schema"]["properties"]
    assert {"lower", "upper", "grids", "investment", "spacing", "direction"} <= properties.keys()
    assert properties["grids"]["description"]


def test_a_refresh_token_gets_a_new_access_token(client: Client, api: APIClient) -> None:
    login = {"username": "alice", "password": "correct horse"}
    pair = client.post("/api/v1/auth/token/", login, "application/json").json()
    assert pair.keys() == {"access", "refresh"}
    renewed = client.post("/api/v1/auth/token/refresh/", {"refresh": pair["refresh"]}, "application/json")
    assert renewed.status_code == 200
    answer = client.get("/api/v1/bots/", headers={"Authorization": f"Bearer {renewed.json()['access']}"})
    assert answer.status_code == 200


def test_a_browser_session_may_read_but_needs_the_csrf_token_to_write(api: APIClient) -> None:
    strict = APIClient(enforce_csrf_checks=True)
    strict.login(username="alice", password="correct horse")
    assert strict.get("/api/v1/bots/").status_code == 200
    refused = strict.post("/api/v1/bots/", {}, format="json")
    assert (refused.status_code, refused["Content-Type"]) == (403, "application/problem+json")
    assert "CSRF" in refused.json()["detail"]
