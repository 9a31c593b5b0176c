"""``make bench-peers``: other back-testers do our work on our candles, in one run on this machine.

``ARGS=--quick`` takes about four minutes on an idle machine: what is slow is timed once. ``ARGS="--only cross grid"`` are some of the rows.
``ARGS=record`` has backtesting.py trade the crosses again that a test compares ours with. Everything measured is also
written to .traderagent/peers/results.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.peers import whole
from tests.bench.peers.children import Ended, Failed, run
from tests.bench.peers.environments import HOME, NAMES, SCRIPTS, NotInstalled, python_of
from tests.bench.peers.plan import MINUTES, PLAN, SEED, WHOLE, Contender, Work

REPEATS = 3
# What needs more than a few seconds for the work.
SLOW = ("backtesting", "nautilus", "jesse", "freqtrade")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-peers", description=__doc__)
    parser.add_argument("action", nargs="?", choices=["measure", "record"], default="measure")
    parser.add_argument("--quick", action="store_true", help="time what is slow once instead of three times")
    parser.add_argument("--only", nargs="+", choices=[*PLAN, "whole"], help="these rows")
    arguments = parser.parse_args()
    if arguments.action == "record":
        from tests.bench.peers.recording import record

        record()
        return
    pythons, missing = _installed()
    busy = os.getloadavg()[0]
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}, load {busy:.1f} before\n")
    print(
        f"{MINUTES:,} one-minute candles of a made-up market (ETHUSDT, seed {SEED}); medians, one core where not said\n"
    )
    results: dict[str, Any] = {"load": busy, "missing": missing, "rows": {}}
    with tempfile.TemporaryDirectory(prefix="traderagent-bench-") as folder:
        paths = _candles(Path(folder))
        for name, work in PLAN.items():
            if arguments.only is None or name in arguments.only:
                print(f"## {work.title} (goal {work.goal})\n", flush=True)
                found: list[dict[str, Any]] = []
                results["rows"][name] = found
                for line in _rows(work, paths[work.candles], pythons, arguments.quick, found):
                    print(line, flush=True)
                print()
        if arguments.only is None or "whole" in arguments.only:
            found = results["rows"]["whole"] = []
            print("## From the shell to the result\n")
            for line in whole.rows([PLAN[name] for name in WHOLE], paths[MINUTES], Path(folder), pythons, found):
                print(line, flush=True)
    for name, why in missing.items():
        print(f"\n{name} is not there: {why}")
    HOME.mkdir(parents=True, exist_ok=True)
    (HOME / "results.json").write_text(json.dumps(results, indent=1) + "\n")


def _installed() -> tuple[dict[str, str], dict[str, str]]:
    pythons, missing = {"": sys.executable}, {}
    for name in NAMES:
        try:
            pythons[name] = str(python_of(name))
        except NotInstalled as error:
            missing[name] = str(error)
    return pythons, missing


def _candles(folder: Path) -> dict[int, Path]:
    sizes = sorted({work.candles for work in PLAN.values()})
    run([sys.executable, "-m", "tests.bench.peers.materials", str(folder), *map(str, sizes)])
    return {size: folder / f"{size}.npz" for size in sizes}


def _rows(
    work: Work, candles: Path, pythons: dict[str, str], quick: bool, found: list[dict[str, Any]]
) -> Iterator[str]:
    yield f"| | {work.unit}/s | by the clock | fills | money at the end | memory | |"
    yield "|---|---|---|---|---|---|---|"
    for each in work.contenders:
        if each.environment not in pythons:
            continue
        repeats = 1 if quick and each.environment in SLOW else REPEATS
        try:
            if not each.environment:  # so that what is compiled is kept: its memory would be the most of all
                run(command(each, candles, pythons, 1), cores=work.cores)
            ended = run(command(each, candles, pythons, repeats), cores=work.cores)
        except Failed as error:
            yield f"| {each.who} | failed: {error} |"
            found.append({"who": each.who, "failed": str(error)})
            continue
        yield _line(each, work, ended, found)


def command(each: Contender, candles: Path, pythons: dict[str, str], repeats: int) -> list[str]:
    program = [str(SCRIPTS / each.script)] if each.script else ["-m", "tests.bench.peers.ours"]
    return [pythons[each.environment], *program, each.row, str(candles), str(repeats)]


def _line(each: Contender, work: Work, ended: Ended, found: list[dict[str, Any]]) -> str:
    told = ended.told
    count = told["fills"] if work.unit == "combinations" else told["rows"]
    clock = count / statistics.median(told["seconds"])
    # By the processor's time what else runs on the machine does not count: this is what all cores would do undisturbed.
    rate = count * each.cores / statistics.median(told["processor"])
    found.append({"who": each.who, "rate": rate, "clock": clock, "peak": ended.peak, **told})
    fills, money = ("–", "–") if work.unit != "candles" else (f"{told['fills']:,}", f"{told['end']:,.0f}")
    return f"| {each.who} | {short(rate)} | {short(clock)} | {fills} | {money} | {ended.peak:.0f} MB | {each.note} |"


def short(rate: float) -> str:
    if rate >= 1e6:
        return f"{rate / 1e6:.1f} million"
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"


if __name__ == "__main__":
    main()
