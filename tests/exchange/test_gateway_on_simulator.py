"""The gateway against a real exchange process: the simulator, stepped by hand, over HTTP."""

from __future__ import annotations

import gzip
import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exchange.ccxt_gateway import CcxtGateway
from exchange.connection import Verdict, check_connection
from exchange.errors import (
    AuthenticationFailed,
    DuplicateClientOrderId,
    InsufficientFunds,
    OrderNotFound,
    OrderRejected,
    TemporaryError,
)
from exchange.gateway_config import GatewayConfig
from exchange.gateways import build_ccxt_gateway, gateway_for
from exchange.port import OrderRequest, ReportedStatus
from exchange.venues import Venue
from strategies.contract import MarketKind, OrderType, Side
from tests.exchange.simulator.process import SimulatorProcess

SPOT, LINEAR = "ETH/USDT", "ETH/USDT:USDT"
START = "100000"


@pytest.fixture(scope="module")
def candles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Minutes that stand at 2000, with a trip to 1900 and one to 2100 in the second and third."""
    rows = ["timestamp,open,high,low,close,volume"]
    before = 2000
    for number, price in enumerate([2000, 1900, 2100, *[2000] * 60]):
        stamp = 1_746_000_000_000 + number * 60_000
        rows.append(f"{stamp},{before},{max(before, price)},{min(before, price)},{price},10")
        before = price
    path = tmp_path_factory.mktemp("candles") / "binance_ETHUSDT_linear_1m_202504.csv.gz"
    path.write_bytes(gzip.compress("\n".join(rows).encode()))
    return path


@pytest.fixture
def simulator(tmp_path: Path, candles: Path) -> Iterator[SimulatorProcess]:
    """One for the test alone, which may move its market or end it."""
    with SimulatorProcess(tmp_path / "state", file=candles, balances=f"USDT={START}") as process:
        yield process


@pytest.fixture
def gateway(simulator: SimulatorProcess) -> CcxtGateway:
    config = config_of(simulator)
    return build_ccxt_gateway(config, Venue(config))


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory, candles: Path) -> Iterator[SimulatorProcess]:
    """One for all tests, whose market never moves: the price is 2000."""
    with SimulatorProcess(tmp_path_factory.mktemp("state"), file=candles) as process:
        yield process


_numbers = itertools.count()


@pytest.fixture
def account(standing: SimulatorProcess) -> GatewayConfig:
    """A new account on the standing market."""
    key = f"key-{next(_numbers)}"
    standing.add_account(key, "secret", {"USDT": START})
    return config_of(standing, api_key=key, api_secret="secret")


@pytest.fixture
def trader(account: GatewayConfig) -> CcxtGateway:
    return build_ccxt_gateway(account, Venue(account))


def config_of(simulator: SimulatorProcess, **changes: Any) -> GatewayConfig:
    config = GatewayConfig(
        "bybit", "simulator", "simulated", simulator.url, simulator.key, simulator.secret, "",
        '{"enableRateLimit": false}',
    )  # fmt: skip
    return replace(config, **changes)


def link_id(number: int) -> str:
    return f"ta{number:030}"


def limit(
    number: int, side: Side, price: str, amount: str = "0.5", symbol: str = SPOT, *, post_only: bool = False
) -> OrderRequest:
    return OrderRequest(
        symbol, link_id(number), side, OrderType.LIMIT, Decimal(amount), Decimal(price), post_only=post_only
    )


def test_a_buy_rests_and_fills_when_the_market_comes_down(gateway: CcxtGateway, simulator: SimulatorProcess) -> None:
    placed = gateway.place(limit(1, Side.BUY, "1950"))
    (resting,) = gateway.open_orders(SPOT)
    assert (resting.client_order_id, resting.exchange_order_id) == (link_id(1), placed.exchange_order_id)
    assert (resting.status, resting.amount, resting.price) == (ReportedStatus.OPEN, Decimal("0.5"), Decimal(1950))

    simulator.step(8)

    assert gateway.open_orders(SPOT) == []
    assert gateway.order(SPOT, link_id(1)).status is ReportedStatus.FILLED
    (fill,) = gateway.fills_since(MarketKind.SPOT, 0)
    assert (fill.symbol, fill.client_order_id, fill.side, fill.is_maker) == (SPOT, link_id(1), Side.BUY, True)
    assert (fill.price, fill.amount) == (Decimal(1950), Decimal("0.5"))
    assert (fill.fee, fill.fee_currency) == (Decimal("0.0005"), "ETH")  # 0.1 % of what was bought
    balances = gateway.balances()
    assert balances["ETH"].total == Decimal("0.4995")
    assert balances["USDT"].total == Decimal(START) - Decimal(975)


def test_a_market_buy_on_spot_buys_base(trader: CcxtGateway) -> None:
    price = trader.ticker(SPOT).last

    trader.place(OrderRequest(SPOT, link_id(1), Side.BUY, OrderType.MARKET, Decimal("0.25")))

    (fill,) = trader.fills_since(MarketKind.SPOT, 0)
    assert (fill.amount, fill.price, fill.is_maker) == (Decimal("0.25"), price, False)


def test_an_order_is_amended_in_place(trader: CcxtGateway) -> None:
    placed = trader.place(limit(1, Side.BUY, "1950"))

    for _ in range(2):  # what is so already is no error
        trader.amend(SPOT, link_id(1), amount=Decimal("0.75"), price=Decimal("1940"))

    (resting,) = trader.open_orders(SPOT)
    assert (resting.client_order_id, resting.exchange_order_id) == (link_id(1), placed.exchange_order_id)
    assert (resting.amount, resting.price) == (Decimal("0.75"), Decimal(1940))


@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
def test_a_stop_order_says_whether_it_was_triggered(
    gateway: CcxtGateway, simulator: SimulatorProcess, symbol: str
) -> None:
    gateway.place(OrderRequest(symbol, link_id(1), Side.BUY, OrderType.MARKET, Decimal("0.5")))
    stop = OrderRequest(symbol, link_id(2), Side.SELL, OrderType.STOP, Decimal("0.4"), trigger_price=Decimal(1900))
    gateway.place(stop)
    gateway.amend(symbol, link_id(2), amount=Decimal("0.4"), trigger_price=Decimal(1950))

    waiting = gateway.order(symbol, link_id(2))
    simulator.step(8)
    met = gateway.order(symbol, link_id(2))

    assert (waiting.type, waiting.trigger_price, waiting.triggered) == (OrderType.STOP, Decimal(1950), False)
    assert (met.status, met.trigger_price, met.triggered) == (ReportedStatus.FILLED, Decimal(1950), True)
    assert gateway.order(symbol, link_id(1)).triggered is None


def test_an_order_that_filled_cannot_be_amended(trader: CcxtGateway) -> None:
    trader.place(OrderRequest(SPOT, link_id(1), Side.BUY, OrderType.MARKET, Decimal("0.25")))

    with pytest.raises(OrderNotFound):
        trader.amend(SPOT, link_id(1), amount=Decimal("0.25"), price=Decimal(1900))


def test_open_and_closed_orders_since_a_moment(gateway: CcxtGateway, simulator: SimulatorProcess) -> None:
    gateway.place(limit(1, Side.BUY, "1800"))
    gateway.place(limit(2, Side.BUY, "1950"))
    gateway.place(limit(3, Side.BUY, "1700"))
    gateway.cancel(SPOT, link_id(3))
    simulator.step(8)
    before = gateway.ticker(SPOT).timestamp
    gateway.place(limit(4, Side.BUY, "1810"))

    found = {report.client_order_id: report.status for report in gateway.orders_since(SPOT, 0)}
    recent = gateway.orders_since(SPOT, before)

    assert found == {
        link_id(1): ReportedStatus.OPEN, link_id(2): ReportedStatus.FILLED, link_id(3): ReportedStatus.CANCELED,
        link_id(4): ReportedStatus.OPEN,
    }  # fmt: skip
    assert [report.client_order_id for report in recent] == [link_id(4)]


def test_a_short_on_the_linear_market(trader: CcxtGateway) -> None:
    trader.set_leverage(LINEAR, Decimal(3))
    trader.set_leverage(LINEAR, Decimal(3))
    price = trader.ticker(LINEAR).last

    trader.place(OrderRequest(LINEAR, link_id(1), Side.SELL, OrderType.MARKET, Decimal("1.5")))

    (position,) = trader.positions()
    assert (position.symbol, position.amount, position.average_price) == (LINEAR, Decimal("-1.5"), price)
    assert position.leverage == Decimal(3)
    (fill,) = trader.fills_since(MarketKind.LINEAR, 0)
    assert (fill.fee, fill.fee_currency) == (price * Decimal("1.5") * Decimal("0.00055"), "USDT")
    assert trader.fills_since(MarketKind.SPOT, 0) == []


def test_a_stop_rests_until_its_price_is_met(gateway: CcxtGateway, simulator: SimulatorProcess) -> None:
    gateway.place(OrderRequest(LINEAR, link_id(1), Side.BUY, OrderType.MARKET, Decimal(1)))
    stop = OrderRequest(
        LINEAR, link_id(2), Side.SELL, OrderType.STOP, Decimal(1), trigger_price=Decimal(1950), reduce_only=True
    )
    gateway.place(stop)
    assert gateway.order(LINEAR, link_id(2)).status is ReportedStatus.OPEN

    simulator.step(8)

    assert gateway.order(LINEAR, link_id(2)).status is ReportedStatus.FILLED
    assert gateway.positions() == []


@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
def test_cancelling(trader: CcxtGateway, symbol: str) -> None:
    trader.place(limit(1, Side.BUY, "1500", symbol=symbol))

    trader.cancel(symbol, link_id(1))

    assert trader.open_orders(symbol) == []
    assert trader.order(symbol, link_id(1)).status is ReportedStatus.CANCELED


@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
def test_cancelling_what_is_not_there(trader: CcxtGateway, symbol: str) -> None:
    with pytest.raises(OrderNotFound):
        trader.cancel(symbol, link_id(404))


@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
def test_asking_for_what_is_not_there(trader: CcxtGateway, symbol: str) -> None:
    with pytest.raises(OrderNotFound):
        trader.order(symbol, link_id(404))


@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
def test_the_same_wish_twice(trader: CcxtGateway, symbol: str) -> None:
    trader.place(limit(1, Side.BUY, "1500", symbol=symbol))

    with pytest.raises(DuplicateClientOrderId):
        trader.place(limit(1, Side.BUY, "1500", symbol=symbol))

    assert len(trader.open_orders(symbol)) == 1


@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
def test_more_than_the_balance(trader: CcxtGateway, symbol: str) -> None:
    with pytest.raises(InsufficientFunds):
        trader.place(limit(1, Side.BUY, "1900", amount="2000", symbol=symbol))


@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
def test_a_post_only_order_that_would_take_is_refused_one_way_or_the_other(trader: CcxtGateway, symbol: str) -> None:
    """Spot says so at once, a linear market accepts the order and then throws it out."""
    request = limit(1, Side.BUY, "2050", symbol=symbol, post_only=True)
    try:
        trader.place(request)
    except OrderRejected:
        assert trader.open_orders(symbol) == []
    else:
        assert trader.order(symbol, link_id(1)).status is ReportedStatus.REJECTED


def test_more_than_one_page_of_fills(trader: CcxtGateway) -> None:
    for number in range(205):
        trader.place(OrderRequest(SPOT, link_id(number), Side.BUY, OrderType.MARKET, Decimal("0.003")))

    fills = trader.fills_since(MarketKind.SPOT, 0)

    assert [fill.client_order_id for fill in fills] == [link_id(number) for number in range(205)]
    assert trader.balances()["ETH"].total == sum(fill.amount - fill.fee for fill in fills)


def test_fills_since_a_moment(gateway: CcxtGateway, simulator: SimulatorProcess) -> None:
    gateway.place(OrderRequest(SPOT, link_id(1), Side.BUY, OrderType.MARKET, Decimal("0.1")))
    simulator.step(1)
    later = gateway.ticker(SPOT).timestamp
    gateway.place(OrderRequest(SPOT, link_id(2), Side.BUY, OrderType.MARKET, Decimal("0.1")))

    assert [fill.client_order_id for fill in gateway.fills_since(MarketKind.SPOT, later)] == [link_id(2)]


def test_more_than_one_page_of_open_orders(trader: CcxtGateway) -> None:
    for number in range(101):
        trader.place(limit(number, Side.BUY, "1000", "0.01"))

    assert {report.client_order_id for report in trader.open_orders(SPOT)} == {link_id(n) for n in range(101)}


def test_prices_bear_the_markets_time_and_the_server_its_own(gateway: CcxtGateway, simulator: SimulatorProcess) -> None:
    simulator.step(5)

    assert gateway.ticker(SPOT).timestamp == simulator.status()["time"]
    assert gateway.server_time() > gateway.ticker(SPOT).timestamp + 86_400_000


def test_candles(gateway: CcxtGateway, simulator: SimulatorProcess) -> None:
    simulator.step(11)

    older, *_, newest = gateway.candles(SPOT, "1m", limit=3)

    assert (older.open, older.close) == (Decimal(2000), Decimal(2000))
    assert (newest.low, newest.high, newest.close) == (Decimal(1900), Decimal(2100), Decimal(2100))


def test_a_wrong_secret(account: GatewayConfig, trader: CcxtGateway) -> None:
    config = replace(account, api_secret="wrong")

    with pytest.raises(AuthenticationFailed, match="secret does not belong to the API key"):
        build_ccxt_gateway(config, trader.venue).place(limit(1, Side.BUY, "1500"))


def test_a_wrong_key(account: GatewayConfig, trader: CcxtGateway) -> None:
    config = replace(account, api_key="wrong")

    with pytest.raises(AuthenticationFailed, match="does not know this API key"):
        build_ccxt_gateway(config, trader.venue).balances()


def test_a_dead_exchange(gateway: CcxtGateway, simulator: SimulatorProcess) -> None:
    gateway.markets()
    simulator.kill9()

    with pytest.raises(TemporaryError, match=r"cannot connect to 127\.0\.0\.1"):
        gateway.balances()
    with pytest.raises(TemporaryError, match=r"cannot connect to 127\.0\.0\.1"):
        gateway.place(limit(1, Side.BUY, "1500"))

    simulator.start()
    assert gateway.balances()["USDT"].total == Decimal(START)


def test_many_threads_on_one_account(account: GatewayConfig) -> None:
    def place(number: int) -> None:
        gateway_for(account).place(limit(number, Side.BUY, "1000", "0.01"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(place, range(48)))

    assert {report.client_order_id for report in gateway_for(account).open_orders(SPOT)} == {
        link_id(number) for number in range(48)
    }


def test_the_connection_test(account: GatewayConfig) -> None:
    checks = check_connection(account, clock=lambda: time.time_ns() // 1_000_000)

    assert {check.name: check.verdict for check in checks} == dict.fromkeys(
        ("clock", "reachable", "key", "permissions", "withdrawal", "balance"), Verdict.OK
    )
    assert checks[-1].sentence == "Balance: 100000 USDT."
