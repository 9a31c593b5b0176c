"""Ten stories told in candles: a quiet ramp, then what is in the table, and the orders that come of it, worked out by hand.

The ramp rises (falls) by 2 a candle for 700 hours: each opens where the last closed, and its extremes lie 1 beyond open and
close, so every true range is 4, and so is the ATR. An average of *n* candles lags (n − 1) / 2 × 2 behind a ramp: the fast one
(10) by 9, the slow one (20) by 19. All movement is one way: ADX 100, one DI is 0. The ramp ends at 2000 with a volume of 100
in each candle. Nothing is entered on the ramp: it makes a new high each hour, but not on one and a half times the volume.

The bot has 10,000, a leverage of 5 and risks 1 %; fees are 0.055 % (taker) and 0.02 % (maker). A story's candles are rows of
(open, high, low, close, volume), the first being candle 1; its row is seen at the open of candle 2. Of each candle the
extreme nearer to the open comes first.

Sizes: 100 / (R + (entry + stop) × 0.00055), rounded down to 0.01.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from backtests.engine import candles_of, points_of, run
from backtests.features import history_features
from exchange.candles.files import Candles
from strategies.trend.config import TrendConfig
from strategies.trend.logic import TrendStrategy
from tests.strategies.markets import LINEAR
from tests.strategies.trend.trend_bot import HOUR_MS, MIDNIGHT_MS

RAMP = 700
Row = tuple[float, float, float, float, float]


@dataclass(frozen=True)
class Story:
    """``fills`` are (candle, slot, side, price, amount), candle 1 being the first of ``candles``."""

    title: str
    candles: list[Row]
    fills: list[tuple[int, str, str, str, str]]
    falling: bool = False
    changes: dict[str, Any] = field(default_factory=dict)


# A burst at twice the volume: open 2000, close 2006, range 1999 … 2007. Its true range is 8, so the ATR is
# (13 × 4 + 8) / 14 = 4.2857, and the close is above the highest of the ramp, 2001. The fast average is
# 1991 + 2/11 × (2006 − 1991) = 1993.73, the close is 12.27 above it: less than 4 ATRs. Entry at 2006, two ATRs are 8.571,
# the stop is at 1997.43, R = 8.57. 100 / (8.57 + (2006 + 1997.43) × 0.00055) = 100 / 10.7719 = 9.28.
# Targets: 4.64 at 2006 + 12.855 = 2018.855, half to even 2018.86; 2.32 at 2031.71. 2.32 stay.
BURST: Row = (2000, 2007, 1999, 2006, 200)
ENTRY = (2, "entry", "buy", "2006.0", "9.28")

STORIES = [
    Story("the ramp alone enters nothing", [(2000, 2003, 1999, 2002, 100)] * 1, []),
    Story("a burst without volume is no breakout", [(2000, 2007, 1999, 2006, 140), (2006, 2007, 2005, 2006, 100)], []),
    Story(
        "a breakout that fails at once loses one R",
        # From 2006 the nearer extreme is 2007; then down to 1990, past the stop at 1997.43.
        [BURST, (2006, 2007, 1990, 1992, 100)],
        [ENTRY, (2, "stop", "sell", "1997.43", "9.28")],
    ),
    Story(
        "both targets, then break-even holds the rest",
        # Up to 2032: targets at 2018.86 and 2031.71 on the way. At 2032 the stop moves to 2006 × 1.0011 = 2008.2066, the nearest
        # tick 2008.21, and is met in candle 3.
        [BURST, (2006, 2032, 2005, 2030, 100), (2030, 2031, 2000, 2002, 100)],
        [
            ENTRY,
            (2, "target:1", "sell", "2018.86", "4.64"),
            (2, "target:2", "sell", "2031.71", "2.32"),
            # After the close at 2030 the ATR is (13 × 4.2857 + 27) / 14 = 5.9082 and trails at 2030 − 14.7704 = 2015.23.
            (3, "stop", "sell", "2015.23", "2.32"),
        ],
    ),
    Story(
        "without trailing the rest is stopped at break-even",
        [BURST, (2006, 2032, 2005, 2030, 100), (2030, 2031, 2000, 2002, 100)],
        [
            ENTRY,
            (2, "target:1", "sell", "2018.86", "4.64"),
            (2, "target:2", "sell", "2031.71", "2.32"),
            (3, "stop", "sell", "2008.21", "2.32"),
        ],
        changes={"trail_from": None},
    ),
    Story(
        "one R is not enough for a target but for break-even",
        # 2006 + 8.57 = 2014.57 is passed at 2015; back down the stop stands at 2008.21.
        [BURST, (2006, 2015, 2005.5, 2007, 100)],
        [ENTRY, (2, "stop", "sell", "2008.21", "9.28")],
    ),
    Story(
        "the way from a close to the next open meets the stop",
        [BURST, (2006, 2007, 2005, 2006, 100), (1980, 1981, 1979, 1980, 100)],
        [ENTRY, (3, "stop", "sell", "1997.43", "9.28")],
    ),
    Story(
        "a pullback into the zone that turns",
        # Candle 1 falls to 1991: true range 10, ATR (52 + 10) / 14 = 4.4286; the fast average is 1991 + 2/11 × 4 = 1991.727,
        # the low is in its zone. Candle 2 closes up at 1999 on the usual volume (it is the mean itself): true range 6, ATR
        # (13 × 4.4286 + 6) / 14 = 4.5408. Entry at 1999, stop 1999 − 9.0816 = 1989.92, R = 9.08:
        # 100 / (9.08 + 3988.92 × 0.00055) = 8.87. Candle 3 falls through the stop.
        [(2000, 2001, 1991, 1995, 100), (1995, 2000, 1994, 1999, 100), (1999, 2000, 1985, 1986, 100)],
        [(3, "entry", "buy", "1999.0", "8.87"), (3, "stop", "sell", "1989.92", "8.87")],
    ),
    Story(
        "the same pullback is left alone where pullbacks are switched off",
        [(2000, 2001, 1991, 1995, 100), (1995, 2000, 1994, 1999, 100), (1999, 2000, 1985, 1986, 100)],
        [],
        changes={"pullback_entry": False},
    ),
    Story(
        "a breakdown sold short, with both targets and the trailing stop",
        # The mirror of the burst: entry 1994, stop 2002.57, 100 / (8.57 + 3996.57 × 0.00055) = 9.28.
        # Targets 1994 − 12.855 = 1981.145, half to even 1981.14, and 1968.29. ATR after candle 2 5.9082: 1970 + 14.7704 = 1984.77.
        [(2000, 2001, 1993, 1994, 200), (1994, 1995, 1968, 1970, 100), (1970, 2000, 1969, 1998, 100)],
        [
            (2, "entry", "sell", "1994.0", "9.28"),
            (2, "target:1", "buy", "1981.14", "4.64"),
            (2, "target:2", "buy", "1968.29", "2.32"),
            (3, "stop", "buy", "1984.77", "2.32"),
        ],
        falling=True,
    ),
]


def with_ramp(story: Story) -> Candles:
    step = -2.0 if story.falling else 2.0
    closes = 2000.0 + step * np.arange(1 - RAMP, 1)
    opens = closes - step
    rows = np.array(story.candles)
    first = MIDNIGHT_MS - RAMP * HOUR_MS
    return Candles(
        first + HOUR_MS * np.arange(RAMP + len(rows), dtype=np.int64),
        np.concatenate((opens, rows[:, 0])),
        np.concatenate((np.maximum(opens, closes) + 1, rows[:, 1])),
        np.concatenate((np.minimum(opens, closes) - 1, rows[:, 2])),
        np.concatenate((closes, rows[:, 3])),
        np.concatenate((np.full(RAMP, 100.0), rows[:, 4])),
    )


@pytest.mark.parametrize("story", STORIES, ids=[story.title for story in STORIES])
def test_story(story: Story) -> None:
    config = TrendConfig.model_validate(
        {"investment": 10_000, "leverage": 5, "direction": "neutral", "ema_fast": 10, "ema_slow": 20} | story.changes
    )
    strategy, candles = TrendStrategy(), with_ramp(story)
    table = history_features(strategy, config, candles, "1h")
    points = points_of(candles_of(candles), HOUR_MS)
    result = run(strategy, config, LINEAR, points, quote=Decimal(10_000), features=table)
    fills = [(f.point // 4 - RAMP + 1, f.slot, f.side.value, f.price, f.amount) for f in result.fills]
    expected = [
        (candle, slot, side, Decimal(price), Decimal(amount)) for candle, slot, side, price, amount in story.fills
    ]
    assert fills == expected
