"""A simulator that really runs, on candles known by heart, shared by the tests.

Each test has an account of its own and begins where a round of the candles begins, so that none sees another's orders.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import ccxt
import pytest

from tests.exchange.simulator.markets import POINTS, write_market
from tests.exchange.simulator.process import SimulatorProcess

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def running_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    directory = tmp_path_factory.mktemp("simulator")
    with SimulatorProcess(directory / "state", file=write_market(directory, rounds=1000)) as running:
        yield running


@pytest.fixture
def simulator(running_simulator: SimulatorProcess) -> Iterator[SimulatorProcess]:
    """ETH stands at 100; the next points are 103, 90, 95, 95, 94, 110 …"""
    over = running_simulator.status()["point"] % len(POINTS)
    if over:
        running_simulator.step(len(POINTS) - over)
    yield running_simulator
    running_simulator.clear_faults()


@pytest.fixture
def new_account(simulator: SimulatorProcess) -> Callable[..., Any]:
    """``new_account(USDT="1000")`` opens an account and connects ccxt to it."""

    def open_account(exchange_class: Any = ccxt.bybit, **balances: str) -> Any:
        key = f"key-{next(_NUMBERS)}"
        simulator.add_account(key, "secret", balances)
        # The rate limiter would only slow the tests down.
        return simulator.connect(exchange_class, apiKey=key, secret="secret", enableRateLimit=False)

    return open_account


@pytest.fixture
def exchange(new_account: Callable[..., Any]) -> Any:
    """ccxt on an account with 10,000 USDT and 10 ETH."""
    connected = new_account(USDT="10000", ETH="10")
    connected.load_markets()
    return connected
