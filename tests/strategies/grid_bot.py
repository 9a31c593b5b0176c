"""A grid on a bench: prices and fills are put in by hand, decisions are looked at."""

from __future__ import annotations

import json
from typing import Any

from strategies.contract import Decision, FillSeen, MarketSpec, OrderType, Point, PositionView
from strategies.grid.config import GridConfig
from strategies.grid.logic import GridStrategy
from strategies.grid.state import GridState
from tests.strategies.markets import LINEAR
from tests.strategies.stepped import Stepped


class GridBot(Stepped[GridState]):
    """Lines 100, 110, 120, 130, 140 with 1 coin each on the linear market, unless told otherwise."""

    def __init__(self, market: MarketSpec = LINEAR, **changes: Any) -> None:
        chosen = {"lower": 100, "upper": 140, "grids": 4, "investment": 460, "amount_mode": "base"} | changes
        self.config = GridConfig.model_validate(chosen)
        self.market = market
        self.strategy = GridStrategy()
        self.state = self.strategy.initial_state(self.config, market)
        self.clock = 0
        self.decision: Decision[GridState] = Decision(self.state)

    def at(
        self, price: float, *fills: FillSeen, pnl: float = 0.0, seconds: int = 1, position: PositionView | None = None
    ) -> Decision[GridState]:
        """One step; the state goes through JSON as it does between two ticks."""
        self.clock += seconds * 1000
        view = position or PositionView(unrealised_pnl=pnl)
        state = self.strategy.load(json.loads(json.dumps(self.strategy.dump(self.state))))
        self.decision = self.strategy.step(self.config, self.market, state, Point(self.clock, price), view, list(fills))
        self.state = self.decision.state
        return self.decision

    def started(self, price: float) -> GridBot:
        """Started at ``price``, with the entry filled there."""
        self.at(price)
        if "entry" in self.slots:
            self.at(price, self.filled("entry", price=price))
        return self

    @property
    def book(self) -> list[tuple[str, float, float]]:
        """(side, price, amount) of the resting orders, from the lowest interval up."""
        return [
            (order.side.value, order.price, order.amount)
            for order in self.decision.wanted
            if order.type is OrderType.LIMIT and order.price is not None
        ]

    def finished(self) -> str:
        """The code it finished with; empty while it goes on."""
        return self.decision.finish.reason.code if self.decision.finish else ""
