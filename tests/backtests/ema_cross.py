"""A long-only cross of two averages with market orders: as the compiled contract writes it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from strategies.compiled import compiled
from strategies.contract import (
    CandleNeed,
    CandleSeries,
    Finish,
    Level,
    MarketSpec,
    Problem,
    Reason,
    Signal,
    StrategyConfig,
)
from strategies.indicators import ema, ema_warmup
from strategies.kernel import (
    BUY,
    FOREVER,
    MARKET,
    NO_SLOT,
    OTHER_VALUES,
    SELL,
    KernelStrategy,
    OrderRow,
    QuietRows,
    Tick,
    write,
)
from strategies.lattice import Rules, floor_to_step, rules_of
from strategies.state import PlainState

if TYPE_CHECKING:
    from strategies.contract import FloatColumn

ENTRY, EXIT = 0, 1


class CrossConfig(StrategyConfig):
    fast: int = 20
    slow: int = 50
    timeframe: str = "1m"
    share: float = 0.99  # of the money


@dataclass(slots=True)
class CrossState(PlainState):
    sequence: int = 0
    wish: int = 0  # +1 to buy, −1 to sell
    long: bool = False
    amount: float = 0.0
    held: float = 0.0


class CrossParameters(NamedTuple):
    rules: Rules
    money: float
    share: float


@compiled
def advance(p: CrossParameters, s: CrossState, tick: Tick, row: Any, fills: Any, count: int, notes: Any) -> bool:
    for number in range(count):
        fill = fills[number]
        s.held += fill.side * fill.amount - fill.fee_base
        if fill.done:
            s.wish = 0
            s.long = fill.side > 0
    above = row[0]
    if s.wish == 0 and above > 0.0 and not s.long:
        money = (p.money + tick.realised_pnl + tick.unrealised_pnl) * p.share
        s.amount = floor_to_step(money / tick.price, p.rules.step_unit, p.rules.step_scale)
        s.wish = BUY
        s.sequence += 1
    elif s.wish == 0 and above < 0.0 and s.long:
        s.amount = floor_to_step(s.held, p.rules.step_unit, p.rules.step_scale)
        s.wish = SELL
    return False


@compiled
def wanted(p: CrossParameters, s: CrossState, orders: Any) -> int:
    if s.wish == 0:
        return 0
    slot = ENTRY if s.wish > 0 else EXIT
    return write(orders, 0, slot, s.sequence, s.wish, MARKET, s.amount, 0.0, 0.0, False, False, False, s.sequence)


@compiled
def quiet(p: CrossParameters, s: CrossState, tick: Tick) -> QuietRows:
    # What it has seen of this row it has acted on: nothing more happens while the averages stand as they do.
    return 0.0, math.inf, FOREVER, OTHER_VALUES


class CrossStrategy(KernelStrategy[CrossConfig, CrossState, CrossParameters]):
    name: ClassVar[str] = "cross"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Cross of averages"
    description: ClassVar[str] = "Holds while the fast average is above the slow one."
    Config = CrossConfig
    MOST_ORDERS: ClassVar[int] = 1
    SLOTS: ClassVar[int] = 2
    advance = advance
    wanted = wanted
    quiet = quiet

    def __init__(self, money: float = 10_000.0) -> None:
        self.money = money

    def timeframes(self, config: CrossConfig) -> tuple[CandleNeed, ...]:
        return (CandleNeed(config.timeframe, ema_warmup(config.slow)),)

    def features(self, config: CrossConfig, candles: Mapping[str, CandleSeries]) -> Mapping[str, FloatColumn]:
        """``above`` is +1 while the fast average is above the slow one, −1 below it."""
        close = candles[config.timeframe].close
        above = ema(close, config.fast)
        above -= ema(close, config.slow)
        return {"above": np.sign(above, out=above)}

    def columns(self, config: CrossConfig) -> tuple[str, ...]:
        return ("above",)

    def parameters(self, config: CrossConfig, market: MarketSpec) -> CrossParameters:
        return _parameters(config, market, self.money)

    def initial_state(self, config: CrossConfig, market: MarketSpec) -> CrossState:
        return CrossState()

    def load(self, data: Mapping[str, Any]) -> CrossState:
        return CrossState.load(data)

    def slot_number(self, name: str) -> int:
        return {"entry": ENTRY, "exit": EXIT}.get(name, NO_SLOT)

    def names(self, slot: int, trade: int) -> tuple[str, str]:
        return ("entry", "exit")[slot], f"trade:{trade}"

    def order(
        self, config: CrossConfig, market: MarketSpec, state: CrossState, row: OrderRow
    ) -> tuple[str, str, Reason]:
        return ("entry", "exit")[row.slot], f"trade:{row.trade}", Reason("cross", {"amount": row.amount})

    def told(
        self, config: CrossConfig, market: MarketSpec, state: CrossState, code: int, numbers: Sequence[float]
    ) -> Reason | Signal:
        return Reason("cross", {"code": code})

    def finish(self, config: CrossConfig, state: CrossState) -> Finish:
        return Finish(Reason("cross.finished"))

    def preflight(
        self, config: CrossConfig, market: MarketSpec, price: Decimal, quote_available: Decimal, base_available: Decimal
    ) -> list[Problem]:
        return []

    def levels(self, config: CrossConfig, market: MarketSpec, price: Decimal) -> list[Level]:
        return []


@lru_cache(maxsize=8)
def _parameters(config: CrossConfig, market: MarketSpec, money: float) -> CrossParameters:
    return CrossParameters(rules_of(market), money, config.share)
