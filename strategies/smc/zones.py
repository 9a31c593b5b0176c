"""Confluence: what zones of all timeframes weigh together where the price is.

A zone of a higher timeframe is there from the close of the candle that made it, and over with the close of the one that
used it up; besides it is not there while the base candles since then have already traded through it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from strategies.indicators import Array, compiled
from strategies.smc.swings import Rows
from strategies.smc.zone_table import Zones

# An order block's by timeframe, from the base one up, and how much of it a gap weighs.
WEIGHTS: Final = (1.0, 2.0, 3.0, 4.0)
GAP_SHARE: Final = 0.7


class Layer(NamedTuple):
    """One timeframe's zones beside the base rows: ``closed`` is for each base row the timeframe's last closed one, or
    −1."""

    blocks: Zones
    gaps: Zones
    closed: Rows
    weight: float


class Confluence(NamedTuple):
    """Per row the best zone that the candle's pattern touches: its score (0 without one) and its prices in quote."""

    score: Array
    bottom: Array
    top: Array


def confluence(layers: Sequence[Layer], high: Array, low: Array, close: Array, extreme: Array, side: int) -> Confluence:
    """``extreme`` is the lowest price of the row's upward pattern for ``side`` +1 (the highest of its downward one
    for −1); NaN where there is no pattern, and nothing is looked for."""
    tables = [_beside_base(layer, side) for layer in layers]
    starts = np.cumsum([0, *(table[0].size for table in tables)]).astype(np.int64)
    born, died, bottom, top, weight = (np.concatenate(columns) for columns in zip(*tables, strict=True))
    since = np.stack([lows_since_close(layer.closed, low if side > 0 else -high) for layer in layers])
    if side > 0:
        return Confluence(*best_zones(starts, born, died, bottom, top, weight, since, close, extreme))
    score, mirrored_top, mirrored_bottom = best_zones(
        starts, born, died, -top, -bottom, weight, since, -close, -extreme
    )
    return Confluence(score, -mirrored_bottom, -mirrored_top)


def _beside_base(layer: Layer, side: int) -> tuple[Rows, Rows, Array, Array, Array]:
    """Of the zones on one side, in the order of birth: the base rows of birth and end, bottom, top and weight."""
    both = (layer.blocks, layer.gaps)
    direction, born, died = (
        np.concatenate([getattr(zones, name) for zones in both]) for name in ("direction", "born", "died")
    )
    bottom, top = (np.concatenate([getattr(zones, name) for zones in both]) for name in ("bottom", "top"))
    weight = np.repeat([layer.weight, layer.weight * GAP_SHARE], [zones.born.size for zones in both])
    order = np.argsort(born, kind="stable")
    order = order[direction[order] == side]
    # Rows of the timeframe that no base row has seen closed yet come after the end.
    begin, end = np.searchsorted(layer.closed, born[order]), np.searchsorted(layer.closed, died[order])
    return begin.astype(np.int64), end.astype(np.int64), bottom[order], top[order], weight[order]


@compiled
def lows_since_close(closed: Rows, low: Array) -> Array:
    lowest = np.empty(low.size)
    for row in range(low.size):
        if row > 0 and closed[row] != closed[row - 1]:
            lowest[row] = np.inf
        else:
            lowest[row] = low[row] if row == 0 else min(lowest[row - 1], low[row])
    return lowest


@compiled
def best_zones(
    starts: Rows,
    born: Rows,
    died: Rows,
    bottom: Array,
    top: Array,
    weight: Array,
    since: Array,
    close: Array,
    low: Array,
) -> tuple[Array, Array, Array]:
    size, layers = close.size, starts.size - 1
    score, best_bottom, best_top = np.zeros(size), np.full(size, np.nan), np.full(size, np.nan)
    first, last = starts[:-1].copy(), starts[:-1].copy()
    live = np.empty(born.size, np.int64)
    for row in range(size):
        if np.isnan(low[row]):
            continue
        count = 0
        for layer in range(layers):
            while last[layer] < starts[layer + 1] and born[last[layer]] <= row:
                last[layer] += 1
            while first[layer] < last[layer] and died[first[layer]] <= row:
                first[layer] += 1
            for zone in range(first[layer], last[layer]):
                if died[zone] > row and since[layer, row] >= bottom[zone]:
                    live[count] = zone
                    count += 1
        for each in range(count):
            zone = live[each]
            if low[row] > top[zone] or close[row] < bottom[zone]:
                continue
            total = 0.0
            for another in range(count):
                other = live[another]
                shared = min(top[zone], top[other]) - max(bottom[zone], bottom[other])
                if shared < 0.0:
                    continue
                narrower = min(top[zone] - bottom[zone], top[other] - bottom[other])
                total += weight[other] * (shared / narrower if narrower > 0.0 else 1.0)
            if total > score[row]:
                score[row], best_bottom[row], best_top[row] = total, bottom[zone], top[zone]
    return score, best_bottom, best_top
