"""The time before a window of one-minute candles, from files of longer ones.

Strategies that look at days need months of candles, and one-minute candles of so long a time are rarely at hand. So the
months before a replay are drawn as one-minute candles *through* longer ones: each goes straight along its four points
(:func:`exchange.matching.four_points`). Put together again, they give the longer candles' own open, high, low and close.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from exchange.candles.files import CandleFile, Candles, decimals_of, read_file
from strategies.candles import timeframe_ms

MINUTE_MS = 60_000
# Longer ones would be drawn too coarsely for the 15 minutes that strategies begin at.
TIMEFRAMES = ("3m", "5m", "15m")


@dataclass(frozen=True, slots=True)
class Spanned:
    """A candle file with its first open and last close, in ms."""

    file: CandleFile
    start: int
    end: int


def file_for(symbol: str, files: Iterable[Spanned], beside: CandleFile, start: int, until: int) -> Spanned | None:
    """The file that reaches furthest back from ``until`` to ``start``; of equal ones the most like ``beside`` in exchange
    and kind, then the shortest candles. ``None`` when none reaches up to ``until``."""
    fit = [
        each
        for each in files
        if each.file.symbol == symbol
        and each.file.timeframe in TIMEFRAMES
        and each.start < until
        and each.end >= until - until % timeframe_ms(each.file.timeframe)
    ]

    def rank(each: Spanned) -> tuple[int, int, int]:
        alike = (each.file.exchange == beside.exchange) + (each.file.kind == beside.kind)
        return max(each.start, start), -alike, timeframe_ms(each.file.timeframe)

    return min(fit, key=rank, default=None)


def drawn(source: Spanned, start: int, until: int) -> Candles:
    """One-minute candles through those of the file that open and close in ``[start, until)``."""
    step = timeframe_ms(source.file.timeframe)
    candles = read_file(source.file.path).between(start, until - until % step)
    return refined(candles, step // MINUTE_MS)


def refined(candles: Candles, parts: int) -> Candles:
    """Each candle as ``parts`` candles (at least 3) of one minute. The volume is shared out equally.

    Missing candles stay missing. Prices keep the decimals of the given ones.
    """
    opened, high, low, close = candles.open, candles.high, candles.low, candles.close
    high_first = high - opened < opened - low
    knots = np.column_stack([opened, np.where(high_first, high, low), np.where(high_first, low, high), close])
    decimals = decimals_of(knots.ravel())
    edges = np.arange(parts + 1) * 3 / parts
    before = np.minimum(edges.astype(np.int64), 2)
    levels = knots[:, before] + (knots[:, before + 1] - knots[:, before]) * (edges - before)
    first, last = levels[:, :-1].copy(), levels[:, 1:].copy()
    top, bottom = np.maximum(first, last), np.minimum(first, last)
    for knot in (1, 2):
        # The part in whose time the extreme lies, or at whose end.
        part = -(-knot * parts // 3) - 1
        top[:, part] = np.maximum(top[:, part], knots[:, knot])
        bottom[:, part] = np.minimum(bottom[:, part], knots[:, knot])
    timestamp = (candles.timestamp[:, None] + np.arange(parts) * MINUTE_MS).ravel()
    opens, highs, lows, closes = (np.round(column.ravel(), decimals) for column in (first, top, bottom, last))
    return Candles(timestamp, opens, highs, lows, closes, np.repeat(candles.volume / parts, parts))
