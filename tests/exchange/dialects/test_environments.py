"""Each environment has its host; one that an exchange does not have is refused by name."""

from __future__ import annotations

import pytest

from exchange.errors import NeedsOperator
from tests.exchange.dialects.conftest import Open
from tests.exchange.wire import Answer, Wire

# https://developers.binance.com/docs/binance-spot-api-docs/testnet, …/demo-mode; https://www.okx.com/docs-v5/en/#overview
HOSTS = [
    ("binance", "spot", "live", "api.binance.com"),
    ("binance", "spot", "testnet", "testnet.binance.vision"),
    ("binance", "spot", "demo", "demo-api.binance.com"),
    ("binance", "swap", "demo", "demo-fapi.binance.com"),
    ("okx", "spot", "live", "www.okx.com"),
    ("okx", "spot", "demo", "www.okx.com"),
    ("kraken", "spot", "live", "api.kraken.com"),
    ("coinbase", "spot", "live", "api.coinbase.com"),
]


@pytest.mark.parametrize(("exchange_id", "default_type", "environment", "host"), HOSTS)
def test_each_environment_has_its_host(
    open_gateway: Open, wire: Wire, exchange_id: str, default_type: str, environment: str, host: str
) -> None:
    for path in ("/api/v3/account", "/fapi/v3/account", "/fapi/v2/account", "/fapi/v3/balance", "/fapi/v2/balance"):
        wire[path] = Answer({"balances": [], "assets": [], "positions": []})
    wire["/api/v5/account/balance"] = Answer({"code": "0", "msg": "", "data": [{"details": []}]})
    wire["/0/private/BalanceEx"] = Answer({"error": [], "result": {}})
    wire["/api/v3/brokerage/accounts"] = Answer({"accounts": []})

    open_gateway(exchange_id, default_type=default_type, environment=environment).balances()

    assert {sent.host for sent in wire.sent} == {host}


@pytest.mark.parametrize("exchange_id", ["binance", "kraken", "coinbase"])
def test_an_account_for_spot_is_not_asked_for_positions(open_gateway: Open, wire: Wire, exchange_id: str) -> None:
    gateway = open_gateway(exchange_id)
    gateway.markets()
    wire.sent.clear()

    assert gateway.positions() == []
    assert wire.sent == []


@pytest.mark.parametrize(
    ("exchange_id", "environment"),
    [("kraken", "demo"), ("kraken", "testnet"), ("coinbase", "demo"), ("coinbase", "testnet"), ("okx", "simulator")],
)
def test_an_environment_that_does_not_exist_there(open_gateway: Open, exchange_id: str, environment: str) -> None:
    with pytest.raises(NeedsOperator):
        open_gateway(exchange_id, environment=environment)
