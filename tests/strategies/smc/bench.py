"""A Smart Money bot on a bench: rows, prices and fills are put in by hand, decisions are looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from strategies.contract import Decision, FillSeen, MarketSpec, Point, PositionView
from strategies.smc.config import SmcConfig
from strategies.smc.logic import SmcStrategy
from strategies.smc.patterns import ENGULFING
from strategies.smc.state import SmcState
from tests.strategies.markets import LINEAR
from tests.strategies.stepped import Stepped

QUARTER = 900_000
NOTHING = {
    "close": 2000.0,
    "atr": 4.0,
    "volume_ratio": 2.0,
    "trend_15m": 1.0,
    "trend_1h": 1.0,
    "trend_4h": 1.0,
    "trend_1d": 1.0,
    "high_1h": 2040.0,
    "low_1h": 1980.0,
    "high_4h": 2100.0,
    "low_4h": 1900.0,
    "high_1d": 2300.0,
    "low_1d": 1700.0,
    "pool_above": float("nan"),
    "pool_below": float("nan"),
    "swept_up": 0.0,
    "swept_down": 0.0,
    "place": 0.3,
}
NONE_ON_A_SIDE = {"pattern": 0.0, "extreme": float("nan"), "score": 0.0, "bottom": float("nan"), "top": float("nan")}
# Engulfing at 1990 in a zone of full score: the stop is at 1989, a risk of 11 from 2000, the target at 2040.
LONG = {"pattern": float(ENGULFING), "extreme": 1990.0, "score": 6.0, "bottom": 1985.0, "top": 1995.0}
# Its mirror image: the stop is at 2011, the target must be below 1972.5.
SHORT = {"pattern": float(ENGULFING), "extreme": 2010.0, "score": 6.0, "bottom": 2005.0, "top": 2015.0}


def row_of(
    demand: Mapping[str, float] | None = None, supply: Mapping[str, float] | None = None, **changes: float
) -> dict[str, float]:
    row = NOTHING | changes
    for name, side in (("demand", demand), ("supply", supply)):
        row |= {f"{name}_{key}": value for key, value in (side or NONE_ON_A_SIDE).items()}
    return row


class SmcBot(Stepped[SmcState]):
    """Capital 10,000 on the linear market at a price of 2,000, long only, unless told otherwise."""

    def __init__(self, market: MarketSpec = LINEAR, **changes: Any) -> None:
        self.config = SmcConfig.model_validate({"capital": 10_000} | changes)
        self.market = market
        self.strategy = SmcStrategy()
        self.state = self.strategy.initial_state(self.config, market)
        self.clock = 0
        self.candle = 0
        self.row = row_of()
        self.decision: Decision[SmcState] = Decision(self.state)

    def at(self, price: float, *fills: FillSeen, position: PositionView | None = None) -> Decision[SmcState]:
        """One step within the same candle; the state goes through JSON as it does between two ticks."""
        self.clock += 1000
        point = Point(self.clock, price, self.row, self.candle or None)
        state = self.strategy.load(json.loads(json.dumps(self.strategy.dump(self.state))))
        self.decision = self.strategy.step(
            self.config, self.market, state, point, position or PositionView(), list(fills)
        )
        self.state = self.decision.state
        return self.decision

    def candle_closes(self, row: dict[str, float], price: float = 2000.0, *fills: FillSeen) -> Decision[SmcState]:
        self.candle += QUARTER
        self.row = row
        return self.at(price, *fills)

    def entered(self, row: dict[str, float] | None = None, price: float = 2000.0) -> SmcBot:
        """A new position, its entry filled at ``price``."""
        self.candle_closes(row or row_of(LONG), price)
        slot = next(slot for slot in self.slots if slot.startswith("entry"))
        self.at(price, self.filled(slot, price))
        return self
