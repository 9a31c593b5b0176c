"""DCA: a year of one-minute candles with deals that follow one another at once, and its step on its own.

Times are of the processor: one thread computes, and what else runs on the machine does not count.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np

from backtests.simulation import simulate
from exchange.candles.synthetic import synthetic_market
from strategies.compiled import compiled
from strategies.dca.config import DcaConfig
from strategies.dca.kernel import advance, quiet
from strategies.dca.logic import DcaStrategy
from strategies.dca.orders import BASE_SLOT, FIRST_PROFIT, FIRST_SAFETY, wanted
from strategies.dca.start import COLUMNS
from strategies.kernel import NOTE_NUMBERS, FillRow, Tick, fill_rows, order_rows
from strategies.state import packed, packed_tuple
from tests.bench.cold_start import first_runs
from tests.bench.timing import best
from tests.strategies.markets import SPOT

MINUTES = 525_600  # a year
DEALS = 50_000
DENSITIES = {"wide": ("2", "1.5"), "close": ("0.1", "0.15"), "closest": ("0.02", "0.02")}


def run(_: argparse.Namespace) -> Iterator[str]:
    yield "| a year of minutes, five safety orders | deals | fills | steps of 2,102,400 points | time |"
    yield "|---|---|---|---|---|"
    yield from _years()
    yield ""
    yield "| step | figure |"
    yield "|---|---|"
    yield f"| compiled: the fills of a base order, two safety orders and the take profit, with orders and zone | {_step():.2f} µs a fill |"
    for what, seconds in first_runs(__name__, first_run.__name__):
        yield f"| first run of a process, {what} | {seconds:.1f} s |"


def config_of(deviation: str, take_profit: str) -> DcaConfig:
    return DcaConfig(
        base_order_size=Decimal(100),
        safety_order_size=Decimal(100),
        safety_orders=5,
        price_deviation=Decimal(deviation),
        step_scale=Decimal("1.2"),
        volume_scale=Decimal("1.4"),
        take_profit=Decimal(take_profit),
    )


def _years() -> Iterator[str]:
    (candles,) = synthetic_market(["ETHUSDT"], minutes=MINUTES, seed=7).values()
    strategy = DcaStrategy()
    for name, figures in DENSITIES.items():
        config = config_of(*figures)

        def call(config: DcaConfig = config) -> Any:
            return simulate(strategy, config, SPOT, candles, "1m", quote=100_000)

        found = call()
        seconds = best(call)
        told = f"{name}: {figures[0]} % apart, {figures[1]} % profit"
        yield f"| {told} | {found.state.deal:,} | {len(found.fills):,} | {found.steps:,} | {seconds * 1000:.0f} ms |"


def first_run() -> None:
    (candles,) = synthetic_market(["ETHUSDT"], minutes=60, seed=7).values()
    simulate(DcaStrategy(), config_of("2", "1.5"), SPOT, candles, "1m", quote=100_000)


def _step() -> float:
    strategy, config = DcaStrategy(), config_of("2", "1.5")
    parameters = packed_tuple(strategy.parameters(config, SPOT))
    row = np.full(len(COLUMNS), np.nan)
    fills = fill_rows([FillRow(BASE_SLOT, 1, 1, 2000.0, 0.05, 0.00005, 0, True)])
    notes = np.zeros((0, NOTE_NUMBERS + 1))
    orders = order_rows(strategy.MOST_ORDERS)

    def call() -> None:
        state = packed(strategy.initial_state(config, SPOT))
        deals(parameters, state, row, fills, notes, orders, DEALS)
        assert state.deal == DEALS + 1

    return best(call) / (4 * DEALS) * 1e6


@compiled
def deals(p: Any, s: Any, row: Any, fills: Any, notes: Any, orders: Any, count: int) -> int:
    """Each deal is a base order, two safety orders and their take profit; the next begins in that same step."""
    written = 0
    fill = fills[0]
    advance(p, s, Tick(60_000, 2000.0, 0, 0.0, 0.0, 0.0, 0.0), row, fills, 0, notes)
    for number in range(count):
        for part in range(4):
            fill.sequence = s.deal
            fill.side = 1
            if part == 0:
                fill.slot = BASE_SLOT
                fill.price = 2000.0
                fill.amount = s.base_amount
            elif part < 3:
                fill.slot = FIRST_SAFETY + part - 1
                fill.price = s.safety_prices[part - 1]
                fill.amount = s.safety_amounts[part - 1]
            else:
                fill.slot = FIRST_PROFIT
                fill.sequence = s.profit_sequences[0]
                fill.side = -1
                fill.price = s.profit_prices[0]
                fill.amount = s.profit_amounts[0]
            fill.fee_base = fill.amount * 0.001 if part < 3 else 0.0
            at = Tick((number + 2) * 60_000 + part, 2000.0, 0, 0.0, 0.0, 0.0, 0.0)
            advance(p, s, at, row, fills, 1, notes)
            written += wanted(p, s, orders) + int(quiet(p, s, at)[3])
    return written
