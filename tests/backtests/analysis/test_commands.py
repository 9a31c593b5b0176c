"""The commands as they are typed, without a database: names with a hyphen, results, what is told when it goes wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command, get_commands
from django.core.management.base import CommandError

from backtests.preset import load_preset
from traderagent.research import COMMANDS

ROOT = Path(__file__).resolve().parents[3]
PRESET = """\
symbol: BTC/USDT
market: spot
timeframe: 1h
strategy: hill
initial_balance: 1000
fees: {maker: 0, taker: 0}
"""
SEARCH = """\
preset: hill.yaml
parameters:
  config.x: {from: 0, to: 1, step: 0.1}
  config.y: [0.5, 0.7]
objectives: [roi]
"""
CANDLES = "synthetic:trend,drift=0.001,volatility=0.0005,days=40"


@pytest.fixture
def files(tmp_path: Path, folder: Path) -> Path:
    (tmp_path / "hill.yaml").write_text(PRESET)
    (tmp_path / "search.yaml").write_text(SEARCH)
    return tmp_path


def manage(*arguments: str, folder: Path) -> subprocess.Popen[str]:
    environ = {**os.environ, "STRATEGIES_DIR": str(folder)}
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that were started in the background ignore Ctrl-C, and what they start would too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 (it takes no lock)
    )


def call(*arguments: str) -> str:
    from io import StringIO

    told = StringIO()
    call_command(*arguments, "--workers", "1", stdout=told, stderr=told)
    return told.getvalue()


@pytest.mark.parametrize(
    "name", ["optimise", "walk-forward", "monte-carlo", "sensitivity", "rank", "grid-system", "robustness"]
)
def test_every_command_is_known_by_the_name_it_is_called_by(name: str) -> None:
    assert get_commands()[name] == "backtests"
    assert COMMANDS[name] == f"backtests.management.commands.{name}"


def test_a_search_from_the_shell_to_its_preset(files: Path, folder: Path) -> None:
    out, best = files / "out.json", files / "best.yaml"
    process = manage(
        "optimise", str(files / "search.yaml"), "--candles", CANDLES, "--to", "2025-01-08",
        "--json", str(out), "--preset", str(best), "--workers", "1", folder=folder,
    )  # fmt: skip
    told, complaints = process.communicate(timeout=300)
    assert process.returncode == 0, complaints
    assert "22 different trials" in told
    found = json.loads(out.read_text())
    assert found["best"]["parameters"] == {"config.x": 0.3, "config.y": 0.7}
    assert found["trials"] == 22
    assert {name: float(value) for name, value in load_preset(best).config.items()} == {"x": 0.3, "y": 0.7}
    assert [path.suffix for path in (files / "search.trials").iterdir()] == [".sqlite"]


def test_stopped_by_hand_it_says_how_to_go_on(files: Path, folder: Path) -> None:
    (files / "search.yaml").write_text(SEARCH.replace("[0.5, 0.7]", "{from: 0, to: 1, step: 0.001}"))
    process = manage("optimise", str(files / "search.yaml"), "--candles", CANDLES, "--workers", "2", folder=folder)
    deadline = time.monotonic() + 60
    while not list(files.glob("search.trials/*.sqlite-wal")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=300)
    assert process.returncode == 130
    assert complaints == "CommandError: Stopped. What is done is kept: the same command goes on from there.\n"


def test_what_the_other_commands_tell(files: Path) -> None:
    search, common = str(files / "search.yaml"), ["--candles", CANDLES]

    def result(name: str, *arguments: str) -> tuple[str, Any]:
        out = files / f"{name}.json"
        return call(name, *arguments, *common, "--json", str(out)), json.loads(out.read_text())

    told, found = result("walk-forward", search, "--windows", "2")
    assert "not examined" in told
    assert [window["parameters"] for window in found["windows"]] == [{"config.x": 0.3, "config.y": 0.7}] * 2
    assert found["verdict"]["level"] in {"good", "doubtful", "bad"}

    _, found = result("sensitivity", search, "--parameter", "config.y")
    assert found["axes"] == [{"parameter": "config.y", "values": [0.5, 0.7]}]
    assert len(found["values"]) == 2

    told, found = result("monte-carlo", str(files / "hill.yaml"), "--runs", "50", "--reruns", "2")
    assert found["candle_noise"]["runs"] == 2
    assert found["trade_shuffle"] is None  # nothing was ever sold

    told, found = result("robustness", search, "--windows", "2", "--runs", "50", "--reruns", "2")
    assert not found["verdict"]["missing"]
    assert found["best"]["config.x"] == 0.3
    assert found["verdict"]["sentence"] in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["optimise", "hill.yaml", "--candles", CANDLES], r"hill is a preset: name a search file"),
        (["optimise", "none.yaml", "--candles", CANDLES], r"the preset .*none\.yaml cannot be read"),
        (["optimise", "search.yaml"], r"no candles: give --candles, or candles in a search file"),
        (["optimise", "search.yaml", "--candles", "nowhere.parquet"], r"there is no candle file nowhere\.parquet"),
        (
            ["walk-forward", "search.yaml", "--candles", CANDLES, "--windows", "0"],
            r"--windows: 0 must be a whole number",
        ),
        (
            ["monte-carlo", "hill.yaml", "--candles", CANDLES, "--runs", "0"],
            r"--runs: 0 must be a whole number from 1 to 1,000,000",
        ),
    ],
)
def test_mistakes_are_told_in_a_line(arguments: list[str], message: str, files: Path) -> None:
    name, subject, *rest = arguments
    with pytest.raises(CommandError, match=message):
        call(name, str(files / subject), *rest)
