"""``make bench``: measures on this machine and prints the tables that docs/performance.md keeps.

``make bench ARGS="many-bots --seconds 60"`` runs one of them.
"""

from __future__ import annotations

import argparse
import os
import platform

from tests.bench import (
    backtest,
    candle_import,
    dca,
    grid,
    guard,
    indicators,
    many_bots,
    optimise,
    smc,
    startup,
    trend,
)

BENCHMARKS = {
    "backtest": backtest,
    "guard": guard,
    "grid": grid,
    "dca": dca,
    "indicators": indicators,
    "optimise": optimise,
    "smc": smc,
    "trend": trend,
    "startup": startup,
    "candle-import": candle_import,
    "many-bots": many_bots,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=sorted(BENCHMARKS), help="only this one")
    parser.add_argument("--bots", type=int, default=100, help="many-bots: how many (default 100)")
    parser.add_argument("--seconds", type=int, default=300, help="many-bots: for how long (default 300)")
    parser.add_argument("--files", type=int, default=450, help="candle-import: how many CSV files (default 450)")
    parser.add_argument("--gigabytes", type=float, default=5.0, help="candle-import: their size together (default 5)")
    parser.add_argument("--folder", help="candle-import: where they are made (default: the system's for such files)")
    arguments = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}", flush=True)
    for name, benchmark in BENCHMARKS.items():
        if arguments.name in (None, name):
            print(f"\n## {name}\n", flush=True)
            for line in benchmark.run(arguments):
                print(line, flush=True)


if __name__ == "__main__":
    main()
