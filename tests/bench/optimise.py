"""A search of ten thousand combinations over a year of five-minute candles: killed half-way, resumed, and by workers."""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml

from tests.bench.peers.children import Ended
from tests.bench.peers.children import run as watched
from tests.bench.peers.materials import cross_preset
from tests.bench.peers.ours import CROSS_FILE
from traderagent.embedded.home import PROJECT

CANDLES = "synthetic:regimes,days=365,price=2000"  # of the preset's five minutes: 105,120
FAST, SLOW = 100, 100
SCALED_SLOW = 20
LOOK_EVERY = 0.1


def run(arguments: argparse.Namespace) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="traderagent-bench-") as name:
        folder = Path(name)
        (folder / "strategies").mkdir()
        shutil.copy(CROSS_FILE, folder / "strategies")
        yield from _rows(folder)


def _rows(folder: Path) -> Iterator[str]:
    _search(folder, "once", slow=1)
    _optimise(folder, "once", 2)  # compiles, once for all that follow
    _search(folder, "all", slow=SLOW)
    before, seconds = _killed_half_way(folder)
    rest = _optimise(folder, "all", 2)
    after = _numbers(folder)
    assert after[: len(before)] == before
    assert after == list(range(FAST * SLOW)), "a trial is missing, or there twice"
    yield "| a search over 105,120 candles of 5m, EMA cross, return and drawdown | |"
    yield "|---|---|"
    yield f"| combinations | {FAST * SLOW:,} |"
    yield f"| killed with -9 after | {len(before):,} trials, {seconds:.0f} s |"
    yield (
        f"| the same command again made the other {len(after) - len(before):,} in | {rest.seconds:.0f} s, "
        f"{rest.processor:.0f} s of the processor |"
    )
    yield f"| memory of all its processes, what they share counted once | {rest.peak:.0f} MB |"
    yield f"| the file with all trials | {_store(folder, 'all').stat().st_size / 1e6:.1f} MB |"
    yield "\n| workers | combinations | by the clock | of the processor | combinations a second | memory |"
    yield "|---|---|---|---|---|---|"
    count = FAST * SCALED_SLOW
    for workers in (1, 2):
        _search(folder, f"by-{workers}", slow=SCALED_SLOW)
        took = _optimise(folder, f"by-{workers}", workers)
        yield (
            f"| {workers} | {count:,} | {took.seconds:.1f} s | {took.processor:.1f} s | {count / took.seconds:.0f} | "
            f"{took.peak:.0f} MB |"
        )


def _search(folder: Path, name: str, *, slow: int) -> None:
    preset: dict[str, Any] = cross_preset()
    preset["timeframe"] = preset["config"]["timeframe"] = "5m"
    said = {
        "preset": preset,
        "parameters": {
            "config.fast": list(range(3, 3 + FAST)),
            "config.slow": list(range(110, 110 + 2 * slow, 2)),
        },
        "objectives": [{"maximise": "roi"}],
        "figures": ["max_drawdown"],
        "method": "grid",
        "returns": False,
    }
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(said))


def _command(folder: Path, name: str, workers: int) -> list[str]:
    command = [sys.executable, "manage.py", "optimise", str(folder / f"{name}.yaml"), "--candles", CANDLES]
    return [*command, "--workers", str(workers)]


def _optimise(folder: Path, name: str, workers: int) -> Ended:
    return watched(_command(folder, name, workers), cores=2, environ=_environ(folder))


def _environ(folder: Path) -> dict[str, str]:
    return {"STRATEGIES_DIR": str(folder / "strategies")}


def _killed_half_way(folder: Path) -> tuple[list[int], float]:
    """The numbers of the trials that were kept, and after how many seconds it was killed."""
    begin = time.perf_counter()
    child = subprocess.Popen(
        _command(folder, "all", 2), cwd=PROJECT, env={**os.environ, **_environ(folder)}, stdout=subprocess.DEVNULL
    )
    while len(_numbers(folder)) < FAST * SLOW // 2:
        if child.poll() is not None:
            raise RuntimeError(f"the search ended with {child.returncode} before it could be killed")
        time.sleep(LOOK_EVERY)
    child.kill()
    child.wait()
    return _numbers(folder), time.perf_counter() - begin


def _store(folder: Path, name: str) -> Path:
    (found,) = (folder / f"{name}.trials").glob("*.sqlite")
    return found


def _numbers(folder: Path) -> list[int]:
    if not list((folder / "all.trials").glob("*.sqlite")):
        return []
    with closing(sqlite3.connect(_store(folder, "all"))) as store:
        try:
            return [number for (number,) in store.execute("SELECT number FROM trial ORDER BY number")]
        except sqlite3.OperationalError:  # it is being made
            return []
