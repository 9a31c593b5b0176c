"""What a strategy looks back at before the first of its candles."""

from __future__ import annotations

from exchange.candles.files import Candles
from exchange.candles.merging import joined
from exchange.candles.past import refined
from strategies.candles import timeframe_ms
from traderagent.parity.errors import ParityError


def with_history(candles: Candles, timeframe: str, longer: Candles, longer_timeframe: str) -> Candles:
    """``longer`` candles before the first of ``candles``, drawn through as such of ``timeframe`` (one minute).

    Put together again they are the longer ones. Raises :class:`ParityError` for timeframes that do not fit.
    """
    parts = timeframe_ms(longer_timeframe) // timeframe_ms(timeframe)
    if timeframe != "1m" or not 3 <= parts <= 15:
        raise ParityError(
            f"History is drawn as 1m candles through candles of 3m to 15m; these are {timeframe} and {longer_timeframe}."
        )
    step = timeframe_ms(longer_timeframe)
    begin = int(candles.timestamp[0])
    before = longer.between(int(longer.timestamp[0]), begin - begin % step)
    if not len(before):
        raise ParityError("The history has no candles before the first of the others.")
    return joined([refined(before, parts), candles])
