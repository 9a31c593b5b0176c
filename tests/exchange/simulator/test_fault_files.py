"""Faults and limits that a run is started with."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.exchange.simulator.markets import write_market
from tests.exchange.simulator.process import SimulatorProcess


def statuses(simulator: SimulatorProcess, count: int) -> list[int]:
    found = []
    for _ in range(count):
        try:
            with urllib.request.urlopen(simulator.url + "/v5/market/time", timeout=5) as response:
                found.append(response.status)
        except urllib.error.HTTPError as error:
            found.append(error.code)
    return found


def write(directory: Path, text: str) -> Path:
    path = directory / "faults.txt"
    path.write_text(text)
    return path


def test_the_same_seed_strikes_the_same_requests_whatever_stands_beside(tmp_path: Path) -> None:
    seen = {}
    for name, seed, script in (
        ("one", 11, "30% error 500 on market/time"),
        ("same", 11, "30% error 500 on market/time"),
        ("beside", 11, "30% error 500 on market/time\n20% latency 1ms on *"),
        ("other", 12, "30% error 500 on market/time"),
    ):
        flags = {"file": write_market(tmp_path), "faults": write(tmp_path, script), "seed": seed}
        with SimulatorProcess(tmp_path / name, **flags) as simulator:
            seen[name] = statuses(simulator, 80)
    assert seen["one"] == seen["same"] == seen["beside"]
    assert seen["one"] != seen["other"]
    # 80 draws at 30 %: 24, give or take four standard deviations.
    assert 8 <= seen["one"].count(500) <= 40


def test_rules_of_a_file_come_again_after_a_restart_and_others_do_not(tmp_path: Path) -> None:
    faults = write(tmp_path, "error 500 on market/time\n")
    simulator = SimulatorProcess(tmp_path / "state", file=write_market(tmp_path), faults=faults)
    with simulator:
        simulator.inject("ban on order/*")
        simulator.kill9()
        simulator.start()
        assert [fault["rule"] for fault in simulator.faults()] == ["error 500 on market/time"]
        assert statuses(simulator, 1) == [500]


def test_a_point_that_has_passed_before_the_restart_does_not_strike_again(tmp_path: Path) -> None:
    faults = write(tmp_path, "at point 2: error 500 on market/time\n")
    simulator = SimulatorProcess(tmp_path / "state", file=write_market(tmp_path), faults=faults)
    with simulator:
        simulator.step(3)
        assert statuses(simulator, 2) == [500, 200]
        simulator.kill9()
        simulator.start()
        assert statuses(simulator, 1) == [200]
        assert simulator.faults()[0]["stage"] == "done"


def test_stopping_does_not_wait_for_answers_that_are_held_back(tmp_path: Path) -> None:
    simulator = SimulatorProcess(tmp_path / "state", file=write_market(tmp_path)).start()
    simulator.inject("lose-response 100s on market/time")
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(urllib.request.urlopen, simulator.url + "/v5/market/time", timeout=30)
        while simulator.faults()[0]["applied"] == 0:
            time.sleep(0.01)
        began = time.monotonic()
        simulator.stop()
        assert time.monotonic() - began < 10
        assert isinstance(answer.exception(), OSError | HTTPException)


@pytest.mark.parametrize(
    ("flags", "problems"),
    [
        ({"faults": "error\nfrob\nlatency"}, ["faults.txt: line 2: 'frob' is no kind", "line 3: latency needs"]),
        ({"rate_limits": "order/crate=3"}, ["--rate-limits: 'order/crate' is no path of this exchange"]),
        ({"rate_limits": "fast"}, ["--rate-limits: 'fast' is no limit; write off, bybit,"]),
    ],
)
def test_what_is_wrong_is_said_at_the_start(tmp_path: Path, flags: dict[str, str], problems: list[str]) -> None:
    given: dict[str, object] = dict(flags)
    if "faults" in flags:
        given["faults"] = write(tmp_path, flags["faults"])
    with pytest.raises(RuntimeError) as caught:
        SimulatorProcess(tmp_path / "state", file=write_market(tmp_path), **given).start()
    for problem in problems:
        assert problem in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"No such file or directory: 'nowhere\.txt'"):
        SimulatorProcess(tmp_path / "state", file=write_market(tmp_path), faults="nowhere.txt").start()
