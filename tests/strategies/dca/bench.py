"""A DCA bot on a bench: prices and fills are put in by hand, decisions are looked at."""

from __future__ import annotations

import json
from typing import Any

from strategies.contract import Decision, FillSeen, MarketSpec, Point, PositionView
from strategies.dca.config import DcaConfig
from strategies.dca.logic import DcaStrategy
from strategies.dca.state import DcaState
from tests.strategies.markets import LINEAR
from tests.strategies.stepped import Stepped


class DcaBot(Stepped[DcaState]):
    """Base order 100, three safety orders of 100 at 2 % steps, take profit 1 %, linear, unless told otherwise."""

    def __init__(self, market: MarketSpec = LINEAR, **changes: Any) -> None:
        chosen = {
            "base_order_size": 100,
            "safety_order_size": 100,
            "safety_orders": 3,
            "price_deviation": 2,
            "take_profit": 1,
        } | changes
        self.config = DcaConfig.model_validate({name: value for name, value in chosen.items() if value is not None})
        self.market = market
        self.strategy = DcaStrategy()
        self.state = self.strategy.initial_state(self.config, market)
        self.clock = 0
        self.decision: Decision[DcaState] = Decision(self.state)

    def at(
        self,
        price: float,
        *fills: FillSeen,
        seconds: int = 1,
        realised: float = 0.0,
        features: dict[str, float] | None = None,
        candle_close: int | None = None,
    ) -> Decision[DcaState]:
        """One step; the state goes through JSON as it does between two ticks."""
        self.clock += seconds * 1000
        state = self.strategy.load(json.loads(json.dumps(self.strategy.dump(self.state))))
        point = Point(self.clock, price, features or {}, candle_close)
        position = PositionView(realised_pnl=realised)
        self.decision = self.strategy.step(self.config, self.market, state, point, position, list(fills))
        self.state = self.decision.state
        return self.decision

    def opened(self, price: float) -> DcaBot:
        """With a deal whose base order filled at ``price``."""
        self.at(price)
        self.at(price, self.filled("base", price=price))
        return self

    @property
    def book(self) -> dict[str, tuple[str, float | None, float]]:
        """(side, price, amount) of what is wanted, by slot."""
        return {o.slot: (o.side.value, o.price or o.trigger_price, o.amount) for o in self.decision.wanted}

    @property
    def finished(self) -> str:
        """The code it finished with; empty while it goes on."""
        return self.decision.finish.reason.code if self.decision.finish else ""
