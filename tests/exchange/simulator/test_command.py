"""``python -m exchange.simulator``: flags, environment, clocks, and what it says when it cannot start."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import aiohttp
import ccxt
import numpy as np
import pytest

from exchange.simulator.__main__ import parser, read_config
from exchange.simulator.clock import ClockKind
from exchange.simulator.config import StateError
from exchange.simulator.instruments import Fees, instruments_for
from exchange.simulator.replay import Series
from exchange.simulator.urls import simulator_urls
from tests.exchange.candles.making import flat, write
from tests.exchange.simulator.markets import write_market
from tests.exchange.simulator.process import ROOT, SimulatorProcess

RULES = ("tick", "step", "min_qty", "max_qty", "max_market_qty")


def test_help_names_every_flag_and_starts_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "exchange.simulator", "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    flags = [f"--{name}" for name in ("host", "port", "state", "candles", "file", "clock", "speed", "seed", "balances")]
    assert [flag for flag in flags if flag not in done.stdout] == []


def test_every_flag_can_come_from_the_environment() -> None:
    names = [action.dest for action in parser({})._actions if action.dest != "help"]
    environment = {f"SIMULATOR_{name.upper()}": value for name, value in
                   {"port": "8123", "state": "/tmp/state", "clock": "real", "symbols": "btcusdt, solusdt",
                    "balances": "usdt=5,btc=0.25", "linear_taker": "0.001", "offset": "7",
                    "faults": "/tmp/faults", "seed": "5", "rate_limits": "bybit"}.items()}  # fmt: skip
    assert {name.removeprefix("SIMULATOR_").lower() for name in environment} <= set(names)
    config = read_config([], environment)
    assert (config.port, config.state, config.clock) == (8123, Path("/tmp/state"), ClockKind.REAL)
    assert config.symbols == ["BTCUSDT", "SOLUSDT"]
    assert config.balances == {"USDT": Decimal(5), "BTC": Decimal("0.25")}
    assert (config.fees.linear_taker, config.offset) == (Decimal("0.001"), 7)
    assert (config.faults, config.seed, config.limits) == (Path("/tmp/faults"), 5, "bybit")
    assert read_config(["--port", "9"], environment).port == 9


def test_a_moving_market_begins_with_a_day_of_history_and_a_stepped_one_with_none() -> None:
    assert read_config([], {}).first_point(10_000) == 1440 * 4
    assert read_config([], {}).first_point(600) == 300 * 4
    assert read_config(["--clock", "stepped"], {}).first_point(10_000) == 0
    assert read_config(["--clock", "stepped", "--offset", "5"], {}).first_point(10_000) == 20


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--speed", "0"], "--speed 0.0 must be above 0"),
        (["--offset", "-1"], "must be a whole number of candles"),
        (["--balances", "USDT=lots"], "'lots' must be a number"),
        (["--slippage", "-1"], "must be a number that is not negative"),
    ],
)
def test_a_flag_that_makes_no_sense_is_named(flags: list[str], problem: str) -> None:
    with pytest.raises(StateError, match=problem):
        read_config(flags, {})


def test_the_increments_and_limits_of_a_market_can_be_stated(tmp_path: Path) -> None:
    rules = {
        "tick": "0.01",
        "step": "0.002",
        "min_qty": "0.004",
        "max_qty": "7",
        "max_market_qty": "3",
        "min_notional": "0",
    }
    file = tmp_path / "instruments.json"
    file.write_text(json.dumps({"linear/BTCUSDT": rules}))
    read = read_config(["--instruments", str(file)], {}).rules
    series = Series("BTCUSDT", 2, 0, 60_000, np.full((1, 4), 5_000_000, dtype=np.int64), np.ones(1))
    spot, linear = instruments_for(series, Fees(), read)
    assert (linear.tick, linear.step, linear.min_qty) == (Decimal("0.01"), Decimal("0.002"), Decimal("0.004"))
    assert (linear.max_qty, linear.max_market_qty, linear.min_notional) == (7, 3, 0)
    assert (spot.step, spot.min_notional) == (Decimal("0.000001"), 5)  # Bybit's, as before


@pytest.mark.parametrize(
    ("stated", "problem"),
    [
        ("[]", "instruments are an object by market"),
        ('{"futures/BTCUSDT": {}}', "futures/BTCUSDT is no market"),
        ('{"linear/BTCUSDT": {"tick": "0.1"}}', "linear/BTCUSDT has to state max_market_qty"),
        (json.dumps({"spot/BTCUSDT": dict.fromkeys(RULES, "0")}), "tick 0 is no increment"),
        (json.dumps({"spot/BTCUSDT": dict.fromkeys(RULES, "much")}), "tick 'much' is no number"),
        ("{", "Expecting property name"),
    ],
)
def test_what_is_wrong_with_stated_instruments_is_named(tmp_path: Path, stated: str, problem: str) -> None:
    file = tmp_path / "instruments.json"
    file.write_text(stated)
    with pytest.raises(StateError, match=re.escape(problem)):
        read_config(["--instruments", str(file)], {})


def start_and_fail(tmp_path: Path, **flags: object) -> str:
    with pytest.raises(RuntimeError) as caught:
        SimulatorProcess(tmp_path / "state", **flags).start()
    message = str(caught.value)
    assert "Traceback" not in message
    assert message.count("\n") <= 1
    return message


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    assert "does not exist" in start_and_fail(tmp_path, file=tmp_path / "a_ETHUSDT_linear_1m.parquet")


def test_a_directory_without_the_symbols_is_one_clear_line(tmp_path: Path) -> None:
    candles = tmp_path / "candles"
    candles.mkdir()
    write(candles, "a_ETHUSDT_linear_1m.parquet", flat(5))
    message = start_and_fail(tmp_path, candles=candles, symbols="BTCUSDT")
    assert "holds no 1m candles of BTCUSDT" in message


def test_an_offset_beyond_the_candles_is_one_clear_line(tmp_path: Path) -> None:
    message = start_and_fail(tmp_path, file=write_market(tmp_path), offset=3)
    assert "--offset 3 is beyond the 3 candles" in message


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = start_and_fail(tmp_path, file=write_market(tmp_path), port=port)
    assert "address already in use" in message


def test_a_state_of_other_candles_is_not_gone_on_with(tmp_path: Path) -> None:
    with SimulatorProcess(tmp_path / "state", file=write_market(tmp_path)):
        pass
    other = write(tmp_path, "other_ETHUSDT_linear_1m.parquet", flat(20))
    assert "belongs to other candles" in start_and_fail(tmp_path, file=other)


def test_without_candles_the_market_is_synthetic_and_the_same_for_a_seed(tmp_path: Path) -> None:
    seen = []
    for name in ("one", "two"):
        with SimulatorProcess(tmp_path / name, seed=11) as simulator:
            status = simulator.status()
            seen.append((status["last"], simulator.step(100)["last"]))
            assert (status["synthetic"], status["source"]) == (True, "synthetic")
            assert status["symbols"] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    assert seen[0] == seen[1]


def test_the_accelerated_clock_moves_by_itself_and_cannot_be_stepped(tmp_path: Path) -> None:
    file = write_market(tmp_path, rounds=200)
    with SimulatorProcess(tmp_path / "state", file=file, clock="accelerated", speed=600) as simulator:
        began = simulator.status()["point"]
        deadline = time.monotonic() + 30
        while simulator.status()["point"] < began + 20:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with pytest.raises(RuntimeError, match="start the simulator with --clock stepped"):
            simulator.step()


def test_through_needs_the_price_to_pass_and_slippage_moves_market_orders(tmp_path: Path) -> None:
    flags = {"file": write_market(tmp_path), "fill": "through", "slippage": "0.001", "balances": "USDT=10000"}
    with SimulatorProcess(tmp_path / "state", **flags) as simulator:
        exchange = simulator.connect(ccxt.bybit, enableRateLimit=False)
        exchange.create_order("ETH/USDT", "market", "buy", 1)
        assert exchange.fetch_my_trades("ETH/USDT")[0]["price"] == 100.1
        exchange.create_order("ETH/USDT", "limit", "buy", 1, 90, {"clientOrderId": "touched"})
        exchange.create_order("ETH/USDT", "limit", "buy", 1, 90.01, {"clientOrderId": "passed"})
        simulator.step(2)  # down to 90, where the tick is 0.01
        assert [order["clientOrderId"] for order in exchange.fetch_open_orders("ETH/USDT")] == ["touched"]


async def test_stopping_is_clean_and_does_not_wait_for_open_sockets(tmp_path: Path) -> None:
    simulator = SimulatorProcess(tmp_path / "state", file=write_market(tmp_path)).start()
    process = simulator.process
    assert process is not None
    address = simulator_urls(simulator.url)["ws"]["public"]["linear"]
    async with aiohttp.ClientSession() as session, session.ws_connect(address) as listener:
        await listener.send_json({"op": "subscribe", "args": ["tickers.ETHUSDT"]})
        await listener.receive_json(timeout=5)
        stopping = asyncio.create_task(asyncio.to_thread(simulator.stop))
        while not listener.closed:
            await listener.receive(timeout=10)
        assert listener.close_code == aiohttp.WSCloseCode.GOING_AWAY
        await stopping
    assert process.returncode == 0


@pytest.mark.parametrize("url", ["127.0.0.1:8100", "ftp://127.0.0.1", ""])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="must begin with http:// or https://"):
        simulator_urls(url)


def test_the_sockets_follow_the_address() -> None:
    urls = simulator_urls("https://simulator.example/")
    assert urls["private"] == "https://simulator.example"
    assert urls["ws"]["private"]["contract"] == "wss://simulator.example/v5/private"
