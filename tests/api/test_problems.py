"""Whatever goes wrong under /api/, the answer is problem details (RFC 9457)."""

from __future__ import annotations

import json

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory
from redis.exceptions import ConnectionError as RedisConnectionError
from rest_framework.test import APIClient

from bots.errors import ConfigInvalid, ExchangeUnavailable, ModeRefused, NotEditable
from bots.lifecycle import InvalidTransition
from exchange import errors
from strategies.contract import Problem
from traderagent.problems import exception_handler, server_error

MEMBERS = {"type", "title", "status", "detail", "instance"}


def test_without_a_login_the_answer_is_401_and_says_how_to_log_in(client: Client, db: None) -> None:
    answer = client.get("/api/v1/bots/")
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json().keys() == MEMBERS
    assert answer.json()["instance"] == "/api/v1/bots/"
    assert answer.json()["status"] == 401


def test_a_wrong_password_and_a_broken_token_are_problems_too(client: Client, db: None) -> None:
    wrong = client.post("/api/v1/auth/token/", {"username": "alice", "password": "no"}, "application/json")
    assert (wrong.status_code, wrong["Content-Type"]) == (401, "application/problem+json")
    assert "account" in wrong.json()["detail"]
    broken = client.get("/api/v1/bots/", headers={"Authorization": "Bearer abc.def.ghi"})
    assert (broken.status_code, broken["Content-Type"]) == (401, "application/problem+json")
    assert "abc.def" not in broken.content.decode()


def test_unknown_addresses_are_404_problems_with_and_without_a_login(client: Client, api: APIClient) -> None:
    for asked in (client.get("/api/v1/nonsense/"), client.post("/api/nothing"), api.get("/api/v1/bots/nobody/")):
        assert asked.status_code == 404
        assert asked["Content-Type"] == "application/problem+json"
        assert asked.json().keys() == MEMBERS


def test_a_forgotten_last_slash_is_corrected_when_reading_and_explained_when_writing(api: APIClient) -> None:
    read = api.get("/api/v1/bots?status=running")
    assert (read.status_code, read["Location"]) == (301, "/api/v1/bots/?status=running")
    written = api.post("/api/v1/bots", {}, format="json")
    assert written.status_code == 404
    assert "/api/v1/bots/" in written.json()["detail"]


def test_a_method_that_an_address_does_not_take_is_405(api: APIClient) -> None:
    answer = api.delete("/api/v1/events/")
    assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")
    assert "DELETE" in answer.json()["detail"]
    assert "GET" in answer["Allow"]


def test_a_body_that_is_no_json_is_named_as_such(api: APIClient) -> None:
    answer = api.post("/api/v1/bots/", "{name:", content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["type"] == "urn:traderagent:problem:malformed"
    assert "JSON" in answer.json()["detail"]


def test_each_refused_field_has_its_message_and_the_value_that_was_sent(api: APIClient) -> None:
    answer = api.post("/api/v1/bots/", {"name": "no spaces!", "tick_interval": 0}, format="json").json()
    by_field = {error["field"]: error for error in answer["errors"]}
    assert by_field["name"]["value"] == "no spaces!"
    assert "hyphens" in by_field["name"]["message"]
    assert by_field["tick_interval"]["value"] == "0"
    assert "greater than or equal to 1" in by_field["tick_interval"]["message"]
    assert by_field["symbol"]["message"] == "This field is required."
    assert answer["type"] == "urn:traderagent:problem:invalid-input"


def test_values_that_may_be_secret_are_not_sent_back(api: APIClient) -> None:
    too_long = "k" * 300
    answer = api.post("/api/v1/accounts/", {"name": "a", "environment": "demo", "api_key": too_long}, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "api_key"
    assert too_long not in answer.content.decode()


@pytest.mark.parametrize(
    ("raised", "status", "slug"),
    [
        (NotEditable("Stop it first."), 409, "not-editable"),
        (ModeRefused("No live trading here."), 403, "mode-refused"),
        (ExchangeUnavailable("practice: no answer"), 503, "exchange-unavailable"),
        (InvalidTransition("Bot a", "stopped", "paused", frozenset({"starting"})), 409, "invalid-transition"),
        (errors.TemporaryError("Timed out."), 503, "exchange-unavailable"),
        (errors.AuthenticationFailed("Wrong key."), 502, "exchange-keys-refused"),
        (errors.NeedsOperator("Wrong encryption key."), 503, "needs-operator"),
        (errors.InsufficientFunds("10 USDT short."), 409, "insufficient-funds"),
        (errors.OrderRejected("Below the minimum."), 502, "order-rejected"),
        (errors.OrderNotFound("Unknown."), 502, "order-not-found"),
        (errors.OutcomeUnknown("No answer."), 502, "outcome-unknown"),
    ],
)
def test_what_services_and_exchanges_refuse(raised: Exception, status: int, slug: str) -> None:
    answer = exception_handler(raised, {"request": RequestFactory().post("/api/v1/bots/a/start/")})
    assert answer is not None
    assert answer.status_code == status
    assert answer.data["type"] == f"urn:traderagent:problem:{slug}"
    assert answer.data["detail"] == str(raised)
    assert answer.data["instance"] == "/api/v1/bots/a/start/"


def test_a_configuration_that_cannot_work_names_field_value_limit() -> None:
    raised = ConfigInvalid([Problem("config.grids", "grids is 0: at least 1 is needed.", value="0", limit="1")])
    answer = exception_handler(raised, {})
    assert answer is not None
    assert answer.status_code == 400
    assert answer.data["errors"] == [
        {"field": "config.grids", "message": "grids is 0: at least 1 is needed.", "value": "0", "limit": "1"}
    ]


def test_an_exchange_that_asks_to_slow_down_says_for_how_long() -> None:
    answer = exception_handler(errors.RateLimited("Too many visits.", retry_after=7.6), {})
    assert answer is not None
    assert (answer.status_code, answer["Retry-After"]) == (503, "8")


@pytest.mark.parametrize("raised", [OperationalError("connection refused"), RedisConnectionError("refused")])
def test_a_database_or_redis_that_is_away_is_503_without_its_inner_message(raised: Exception) -> None:
    answer = exception_handler(raised, {})
    assert answer is not None
    assert answer.status_code == 503
    assert "refused" not in json.dumps(answer.data)


def test_what_nobody_foresaw_is_left_to_django_and_answered_as_a_problem() -> None:
    assert exception_handler(RuntimeError("secret inner state"), {}) is None
    answer = server_error(RequestFactory().get("/api/v1/bots/"))
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert "inner state" not in answer.content.decode()
