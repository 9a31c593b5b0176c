"""Back-tests of a year of one-minute candles, and what a process pays before its first one.

Times are of the processor, the best of several: one thread computes, and what else runs on the machine does not count.
Fills and equity are kept and named, as every back-test keeps them; candles are in memory before.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from backtests.simulation import Simulation, simulate
from exchange.candles.files import Candles
from exchange.candles.resampling import resample
from exchange.candles.series import SeriesKey
from exchange.candles.synthetic import synthetic_market
from strategies.contract import Strategy
from strategies.registry import get_strategy
from tests.backtests.ema_cross import CrossConfig, CrossStrategy
from tests.bench.own_cross import OwnConfig, OwnCross
from tests.strategies.markets import LINEAR

MINUTES = 525_600  # a year
REPEATS = 7
MONEY = 1_000_000.0
GRID = {"range_percent": 20, "grids": 20, "investment": 1_000_000}
DCA = {"base_order_size": 1000, "safety_order_size": 1000, "safety_orders": 5, "price_deviation": 1, "take_profit": 1}
FIRST = "from tests.bench.backtest import first; print(first({!r}))"


@dataclass(frozen=True)
class Work:
    title: str
    strategy: Strategy[Any, Any]
    config: Any
    timeframe: str = "1m"
    repeats: int = REPEATS


def works() -> dict[str, Work]:
    grid, dca, trend, smc = (get_strategy(name) for name in ("grid", "dca", "trend", "smc"))
    return {
        "cross": Work("EMA 20/50 cross, market orders", CrossStrategy(MONEY), CrossConfig()),
        "grid": Work("grid of 20 levels, limit orders", grid, grid.Config.model_validate(GRID)),
        "dca": Work("DCA, base and 5 safety orders", dca, dca.Config.model_validate(DCA)),
        "trend": Work("trend, features of the hour", trend, trend.Config.model_validate({"investment": 10_000})),
        "smc": Work("Smart Money Concepts on 15m", smc, smc.Config.model_validate({"capital": 10_000}), "15m"),
        "own": Work("EMA cross in plain Python", OwnCross(), OwnConfig(), repeats=3),
    }


def run(_: argparse.Namespace) -> Iterator[str]:
    (year,) = synthetic_market(["ETHUSDT"], minutes=MINUTES, seed=7).values()
    yield "| work, features included | a year | bars a second | fills |"
    yield "|---|---|---|---|"
    for work in works().values():
        candles = as_timeframe(year, work.timeframe)
        seconds, found = _best(lambda work=work, candles=candles: back_test(work, candles), work.repeats)  # type: ignore[misc]
        rate = len(candles) / seconds
        shown = f"{rate / 1e6:.1f} million" if rate > 1e6 else f"{rate / 1e3:.0f} thousand"
        yield f"| {work.title} | {seconds * 1000:.1f} ms | {shown} | {len(found.fills):,} |"
    yield ""
    yield "| first back-test of a process | nothing compiled yet | compiled by an earlier process |"
    yield "|---|---|---|"
    for name, work in works().items():
        with tempfile.TemporaryDirectory() as folder:
            cold, warm = (_in_a_process(name, folder) for _ in range(2))
        yield f"| {work.title} | {cold:.1f} s | {warm:.1f} s |"


def back_test(work: Work, candles: Candles) -> Simulation[Any]:
    return simulate(work.strategy, work.config, LINEAR, candles, work.timeframe, quote=MONEY)


def as_timeframe(candles: Candles, timeframe: str) -> Candles:
    if timeframe == "1m":
        return candles
    made, _ = resample(candles, SeriesKey("any", "spot", "ANY", timeframe))
    return made


def first(name: str) -> float:
    """Seconds of the processor for a first back-test of a few days; imports of this module are behind it."""
    work = works()[name]
    (days,) = synthetic_market(["ETHUSDT"], minutes=5000, seed=7).values()
    candles = as_timeframe(days, work.timeframe)
    begin = time.process_time()
    back_test(work, candles)
    return time.process_time() - begin


def _in_a_process(name: str, folder: str) -> float:
    command = [sys.executable, "-c", FIRST.format(name)]
    environ = os.environ | {"NUMBA_CACHE_DIR": folder}
    return float(subprocess.run(command, env=environ, check=True, capture_output=True, text=True).stdout)


def _best(call: Callable[[], Simulation[Any]], repeats: int) -> tuple[float, Simulation[Any]]:
    found = call()
    taken = []
    for _ in range(repeats):
        begin = time.process_time()
        found = call()
        taken.append(time.process_time() - begin)
    return min(taken), found
