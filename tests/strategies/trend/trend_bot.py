"""A trend follower whose candles' rows are written by hand, stepped one price at a time."""

from __future__ import annotations

import json
from typing import Any

from strategies.contract import Decision, FillSeen, MarketSpec, Point, PositionView, Signal
from strategies.trend.config import TrendConfig
from strategies.trend.logic import TrendStrategy
from strategies.trend.state import TrendState
from tests.strategies.markets import LINEAR
from tests.strategies.stepped import Stepped

HOUR_MS = 3_600_000
# 2025-05-05 00:00 UTC
MIDNIGHT_MS = 1_746_403_200_000

# A rising market at 2000 with an ATR of 10, and nothing to enter for.
RISING = {
    "open": 2000.0,
    "close": 2000.0,
    "ema_fast": 1990.0,
    "ema_slow": 1970.0,
    "atr": 10.0,
    "adx": 30.0,
    "adx_peak": 31.0,
    "plus_di": 30.0,
    "minus_di": 10.0,
    "volume_ratio": 1.0,
    "zone_low": 5.0,
    "zone_high": 25.0,
    "highest": 2010.0,
    "lowest": 1950.0,
}
# Its candle closes upwards from the zone.
PULLBACK = RISING | {"open": 1995.0, "zone_low": -1.0}
BREAKOUT = RISING | {"close": 2011.0, "volume_ratio": 2.0}
# The mirror images, around 2000.
FALLING = RISING | {
    "ema_fast": 2010.0,
    "ema_slow": 2030.0,
    "plus_di": 10.0,
    "minus_di": 30.0,
    "zone_low": -25.0,
    "zone_high": -5.0,
    "highest": 2050.0,
    "lowest": 1990.0,
}
RALLY = FALLING | {"open": 2005.0, "zone_high": 1.0}
BREAKDOWN = FALLING | {"close": 1989.0, "volume_ratio": 2.0}


class TrendBot(Stepped[TrendState]):
    """R is 20 (two ATRs), and 1 % of 10,000 is risked with room for any size, unless told otherwise."""

    def __init__(self, market: MarketSpec = LINEAR, **changes: Any) -> None:
        chosen = {"investment": 10_000, "leverage": 10 if market is LINEAR else 1} | changes
        self.config = TrendConfig.model_validate(chosen)
        self.market = market
        self.strategy = TrendStrategy()
        self.state = self.strategy.initial_state(self.config, market)
        self.clock = self.closed = MIDNIGHT_MS
        self.row: dict[str, float] = {}
        self.decision: Decision[TrendState] = Decision(self.state)

    def at(self, price: float, *fills: FillSeen, pnl: float = 0.0) -> Decision[TrendState]:
        """One step with the newest row; the state goes through JSON as it does between two ticks."""
        self.clock += 1000
        state = self.strategy.load(json.loads(json.dumps(self.strategy.dump(self.state))))
        point = Point(self.clock, price, self.row, self.closed if self.row else None)
        view = PositionView(realised_pnl=pnl)
        self.decision = self.strategy.step(self.config, self.market, state, point, view, list(fills))
        self.state = self.decision.state
        return self.decision

    def closes(self, row: dict[str, float], price: float, *fills: FillSeen, pnl: float = 0.0) -> Decision[TrendState]:
        """The first step after the next candle has closed."""
        self.closed += HOUR_MS
        self.clock = max(self.clock, self.closed - 1000)
        self.row = row
        return self.at(price, *fills, pnl=pnl)

    def entered(self, row: dict[str, float] = PULLBACK, price: float = 2000.0) -> TrendBot:
        """In a trade whose entry was filled at ``price``."""
        self.closes(row, price)
        self.at(price, self.filled("entry", price=price))
        return self

    @property
    def signal(self) -> Signal:
        assert self.decision.signal is not None
        return self.decision.signal
