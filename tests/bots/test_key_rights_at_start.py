"""A bot does not start on real money with a key that could take the money away."""

from __future__ import annotations

from typing import Any

import pytest

from bots.preflight import check_config
from exchange.models import ExchangeAccount
from strategies.contract import Problem
from tests.bots import cast
from tests.exchange.wire import Wire, cut, listed, ok

pytestmark = pytest.mark.django_db

KEY = "/v5/user/query-api"
GRID = {"lower": "45000", "upper": "55000", "grids": 4, "investment": "1000"}


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Bybit's live exchange, with enough on the account and a key that may do everything."""
    wire = cut(monkeypatch)
    permissions = {"ContractTrade": ["Order", "Position"], "Spot": ["SpotTrade"], "Wallet": ["Withdraw"]}
    wire[KEY] = ok({"readOnly": 0, "ips": ["203.0.113.7"], "uta": 1, "permissions": permissions})
    wire["/v5/market/tickers"] = listed({"symbol": "BTCUSDT", "lastPrice": "50000"})
    coins = [{"coin": "USDT", "walletBalance": "100000"}, {"coin": "BTC", "walletBalance": "10"}]
    rates = {"symbol": "BTCUSDT", "makerFeeRate": "0.001", "takerFeeRate": "0.001"}
    wire["/v5/account/fee-rate"] = listed(rates)
    wire["/v5/account/wallet-balance"] = listed({"accountType": "UNIFIED", "coin": coins})
    return wire


def account(**options: Any) -> ExchangeAccount:
    return cast.account(
        "real", environment="live", base_url="", options={"enableRateLimit": False, "timeout": 9000, **options}
    )


def problems(of: ExchangeAccount, **rest: Any) -> list[Problem]:
    return check_config(account=of, symbol="BTC/USDT", strategy="grid", config=GRID, **rest)


def test_the_start_is_refused_and_says_what_to_do(wire: Wire) -> None:
    (problem,) = problems(account())

    assert problem.field == "account"
    assert "The key may withdraw" in problem.message
    assert '{"allow_withdrawal": true}' in problem.message


def test_the_account_may_allow_it_by_name(wire: Wire) -> None:
    assert problems(account(allow_withdrawal=True)) == []
    assert wire.to(KEY) == []


def test_a_bot_that_sends_nothing_may_look_with_any_key(wire: Wire) -> None:
    assert problems(account(), sends_orders=False) == []
    assert wire.to(KEY) == []


def test_play_money_is_nobodys_loss(wire: Wire) -> None:
    demo = cast.account("demo", environment="demo", base_url="", options={"enableRateLimit": False, "timeout": 9001})

    assert problems(demo) == []
    assert wire.to(KEY) == []
