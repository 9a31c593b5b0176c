"""A strategy whose best parameters are known by arithmetic, for searches to find.

On prices that only rise it holds the share 1 − (x − 0.3)² − (y − 0.7)² of its money from the first candle on, so that it
earns most at x = 0.3, y = 0.7. ``word`` makes the share smaller unless it is "good"; x above 1 is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from strategies.contract import Decision, OrderType, Reason, Side, StrategyConfig, WantedOrder
from strategies.plain import PlainStrategy


class Config(StrategyConfig):
    x: float = Field(0.5, ge=0.0, le=1.0)
    y: float = Field(0.5, ge=-1.0, le=1.0)
    word: str = "good"


@dataclass(frozen=True)
class State:
    bought: bool = False


class Hill(PlainStrategy[Config, State]):
    name = "hill"
    version = "1"
    title = "Hill"
    description = "Holds more the nearer its parameters are to a known point."
    Config = Config
    State = State

    def step(self, config, market, state, point, position, fills):  # type: ignore[no-untyped-def]
        if fills or state.bought:
            return Decision(State(bought=True))
        share = 1.0 - (config.x - 0.3) ** 2 - (config.y - 0.7) ** 2 - (0.0 if config.word == "good" else 0.5)
        amount = max(share, 0.01) * 900.0 / point.price
        return Decision(state, (WantedOrder("hold", 0, Side.BUY, OrderType.MARKET, amount, Reason("hill")),))
