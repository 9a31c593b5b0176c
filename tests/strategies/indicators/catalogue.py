"""Every indicator with the periods that it is tested with: what it gives for some candles, and its warm-up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import pytest

from strategies import indicators
from strategies.indicators import Array
from tests.strategies.indicators.series import Columns


class Size(Enum):
    """What an error of 1e-9 is a share of: the value, or what it is measured in where it may be next to 0."""

    OWN = "the value"
    INDEX = "an index from 0 to 100"
    PRICE = "the difference of two averages of the price"


@dataclass(frozen=True)
class Entry:
    name: str
    compute: Callable[[Columns], tuple[Array, ...]]
    warmup: int
    first_known: tuple[int, ...]  # the first row of each array in which a value is known
    size: Size = Size.OWN
    memory: int = 0  # of an index: the period of Wilder's smoothing


CATALOGUE = [
    Entry("sma 20", lambda c: (indicators.sma(c.close, 20),), indicators.sma_warmup(20), (19,)),
    Entry("sma 1", lambda c: (indicators.sma(c.close, 1),), indicators.sma_warmup(1), (0,)),
    Entry("ema 1", lambda c: (indicators.ema(c.close, 1),), indicators.ema_warmup(1), (0,)),
    Entry("ema 20", lambda c: (indicators.ema(c.close, 20),), indicators.ema_warmup(20), (19,)),
    Entry("ema 50", lambda c: (indicators.ema(c.close, 50),), indicators.ema_warmup(50), (49,)),
    Entry("rsi 14", lambda c: (indicators.rsi(c.close),), indicators.rsi_warmup(), (13,), Size.INDEX, 14),
    Entry("rsi 2", lambda c: (indicators.rsi(c.close, 2),), indicators.rsi_warmup(2), (1,), Size.INDEX, 2),
    Entry(
        "macd 12 26 9",
        lambda c: tuple(indicators.macd(c.close)),
        indicators.macd_warmup(),
        (25, 33, 33),
        size=Size.PRICE,
    ),
    Entry(
        "true range",
        lambda c: (indicators.true_range(c.high, c.low, c.close),),
        indicators.true_range_warmup(),
        (0,),
    ),
    Entry("atr 14", lambda c: (indicators.atr(c.high, c.low, c.close),), indicators.atr_warmup(), (13,)),
    Entry("atr 1", lambda c: (indicators.atr(c.high, c.low, c.close, 1),), indicators.atr_warmup(1), (0,)),
    Entry(
        "atr percent 14", lambda c: (indicators.atr_percent(c.high, c.low, c.close),), indicators.atr_warmup(), (13,)
    ),
    Entry("bollinger 20", lambda c: tuple(indicators.bollinger(c.close)), indicators.bollinger_warmup(), (19, 19, 19)),
    Entry(
        "adx 14",
        lambda c: tuple(indicators.directional_movement(c.high, c.low, c.close)),
        indicators.directional_warmup(),
        (27, 14, 14),
        Size.INDEX,
        14,
    ),
    Entry(
        "adx 5",
        lambda c: tuple(indicators.directional_movement(c.high, c.low, c.close, 5)),
        indicators.directional_warmup(5),
        (9, 5, 5),
        Size.INDEX,
        5,
    ),
    Entry("highest 55", lambda c: (indicators.rolling_max(c.high, 55),), indicators.rolling_warmup(55), (54,)),
    Entry("lowest 55", lambda c: (indicators.rolling_min(c.low, 55),), indicators.rolling_warmup(55), (54,)),
    Entry("highest 1", lambda c: (indicators.rolling_max(c.high, 1),), indicators.rolling_warmup(1), (0,)),
    Entry("swings 3", lambda c: tuple(indicators.swings(c.high, c.low, 3)), indicators.swings_warmup(3), (6, 6)),
    Entry("volume mean 20", lambda c: (indicators.volume_mean(c.volume, 20),), indicators.volume_warmup(20), (19,)),
    Entry("volume ratio 20", lambda c: (indicators.volume_ratio(c.volume, 20),), indicators.volume_warmup(20), (19,)),
]

each_indicator = pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
