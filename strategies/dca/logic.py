"""DCA: deals that open with a base order, add safety orders as the price goes against them, and close at a profit.

A deal opens with a market order, slot ``base``. From the step that sees it filled on, its safety orders rest at fixed
distances from the price it got (slots ``safety:1`` …, as many at a time as are active), and its take profit rests at a
fixed distance from the average of all entries (slots ``take_profit:1`` …, one for each step). Each fill of a safety
order moves the average: the take profit is the same wish at another price and amount. When the take profit is filled, the
deal is over, and if nothing hinders it the next one's base order is wanted in that same step.

All slots of a deal but the take profit's, the stop's and the close's have the deal's number as their sequence. A fill of
a deal that is over is sold with the running deal, or closed at market when there is none.

Of linear markets the stop loss, if it has no time-out, stands at the exchange too (slot ``stop``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from strategies.contract import (
    CandleNeed,
    CandleSeries,
    Decision,
    FillSeen,
    Finish,
    Level,
    MarketSpec,
    Point,
    PositionView,
    Problem,
    Reason,
)
from strategies.dca import features, kernel, notes, orders, preflight
from strategies.dca.config import DcaConfig
from strategies.dca.ladder import profit_steps
from strategies.dca.levels import start_levels
from strategies.dca.parameters import DcaParameters, parameters_of
from strategies.dca.start import COLUMNS
from strategies.dca.state import DcaState
from strategies.kernel import KernelStrategy, OrderRow

if TYPE_CHECKING:
    from strategies.contract import FloatColumn


class DcaStrategy(KernelStrategy[DcaConfig, DcaState, DcaParameters]):
    name: ClassVar[str] = "dca"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "DCA"
    description: ClassVar[str] = (
        "Opens deals and adds to them as the price goes against them, so that a small recovery closes them at a profit."
    )
    Config: type[DcaConfig] = DcaConfig
    MOST_ORDERS: ClassVar[int] = orders.MOST_ORDERS
    SLOTS: ClassVar[int] = orders.SLOTS
    advance = kernel.advance
    wanted = orders.wanted
    quiet = kernel.quiet

    def timeframes(self, config: DcaConfig) -> tuple[CandleNeed, ...]:
        return features.candles_looked_at(config)

    def features(self, config: DcaConfig, candles: Mapping[str, CandleSeries]) -> Mapping[str, FloatColumn]:
        return features.columns(config, candles)

    def columns(self, config: DcaConfig) -> tuple[str, ...]:
        return COLUMNS

    def parameters(self, config: DcaConfig, market: MarketSpec) -> DcaParameters:
        return parameters_of(config, market)

    def initial_state(self, config: DcaConfig, market: MarketSpec) -> DcaState:
        parameters = parameters_of(config, market)
        safety_orders, steps = parameters.safety_orders, parameters.steps
        return DcaState(
            safety_prices=[0.0] * safety_orders,
            safety_amounts=[0.0] * safety_orders,
            safety_done=[False] * safety_orders,
            profit_prices=[0.0] * steps,
            profit_amounts=[0.0] * steps,
            profit_filled=[0.0] * steps,
            profit_done=[False] * steps,
            profit_sequences=[0] * steps,
        )

    def step(
        self,
        config: DcaConfig,
        market: MarketSpec,
        state: DcaState,
        point: Point,
        position: PositionView,
        fills: Sequence[FillSeen],
    ) -> Decision[DcaState]:
        """See the module's text."""
        parameters = parameters_of(config, market)
        state = state.sized(parameters.safety_orders, parameters.steps)
        return super().step(config, market, state, point, position, fills)

    def most_orders(self, config: DcaConfig) -> int:
        return min(config.active_safety_orders, config.safety_orders) + len(profit_steps(config)) + 1

    def slot_number(self, name: str) -> int:
        return orders.slot_number(name)

    def names(self, slot: int, trade: int) -> tuple[str, str]:
        return orders.names(slot, trade)

    def order(self, config: DcaConfig, market: MarketSpec, state: DcaState, row: OrderRow) -> tuple[str, str, Reason]:
        return *self.names(row.slot, row.trade), orders.reason(parameters_of(config, market), state, row)

    def told(
        self, config: DcaConfig, market: MarketSpec, state: DcaState, code: int, numbers: Sequence[float]
    ) -> Reason:
        return notes.reason_of(config, code, numbers)

    def finish(self, config: DcaConfig, state: DcaState) -> Finish:
        code = DcaState.WORDS["finish_code"][state.finish_code]
        return Finish(Reason(code, {"deals": state.deal, "left": state.held}))

    def load(self, data: Mapping[str, Any]) -> DcaState:
        return DcaState.load(data)

    def preflight(
        self, config: DcaConfig, market: MarketSpec, price: Decimal, quote_available: Decimal, base_available: Decimal
    ) -> list[Problem]:
        return preflight.problems(config, market, price, quote_available)

    def levels(self, config: DcaConfig, market: MarketSpec, price: Decimal) -> list[Level]:
        """The base order, and after it and after each safety order the average and the take profit."""
        return start_levels(config, market, price)
