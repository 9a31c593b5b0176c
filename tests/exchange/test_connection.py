"""The connection test says in a sentence what is well and what to mend."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest
import requests

from exchange.connection import Check, Verdict, check_connection, may_trade
from tests.exchange.wire import LIVE, Answer, Wire, listed, ok, refused

KEY = "/v5/user/query-api"
WALLET = "/v5/account/wallet-balance"
OK, WARNING, FAILED = Verdict.OK, Verdict.WARNING, Verdict.FAILED


def wall() -> int:
    return time.time_ns() // 1_000_000


def key(**changes: Any) -> Answer:
    """A good key, as Bybit describes it."""
    described = {
        "readOnly": 0, "ips": ["203.0.113.7"], "deadlineDay": -2, "unified": 0, "uta": 1,
        "permissions": {"ContractTrade": ["Order", "Position"], "Spot": ["SpotTrade"], "Wallet": ["AccountTransfer"]},
    }  # fmt: skip
    return ok({**described, **changes})


@pytest.fixture
def good(bybit_wire: Wire) -> Wire:
    bybit_wire[KEY] = key()
    bybit_wire[WALLET] = listed({"accountType": "UNIFIED", "coin": [{"coin": "USDT", "walletBalance": "1000.50"}]})
    return bybit_wire


def found() -> dict[str, Check]:
    return {check.name: check for check in check_connection(LIVE, clock=wall)}


def test_a_good_account(good: Wire) -> None:
    checks = check_connection(LIVE, clock=wall)

    assert [(check.name, check.verdict) for check in checks] == [
        ("clock", OK), ("reachable", OK), ("key", OK), ("permissions", OK), ("withdrawal", OK), ("balance", OK),
    ]  # fmt: skip
    assert may_trade(checks)
    assert checks[1].sentence == "bybit (live) answers; 4 markets can be traded there."
    assert checks[-1].sentence == "Balance: 1000.5 USDT."


def test_a_dead_exchange(bybit_wire: Wire) -> None:
    bybit_wire["/v5/market/time"] = requests.ConnectTimeout("timed out")

    (check,) = check_connection(LIVE, clock=wall)

    assert (check.name, check.verdict) == ("reachable", FAILED)
    assert check.sentence.startswith("Bybit (asking for the time): cannot connect to api.bybit.com.")


def test_a_wrong_key(good: Wire) -> None:
    good[KEY] = refused(10003, "API key is invalid.")

    check = check_connection(LIVE, clock=wall)[-1]

    assert (check.name, check.verdict) == ("key", FAILED)
    assert "API key is invalid. (code 10003)" in check.sentence
    assert "demo, test net and live have separate keys" in check.sentence


def test_a_missing_key(good: Wire) -> None:
    check = check_connection(replace(LIVE, api_key=""), clock=wall)[-1]

    assert check == Check("key", FAILED, "The account has no API key or no secret: enter both.")


@pytest.mark.parametrize(
    ("ahead", "words"), [(-95_000, "is 95.0 s ahead of the exchange's"), (95_000, "is 95.0 s behind the exchange's")]
)
def test_a_clock_that_is_off(good: Wire, ahead: int, words: str) -> None:
    good.clock_ahead_ms = ahead

    check = found()["clock"]

    assert check.verdict is WARNING
    assert words in check.sentence


@pytest.mark.parametrize(
    ("changes", "name", "verdict", "words"),
    [
        ({"readOnly": 1}, "permissions", FAILED, "read-only"),
        ({"permissions": {"Spot": ["SpotTrade"]}}, "permissions", WARNING, "spot but not contracts"),
        ({"permissions": {"ContractTrade": ["Order", "Position"]}}, "permissions", WARNING, "contracts but not spot"),
        ({"permissions": {"ContractTrade": ["Order"]}}, "permissions", FAILED, "neither spot nor contracts"),
        ({"uta": 0}, "account", FAILED, "classic account"),
        ({"ips": ["*"]}, "key", WARNING, "any IP address"),
        ({"deadlineDay": 6}, "key", WARNING, "expires in 6 days"),
    ],
)
def test_what_a_key_may_do(good: Wire, changes: dict[str, Any], name: str, verdict: Verdict, words: str) -> None:
    good[KEY] = key(**changes)

    check = found()[name]

    assert check.verdict is verdict
    assert words in check.sentence


@pytest.mark.parametrize(("allowed", "verdict"), [(False, FAILED), (True, WARNING)])
def test_a_key_that_can_withdraw_is_refused_unless_told_otherwise(good: Wire, allowed: bool, verdict: Verdict) -> None:
    good[KEY] = key(permissions={"ContractTrade": ["Order", "Position"], "Spot": ["SpotTrade"], "Wallet": ["Withdraw"]})
    options = {"enableRateLimit": False, **({"allow_withdrawal": True} if allowed else {})}

    checks = check_connection(replace(LIVE, options=json.dumps(options)), clock=wall)

    assert next(check.verdict for check in checks if check.name == "withdrawal") is verdict
    assert may_trade(checks) is allowed


def test_demo_trading_does_not_describe_its_keys(good: Wire) -> None:
    checks = check_connection(replace(LIVE, environment="demo"), clock=wall)

    assert [(check.name, check.verdict) for check in checks] == [
        ("clock", OK), ("reachable", OK), ("key", OK), ("permissions", WARNING), ("balance", OK),
    ]  # fmt: skip
    assert good.to(KEY) == []


def test_a_wrong_key_in_demo_trading(good: Wire) -> None:
    good[WALLET] = refused(10003, "API key is invalid.")

    check = check_connection(replace(LIVE, environment="demo"), clock=wall)[-1]

    assert (check.name, check.verdict) == ("key", FAILED)


def test_an_empty_account(good: Wire) -> None:
    good[WALLET] = listed({"accountType": "UNIFIED", "coin": []})

    assert found()["balance"].verdict is WARNING


def test_an_environment_that_does_not_exist_there() -> None:
    (check,) = check_connection(replace(LIVE, exchange_id="kraken", environment="demo"), clock=wall)

    assert (check.name, check.verdict) == ("reachable", FAILED)
    assert "kraken has no demo environment" in check.sentence
