"""Stories told in candles: what is drawn, what is seen in it, and what is traded.

A story is a table of 15m candles, each with what must be seen at its close and what must be traded or told during it,
everything, and nothing else. Before it the price falls evenly for fourteen candles, in which there is nothing to see;
the hour has shown a low at 90 and a high at 130, and 4h and 1d a single candle.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from backtests.engine import run
from backtests.exact_records import Execution
from backtests.points import points_of
from exchange.port import Candle
from strategies.candles import closes_of
from strategies.checks import Recording
from strategies.contract import CandleSeries, MarketSpec, OrderType
from strategies.feature_rows import FeatureTable
from strategies.indicators import sma, true_range
from strategies.smc.config import SmcConfig
from strategies.smc.fair_value_gaps import fair_value_gaps
from strategies.smc.features import RANGE_PERIOD, columns
from strategies.smc.liquidity import pools, sweeps
from strategies.smc.logic import SmcStrategy
from strategies.smc.order_blocks import order_blocks
from strategies.smc.patterns import WORDS
from strategies.smc.state import SmcState
from strategies.smc.structure import structure
from strategies.smc.swings import swing_points, turns
from tests.strategies.markets import LINEAR
from tests.strategies.smc.bench import QUARTER

HOUR = 4 * QUARTER
START = 40 * 24 * HOUR
# Everything by hand: swings of two candles, no ATR in any price, equal highs are equal to the tick.
PLAIN: dict[str, Any] = {
    "capital": 10_000,
    "positions": 1,
    "swing_length": 2,
    "memory": 20,
    "smallest_gap": 0,
    "pool_tolerance": "0.001",
    "smallest_score": 1,
    "volume_period": 2,
    "minimum_confidence": 0,
    "stop_buffer": 0,
    "trailing_activation": 50,
    "trailing_distance": 40,
    "trailing_step": 0,
}
# open, high, low, close: a low at 90 and a high at 130, each with two candles after it.
HOURS = """
100 105 98  100
100 102 94  96
96  97  90  95
95  104 94  103
103 112 102 111
111 130 110 120
120 122 112 114
114 116 108 110
"""
FALL = 14


@dataclass(frozen=True)
class Told:
    """One line of a story: its candle, what is seen at its close, what is traded and told during it."""

    candle: str
    seen: str
    traded: str


def lines_of(table: str) -> list[Told]:
    """A line without a candle goes on telling of the one before it."""
    lines: list[Told] = []
    for line in filter(str.strip, table.splitlines()):
        candle, seen, traded = (part.strip() for part in line.split("|"))
        if candle:
            lines.append(Told(candle, seen, traded))
        else:
            last = lines.pop()
            lines.append(Told(last.candle, _both(last.seen, seen), _both(last.traded, traded)))
    return lines


def _both(first: str, second: str) -> str:
    return "; ".join(filter(None, (first, second)))


def config_of(**changes: Any) -> SmcConfig:
    """Past the form's limits: its least swing length makes long stories."""
    usual = SmcConfig.model_validate({"capital": 10_000})
    checked = SmcConfig.model_validate({**PLAIN, **changes, "swing_length": 5})
    return usual.model_copy(update={**dict(checked), "swing_length": 2})


def told(table: str, market: MarketSpec = LINEAR, **changes: Any) -> list[Told]:
    """The table as the code under test fills it in."""
    config, lines = config_of(**changes), lines_of(table)
    base = drawn([line.candle for line in lines])
    seen = seen_in(config, base)
    traded = traded_in(config, market, base)
    return [
        Told(line.candle, "; ".join(seen[FALL + number]), "; ".join(traded[FALL + number]))
        for number, line in enumerate(lines)
    ]


def drawn(candles: list[str]) -> CandleSeries:
    """The fall to 106 and then the story, the last column being the volume."""
    fall = [[120 - i, 120.5 - i, 118.5 - i, 119 - i, 1] for i in range(FALL)]
    return series("15m", QUARTER, START, fall + [[float(each) for each in candle.split()] for candle in candles])


def series(timeframe: str, length: int, start: int, rows: list[list[float]]) -> CandleSeries:
    times = start + np.arange(len(rows), dtype=np.int64) * length
    return CandleSeries(timeframe, times, *np.array(rows, float).T.copy())


def all_series(base: CandleSeries) -> dict[str, CandleSeries]:
    hours = [[*map(float, line.split()), 1.0] for line in HOURS.strip().splitlines()]
    one = [[100.0, 120.0, 95.0, 110.0, 1.0]]
    return {
        "15m": base,
        "1h": series("1h", HOUR, START - len(hours) * HOUR, hours),
        "4h": series("4h", 4 * HOUR, START - 4 * HOUR, one),
        "1d": series("1d", 24 * HOUR, START - 24 * HOUR, one),
    }


