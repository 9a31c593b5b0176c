"""``/health`` tells whether everything that trading needs is alive, to anyone, quickly."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bots.lifecycle import BotStatus
from bots.models import Bot
from bots.models.bot import BotQuerySet
from tests.bots import cast
from traderagent import heartbeats

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def all_alive(settings: Settings) -> Iterator[None]:
    settings.SIMULATOR_URL = ""
    for name in heartbeats.PROCESSES:
        heartbeats.write(name, now_ms=time.time_ns() // 1_000_000)
    redis = heartbeats.connection()
    yield
    redis.delete(*map(heartbeats.key, heartbeats.PROCESSES))


def test_all_well_is_200_without_a_login(client: Client) -> None:
    answer = client.get("/health")
    assert answer.status_code == 200, answer.json()
    body = answer.json()
    assert body["status"] == "ok"
    assert body["checks"].keys() == {
        "database",
        "redis",
        "ticks",
        "worker-ticks",
        "worker-research",
        "beat",
        "stream",
    }
    assert all(check["ok"] for check in body["checks"].values())
    assert 0 <= body["checks"]["beat"]["age_seconds"] < 5
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("process", heartbeats.PROCESSES)
def test_a_process_without_a_sign_of_life_is_503_and_named(client: Client, process: str) -> None:
    heartbeats.connection().delete(heartbeats.key(process))
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["status"] == "failing"
    failing = {name for name, check in answer.json()["checks"].items() if not check["ok"]}
    assert failing == {process}
    assert process in answer.json()["checks"][process]["detail"]


def test_running_bots_that_nobody_ticks_are_503(client: Client) -> None:
    bot = cast.bot(status=BotStatus.RUNNING, last_tick_at=timezone.now() - timedelta(seconds=2))
    fresh = client.get("/health")
    assert fresh.status_code == 200
    assert 2 <= fresh.json()["checks"]["ticks"]["last_tick_age_seconds"] < 10
    Bot.objects.update(last_tick_at=timezone.now() - timedelta(seconds=40))
    stale = client.get("/health")
    assert stale.status_code == 503
    assert "none was ticked for 40 s" in stale.json()["checks"]["ticks"]["detail"]
    # A bot that looks once a minute is not late after 40 seconds.
    Bot.objects.filter(pk=bot.pk).update(tick_interval=60)
    assert client.get("/health").status_code == 200


def test_stopped_bots_need_no_ticks(client: Client) -> None:
    cast.bot(last_tick_at=timezone.now() - timedelta(days=3))
    assert client.get("/health").status_code == 200


def test_a_database_that_does_not_answer_is_503(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(queryset: BotQuerySet) -> BotQuerySet:
        raise OperationalError("connection to server at 10.0.0.7 refused")

    monkeypatch.setattr(BotQuerySet, "ticking", refuse)
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"]["ok"] is False
    assert answer.json()["checks"]["redis"]["ok"] is True
    assert "10.0.0.7" not in answer.content.decode()


def test_a_redis_that_does_not_answer_is_503(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens on port 9."""
    monkeypatch.setattr(heartbeats, "connection", lambda: Redis(port=9, retry=Retry(NoBackoff(), 0)))
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["checks"]["redis"]["detail"] == "Redis does not answer."
    assert answer.json()["checks"]["database"]["ok"] is True


class Simulator(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/simulator/status" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Not on the test's output."""


def test_the_simulator_counts_where_there_is_one(client: Client, settings: Settings) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Simulator) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.SIMULATOR_URL = f"http://127.0.0.1:{server.server_port}"
        assert client.get("/health").json()["checks"]["simulator"]["ok"] is True
        server.shutdown()
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["checks"]["simulator"]["detail"] == "The exchange simulator does not answer."


def test_it_asks_the_database_once(client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for number in range(3):
        cast.bot(f"bot-{number}", status=BotStatus.RUNNING, last_tick_at=timezone.now())
    with django_assert_num_queries(1):
        client.get("/health")


@pytest.mark.parametrize("address", ["/health", "/health/live"])
def test_only_reading_is_allowed(client: Client, address: str) -> None:
    assert client.head(address).status_code == 200
    assert client.post(address).status_code == 405


def test_liveness_asks_nothing(client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    heartbeats.connection().delete(*map(heartbeats.key, heartbeats.PROCESSES))
    with django_assert_num_queries(0):
        assert client.get("/health/live").json() == {"status": "ok"}
