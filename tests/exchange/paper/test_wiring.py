"""A paper account put together as a worker does it, on a simulator's prices."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from exchange.connection import Verdict, check_connection, may_trade
from exchange.gateways import gateway_for
from exchange.models import ExchangeAccount
from exchange.port import OrderRequest, Ticker
from exchange.prices import write_prices
from strategies.contract import MarketKind, OrderType, Side
from tests.bots import cast
from tests.bots.candle_files import path_of
from tests.bots.market import SteppedMarket, stepped_market

pytestmark = pytest.mark.django_db(transaction=True)

SYMBOL = "ETH/USDT"


def wall() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def market(tmp_path: Path) -> Iterator[SteppedMarket]:
    with stepped_market(tmp_path, path_of("2000", "2000")) as running:
        yield running


@pytest.fixture
def account(market: SteppedMarket) -> ExchangeAccount:
    return cast.account(
        "paper",
        environment="paper",
        base_url=market.simulator.url,
        api_key="",
        api_secret="",
        options={"enableRateLimit": False},
        paper_balances={"USDT": "1000"},
        paper_slippage=Decimal("0.001"),
    )


def buy(number: int) -> OrderRequest:
    return OrderRequest(SYMBOL, f"order-{number}", Side.BUY, OrderType.MARKET, Decimal("0.1"))


def test_the_streams_price_goes_before_the_exchanges_own_answer(account: ExchangeAccount) -> None:
    gateway = gateway_for(account.gateway_config())
    gateway.place(buy(1))
    now = wall()
    write_prices(account.venue, [Ticker(SYMBOL, Decimal(1900), now + 1_000_000_000)], received=now)
    gateway.place(buy(2))
    # 2000 and 1900, each with 0.1 % slippage; the market's own time is the simulator's.
    assert [fill.price for fill in gateway.fills_since(MarketKind.SPOT, 0)] == [Decimal(2002), Decimal("1901.9")]


def test_the_connection_test_asks_for_no_key(account: ExchangeAccount) -> None:
    checks = check_connection(account.gateway_config(), clock=wall)
    assert may_trade(checks)
    assert [(check.name, check.verdict) for check in checks] == [
        ("clock", Verdict.OK),
        ("reachable", Verdict.OK),
        ("key", Verdict.OK),
        ("balance", Verdict.OK),
    ]
    assert "orders never leave this machine" in checks[2].sentence
    assert checks[3].sentence == "Balance: 1000 USDT."


def test_a_thread_gets_its_paper_gateway_back(account: ExchangeAccount) -> None:
    config = account.gateway_config()
    assert gateway_for(config) is gateway_for(account.gateway_config())
    other = cast.account("other", environment="paper", base_url=account.base_url, api_key="", api_secret="")
    assert gateway_for(other.gateway_config()) is not gateway_for(config)
