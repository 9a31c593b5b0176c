"""Longer candles out of shorter ones: UTC aligned, from what is there, and nothing invented."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import numpy as np

from exchange.candles.files import Candles
from exchange.candles.merging import Merged, joined, taken
from exchange.candles.series import SeriesKey, empty
from exchange.candles.store import CandleStore

# Incomplete candles are told one by one up to here; the count is always of all of them.
TOLD = 100


@dataclass(frozen=True, slots=True)
class Resampled:
    """``incomplete`` counts the candles that were made of fewer shorter ones than their time holds; ``told`` are the
    open times of the first of them, in ms."""

    merged: Merged
    made: int
    incomplete: int
    told: tuple[int, ...]


def resample_series(
    store: CandleStore, source: SeriesKey, target: SeriesKey, *, only_complete: bool = False
) -> Resampled:
    """Makes all that ``source`` has into ``target``, one file of the store at a time.

    A period at the very beginning or end that is not covered to its edge is left out, since its open or close would be
    another candle's. One with a gap inside is made of what is there and counted as incomplete, or left out with
    ``only_complete``. A period without any candle stays a gap. Raises ``ValueError`` for timeframes that do not fit.
    """
    if target.step <= source.step or target.step % source.step:
        raise ValueError(f"{target.timeframe} candles cannot be made of {source.timeframe} candles")
    coverage = store.coverage(source)
    merged, made, incomplete, told = Merged(), 0, 0, list[int]()
    if coverage is None:
        return Resampled(merged, 0, 0, ())
    start = target.floor(coverage.first + target.step - source.step)
    if start < coverage.first:
        start += target.step
    end = target.floor(coverage.last + source.step)
    waiting = empty()
    for part in chain(store.parts(source, start, end), [None]):
        candles = waiting if part is None else joined([waiting, part])
        if not len(candles):
            continue
        # The last period of a file may go on in the next.
        opens = opens_of(candles, target)
        is_ready = opens < opens[-1] if part is not None else np.ones(len(candles), dtype=bool)
        waiting = taken(candles, np.flatnonzero(~is_ready))
        longer, counts = resample(taken(candles, np.flatnonzero(is_ready)), target)
        is_whole = counts == target.step // source.step
        incomplete += int(np.count_nonzero(~is_whole))
        told += longer.timestamp[~is_whole].tolist()[: TOLD - len(told)]
        if only_complete:
            longer = taken(longer, np.flatnonzero(is_whole))
        made += len(longer)
        merged += store.merge(target, longer)
    return Resampled(merged, made, incomplete, tuple(told))


def opens_of(candles: Candles, target: SeriesKey) -> np.ndarray:
    opens: np.ndarray = candles.timestamp - (candles.timestamp - target.offset) % target.step
    return opens


def resample(candles: Candles, target: SeriesKey) -> tuple[Candles, np.ndarray]:
    """Sorted candles into those of ``target``, and of how many shorter ones each was made."""
    if not len(candles):
        return empty(), np.empty(0, dtype=np.int64)
    opens = opens_of(candles, target)
    starts = np.flatnonzero(np.append(True, np.diff(opens) > 0))
    ends = np.append(starts[1:], len(candles))
    return Candles(
        opens[starts],
        candles.open[starts],
        np.maximum.reduceat(candles.high, starts),
        np.minimum.reduceat(candles.low, starts),
        candles.close[ends - 1],
        np.add.reduceat(candles.volume, starts),
    ), ends - starts
