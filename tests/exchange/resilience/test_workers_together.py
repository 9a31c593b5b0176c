"""Several real processes against one real simulator that counts, refuses and bans as Bybit does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from exchange.gateway_config import GatewayConfig
from tests.exchange.simulator.process import ROOT, SimulatorProcess

WORKERS = 4
# In any five seconds; what is sent stays a tenth below.
ALLOWED, WINDOW_MS = 150, 5_000
# What was on its way when the ban was told arrives in spite of it.
UNDER_WAY_MS = 250


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[SimulatorProcess]:
    limits = f"ip={ALLOWED},ban=60s,order/cancel=1000,order/realtime=1000"
    with SimulatorProcess(tmp_path / "state", balances="USDT=10000", rate_limits=limits) as running:
        yield running


def start(simulator: SimulatorProcess, seconds: float) -> list[subprocess.Popen[str]]:
    config = GatewayConfig(
        "bybit",
        "simulator",
        f"bybit-simulator-{simulator.url[-5:]}",
        base_url=simulator.url,
        api_key=simulator.key,
        api_secret=simulator.secret,
        options=json.dumps({"rate_limits": {"host": [ALLOWED, WINDOW_MS / 1000]}}),
    )
    command = [sys.executable, "-m", "tests.exchange.resilience.hammer", json.dumps(asdict(config)), str(seconds)]
    return [
        subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE, text=True)
        for _ in range(WORKERS)
    ]


def ended(workers: list[subprocess.Popen[str]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for worker in workers:
        output, _ = worker.communicate(timeout=180)
        assert worker.returncode == 0
        found.update(json.loads(output.splitlines()[-1]))
    return found


def arrivals(simulator: SimulatorProcess) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = simulator.requests(limit=100_000, window_ms=WINDOW_MS)["requests"]
    return found


@pytest.mark.slow
def test_workers_together_never_pass_the_budget(simulator: SimulatorProcess) -> None:
    outcomes = ended(start(simulator, 12))

    seen = simulator.requests(limit=100_000, window_ms=WINDOW_MS)
    assert seen["busiest"] <= ALLOWED
    assert simulator.status()["refused"] == {}
    # It is the budget that held them back, not the machine: they used it up.
    assert seen["busiest"] >= 0.75 * ALLOWED
    assert outcomes["OrderNotFound"] > 0


def wait_for_traffic(simulator: SimulatorProcess, workers: list[subprocess.Popen[str]]) -> None:
    end = time.monotonic() + 120
    while simulator.requests(path="order/realtime")["count"] < WORKERS:
        assert all(worker.poll() is None for worker in workers), "a worker ended before it began"
        assert time.monotonic() < end, "the workers never began"
        time.sleep(0.05)


def quiet_after_the_first(requests: list[dict[str, Any]], status: int) -> tuple[list[float], int]:
    """Milliseconds after the first such answer at which requests arrived, and how many had arrived before."""
    first = next(number for number, request in enumerate(requests) if request["status"] == status)
    told = requests[first]["time"]
    return [request["time"] - told for request in requests[first + 1 :]], first


@pytest.mark.slow
def test_after_a_429_nobody_calls_for_as_long_as_told(simulator: SimulatorProcess) -> None:
    workers = start(simulator, 9)
    wait_for_traffic(simulator, workers)
    simulator.inject("×1 too-many-requests 4s on market/tickers")
    outcomes = ended(workers)

    after, before = quiet_after_the_first(arrivals(simulator), 429)
    assert before >= WORKERS
    assert [late for late in after if UNDER_WAY_MS < late < 4_000] == []
    assert [late for late in after if late >= 4_000], "nobody came back"
    assert outcomes["RateLimited"] == 1
    assert outcomes["NothingSent"] > 0


@pytest.mark.slow
def test_after_a_ban_nobody_calls_until_it_ends(simulator: SimulatorProcess) -> None:
    """Bybit's 403 does not say for how long. On the simulator it is believed for ten seconds."""
    workers = start(simulator, 14)
    wait_for_traffic(simulator, workers)
    simulator.inject("×1 ban on market/tickers")
    ended(workers)

    after, _ = quiet_after_the_first(arrivals(simulator), 403)
    assert [late for late in after if UNDER_WAY_MS < late < 10_000] == []
    assert [late for late in after if late >= 10_000], "nobody came back"
