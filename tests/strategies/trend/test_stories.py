"""Stories told in candles: a quiet ramp, then what is in the table, and what comes of it, worked out by hand.

The ramp rises (falls) by 2 a candle for 700 hours: each opens where the last closed, and its extremes lie 1 beyond open and
close, so every true range is 4, and so is the ATR. An average of *n* candles lags (n − 1) / 2 × 2 behind a ramp: the fast one
(10) by 9, the slow one (20) by 19. All movement is one way: ADX 100, one DI is 0. The ramp ends at 2000 with a volume of 100
in each candle. Nothing is entered on the ramp: it makes a new high each hour, but not on one and a half times the volume.

The bot has 10,000, a leverage of 5 and risks 1 %; fees are 0.055 % (taker) and 0.02 % (maker). A table's rows are hours from
0:00 on: the candle, what its row is taken for when it is looked at (at the next candle's open), the stop and the targets that
stand at its close, and its fills; a row without a candle goes on with the fills of the one above. Of each candle the extreme
nearer to the open comes first.

Sizes: 100 / (R + (entry + stop) × 0.00055), rounded down to 0.01. ADX: one candle against the trend takes 2 or 3 from it, not
the 8 that would be exhaustion.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pytest

from backtests.engine import run
from backtests.exact_records import Execution
from backtests.features import history_features
from backtests.points import candles_of, points_of
from exchange.candles.files import Candles
from strategies.checks import Recording
from strategies.contract import MarketSpec, WantedOrder
from strategies.trend.config import TrendConfig
from strategies.trend.logic import TrendStrategy
from strategies.trend.state import MARKETS, TrendState
from tests.strategies.markets import LINEAR, SPOT
from tests.strategies.trend.trend_bot import HOUR_MS, MIDNIGHT_MS

RAMP = 700
SPOT_OF_HUNDREDTHS = replace(SPOT, step=Decimal("0.01"), min_amount=Decimal("0.01"))


class Row(NamedTuple):
    candle: tuple[float, ...]
    market: str
    stop: str
    targets: str
    fills: tuple[str, ...]


@dataclass(frozen=True)
class Story:
    title: str
    table: str
    falling: bool = False
    market: MarketSpec = LINEAR
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> list[Row]:
        rows: list[Row] = []
        for line in self.table.strip().splitlines()[1:]:
            candle, market, stop, targets, fill = (cell.strip() for cell in line.split("|"))
            if candle:
                rows.append(Row(tuple(map(float, candle.split())), market, stop, targets, (fill,) if fill else ()))
            else:
                rows[-1] = rows[-1]._replace(fills=(*rows[-1].fills, fill))
        return rows


# The burst, open 2000, close 2006, on twice the volume: its true range is 8, so the ATR is (13 × 4 + 8) / 14 = 4.2857, and the
# close is above the highest of the ramp, 2001. The fast average is 1991 + 2/11 × (2006 − 1991) = 1993.73, the close is 12.27
# above it: less than 4 ATRs. Entry at 2006, two ATRs are 8.571, the stop is at 1997.43, R = 8.57.
# 100 / (8.57 + (2006 + 1997.43) × 0.00055) = 100 / 10.7719 = 9.28. Targets: 4.64 at 2006 + 12.855 = 2018.855, half to even
# 2018.86; 2.32 at 2031.71. 2.32 stay.

STORIES = [
    Story(
        "a breakout that fails at once loses one R",
        # From 2006 the nearer extreme is 2007; then down to 1990, past the stop at 1997.43.
        """
        open high  low close volume | market     | stop            | targets                          | fills
        2000 2007 1999 2006   200   | advance +1 |                 |                                  |
        2006 2007 1990 1992   100   |            |                 |                                  | entry +9.28 at 2006
                                    |            |                 |                                  | stop -9.28 at 1997.43
        """,
    ),
    Story(
        "a breakout waits for its volume",
        # The first burst has 140 of a mean of 102. The third candle closes above the 2011 of the second on 200 of a mean of 107.
        # True ranges 8, 6 and 7: the ATR is 4.2857, 4.4082, 4.5933. Stop 2015 − 9.1866 = 2005.81, R = 9.19:
        # 100 / (9.19 + 4020.81 × 0.00055) = 100 / 11.4014 = 8.77.
        """
        open high  low close volume | market     | stop            | targets                          | fills
        2000 2007 1999 2006   140   | advance +1 |                 |                                  |
        2006 2011 2005 2010   100   | advance +1 |                 |                                  |
        2010 2016 2009 2015   200   | advance +1 |                 |                                  |
        2015 2016 2000 2001   100   |            |                 |                                  | entry +8.77 at 2015
                                    |            |                 |                                  | stop -8.77 at 2005.81
        """,
    ),
    Story(
        "both targets, then the trailing stop holds the rest",
        # Up to 2032: targets at 2018.86 and 2031.71 on the way. At 2032 the stop moves to 2006 × 1.0011 = 2008.2066, the nearest
        # tick 2008.21. After the close at 2030 the ATR is (13 × 4.2857 + 27) / 14 = 5.9082 and the stop trails at
        # 2030 − 14.7704 = 2015.23. The fast average is 1993.73 + 2/11 × 36.27 = 2000.32: the close is 29.68 above it, more
        # than 4 ATRs (23.63), so the trend counts as exhausted; the trade is left alone by that.
        """
        open high  low close volume | market        | stop            | targets                       | fills
        2000 2007 1999 2006   200   | advance +1    |                 |                               |
        2006 2032 2005 2030   100   | exhaustion +1 | 2.32 at 2008.21 |                               | entry +9.28 at 2006
                                    |               |                 |                               | target:1 -4.64 at 2018.86
                                    |               |                 |                               | target:2 -2.32 at 2031.71
        2030 2031 2000 2002   100   |               |                 |                               | stop -2.32 at 2015.23
        """,
    ),
    Story(
        "without trailing the rest is stopped at break-even",
        """
        open high  low close volume | market        | stop            | targets                       | fills
        2000 2007 1999 2006   200   | advance +1    |                 |                               |
        2006 2032 2005 2030   100   | exhaustion +1 | 2.32 at 2008.21 |                               | entry +9.28 at 2006
                                    |               |                 |                               | target:1 -4.64 at 2018.86
                                    |               |                 |                               | target:2 -2.32 at 2031.71
        2030 2031 2000 2002   100   |               |                 |                               | stop -2.32 at 2008.21
        """,
        changes={"trail_from": None},
    ),
    Story(
        "one R is not enough for a target but for break-even",
        # 2006 + 8.57 = 2014.57 is passed at 2015; back down the stop stands at 2008.21.
        """
        open high  low    close volume | market     | stop         | targets                          | fills
        2000 2007 1999   2006   200    | advance +1 |              |                                  |
        2006 2015 2005.5 2007   100    |            |              |                                  | entry +9.28 at 2006
                                       |            |              |                                  | stop -9.28 at 2008.21
        """,
    ),
    Story(
        "the way from a close to the next open meets the stop",
        """
        open high  low close volume | market     | stop            | targets                          | fills
        2000 2007 1999 2006   200   | advance +1 |                 |                                  |
        2006 2007 2005 2006   100   | advance +1 | 9.28 at 1997.43 | 4.64 at 2018.86, 2.32 at 2031.71 | entry +9.28 at 2006
        1980 1981 1979 1980   100   |            |                 |                                  | stop -9.28 at 1997.43
        """,
    ),
    Story(
        "a stop that is tightened candle by candle",
        # No targets. At 2020 one R and one and a half are passed: break-even at 2008.21, and it trails from then on.
        # True ranges 15, 12 and 12: the ATR is 5.0510, 5.5474, 6.0083 at the closes of candles 2, 3 and 4.
        # 2019 − 12.6276 = 2006.37 would loosen it; 2029 − 13.8684 = 2015.13; 2039 − 15.0207 = 2023.98.
        # Exhausted from candle 2 on: 2019 is 20.68 above the average (1998.32), 4 ATRs are 20.20; then 25.10 of 22.19 and
        # 28.72 of 24.03.
        """
        open high  low close volume | market        | stop            | targets                       | fills
        2000 2007 1999 2006   200   | advance +1    |                 |                               |
        2006 2020 2005 2019   100   | exhaustion +1 | 9.28 at 2008.21 |                               | entry +9.28 at 2006
        2019 2030 2018 2029   100   | exhaustion +1 | 9.28 at 2008.21 |                               |
        2029 2040 2028 2039   100   | exhaustion +1 | 9.28 at 2015.13 |                               |
        2039 2040 2010 2012   100   |               |                 |                               | stop -9.28 at 2023.98
        """,
        changes={"targets": ""},
    ),
    Story(
        "a pullback into the zone that turns",
        # Candle 1 falls to 1991: true range 10, ATR (52 + 10) / 14 = 4.4286; the fast average is 1991 + 2/11 × 4 = 1991.727,
        # the low is in its zone. ADX: +DM is 13/14 × 2 = 1.857, −DM 6/14 = 0.429, so DX is 62.5 and the ADX 97.3.
        # Candle 2 closes up at 1999 on the usual volume (it is the mean itself): true range 6, ATR (13 × 4.4286 + 6) / 14 = 4.5408.
        # Entry at 1999, stop 1999 − 9.0816 = 1989.92, R = 9.08: 100 / (9.08 + 3988.92 × 0.00055) = 8.87.
        # Candle 3 falls through the stop.
        """
        open high  low close volume | market     | stop            | targets                          | fills
        2000 2001 1991 1995   100   | advance +1 |                 |                                  |
        1995 2000 1994 1999   100   | advance +1 |                 |                                  |
        1999 2000 1985 1986   100   |            |                 |                                  | entry +8.87 at 1999
                                    |            |                 |                                  | stop -8.87 at 1989.92
        """,
    ),
    Story(
        "a burst too far is left alone, and its pullback bought",
        # Candle 1 breaks out on 300, but its true range of 32 makes the ATR 6 and the average 1998.09: 31.91 above is more than 4
        # ATRs. Its low of 1999 was in the zone (1998.09 + 1.5). Candle 2 is back within 4 ATRs (2016 − 2001.35 = 14.65), but falls.
        # Candle 3 is the last of three to remember the zone: it closes up and above the average (2005.28) on 120 of a mean of
        # (17 × 100 + 300 + 100 + 120) / 20 = 111. True ranges 17 and 9, ATR 6.7857 and 6.9439: stop 2023 − 13.8878 = 2009.11,
        # R = 13.89, 100 / (13.89 + 4032.11 × 0.00055) = 100 / 16.1077 = 6.20.
        """
        open high  low close volume | market        | stop            | targets                       | fills
        2000 2031 1999 2030   300   | exhaustion +1 |                 |                               |
        2030 2031 2014 2016   100   | advance +1    |                 |                               |
        2016 2024 2015 2023   120   | advance +1    |                 |                               |
        2023 2024 2000 2001   100   |               |                 |                               | entry +6.20 at 2023
                                    |               |                 |                               | stop -6.20 at 2009.11
        """,
    ),
    Story(
        "after a loss the bot pauses for two hours, and takes the signal after them",
        # The stop is met on the way to 1997, at 1:40: paused until 3:40. Candle 3 would be a pullback (the low of candle 2 was in
        # the zone; 110 of a mean of 105.5), and is looked at at 3:00. Candle 4, seen at 4:00, breaks out on 300 of 115.5.
        # The loss: 9.28 × (8.57 + (2006 + 1997.43) × 0.00055) = 99.96, so the equity is 9,900.04.
        # True ranges 10, 9 and 7: ATR 4.6939, 5.0015, 5.1442. Stop 2013 − 10.2884 = 2002.71, R = 10.29:
        # 99.0004 / (10.29 + 4015.71 × 0.00055) = 99.0004 / 12.4986 = 7.92. Half of it at 2013 + 15.435 = 2028.435, half to even
        # 2028.44; a quarter at 2043.87.
        """
        open high  low close volume | market     | stop            | targets                          | fills
        2000 2007 1999 2006   200   | advance +1 |                 |                                  |
        2006 2007 1997 2000   100   | advance +1 |                 |                                  | entry +9.28 at 2006
                                    |            |                 |                                  | stop -9.28 at 1997.43
        2000 2008 1999 2008   110   | advance +1 |                 |                                  |
        2008 2014 2007 2013   300   | advance +1 |                 |                                  |
        2013 2014 2012 2013   100   |            | 7.92 at 2002.71 | 3.96 at 2028.44, 1.98 at 2043.87 | entry +7.92 at 2013
        """,
        changes={"max_losses": 1, "loss_pause": 2},
    ),
    Story(
        "a breakdown sold short, with both targets and the trailing stop",
        # The mirror of the burst: entry 1994, stop 2002.57, 100 / (8.57 + 3996.57 × 0.00055) = 9.28.
        # Targets 1994 − 12.855 = 1981.145, half to even 1981.14, and 1968.29. Break-even 1994 × 0.9989 = 1991.8066.
        # ATR after candle 2 5.9082: 1970 + 14.7704 = 1984.77.
        """
        open high  low close volume | market        | stop            | targets                       | fills
        2000 2001 1993 1994   200   | advance -1    |                 |                               |
        1994 1995 1968 1970   100   | exhaustion -1 | 2.32 at 1991.81 |                               | entry -9.28 at 1994
                                    |               |                 |                               | target:1 +4.64 at 1981.14
                                    |               |                 |                               | target:2 +2.32 at 1968.29
        1970 2000 1969 1998   100   |               |                 |                               | stop +2.32 at 1984.77
        """,
        falling=True,
    ),
    Story(
        "on spot a target is sold by the tick that sees its price, and the stop shrinks with it",
        # Leverage 1: at most 9,500 / 2006 = 4.735. The fee of 0.1 % leaves 4.72527; half of it is 2.36, sold at the 2020 that is
        # seen beyond 2018.86. 2.36527 stay for the stop, at 2006 × 1.002 = 2010.012. After the close at 2019 it would trail at
        # 2019 − 12.6276 = 2006.37, which is no closer.
        """
        open high  low close volume | market        | stop            | targets                       | fills
        2000 2007 1999 2006   200   | advance +1    |                 |                               |
        2006 2020 2005 2019   100   | exhaustion +1 | 2.36 at 2010.01 |                               | entry +4.73 at 2006
                                    |               |                 |                               | target:1 -2.36 at 2020
        2019 2020 1990 1991   100   |               |                 |                               | stop -2.36 at 2010.01
        """,
        market=SPOT_OF_HUNDREDTHS,
        changes={"leverage": 1, "direction": "long"},
    ),
]


def with_ramp(story: Story) -> Candles:
    step = -2.0 if story.falling else 2.0
    closes = 2000.0 + step * np.arange(1 - RAMP, 1)
    opens = closes - step
    rows = np.array([row.candle for row in story.rows])
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
    recording: Recording[TrendConfig, TrendState] = Recording(strategy)
    table = history_features(strategy, config, candles, "1h")
    points = points_of(candles_of(candles), HOUR_MS)
    result = run(recording, config, story.market, points, quote=Decimal(10_000), features=table)
    assert not result.refused
    assert not [fill for fill in result.fills if fill.point < 4 * RAMP], "something is traded on the ramp"
    decisions = [step.decision for step in recording.steps]
    told: list[Row] = []
    for number, row in enumerate(story.rows):
        at_close = 4 * (RAMP + number) + 3
        looked_at = MARKETS[decisions[at_close + 1].state.market] if at_close + 1 < len(decisions) else ""
        standing = {order.slot: _order(order) for order in decisions[at_close].wanted}
        fills = [_fill(fill) for fill in result.fills if fill.point // 4 == RAMP + number]
        stop, targets = standing.pop("stop", ""), ", ".join(standing.values())
        told.append(Row(row.candle, looked_at, stop, targets, tuple(fills)))
    assert told == story.rows


def _order(order: WantedOrder) -> str:
    return f"{order.amount:.2f} at {order.trigger_price or order.price}"


def _fill(fill: Execution) -> str:
    sign = "+" if fill.side.value == "buy" else "-"
    return f"{fill.slot} {sign}{fill.amount} at {fill.price.normalize():f}"