def seen_in(config: SmcConfig, base: CandleSeries) -> list[list[str]]:
    """By row of 15m: confirmed swings, broken structure, zones that come and go, pools and sweeps, and patterns in a
    zone with its score."""
    length, memory = config.length("15m"), config.candles_remembered("15m")
    high, low, close = base.high, base.low, base.close
    seen: list[list[str]] = [[] for _ in range(close.size)]

    def tell(row: int, what: str) -> None:
        if row < close.size:
            seen[row].append(what)

    swings = swing_points(high, low, length)
    for _, known, kind, level in zip(*swings, strict=True):
        tell(known, f"{'high' if kind > 0 else 'low'} {level:g}")
    turned = turns(swings, close.size, memory)
    events = structure(close, turned, memory)
    for row in np.flatnonzero(events.event).tolist():
        event = int(events.event[row])
        tell(row, f"{'BOS' if abs(event) == 1 else 'CHoCH'} {'up' if event > 0 else 'down'} {events.level[row]:g}")
    ranges = sma(true_range(high, low, close), RANGE_PERIOD)
    gaps = fair_value_gaps(base.open, high, low, close, np.where(np.isnan(ranges), np.nan, 0.0), memory).zones
    for name, zones in (("block", order_blocks(high, low, close, turned, memory)), ("gap", gaps)):
        for direction, _, born, died, bottom, top in zip(*zones, strict=True):
            what = f"{'demand' if direction > 0 else 'supply'} {name} {bottom:g}-{top:g}"
            tell(born, what)
            tell(died, f"{what} {'expired' if died == born + memory else 'gone'}")
    found = pools(high, low, swings, float(config.pool_tolerance) * ranges, memory)
    swept = sweeps(close, found)
    for kind, _, level, known, *_ in zip(*found, strict=True):
        tell(known, f"pool of {'highs' if kind > 0 else 'lows'} {level:g}")
    for row in np.flatnonzero(swept.up + swept.down).tolist():
        tell(row, "lows swept" if swept.up[row] else "highs swept")
    rows = columns(config, all_series(base))
    for side in ("demand", "supply"):
        for row in np.flatnonzero(rows[f"{side}_score"]).tolist():
            pattern, score = WORDS[int(rows[f"{side}_pattern"][row])], rows[f"{side}_score"][row]
            tell(row, f"{pattern} in {side}, {score:g}")
    return seen


def traded_in(config: SmcConfig, market: MarketSpec, base: CandleSeries) -> list[list[str]]:
    """By row of 15m, in the order of time: fills, what a step told, and where a stop that rests was put."""
    strategy = SmcStrategy()
    known = np.ones(base.close.size, np.bool_)
    table = FeatureTable(closes_of(base), known, columns(config, all_series(base)))
    recording: Recording[SmcConfig, SmcState] = Recording(strategy)
    candles = [
        Candle(int(time), *(Decimal(str(value)) for value in values))
        for time, *values in zip(base.timestamp, base.open, base.high, base.low, base.close, base.volume, strict=True)
    ]
    result = run(recording, config, market, points_of(candles, QUARTER), quote=Decimal(10_000), features=table)
    assert result.refused == []
    told: list[list[str]] = [[] for _ in candles]
    stop = 0.0
    fills = {point: list(group) for point, group in itertools.groupby(result.fills, lambda fill: fill.point)}
    for point, step in enumerate(recording.steps):
        row = told[point // 4]
        executions = fills.get(point, [])
        row += [_fill(fill) for fill in executions if fill.is_maker or fill.slot.startswith("stop")]
        row += list(_notes(step.decision))
        for order in step.decision.wanted:
            if order.type is OrderType.STOP and order.trigger_price is not None and order.trigger_price != stop:
                stop = order.trigger_price
                row.append(f"stop at {stop:g}")
        # What is sent at the market is filled after the step that wanted it.
        row += [_fill(fill) for fill in executions if not fill.is_maker and not fill.slot.startswith("stop")]
    return told


def _fill(fill: Execution) -> str:
    return f"{fill.slot.partition(':')[0]} {fill.side} {fill.amount.normalize():f} at {fill.price.normalize():f}"


def _notes(decision: Any) -> Iterator[str]:
    for note in decision.notes:
        if note.code not in ("smc.closed", "smc.trailed"):
            yield note.code.removeprefix("smc.").replace("_", " ")
    if decision.signal is not None:
        signal = decision.signal
        yield (
            f"signal {signal.direction}, stop {signal.stop_loss:g}, target {signal.take_profit:g}, "
            f"confidence {signal.confidence:g}"
        )
