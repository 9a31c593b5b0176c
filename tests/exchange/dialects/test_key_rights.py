"""The connection test reads what a key may do at each exchange. Answers are those of the exchanges' documents."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from exchange.errors import AuthenticationFailed
from tests.exchange.dialects.conftest import Open, kraken, okx
from tests.exchange.wire import Answer, Wire

DAY_MS = 24 * 3600 * 1000


def wall() -> int:
    return time.time_ns() // 1_000_000


def found(gateway: Any) -> list[tuple[str, str]]:
    """What the checks of the key found, without clock, balance and what is well."""
    from exchange.connection import check_connection  # needs settings, which exist by now

    checks = check_connection(gateway.config, clock=wall)
    return [(check.name, check.verdict) for check in checks if check.name not in ("clock", "reachable", "balance")]


BINANCE = {
    "ipRestrict": True, "createTime": 1623840271000, "enableReading": True, "enableWithdrawals": False,
    "enableInternalTransfer": False, "enableMargin": False, "enableFutures": True, "permitsUniversalTransfer": False,
    "enableVanillaOptions": False, "enableSpotAndMarginTrading": True, "enablePortfolioMarginTrading": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [("key", "ok"), ("permissions", "ok"), ("withdrawal", "ok")]),
        ({"enableWithdrawals": True}, [("key", "ok"), ("permissions", "ok"), ("withdrawal", "failed")]),
        (
            {"enableFutures": False, "ipRestrict": False},
            [("key", "ok"), ("permissions", "warning"), ("withdrawal", "ok"), ("key", "warning")],
        ),
        (
            {"tradingAuthorityExpirationTime": wall() + 3 * DAY_MS},
            [("key", "ok"), ("permissions", "ok"), ("withdrawal", "ok"), ("key", "warning")],
        ),
    ],
    ids=["good", "withdraws", "spot only, unbound", "expires"],
)
def test_binance(open_gateway: Open, wire: Wire, changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    wire["/sapi/v1/account/apiRestrictions"] = Answer({**BINANCE, **changes})
    wire["/api/v3/account"] = Answer({"balances": [{"asset": "BTC", "free": "4.72", "locked": "0.00"}]})

    assert found(open_gateway("binance")) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [("key", "ok"), ("permissions", "ok"), ("withdrawal", "ok")]),
        ({"perm": "read_only,trade,withdraw"}, [("key", "ok"), ("permissions", "ok"), ("withdrawal", "failed")]),
        ({"perm": "read_only"}, [("key", "ok"), ("permissions", "failed"), ("withdrawal", "ok")]),
        (
            {"posMode": "long_short_mode"},
            [("key", "ok"), ("permissions", "ok"), ("withdrawal", "ok"), ("account", "failed")],
        ),
        ({"acctLv": "1"}, [("key", "ok"), ("permissions", "warning"), ("withdrawal", "ok")]),
    ],
    ids=["good", "withdraws", "read-only", "hedge mode", "spot mode"],
)
def test_okx(open_gateway: Open, wire: Wire, changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    account = {"acctLv": "2", "posMode": "net_mode", "perm": "read_only,trade", "ip": "203.0.113.7", "uid": "446"}
    wire["/api/v5/account/config"] = okx({**account, **changes})
    wire["/api/v5/account/balance"] = okx({"details": [{"ccy": "USDT", "cashBal": "5", "eq": "5", "availBal": "5"}]})

    assert found(open_gateway("okx")) == expected


@pytest.mark.parametrize(
    ("rights", "expected"),
    [
        (
            ["query-funds", "query-open-trades", "query-closed-trades", "modify-trades"],
            [("key", "ok"), ("permissions", "ok"), ("withdrawal", "ok")],
        ),
        (
            ["query-funds", "query-open-trades", "query-closed-trades", "modify-trades", "withdraw-funds"],
            [("key", "ok"), ("permissions", "ok"), ("withdrawal", "failed")],
        ),
        (["query-funds"], [("key", "ok"), ("permissions", "failed"), ("withdrawal", "ok")]),
    ],
    ids=["good", "withdraws", "cannot trade"],
)
def test_kraken(open_gateway: Open, wire: Wire, rights: list[str], expected: list[tuple[str, str]]) -> None:
    wire["/0/private/GetApiKeyInfo"] = kraken(
        {"apiKeyName": "bots", "permissions": rights, "validUntil": "0", "ipAllowlist": ["203.0.113.7"]}
    )
    wire["/0/private/BalanceEx"] = kraken({"ZUSD": {"balance": "1", "hold_trade": "0"}})

    assert found(open_gateway("kraken")) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [("key", "ok"), ("permissions", "ok"), ("withdrawal", "ok")]),
        ({"can_transfer": True}, [("key", "ok"), ("permissions", "ok"), ("withdrawal", "failed")]),
        ({"can_trade": False}, [("key", "ok"), ("permissions", "failed"), ("withdrawal", "ok")]),
    ],
    ids=["good", "withdraws", "cannot trade"],
)
def test_coinbase(open_gateway: Open, wire: Wire, changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    key = {
        "can_view": True,
        "can_trade": True,
        "can_transfer": False,
        "portfolio_uuid": "a3",
        "portfolio_type": "DEFAULT",
    }
    wire["/api/v3/brokerage/key_permissions"] = Answer({**key, **changes})
    wire["/api/v3/brokerage/accounts"] = Answer({"accounts": []})

    assert found(open_gateway("coinbase")) == expected


def test_a_secret_that_kraken_cannot_have_given_out(open_gateway: Open) -> None:
    from exchange.kraken_gateway import KrakenGateway

    with pytest.raises(AuthenticationFailed, match="base 64"):
        KrakenGateway(replace(open_gateway("kraken").config, api_secret="no-secret"))
