"""A hybrid whose candles' rows are written by hand, stepped one price at a time."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

from strategies.contract import Decision, FillSeen, MarketSpec, OrderType, Point, PositionView
from strategies.hybrid.config import HybridConfig
from strategies.hybrid.logic import HybridStrategy
from strategies.hybrid.state import HybridState
from tests.strategies.markets import LINEAR
from tests.strategies.markets import SPOT as ETH_SPOT
from tests.strategies.stepped import Stepped

HOUR_MS = 3_600_000
# 2025-05-05 00:00 UTC
MIDNIGHT_MS = 1_746_403_200_000

SPOT = replace(ETH_SPOT, step=Decimal("0.01"), min_amount=Decimal("0.01"), min_notional=Decimal(5))


def _regime(adx: float, fast: float, slow: float, atr_percent: float) -> dict[str, float]:
    return {
        "regime.adx": adx,
        "regime.ema_fast": fast,
        "regime.ema_slow": slow,
        "regime.atr_percent": atr_percent,
        "regime.volume_ratio": 1.0,
    }


RANGE = _regime(15.0, 100.0, 100.0, 0.5)
QUIET = _regime(25.0, 100.0, 100.0, 0.5)
VOLATILE = _regime(25.0, 100.0, 100.0, 3.0)
BULL = _regime(40.0, 101.0, 100.0, 0.5)
BEAR = _regime(40.0, 99.0, 100.0, 0.5)
# A rising market at 100 with an ATR of 0.5, in which the trend follower enters on a breakout.
BREAKOUT = {
    "trend.open": 100.0,
    "trend.close": 100.6,
    "trend.ema_fast": 99.5,
    "trend.ema_slow": 98.5,
    "trend.atr": 0.5,
    "trend.adx": 40.0,
    "trend.adx_peak": 41.0,
    "trend.plus_di": 30.0,
    "trend.minus_di": 10.0,
    "trend.volume_ratio": 2.0,
    "trend.zone_low": 0.25,
    "trend.zone_high": 1.25,
    "trend.highest": 100.5,
    "trend.lowest": 97.5,
}
NOTHING = dict.fromkeys(BREAKOUT, float("nan"))


class HybridBot(Stepped[HybridState]):
    """1,000 on a grid from 90 to 110 in four intervals at a price of 100, and regimes that hold at once, unless told
    otherwise."""

    def __init__(self, market: MarketSpec = LINEAR, **changes: Any) -> None:
        chosen = {
            "investment": 1000,
            "grid_range": 10,
            "grid_range_in": "percent",
            "grid_intervals": 4,
            "regime_confirmation": 1,
            "cool_down": 0,
            "max_drawdown": 0,
            "daily_loss": 0,
        }
        self.config = HybridConfig.model_validate(chosen | changes)
        self.market = market
        self.strategy = HybridStrategy()
        self.state = self.strategy.initial_state(self.config, market)
        self.clock = self.closed = MIDNIGHT_MS
        self.row: dict[str, float] = {}
        self.decision: Decision[HybridState] = Decision(self.state)

    def at(self, price: float, *fills: FillSeen, pnl: float = 0.0, realised: float = 0.0) -> Decision[HybridState]:
        """One step with the newest row; the state goes through JSON as it does between two ticks. ``pnl`` is not realised."""
        self.clock += 1000
        state = self.strategy.load(json.loads(json.dumps(self.strategy.dump(self.state))))
        assert state == self.state
        point = Point(self.clock, price, self.row, self.closed if self.row else None)
        view = PositionView(realised_pnl=realised, unrealised_pnl=pnl)
        self.decision = self.strategy.step(self.config, self.market, state, point, view, list(fills))
        self.state = self.decision.state
        return self.decision

    def closes(
        self,
        regime: dict[str, float],
        price: float,
        *fills: FillSeen,
        trend: dict[str, float] = NOTHING,
        pnl: float = 0.0,
        realised: float = 0.0,
    ) -> Decision[HybridState]:
        """The first step after the next candle has closed."""
        self.closed += HOUR_MS
        self.clock = max(self.clock, self.closed - 1000)
        close = float(self.closed)
        self.row = regime | trend | {"regime.candle_close": close, "trend.candle_close": close}
        return self.at(price, *fills, pnl=pnl, realised=realised)

    def with_grid(self) -> HybridBot:
        """A range at 100, the grid's entry filled there."""
        self.closes(RANGE, 100.0)
        self.at(100.0, self.filled("grid1/entry", price=100.0))
        return self

    @property
    def book(self) -> dict[str, tuple[str, float, float]]:
        """(side, price, amount) of the resting orders by slot; stops with their trigger."""
        return {
            order.slot: (order.side.value, order.price or order.trigger_price or 0.0, order.amount)
            for order in self.decision.wanted
            if order.type is not OrderType.MARKET
        }

    @property
    def market_orders(self) -> dict[str, tuple[str, float]]:
        return {
            order.slot: (order.side.value, order.amount)
            for order in self.decision.wanted
            if order.type is OrderType.MARKET
        }

    @property
    def codes(self) -> list[str]:
        """What the hybrid itself told."""
        return [note.code for note in self.decision.notes if note.code.startswith("hybrid.")]

    def note(self, code: str) -> dict[str, Any]:
        return dict(next(note.numbers for note in self.decision.notes if note.code == code))

    @property
    def finished(self) -> str:
        """The code it finished with; empty while it goes on."""
        return self.decision.finish.reason.code if self.decision.finish else ""
