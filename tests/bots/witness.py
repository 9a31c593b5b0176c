"""A strategy that trades nothing and keeps every point it was shown, and how often it had to compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np

from strategies.candles import timeframe_ms
from strategies.contract import (
    CandleNeed,
    CandleSeries,
    Decision,
    FillSeen,
    Level,
    MarketSpec,
    Point,
    PositionView,
    Problem,
    StrategyConfig,
)
from strategies.indicators import at_rows, closed_rows, ema, ema_warmup


class WitnessConfig(StrategyConfig):
    """With a ``period`` of 0 it looks at no candles; ``shift`` only tells one configuration from another."""

    period: int = 3
    shift: int = 0


class Witness:
    name: ClassVar[str] = "witness"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Witness"
    description: ClassVar[str] = "Looks at two timeframes and keeps what it is shown."
    Config: type[WitnessConfig] = WitnessConfig

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.computed = 0
        self.fails = ""

    def timeframes(self, config: WitnessConfig) -> tuple[CandleNeed, ...]:
        if not config.period:
            return ()
        return CandleNeed("1m", ema_warmup(config.period)), CandleNeed("5m", ema_warmup(config.period))

    def features(self, config: WitnessConfig, candles: Mapping[str, CandleSeries]) -> dict[str, np.ndarray]:
        self.computed += 1
        if self.fails:
            raise ArithmeticError(self.fails)
        base, longer = candles["1m"], candles["5m"]
        rows = closed_rows(base.timestamp, timeframe_ms("1m"), longer.timestamp, timeframe_ms("5m"))
        return {
            "close": base.close.copy(),
            "fast": ema(base.close, config.period),
            "slow": at_rows(ema(longer.close, config.period), rows),
        }

    def initial_state(self, config: WitnessConfig, market: MarketSpec) -> int:
        return 0

    def step(
        self,
        config: WitnessConfig,
        market: MarketSpec,
        state: int,
        point: Point,
        position: PositionView,
        fills: Sequence[FillSeen],
    ) -> Decision[int]:
        self.points.append(point)
        return Decision(state)

    def dump(self, state: int) -> dict[str, Any]:
        return {"state": state}

    def load(self, data: Mapping[str, Any]) -> int:
        return int(data["state"])

    def preflight(self, *_: Any) -> list[Problem]:
        return []

    def levels(self, config: WitnessConfig, market: MarketSpec, price: Decimal) -> list[Level]:
        return []
