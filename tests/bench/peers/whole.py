"""The whole command: from the shell to the result on disk, ours through ``manage.py backtest``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.bench.peers.children import Ended, Failed, run
from tests.bench.peers.environments import SCRIPTS
from tests.bench.peers.plan import Work

GOAL = "goal 2.5 s, first run ever 25 s, 350 MB"


def rows(
    works: Sequence[Work], candles: Path, folder: Path, pythons: dict[str, str], found: list[dict[str, Any]]
) -> Iterator[str]:
    yield f"Started once before, so that what is compiled is kept; ours also for the first time ever ({GOAL}).\n"
    yield "| | | by the clock | of the processor | memory |"
    yield "|---|---|---|---|---|"
    for work in works:
        row = work.contenders[0].row
        for who in ("ours, first run ever", "ours"):
            try:
                yield _line(work, who, _ours(row, folder), found)
            except Failed as error:
                yield f"| {work.title} | {who} failed: {error} |"
        for each in work.contenders[1:]:
            if each.environment in pythons and not each.row.endswith("statistics"):
                # From an array on disk to a line of JSON: less than ours reads and writes.
                command = [pythons[each.environment], str(SCRIPTS / each.script), each.row, str(candles), "1"]
                try:
                    yield _line(work, each.who, run(command), found)
                except Failed as error:
                    yield f"| {work.title} | {each.who} failed: {error} |"


def _ours(row: str, folder: Path) -> Ended:
    """What ``materials`` wrote, compiled into a folder that is empty the first time."""
    environ = {"STRATEGIES_DIR": str(folder / "strategies"), "NUMBA_CACHE_DIR": str(folder / f"compiled-{row}")}
    command = [sys.executable, "manage.py", "backtest", str(folder / f"{row}.yaml")]
    command += ["--candles", str(folder / "candles.parquet"), "--json", str(folder / f"{row}.json")]
    return run(command, environ=environ)


def _line(work: Work, who: str, ended: Ended, found: list[dict[str, Any]]) -> str:
    told = {"seconds": ended.seconds, "processor": ended.processor, "peak": ended.peak}
    found.append({"work": work.title, "who": who, **told})
    return f"| {work.title} | {who} | {ended.seconds:.1f} s | {ended.processor:.1f} s | {ended.peak:.0f} MB |"
