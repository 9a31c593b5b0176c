"""The first back-test ever: what is compiled is compiled in a process that ends before the candles are loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backtests import machine_code
from backtests.preset import Preset
from tests.backtests.worked import candles_of, preset, write_csv
from tests.strategies.own_files import write_example
from traderagent.embedded.home import PROJECT

HOUR = 3_600_000
# Up, down and up again, so that the averages cross: 324 hours are what the strategy looks back at.
CLOSES = (*range(100, 400), *range(400, 200, -1), *range(200, 300))


@pytest.fixture
def own(tmp_path: Path) -> list[str]:
    """A command line for a strategy of one's own that keeps a record of the processes that load it. It is Python, and only
    its average and the round trips are compiled: two seconds."""
    folder = tmp_path / "own"
    folder.mkdir()
    example = write_example(folder)
    record = f"\nimport os\nwith open({str(tmp_path / 'processes')!r}, 'a') as out: print(os.getpid(), file=out)\n"
    example.write_text(example.read_text() + record)
    chosen = tmp_path / "own.yaml"
    chosen.write_text(
        preset(timeframe="1h").to_yaml().replace("strategy: grid", "strategy: ema_cross").split("config:")[0]
        + "initial_balance: 1000\nfees: {maker: 0.001, taker: 0.001}\n"
    )
    candles = candles_of([(close, close + 1, close - 1, close) for close in CLOSES], step=HOUR)
    return [str(chosen), "--candles", str(write_csv(tmp_path / "candles.csv", candles))]


def run(own: list[str], tmp_path: Path) -> tuple[dict[str, Any], str, list[str]]:
    """The result, what was said beside it, and the processes that loaded the strategy, one for each time."""
    environ = {
        "PATH": os.environ["PATH"],
        "TRADERAGENT_HOME": str(tmp_path / "home"),
        "STRATEGIES_DIR": str(tmp_path / "own"),
        "NUMBA_CACHE_DIR": str(tmp_path / "compiled"),
    }
    command = [sys.executable, "manage.py", "backtest", *own, "--json", "-"]
    done = subprocess.run(command, capture_output=True, env=environ, cwd=PROJECT, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    loaded = tmp_path / "processes"
    processes = loaded.read_text().split()
    loaded.unlink()
    return json.loads(done.stdout), done.stderr.decode(), processes


def test_the_first_one_begins_anew_when_all_is_compiled(own: list[str], tmp_path: Path) -> None:
    first, said, processes = run(own, tmp_path)
    assert said == "Compiling, once for this version …\n"
    assert first["summary"]["fills"] > 0
    assert len(processes) == 2, "the run is to load the strategy again, after the one that compiled"
    assert processes[0] == processes[1], "the process is replaced, so that whoever waits for it waits for the result"
    later, said, processes = run(own, tmp_path)
    assert said == ""
    assert len(processes) == 1
    assert later == first


def test_a_process_that_began_anew_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nothing could be kept: else it would begin anew for ever."""
    made: list[Preset] = []
    monkeypatch.setattr(machine_code, "_make", made.append)
    monkeypatch.setenv(machine_code.COMPILED_BEFORE, "1")
    machine_code.compile_apart([preset()])
    assert made == []
    assert machine_code.COMPILED_BEFORE not in os.environ, "what it starts itself may compile apart"
