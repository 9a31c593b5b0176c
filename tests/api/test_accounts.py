"""Exchange accounts over the API: keys go in and never come out."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from bots.lifecycle import BotStatus
from exchange.models import ExchangeAccount
from tests.bots import cast
from tests.exchange.wire import cut, listed, ok, refused

KEY, SECRET = "K3y-that-nobody-sees", "S3cret-that-nobody-sees"


def wanted(**changes: object) -> dict[str, object]:
    return {
        "name": "sim",
        "environment": "simulator",
        "base_url": "http://127.0.0.1:9",
        "options": {"enableRateLimit": False},
        "api_key": KEY,
        "api_secret": SECRET,
        **changes,
    }


def test_an_account_is_added_and_its_keys_are_stored_but_never_answered(api: APIClient) -> None:
    created = api.post("/api/v1/accounts/", wanted(), format="json")
    assert created.status_code == 201, created.json()
    assert created.json() == {
        "name": "sim",
        "exchange_id": "bybit",
        "environment": "simulator",
        "base_url": "http://127.0.0.1:9",
        "options": {"enableRateLimit": False},
        "paper_balances": {},
        "paper_slippage": "0",
        "owner": "alice",
        "has_keys": True,
        "bots": 0,
        "created_at": created.json()["created_at"],
    }
    account = ExchangeAccount.objects.get()
    assert (account.api_key, account.api_secret) == (KEY, SECRET)
    for answer in (created, api.get("/api/v1/accounts/"), api.get("/api/v1/accounts/sim/")):
        text = answer.content.decode()
        assert KEY not in text
        assert SECRET not in text
        assert "gAAAA" not in text


def test_an_empty_key_leaves_the_stored_one(api: APIClient) -> None:
    api.post("/api/v1/accounts/", wanted(), format="json")
    answer = api.put("/api/v1/accounts/sim/", wanted(api_key="", api_secret="new secret", options={}), format="json")
    assert answer.status_code == 200
    account = ExchangeAccount.objects.get()
    assert (account.api_key, account.api_secret, account.options) == (KEY, "new secret", {})


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"exchange_id": "bibyt"}, "exchange_id", "'bibyt' is not an exchange that ccxt knows"),
        ({"environment": "moon"}, "environment", "moon"),
        ({"base_url": ""}, "base_url", "where the simulator listens"),
        ({"environment": "demo"}, "base_url", "for simulator accounts only"),
        ({"name": "two words"}, "name", "slug"),
        ({"options": {"headers": [{"apiKey": "abc"}]}}, "options", "must not hold apiKey: options are shown"),
    ],
)
def test_what_cannot_work_is_refused_with_the_field_that_is_wrong(
    api: APIClient, changes: dict[str, object], field: str, words: str
) -> None:
    answer = api.post("/api/v1/accounts/", wanted(**changes), format="json")
    assert answer.status_code == 400, answer.json()
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert words in error["message"]
    assert not ExchangeAccount.objects.exists()


def test_a_name_that_is_taken_is_refused(api: APIClient) -> None:
    cast.account("sim")
    answer = api.post("/api/v1/accounts/", wanted(), format="json")
    assert answer.status_code == 400
    assert "taken" in answer.json()["errors"][0]["message"]


def test_one_person_has_several_accounts_at_one_exchange_each_with_its_own_keys(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trying one of them asks with that one's key; what the other's would answer does not matter."""
    wire = cut(monkeypatch)
    for number in (1, 2):
        account = wanted(name=f"bybit-{number}", environment="live", base_url="", api_key=f"key-{number}")
        assert api.post("/api/v1/accounts/", account, format="json").status_code == 201
    good = {"readOnly": 0, "ips": ["203.0.113.7"], "uta": 1, "permissions": {
        "ContractTrade": ["Order", "Position"], "Spot": ["SpotTrade"], "Wallet": []}}  # fmt: skip
    wire["/v5/user/query-api"] = lambda sent: (
        ok(good) if sent.headers["X-BAPI-API-KEY"] == "key-1" else refused(10003, "API key is invalid.")
    )
    wire["/v5/account/wallet-balance"] = listed({"accountType": "UNIFIED", "coin": []})

    tried = [api.post(f"/api/v1/accounts/bybit-{number}/test/").json() for number in (1, 2)]

    assert [answer["ok"] for answer in tried] == [True, False]
    assert "API key is invalid. (code 10003)" in tried[1]["checks"][-1]["sentence"]


def test_an_account_does_not_move_to_another_exchange_under_a_running_bot(api: APIClient) -> None:
    cast.bot("eth-grid", status=BotStatus.RUNNING)
    answer = api.patch("/api/v1/accounts/practice/", {"exchange_id": "okx"}, format="json")
    assert answer.status_code == 409
    assert "eth-grid" in answer.json()["detail"]
    assert ExchangeAccount.objects.get().exchange_id == "bybit"


def test_an_account_with_bots_is_not_deleted(api: APIClient) -> None:
    cast.bot("eth-grid", archived_at=cast.NOW)
    answer = api.delete("/api/v1/accounts/practice/")
    assert answer.status_code == 409
    assert "eth-grid" in answer.json()["detail"]


def test_an_account_that_nobody_uses_is_deleted(api: APIClient) -> None:
    cast.account("unused")
    assert api.delete("/api/v1/accounts/unused/").status_code == 204
    assert not ExchangeAccount.objects.exists()


def test_trying_a_dead_exchange_says_what_failed(api: APIClient) -> None:
    """Nothing listens on port 9."""
    cast.account("sim", api_key=KEY, api_secret=SECRET)
    answer = api.post("/api/v1/accounts/sim/test/")
    assert answer.status_code == 200
    assert answer.json()["ok"] is False
    (check,) = answer.json()["checks"]
    assert (check["name"], check["verdict"]) == ("reachable", "failed")
    assert SECRET not in answer.content.decode()
