"""What the steps see: one row per closed 15m candle, made from four timeframes, nothing from the future.

Every structure is read from a limited past: swings live for the memory, a break or a block rests on swings at most a
memory older, and whether such a swing had been broken before on those of one memory more. Hence the warm-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from strategies.candles import timeframe_ms
from strategies.contract import CandleNeed, CandleSeries
from strategies.indicators import (
    Array,
    at_rows,
    closed_rows,
    rolling_max,
    sma,
    true_range,
    volume_ratio,
)
from strategies.smc.config import BASE, TIMEFRAMES, SmcConfig
from strategies.smc.fair_value_gaps import fair_value_gaps
from strategies.smc.liquidity import pools, sweeps
from strategies.smc.order_blocks import order_blocks
from strategies.smc.patterns import patterns
from strategies.smc.structure import structure
from strategies.smc.swings import Rows, Turns, swing_points, swings_warmup, turns
from strategies.smc.zone_table import Zones
from strategies.smc.zones import WEIGHTS, Layer, confluence

RANGE_PERIOD: Final = 14
# A sweep counts for so many candles of its timeframe.
SWEEP_MEMORY: Final = 8
# A mean differs in its last bits with where its series begins. Limits made of one stand this share aside, so that a
# distance that equals one to the tick does not fall now on this and now on that side.
ASIDE: Final = 1e-9
RANGE_TIMEFRAMES: Final = ("1h", "4h", "1d")


class Picture(NamedTuple):
    """One timeframe, a row per candle of its own; ``high`` and ``low`` are the last turns, the ends of the dealing
    range."""

    blocks: Zones
    gaps: Zones
    trend: Array
    high: Array
    low: Array
    swept_up: Array
    swept_down: Array
    pool_above: Array
    pool_below: Array
    true_range: Array


def needs(config: SmcConfig) -> tuple[CandleNeed, ...]:
    return tuple(CandleNeed(timeframe, warm_up(config, timeframe)) for timeframe in TIMEFRAMES)


def warm_up(config: SmcConfig, timeframe: str) -> int:
    """Candles of one timeframe. The base one must also reach back over the day that has not closed."""
    count = (
        3 * config.candles_remembered(timeframe) + swings_warmup(config.length(timeframe)) + RANGE_PERIOD + SWEEP_MEMORY
    )
    if timeframe != BASE:
        return count
    return max(count, config.volume_period, timeframe_ms("1d") // timeframe_ms(BASE) + 1)


def columns(config: SmcConfig, candles: Mapping[str, CandleSeries]) -> dict[str, Array]:
    base = candles[BASE]
    pictures = {timeframe: picture(config, candles[timeframe]) for timeframe in TIMEFRAMES}
    closed = {timeframe: _closed(base, candles[timeframe]) for timeframe in TIMEFRAMES}
    found = {
        "close": base.close,
        "atr": pictures[BASE].true_range,
        "volume_ratio": volume_ratio(base.volume, config.volume_period),
    }
    for timeframe, seen in pictures.items():
        found[f"trend_{timeframe}"] = at_rows(seen.trend, closed[timeframe])
    for timeframe in RANGE_TIMEFRAMES:
        found[f"high_{timeframe}"] = at_rows(pictures[timeframe].high, closed[timeframe])
        found[f"low_{timeframe}"] = at_rows(pictures[timeframe].low, closed[timeframe])
    hour = pictures["1h"]
    found["pool_above"] = at_rows(hour.pool_above, closed["1h"])
    found["pool_below"] = at_rows(hour.pool_below, closed["1h"])
    found["swept_up"] = np.fmax(pictures[BASE].swept_up, at_rows(hour.swept_up, closed["1h"]))
    found["swept_down"] = np.fmax(pictures[BASE].swept_down, at_rows(hour.swept_down, closed["1h"]))
    found["place"] = place_in_range(base.close, found["high_1h"], found["low_1h"])
    turned = patterns(base.open, base.high, base.low, base.close, float(config.pin_wick) / 100.0)
    layers = [
        Layer(pictures[timeframe].blocks, pictures[timeframe].gaps, closed[timeframe], weight)
        for timeframe, weight in zip(TIMEFRAMES, WEIGHTS, strict=True)
    ]
    for side, kind, extreme, name in ((1, turned.up, turned.low, "demand"), (-1, turned.down, turned.high, "supply")):
        zone = confluence(layers, base.high, base.low, base.close, extreme, side)
        found |= {
            f"{name}_pattern": kind,
            f"{name}_extreme": extreme,
            f"{name}_score": zone.score,
            f"{name}_bottom": zone.bottom,
            f"{name}_top": zone.top,
        }
    return found


def picture(config: SmcConfig, series: CandleSeries) -> Picture:
    length, memory = config.length(series.timeframe), config.candles_remembered(series.timeframe)
    open_, high, low, close = series.open, series.high, series.low, series.close
    ranges = sma(true_range(high, low, close), RANGE_PERIOD)
    swings = swing_points(high, low, length)
    turned = turns(swings, close.size, memory)
    swept = sweeps(close, pools(high, low, swings, float(config.pool_tolerance) * (1.0 + ASIDE) * ranges, memory))
    top, bottom = dealing_range(turned)
    return Picture(
        blocks=order_blocks(high, low, close, turned, memory),
        gaps=fair_value_gaps(
            open_, high, low, close, float(config.smallest_gap) * (1.0 - ASIDE) * ranges, memory
        ).zones,
        trend=structure(close, turned, memory).trend,
        high=top,
        low=bottom,
        swept_up=_lately(swept.up),
        swept_down=_lately(swept.down),
        pool_above=swept.above,
        pool_below=swept.below,
        true_range=ranges,
    )


def dealing_range(turned: Turns) -> tuple[Array, Array]:
    """The last turn upwards and the last turn downwards: between them the price is dear (premium) or cheap
    (discount)."""
    newest, before = turned.level[:, 0], turned.level[:, 1]
    return np.where(turned.kind > 0, newest, before), np.where(turned.kind > 0, before, newest)


def place_in_range(close: Array, high: Array, low: Array) -> Array:
    """0 at the low end of the dealing range, 1 at the high end, beyond where the price has left it."""
    height = high - low
    place: Array = np.divide(close - low, height, out=np.full(close.size, np.nan), where=height > 0.0)
    return place


def _lately(event: Array) -> Array:
    """1 where the event was within the last candles."""
    padded = np.concatenate([np.zeros(SWEEP_MEMORY - 1), event])
    return rolling_max(padded, SWEEP_MEMORY)[SWEEP_MEMORY - 1 :]


def _closed(base: CandleSeries, series: CandleSeries) -> Rows:
    lengths = timeframe_ms(base.timeframe), timeframe_ms(series.timeframe)
    return closed_rows(base.timestamp, lengths[0], series.timestamp, lengths[1])
