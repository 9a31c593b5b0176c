"""Smart Money Concepts: entries where zones of several timeframes overlap and a 15m candle turns.

At each newly closed 15m candle the bot looks for an entry pattern in a zone, drops what the filters do not let
through, and signals the rest; with a free slot it enters at market. An open trade has a protective stop, a partial
exit and a target; the stop goes to break-even after the partial exit and follows the price from a certain profit on.

On a linear market the stop rests at the exchange. On spot the coins can be offered once only, so the targets rest and
the stop is looked at in every step and traded at market.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import isnan
from typing import TYPE_CHECKING, Any, ClassVar

from strategies.compiled import compiled
from strategies.contract import CandleNeed, CandleSeries, Finish, Level, MarketSpec, Problem, Reason, Signal
from strategies.indicators import Array
from strategies.kernel import FillRow, KernelStrategy, OrderRow, Tick
from strategies.smc import features as market_features
from strategies.smc import preflight as checks
from strategies.smc import telling
from strategies.smc.book import book
from strategies.smc.config import SmcConfig
from strategies.smc.entries import look
from strategies.smc.exits import follow, tidy_up, watch_stop
from strategies.smc.orders import MOST_ORDERS, wanted
from strategies.smc.parameters import SmcParameters, parameters_of
from strategies.smc.quiet import is_idle, quiet
from strategies.smc.row import CLOSE, COLUMNS
from strategies.smc.slots import SLOTS, slot_number
from strategies.smc.state import FREE, MOST_POSITIONS, SmcState

if TYPE_CHECKING:
    from strategies.kernel import Notes


@compiled
def advance(
    p: SmcParameters,
    s: SmcState,
    tick: Tick,
    row: Sequence[float],
    fills: Sequence[FillRow],
    count: int,
    notes: Notes,
) -> bool:
    # A row is known when its first value is.
    is_new = tick.candle_close > s.candle_close and not isnan(row[CLOSE])
    if count == 0 and not is_new and is_idle(s):
        return False
    for number in range(count):
        book(p, s, fills[number], notes)
    for slot in range(MOST_POSITIONS):
        if s.phase[slot] != FREE:
            follow(p, s, slot, tick.price, notes)
            watch_stop(p, s, slot, tick.price)
    tidy_up(p, s, tick.price)
    if is_new:
        look(p, s, tick, row, notes)
    return False


class SmcStrategy(KernelStrategy[SmcConfig, SmcState, SmcParameters]):
    name: ClassVar[str] = "smc"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Smart Money Concepts"
    description: ClassVar[str] = (
        "Enters where order blocks and fair value gaps of several timeframes overlap and a 15m candle turns."
    )
    regimes: ClassVar[tuple[str, ...]] = ("bull_trend", "bear_trend", "volatile_transition")
    Config: type[SmcConfig] = SmcConfig
    MOST_ORDERS: ClassVar[int] = MOST_ORDERS
    SLOTS: ClassVar[int] = SLOTS

    advance = advance
    wanted = wanted
    quiet = quiet

    def parameters(self, config: SmcConfig, market: MarketSpec) -> SmcParameters:
        return parameters_of(config, market)

    def columns(self, config: SmcConfig) -> tuple[str, ...]:
        return COLUMNS

    def timeframes(self, config: SmcConfig) -> tuple[CandleNeed, ...]:
        return market_features.needs(config)

    def features(self, config: SmcConfig, candles: Mapping[str, CandleSeries]) -> Mapping[str, Array]:
        return market_features.columns(config, candles)

    def initial_state(self, config: SmcConfig, market: MarketSpec) -> SmcState:
        return SmcState()

    def load(self, data: Mapping[str, Any]) -> SmcState:
        return SmcState.load(data)

    def slot_number(self, name: str) -> int:
        return slot_number(name)

    def names(self, slot: int, trade: int) -> tuple[str, str]:
        return telling.names(slot, trade)

    def order(self, config: SmcConfig, market: MarketSpec, state: SmcState, row: OrderRow) -> tuple[str, str, Reason]:
        return *self.names(row.slot, row.trade), telling.why(market, state, row)

    def told(
        self, config: SmcConfig, market: MarketSpec, state: SmcState, code: int, numbers: Sequence[float]
    ) -> Reason | Signal:
        return telling.told(config, code, numbers)

    def finish(self, config: SmcConfig, state: SmcState) -> Finish:
        raise AssertionError("Smart Money Concepts goes on until it is stopped.")

    def preflight(
        self, config: SmcConfig, market: MarketSpec, price: Decimal, quote_available: Decimal, base_available: Decimal
    ) -> list[Problem]:
        return checks.problems(config, market, price, quote_available)

    def levels(self, config: SmcConfig, market: MarketSpec, price: Decimal) -> list[Level]:
        """None: nothing rests before the first signal."""
        return []
