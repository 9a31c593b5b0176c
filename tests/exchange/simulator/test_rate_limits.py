"""Bybit's request limits as an option, and the record of requests that proves a budget was kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ccxt
import pytest

from exchange.simulator.traffic import Arrival, Traffic, busiest
from tests.exchange.simulator.markets import write_market
from tests.exchange.simulator.process import SimulatorProcess

SPOT = "ETH/USDT"


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[SimulatorProcess]:
    """Five orders (and five batched ones) a second; 60 requests in five seconds, then a ban of one second."""
    limits = "order/create=5,order/create-batch=5,ip=60,ban=1s"
    with SimulatorProcess(tmp_path / "state", file=write_market(tmp_path), rate_limits=limits) as running:
        running.add_account("other", "secret", {"USDT": "1000"})
        yield running


def connect(simulator: SimulatorProcess, **options: str) -> Any:
    exchange = simulator.connect(ccxt.bybit, enableRateLimit=False, **options)
    exchange.load_markets()
    return exchange


def order(exchange: Any) -> None:
    exchange.create_order(SPOT, "limit", "buy", 0.1, 60)


def test_headers_count_down_and_the_sixth_order_of_a_second_is_refused(limited: SimulatorProcess) -> None:
    exchange = connect(limited)
    left = []
    for _ in range(5):
        order(exchange)
        left.append(exchange.last_response_headers["X-Bapi-Limit-Status"])
    assert left == ["4", "3", "2", "1", "0"]
    assert exchange.last_response_headers["X-Bapi-Limit"] == "5"
    with pytest.raises(ccxt.RateLimitExceeded, match="10006"):
        order(exchange)
    assert limited.status()["refused"] == {"order/create": 1}
    # The header says when to come again, and then there is room.
    wait = int(exchange.last_response_headers["X-Bapi-Limit-Reset-Timestamp"]) / 1000 - time.time()
    assert 0 < wait <= 1
    time.sleep(wait + 0.05)
    order(exchange)
    assert len(exchange.fetch_open_orders(SPOT)) == 6


def test_accounts_do_not_share_a_limit(limited: SimulatorProcess) -> None:
    one, other = connect(limited), connect(limited, apiKey="other", secret="secret")
    for exchange in (one, other):
        for _ in range(5):
            order(exchange)
    assert limited.status()["refused"] == {}


def test_a_batch_counts_for_the_orders_in_it(limited: SimulatorProcess) -> None:
    exchange = connect(limited)
    one = {"symbol": SPOT, "type": "limit", "side": "buy", "amount": 0.1, "price": 60}
    exchange.create_orders([one] * 3)
    with pytest.raises(ccxt.RateLimitExceeded):
        exchange.create_orders([one] * 3)


def test_too_many_requests_of_one_address_ban_it_for_a_while(limited: SimulatorProcess) -> None:
    exchange = connect(limited)
    asked = 0

    def ask() -> None:
        nonlocal asked
        while asked < 70:
            exchange.publicGetV5MarketTime()
            asked += 1

    with pytest.raises(ccxt.RateLimitExceeded, match="403"):
        ask()
    # Loading the markets was part of the sixty.
    assert asked < 60
    with pytest.raises(ccxt.RateLimitExceeded):
        exchange.fetch_balance()
    assert limited.status()["refused"]["ip"] >= 2
    time.sleep(1.1)
    exchange.fetch_balance()


def test_requests_are_kept_with_their_times_answers_and_faults(simulator: SimulatorProcess, exchange: Any) -> None:
    order(exchange)
    begin = simulator.requests(limit=0)["newest"]
    order(exchange)
    simulator.inject("error 502 on order/create ×1")
    with pytest.raises(ccxt.NetworkError):
        order(exchange)
    exchange.fetch_balance()
    found = simulator.requests(since=begin, account=exchange.apiKey)
    assert [(one["method"], one["path"], one["status"], one["code"], one["faults"]) for one in found["requests"]] == [
        ("POST", "order/create", 200, 0, []),
        ("POST", "order/create", 502, None, ["error"]),
        ("GET", "account/wallet-balance", 200, 0, []),
    ]
    times = [one["at"] for one in found["requests"]]
    assert times == sorted(times)
    assert found["busiest"] == 3
    assert simulator.requests(since=begin, account=exchange.apiKey, path="order/create")["count"] == 2
    assert simulator.requests(since=begin, account="nobody")["requests"] == []


def test_the_busiest_window_is_found_by_sliding() -> None:
    """Requests at 0, 0.9, 1.0, 1.1 and 3 s: within any second there are three at most (0.9, 1.0, 1.1)."""
    arrivals = [Arrival(n, at, 0, "GET", "market/time", "", "") for n, at in enumerate((0, 0.9, 1.0, 1.1, 3))]
    assert busiest(arrivals, 1.0) == 3
    assert busiest(arrivals, 1.01) == 3
    assert busiest(arrivals, 1.2) == 4
    assert busiest([], 1.0) == 0


def test_old_requests_are_only_counted() -> None:
    traffic = Traffic(kept=3)
    for number in range(5):
        traffic.arrived("GET", f"path/{number % 2}", "", "")
    assert [one.number for one in traffic.since(0)] == [3, 4, 5]
    assert traffic.forgotten == 2
    assert traffic.by_path == {"path/0": 3, "path/1": 2}
