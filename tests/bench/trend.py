"""The trend follower: a year of one-minute candles with features of the hour, and its step on its own.

Times are of the processor: one thread computes, and what else runs on the machine does not count.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np

from backtests.features import history_features
from backtests.simulation import simulate
from exchange.candles.synthetic import synthetic_market
from strategies.compiled import compiled
from strategies.kernel import MOST_NOTES, NOTE_NUMBERS, FillRow, Tick, features_row, fill_rows, order_rows
from strategies.state import packed, packed_tuple
from strategies.trend.config import TrendConfig
from strategies.trend.features import COLUMNS
from strategies.trend.logic import TrendStrategy
from strategies.trend.orders import ENTRY_SLOT, STOP_SLOT, wanted
from strategies.trend.quiet import quiet
from strategies.trend.steps import advance
from tests.bench.cold_start import first_runs
from tests.bench.timing import best
from tests.strategies.markets import LINEAR
from tests.strategies.trend.trend_bot import HOUR_MS, PULLBACK

MINUTES = 525_600  # a year
TRADES = 200_000
CONFIG = TrendConfig.model_validate({"investment": 10_000, "leverage": 5, "direction": "neutral", "max_losses": 0})


def run(_: argparse.Namespace) -> Iterator[str]:
    yield "| a year of minutes with features of the hour | figure |"
    yield "|---|---|"
    yield from _year()
    yield ""
    yield "| step | figure |"
    yield "|---|---|"
    yield f"| compiled: a row with a signal, the entry's fill, the stop's fill, orders and zone each time | {_step():.2f} µs a step |"
    for what, seconds in first_runs(__name__, first_run.__name__):
        yield f"| first run of a process, {what} | {seconds:.1f} s |"


def _year() -> Iterator[str]:
    (candles,) = synthetic_market(["ETHUSDT"], minutes=MINUTES, seed=7).values()
    strategy = TrendStrategy()
    features = history_features(strategy, CONFIG, candles, "1m")

    def call() -> Any:
        return simulate(strategy, CONFIG, LINEAR, candles, "1m", quote=10_000, features=features)

    found = call()
    seconds = best(call)
    made = best(lambda: history_features(strategy, CONFIG, candles, "1m"))
    yield f"| fills / steps / points | {len(found.fills):,} / {found.steps:,} / {4 * len(candles):,} |"
    yield f"| the run, features made before | {seconds * 1000:.0f} ms, {4 * len(candles) / seconds / 1e6:.0f} million points a second |"
    yield f"| the features | {made * 1000:.0f} ms |"


def first_run() -> None:
    (candles,) = synthetic_market(["ETHUSDT"], minutes=60, seed=7).values()
    simulate(TrendStrategy(), CONFIG, LINEAR, candles, "1m", quote=10_000)


def _step() -> float:
    strategy = TrendStrategy()
    parameters = packed_tuple(strategy.parameters(CONFIG, LINEAR))
    row = np.array(features_row(PULLBACK, COLUMNS))
    tick = Tick(0, 2000.0, HOUR_MS, 0.0, 0.0, 0.0, 0.0)
    fills = fill_rows([FillRow(ENTRY_SLOT, 0, 1, 2000.0, 4.5, 0.0, 0, True)])
    notes = np.zeros((MOST_NOTES + 1, NOTE_NUMBERS + 1))
    orders = order_rows(strategy.MOST_ORDERS)

    def call() -> None:
        state = packed(strategy.initial_state(CONFIG, LINEAR))
        trades(parameters, state, tick, row, fills, notes, orders, TRADES)
        assert state.trade == TRADES - 1

    return best(call) / (3 * TRADES) * 1e6


@compiled
def trades(p: Any, s: Any, tick: Tick, row: Any, fills: Any, notes: Any, orders: Any, count: int) -> int:
    """Each trade is a signal, an entry that is filled whole, and its stop."""
    written = 0
    fill = fills[0]
    for number in range(count):
        notes[0, 0] = 0.0
        at = Tick((number + 1) * HOUR_MS, tick.price, (number + 1) * HOUR_MS, 0.0, 0.0, 0.0, 0.0)
        advance(p, s, at, row, fills, 0, notes)
        written += wanted(p, s, orders) + int(quiet(p, s, at)[3])
        fill.slot = ENTRY_SLOT
        fill.sequence = s.trade
        fill.side = 1
        fill.price = 2000.0
        fill.amount = s.entry_amount
        advance(p, s, at, row, fills, 1, notes)
        written += wanted(p, s, orders) + int(quiet(p, s, at)[3])
        fill.slot = STOP_SLOT
        fill.sequence = s.stop_sequence
        fill.side = -1
        fill.price = 1980.0
        advance(p, s, at, row, fills, 1, notes)
        written += wanted(p, s, orders) + int(quiet(p, s, at)[3])
    return written
