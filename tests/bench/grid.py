"""The grid: a year of one-minute candles, and its step on its own.

Times are of the processor: one thread computes, and what else runs on the machine does not count.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np

from backtests.simulation import simulate
from exchange.candles.synthetic import synthetic_market
from strategies.compiled import compiled
from strategies.grid.codes import ENTRY_SLOT, FIRST_INTERVAL
from strategies.grid.config import GridConfig
from strategies.grid.logic import GridStrategy
from strategies.grid.orders import wanted
from strategies.grid.run import advance, quiet
from strategies.kernel import FillRow, Tick, fill_rows, order_rows
from strategies.state import packed, packed_tuple
from tests.bench.timing import REPEATS, best
from tests.strategies.markets import LINEAR

MINUTES = 525_600  # a year
CYCLES = 100_000
STRATEGY = GridStrategy()


def run(_: argparse.Namespace) -> Iterator[str]:
    yield "| intervals | a fill, the orders and the zone after it | the orders alone | a year of minutes | fills | points a second |"
    yield "|---|---|---|---|---|---|"
    (candles,) = synthetic_market(["ETHUSDT"], minutes=MINUTES, seed=7).values()
    middle = float(np.median(candles.close))
    for grids in (20, 100, 500):
        config = GridConfig.model_validate(
            {"lower": round(middle * 0.8, 2), "upper": round(middle * 1.2, 2), "grids": grids, "investment": 1_000_000}
        )
        step, orders = _step(config, middle)

        def year(config: GridConfig = config) -> Any:
            return simulate(STRATEGY, config, LINEAR, candles, "1m", quote=1_000_000)

        fills = len(year().fills)
        seconds = best(year)
        rate = 4 * len(candles) / seconds / 1e6
        yield (
            f"| {grids} | {step * 1e6:.2f} µs | {orders * 1e6:.2f} µs | {seconds * 1000:.0f} ms | {fills:,} | "
            f"{rate:.0f} million |"
        )


def _step(config: GridConfig, price: float) -> tuple[float, float]:
    """Seconds for a step with a fill, its orders and its zone, and for the orders alone."""
    parameters = packed_tuple(STRATEGY.parameters(config, LINEAR))
    state = packed(STRATEGY.initial_state(config, LINEAR))
    orders, notes = order_rows(STRATEGY.MOST_ORDERS), np.zeros((0, 0))
    tick = Tick(0, price, 0, 0.0, 0.0, 0.0, 0.0)
    row: Any = np.zeros(0)
    advance(parameters, state, tick, row, fill_rows([]), 0, notes)
    entered = FillRow(ENTRY_SLOT, 0, 1, price, float(state.entry_amount), 0.0, 0, True)
    advance(parameters, state, tick, row, fill_rows([entered]), 1, notes)
    fills = fill_rows([FillRow(FIRST_INTERVAL, 0, 1, float(state.lines[0]), float(state.amounts[0]), 0.0, 0, True)])
    step = best(lambda: cycles(parameters, state, tick, row, fills, notes, orders, CYCLES)) / (2 * CYCLES)
    assert state.cycles == (REPEATS + 1) * CYCLES
    return step, best(lambda: written(parameters, state, orders, 2 * CYCLES)) / (2 * CYCLES)


@compiled
def cycles(p: Any, s: Any, tick: Tick, row: Any, fills: Any, notes: Any, orders: Any, count: int) -> int:
    """The lowest interval buys and sells, again and again."""
    seen = 0
    fill = fills[0]
    for _ in range(count):
        for side in (1, -1):
            fill.side = side
            fill.sequence = s.sequences[0]
            fill.amount = s.amounts[0]
            fill.price = s.lines[0] if side > 0 else s.lines[1]
            advance(p, s, tick, row, fills, 1, notes)
            seen += wanted(p, s, orders) + int(quiet(p, s, tick)[3])
    return seen


@compiled
def written(p: Any, s: Any, orders: Any, count: int) -> int:
    seen = 0
    for _ in range(count):
        seen += wanted(p, s, orders)
    return seen
