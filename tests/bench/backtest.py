"""Back-tests of a year of one-minute candles, and what a process pays before its first one.

Times are of the processor, the best of several: one thread computes, and what else runs on the machine does not count.
Fills and equity are kept and named, as every back-test keeps them; candles are in memory before.

What an option of the market costs is a run with it against a run without, taken by turns: it also changes what is traded,
so the fills stand beside it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from backtests.simulation import Options, Simulation, simulate
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
FIRST = "from tests.bench.backtest import first; print(*first({!r}))"
NOTHING: Final = "none"
OPTIONS: Final = {
    NOTHING: Options(),
    "slippage 0.05 %": Options(slippage=0.0005),
    "spread 0.02 %": Options(spread=0.0002),
    "limits filled through": Options(through=True),
    "stop before target": Options(pessimistic=True),
    "maintenance margin 0.5 %": Options(maintenance=0.005),
    "latency 500 ms": Options(latency=500),
    "a tenth of the volume, impact 0.1": Options(volume_share=0.1, impact=0.1),
    "all of them": Options(
        slippage=0.0005, spread=0.0002, through=True, pessimistic=True, maintenance=0.005, latency=500,
        volume_share=0.1, impact=0.1,
    ),
}  # fmt: skip


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
        ((seconds, found),) = _best([lambda work=work, candles=candles: back_test(work, candles)], work.repeats)  # type: ignore[misc]
        rate = len(candles) / seconds
        shown = f"{rate / 1e6:.1f} million" if rate > 1e6 else f"{rate / 1e3:.0f} thousand"
        yield f"| {work.title} | {seconds * 1000:.1f} ms | {shown} | {len(found.fills):,} |"
    yield ""
    yield from _options(year)
    yield ""
    yield "| first back-test of a process | nothing compiled yet | compiled by an earlier process |"
    yield "|---|---|---|"
    for name, work in works().items():
        with tempfile.TemporaryDirectory() as folder:
            cold, warm = (_in_a_process(name, folder) for _ in range(2))
        yield f"| {work.title} | {cold} | {warm} |"


def _options(year: Candles) -> Iterator[str]:
    yield "| options of the market | cross | its fills | grid | its fills |"
    yield "|---|---|---|---|---|"
    taken = {}
    for name in ("cross", "grid"):
        work = works()[name]
        calls = [lambda work=work, each=each: back_test(work, year, each) for each in OPTIONS.values()]
        taken[name] = dict(zip(OPTIONS, _best(calls, REPEATS), strict=True))
    for option in OPTIONS:
        cells = []
        for runs in taken.values():
            seconds, found = runs[option]
            more = "" if option == NOTHING else f" ({seconds / runs[NOTHING][0] - 1:+.0%})"
            cells += [f"{seconds * 1000:.1f} ms{more}", f"{len(found.fills):,}"]
        yield f"| {option} | {' | '.join(cells)} |"


def back_test(work: Work, candles: Candles, options: Options | None = None) -> Simulation[Any]:
    found = simulate(work.strategy, work.config, LINEAR, candles, work.timeframe, quote=MONEY, options=options)
    _ = found.fills  # named when they are asked for, which is part of the work
    return found


def as_timeframe(candles: Candles, timeframe: str) -> Candles:
    if timeframe == "1m":
        return candles
    made, _ = resample(candles, SeriesKey("any", "spot", "ANY", timeframe))
    return made


def first(name: str) -> tuple[float, float]:
    """Seconds of the processor for a first back-test of a few days, the imports of this module being behind it, and the
    most memory that the process has had, MB."""
    work = works()[name]
    (days,) = synthetic_market(["ETHUSDT"], minutes=5000, seed=7).values()
    candles = as_timeframe(days, work.timeframe)
    begin = time.process_time()
    back_test(work, candles)
    return time.process_time() - begin, _peak()


def _peak() -> float:
    """What ``getrusage`` says is at least what the process had that this one was started from."""
    (line,) = (each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _in_a_process(name: str, folder: str) -> str:
    command = [sys.executable, "-c", FIRST.format(name)]
    environ = os.environ | {"NUMBA_CACHE_DIR": folder}
    told = subprocess.run(command, env=environ, check=True, capture_output=True, text=True).stdout
    seconds, memory = map(float, told.split())
    return f"{seconds:.1f} s, {memory:.0f} MB"


def _best(calls: Sequence[Callable[[], Simulation[Any]]], repeats: int) -> list[tuple[float, Simulation[Any]]]:
    """The shortest of each call's times, and what it gave; the calls take turns."""
    found = [call() for call in calls]
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for times, call in zip(taken, calls, strict=True):
            begin = time.process_time()
            call()
            times.append(time.process_time() - begin)
    return [(min(times), each) for times, each in zip(taken, found, strict=True)]
