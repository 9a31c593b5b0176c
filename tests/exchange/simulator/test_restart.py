"""What was answered is there after ``kill -9``, and the market goes on from where it stood."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ccxt
import pytest

from tests.exchange.simulator.markets import POINTS, write_market
from tests.exchange.simulator.process import SimulatorProcess

SPOT = "ETH/USDT"
LINEAR = "ETH/USDT:USDT"


@pytest.fixture
def start(tmp_path: Path) -> Any:
    """``start()`` begins or resumes the simulator of this test."""
    file = write_market(tmp_path, rounds=50)
    running = SimulatorProcess(tmp_path / "state", file=file, balances="USDT=10000,ETH=10")
    yield running.start
    running.stop()


def connect(simulator: SimulatorProcess) -> Any:
    exchange = simulator.connect(ccxt.bybit, enableRateLimit=False)
    exchange.load_markets()
    return exchange


def everything(exchange: Any) -> dict[str, Any]:
    """All that the exchange knows of the account, as it writes it."""
    found: dict[str, Any] = {"wallet": exchange.fetch_balance()["info"]["result"]["list"]}
    for category in ("spot", "linear"):
        query = {"category": category, "symbol": "ETHUSDT", "limit": 50}
        for name, call in (
            ("open", exchange.privateGetV5OrderRealtime),
            ("closed", exchange.privateGetV5OrderHistory),
            ("fills", exchange.privateGetV5ExecutionList),
        ):
            found[f"{category} {name}"] = call(query)["result"]["list"]
    found["positions"] = exchange.privateGetV5PositionList({"category": "linear", "symbol": "ETHUSDT"})["result"]
    return found


def trade(exchange: Any) -> None:
    for number in range(4):
        exchange.create_order(SPOT, "limit", "buy", 1, 91 + number, {"clientOrderId": f"buy{number}"})
        exchange.create_order(SPOT, "limit", "sell", 1, 104 + number, {"clientOrderId": f"sell{number}"})
        exchange.create_order(LINEAR, "limit", "buy", 1, 88 + 2 * number, {"clientOrderId": f"long{number}"})
    exchange.create_order(LINEAR, "market", "sell", 3)
    stop = {"triggerPrice": 108, "triggerDirection": "ascending", "reduceOnly": True, "clientOrderId": "stop"}
    exchange.create_order(LINEAR, "market", "buy", 1, None, stop)
    exchange.cancel_order(None, SPOT, {"orderLinkId": "buy0"})
    exchange.set_leverage(7, LINEAR)


@pytest.mark.parametrize("end", [SimulatorProcess.kill9, SimulatorProcess.stop])
def test_the_state_is_the_same_after_a_restart(
    start: Callable[[], SimulatorProcess], end: Callable[[SimulatorProcess], None]
) -> None:
    simulator = start()
    exchange = connect(simulator)
    trade(exchange)
    simulator.step(2)
    before, stand = everything(exchange), simulator.status()
    assert before["spot open"]
    assert before["linear fills"]
    end(simulator)
    start()
    assert simulator.status() == stand
    assert everything(connect(simulator)) == before


def test_a_market_that_was_killed_trades_on_as_one_that_was_not(tmp_path: Path) -> None:
    """Two exchanges get the same orders; one is killed at every third point. Ids differ, nothing else does."""
    file = write_market(tmp_path, rounds=50)
    outcomes = []
    for name, kills in (("calm", False), ("killed", True)):
        with SimulatorProcess(tmp_path / name, file=file, balances="USDT=10000,ETH=10") as simulator:
            exchange = connect(simulator)
            trade(exchange)
            for point in range(1, len(POINTS)):
                simulator.step()
                if kills and point % 3 == 0:
                    simulator.kill9()
                    simulator.start()
            everything_now = everything(connect(simulator))
        for one in everything_now.values():
            for row in one if isinstance(one, list) else []:
                for identity in ("orderId", "execId"):
                    row.pop(identity, None)
        outcomes.append(everything_now)
    assert outcomes[0] == outcomes[1]


def test_an_answered_order_is_never_lost_and_never_doubled(start: Callable[[], SimulatorProcess]) -> None:
    """Orders are fired while the process is killed at random moments; what was answered stands, once."""
    simulator = start()
    answered: set[str] = set()
    sent = 0
    for _ in range(4):
        exchange = connect(simulator)
        killer = threading.Timer(0.15, simulator.kill9)
        killer.start()
        try:
            while True:
                name = f"order{sent}"
                sent += 1
                exchange.create_order(SPOT, "limit", "buy", 0.1, 60, {"clientOrderId": name})
                answered.add(name)
        except ccxt.NetworkError:
            killer.join()
        start()
    exchange = connect(simulator)
    standing = [
        order["clientOrderId"]
        for order in exchange.fetch_open_orders(SPOT, params={"paginate": True, "paginationCalls": 100})
    ]
    assert answered <= set(standing)
    assert len(standing) == len(set(standing))
    # Of the orders that got no answer at most one per kill arrived.
    assert len(set(standing) - answered) <= 4
    assert exchange.fetch_balance()["USDT"]["used"] == pytest.approx(6 * len(standing))


def test_ids_do_not_come_again_when_the_state_is_thrown_away(tmp_path: Path) -> None:
    file = write_market(tmp_path)
    identities = []
    for name in ("first", "second"):
        with SimulatorProcess(tmp_path / name, file=file) as simulator:
            exchange = connect(simulator)
            identities += [exchange.create_order(symbol, "market", "buy", 1)["id"] for symbol in (SPOT, LINEAR)]
    assert len(set(identities)) == 4


def test_the_price_goes_on_where_it_stood_when_a_moving_market_is_restarted(tmp_path: Path) -> None:
    file = write_market(tmp_path, rounds=50)
    simulator = SimulatorProcess(tmp_path / "state", file=file, clock="accelerated", speed=600, offset=0)
    with simulator:
        deadline = time.monotonic() + 10
        while simulator.status()["point"] < 8:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        point = simulator.status()["point"]
        simulator.kill9()
        simulator.start()
        assert simulator.status()["point"] >= point
