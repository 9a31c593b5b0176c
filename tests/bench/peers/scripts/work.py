"""What everybody is given to do, and how it is timed. Imported by scripts of all environments: NumPy is all it needs.

Each script is called as ``SCRIPT.py ROW CANDLES.npz REPEATS`` and prints one line of JSON. Amounts are whole units, for
backtesting.py knows no others; so the money is much.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

MONEY = 100_000_000.0
QUICK_ROWS = 2000  # what is run first and not timed, so that all is imported, compiled and loaded

FAST, SLOW, SHARE, CROSS_FEE = 20, 50, 0.99, 0.001
# A grid of twenty intervals: those above the first price sell at their upper line and buy back at their lower one, the
# others buy at their lower line and sell at their upper one. Each again and again, the same amount each time.
GRID_LOWER, GRID_UPPER, GRID_INTERVALS, GRID_AMOUNT, GRID_FEE = 1800.0, 2200.0, 20, 100.0, 0.0002
# A base order at market, five safety orders as limits below it, the next deal at once after a take profit.
DCA_BASE, DCA_SAFETY, DCA_ORDERS, DCA_FEE = 1_000_000.0, 1_000_000.0, 5, 0.001
DCA_DEVIATION, DCA_STEP_SCALE, DCA_VOLUME_SCALE, DCA_PROFIT = 0.01, 1.2, 1.4, 0.01
# The sweep: twenty fast averages with ten slow ones.
SWEEP = [(fast, slow) for fast in range(5, 25) for slow in range(30, 130, 10)]

Columns = Mapping[str, Any]
# What came of it, to see that all did the same work: the number of fills and the money at the end.
Done = tuple[int, float]


def grid_lines() -> Any:
    return np.linspace(GRID_LOWER, GRID_UPPER, GRID_INTERVALS + 1)


def safety_ladder(price: float) -> list[tuple[float, float]]:
    """(price, whole units) of each safety order, of a base order at ``price``."""
    found, distance = [], 0.0
    for number in range(DCA_ORDERS):
        distance += DCA_DEVIATION * DCA_STEP_SCALE**number
        at = price * (1.0 - distance)
        found.append((at, float(int(DCA_SAFETY * DCA_VOLUME_SCALE**number / at))))
    return found


def loaded(path: str) -> dict[str, Any]:
    with np.load(path) as table:
        return {name: table[name] for name in ("timestamp", "open", "high", "low", "close", "volume")}


def first(columns: Columns, rows: int) -> dict[str, Any]:
    return {name: np.ascontiguousarray(column[:rows]) for name, column in columns.items()}


def report(
    prepared: Mapping[str, Callable[[Columns], Callable[[], Done]]],
    limits: Mapping[str, int] | None = None,
    processor_time: Callable[[], float] = time.process_time,
) -> None:
    """Runs the row that was asked for. ``prepared`` makes of candles what is then timed: loading is not counted.

    ``limits`` are rows that a peer is given of a work whose whole would take too long. ``processor_time`` is that of all
    processes that work.
    """
    row, path, repeats = sys.argv[1], sys.argv[2], int(sys.argv[3])
    columns = loaded(path)
    if limits and row in limits:
        columns = first(columns, limits[row])
    if repeats > 1:
        prepared[row](first(columns, QUICK_ROWS))()
    taken, used = [], []
    done: Done = (0, 0.0)
    for _ in range(repeats):
        call = prepared[row](columns)
        begin, processor = time.perf_counter(), processor_time()
        done = call()
        taken.append(time.perf_counter() - begin)
        used.append(processor_time() - processor)
        # What takes long is not measured thrice: noise is small against it.
        if sum(taken) > 25.0:
            break
    told = {"seconds": taken, "processor": used, "rows": len(columns["close"]), "fills": done[0], "end": done[1]}
    print(json.dumps(told))
