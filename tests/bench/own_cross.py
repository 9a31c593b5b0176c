"""A cross of averages as a user writes it: a dataclass for the state, a step in Python, called once a candle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from strategies.contract import (
    CandleNeed,
    CandleSeries,
    Decision,
    FillSeen,
    MarketSpec,
    OrderType,
    Point,
    PositionView,
    Reason,
    Side,
    StrategyConfig,
    WantedOrder,
)
from strategies.indicators import ema, ema_warmup
from strategies.plain import PlainStrategy

if TYPE_CHECKING:
    from strategies.contract import FloatColumn


class OwnConfig(StrategyConfig):
    fast: int = 20
    slow: int = 50
    amount: float = 1.0


@dataclass(frozen=True, slots=True)
class OwnState:
    number: int = 0
    long: bool = False


class OwnCross(PlainStrategy[OwnConfig, OwnState]):
    name: ClassVar[str] = "own_cross"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Cross of averages"
    description: ClassVar[str] = "Holds while the fast average is above the slow one."
    Config = OwnConfig
    State = OwnState
    # It looks at closed candles alone.
    rests_between_candles: ClassVar[bool] = True

    def timeframes(self, config: OwnConfig) -> tuple[CandleNeed, ...]:
        return (CandleNeed("1m", ema_warmup(config.slow)),)

    def features(self, config: OwnConfig, candles: Mapping[str, CandleSeries]) -> Mapping[str, FloatColumn]:
        close = candles["1m"].close
        return {"fast": ema(close, config.fast), "slow": ema(close, config.slow)}

    def step(
        self,
        config: OwnConfig,
        market: MarketSpec,
        state: OwnState,
        point: Point,
        position: PositionView,
        fills: Sequence[FillSeen],
    ) -> Decision[OwnState]:
        row = point.features
        if state.long:
            if row["fast"] >= row["slow"] or not position.amount:
                return Decision(state)
            state, side = OwnState(state.number, False), Side.SELL
        else:
            if not row["fast"] > row["slow"]:
                return Decision(state)
            state, side = OwnState(state.number + 1, True), Side.BUY
        order = WantedOrder(
            side.value, state.number, side, OrderType.MARKET, config.amount, Reason("cross"), trade=f"{state.number}"
        )
        return Decision(state, (order,))
