"""Runs the matrix, or the cells that are named, and prints or writes the table."""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from tests.reliability.crash.cells import ALL, SUBSET, Book, Cell, Fault, Operation, Outcome, Phase, choose, lane
from tests.reliability.crash.report import summary, table, write_into

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "reliability.md"


def main() -> int:
    parser = argparse.ArgumentParser(prog="crash-matrix", description=__doc__)
    parser.add_argument("--only", nargs="*", help="words that a cell's description must contain: kill amend paper")
    parser.add_argument("--subset", action="store_true", help="the cells that the tests run")
    parser.add_argument(
        "--lanes", type=int, default=(os.cpu_count() or 1) + 1, help="stacks side by side: a cell mostly waits"
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/reliability.md")
    parser.add_argument("--json", type=Path, help="put the outcomes into this file")
    parser.add_argument("--lane", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    cells = SUBSET if options.subset else choose(options.only or ())
    if not cells:
        parser.error(f"no cell is described by all of {options.only}; there are {len(ALL)}, such as '{ALL[0]}'")
    if options.lane is not None:
        outcomes = _run_lane(lane(cells, options.lane, options.lanes))
        options.json.write_text(json.dumps([asdict(outcome) for outcome in outcomes]))
        return 0
    began = time.monotonic()
    outcomes = _run_lanes(options.lanes, sys.argv[1:])
    seconds = time.monotonic() - began
    if options.json:
        options.json.write_text(json.dumps([asdict(outcome) for outcome in outcomes]))
    if options.write:
        write_into(DOCUMENT, outcomes, seconds)
    else:
        print(table(outcomes))
    print(summary(outcomes, seconds))
    return int(any(outcome.complaints for outcome in outcomes))


def _run_lanes(lanes: int, arguments: list[str]) -> list[Outcome]:
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"lane-{number}.json" for number in range(lanes)]
        command = [sys.executable, "-m", "tests.reliability.crash", *arguments, "--lanes", str(lanes)]
        # The last --json wins.
        processes = [
            subprocess.Popen([*command, "--lane", str(number), "--json", str(file)])
            for number, file in enumerate(files)
        ]
        codes = [process.wait() for process in processes]
        if any(codes):
            raise SystemExit(f"a lane ended with {max(codes)}")
        return [_outcome(entry) for file in files for entry in json.loads(file.read_text())]


def _outcome(entry: dict[str, object]) -> Outcome:
    cell: dict[str, str] = entry["cell"]  # type: ignore[assignment]
    return Outcome(
        Cell(Phase(cell["phase"]), Fault(cell["fault"]), Operation(cell["operation"]), Book(cell["book"])),
        tuple(entry["complaints"]),  # type: ignore[arg-type]
        float(entry["safe_after"]),  # type: ignore[arg-type]
        float(entry["seconds"]),  # type: ignore[arg-type]
    )


def _run_lane(cells: list[Cell]) -> list[Outcome]:
    from tests.reliability.crash.stack import Lane

    outcomes = []
    with tempfile.TemporaryDirectory(prefix="crash-lane-") as folder, Lane(Path(folder), len(cells)) as running:
        os.environ.update(running.environ)
        import django

        django.setup()
        logging.disable(logging.INFO)  # what bots tell goes to their events; here one line a cell is wanted
        from tests.reliability.crash.scenario import Run

        for number, cell in enumerate(cells):
            outcome = Run(running, cell, number).play()
            outcomes.append(outcome)
            mark = "ok" if not outcome.complaints else "FAILED: " + "; ".join(outcome.complaints)
            print(f"{outcome.seconds:5.1f} s  {cell}  {mark}", file=sys.stderr, flush=True)
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
