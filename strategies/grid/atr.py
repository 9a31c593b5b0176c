"""Average true range (J. Welles Wilder, New Concepts in Technical Trading Systems, 1978)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from strategies.contract import PriceBar

# Wilder's smoothing forgets by (1 - 1/period) per candle: after this many periods 0.005 % of the first value is left.
SETTLING_PERIODS = 10


def average_true_range(bars: Sequence[PriceBar], period: int) -> Decimal:
    """In quote, after the last of ``bars`` (closed candles, oldest first).

    The first value is the mean of ``period`` true ranges, each next one ``(previous × (period - 1) + range) / period``.
    The first candle has no previous close, so its range is high minus low. Raises ``ValueError`` with too few candles.
    """
    if len(bars) < period:
        raise ValueError(f"An average true range over {period} candles needs at least as many; there are {len(bars)}.")
    ranges = [bars[0].high - bars[0].low]
    for before, bar in pairwise(bars):
        ranges.append(max(bar.high, before.close) - min(bar.low, before.close))
    value = sum(ranges[:period], Decimal(0)) / period
    for each in ranges[period:]:
        value = (value * (period - 1) + each) / period
    return value
