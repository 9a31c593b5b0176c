"""Smart Money Concepts on 15m candles: features and back-tests, also of a series ten times as long, and the step.

Times are of the processor: one thread computes, and what else runs on the machine does not count.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from backtests.features import longer
from backtests.simulation import simulate
from exchange.candles.files import Candles, read_file
from exchange.candles.synthetic import synthetic_market
from strategies.compiled import compiled
from strategies.feature_rows import feature_table
from strategies.kernel import MOST_NOTES, NOTE_NUMBERS, FillRow, Tick, fill_rows, order_rows
from strategies.smc.config import TIMEFRAMES, SmcConfig
from strategies.smc.features import columns
from strategies.smc.logic import SmcStrategy, advance
from strategies.smc.orders import wanted
from strategies.smc.row import COLUMNS
from strategies.smc.slots import ENTRY, STOP, slot_of
from strategies.state import packed
from tests.bench.cold_start import first_runs
from tests.bench.timing import best
from tests.strategies.markets import LINEAR
from tests.strategies.smc.bench import LONG, QUARTER, row_of

FILE = "bybit_BTCUSDT_linear_15m.parquet"
MARKET = replace(LINEAR, tick=Decimal("0.1"), step=Decimal("0.001"), min_amount=Decimal("0.001"))
ROWS = 64_512  # as many as the file has
TRADES = 200_000
REPEATS = 7


def run(_: argparse.Namespace) -> Iterator[str]:
    yield "| market | candles of 15m | features, million rows a second | back-test with the features, million candles a second |"
    yield "|---|---|---|---|"
    for name, candles in _series():
        features, trading = _rates(candles)
        yield f"| {name} | {len(candles):,} | {features:.1f} | {trading:.1f} |"
    yield ""
    yield "| step | figure |"
    yield "|---|---|"
    yield f"| compiled: a row with a signal, the entry's fill, the stop's fill, orders each time | {_step():.2f} µs a step |"
    for what, seconds in first_runs(__name__, first_step.__name__):
        yield f"| first step of a process, {what} | {seconds:.1f} s |"


def _series() -> Iterator[tuple[str, Candles]]:
    folder = os.environ.get("TRADERAGENT_CANDLES")
    if folder:
        yield "BTC, Bybit", read_file(Path(folder) / FILE)
    yield "synthetic", _synthetic(ROWS)
    yield "synthetic, ten times as long", _synthetic(10 * ROWS)


def _synthetic(rows: int) -> Candles:
    """Minutes of a made-up market, taken for quarters of an hour."""
    (minutes,) = synthetic_market(["BTCUSDT"], minutes=rows, seed=7).values()
    times = np.arange(rows, dtype=np.int64) * QUARTER
    return Candles(times, minutes.open, minutes.high, minutes.low, minutes.close, minutes.volume)


def _rates(candles: Candles) -> tuple[float, float]:
    """Of both sides, with the defaults; making the longer candles is not counted."""
    strategy, config = SmcStrategy(), SmcConfig.model_validate({"capital": 10_000, "direction": "neutral"})
    series = {timeframe: longer(candles, "15m", timeframe) for timeframe in TIMEFRAMES}
    table = feature_table(strategy, config, series)
    features = best(lambda: columns(config, series), REPEATS)
    trading = best(lambda: simulate(strategy, config, MARKET, candles, "15m", quote=10_000.0, features=table), REPEATS)
    return len(candles) / features / 1e6, len(candles) / trading / 1e6


def first_step() -> None:
    _trade(1)()


def _step() -> float:
    return best(_trade(TRADES), REPEATS) / (3 * TRADES) * 1e6


def _trade(count: int) -> Callable[[], Any]:
    strategy, config = SmcStrategy(), SmcConfig.model_validate({"capital": 10_000})
    parameters = strategy.parameters(config, LINEAR)
    values = row_of(LONG)
    row = np.array([values[name] for name in COLUMNS])
    tick = Tick(0, 2000.0, QUARTER, 0.0, 0.0, 0.0, 0.0)
    fills = fill_rows([FillRow(0, 0, 1, 2000.0, 1.65, 0.0, 0, True)])
    notes = np.zeros((MOST_NOTES + 1, NOTE_NUMBERS + 1))
    orders = order_rows(strategy.MOST_ORDERS)

    def call() -> None:
        state = packed(strategy.initial_state(config, LINEAR))
        trades(parameters, state, tick, row, fills, notes, orders, count)
        assert state.losses == count

    return call


@compiled
def trades(p: Any, s: Any, tick: Tick, row: Any, fills: Any, notes: Any, orders: Any, count: int) -> int:
    """Each trade is a signal, an entry that is filled whole, and its stop."""
    written = 0
    fill = fills[0]
    for number in range(count):
        notes[0, 0] = 0.0
        at = Tick((number + 1) * QUARTER, tick.price, (number + 1) * QUARTER, 0.0, 0.0, 0.0, 0.0)
        advance(p, s, at, row, fills, 0, notes)
        written += wanted(p, s, orders)
        fill.slot = slot_of(ENTRY, 0)
        fill.sequence = s.trade[0]
        fill.side = 1
        fill.price = 2000.0
        fill.amount = s.amount[0]
        advance(p, s, at, row, fills, 1, notes)
        written += wanted(p, s, orders)
        fill.slot = slot_of(STOP, 0)
        fill.side = -1
        fill.price = 1989.0
        advance(p, s, at, row, fills, 1, notes)
        written += wanted(p, s, orders)
        s.wins = s.losses  # as many, so that the size stays above 0
    return written
