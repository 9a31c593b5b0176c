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
from strategies.dca import features, preflight
from strategies.dca.book import book, settle
from strategies.dca.config import DcaConfig
from strategies.dca.deal import guard
from strategies.dca.exits import nothing_to_watch, watch
from strategies.dca.levels import start_levels
from strategies.dca.orders import wanted_orders
from strategies.dca.start import DAY_MS, note_day, start
from strategies.dca.state import CLOSING, FINISHED, OPEN, STARTING, WAITING, DcaState

if TYPE_CHECKING:
    from strategies.contract import FloatColumn


class DcaStrategy:
    name: ClassVar[str] = "dca"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "DCA"
    description: ClassVar[str] = (
        "Opens deals and adds to them as the price goes against them, so that a small recovery closes them at a profit."
    )
    Config: type[DcaConfig] = DcaConfig

    def timeframes(self, config: DcaConfig) -> tuple[CandleNeed, ...]:
        return features.candles_looked_at(config)

    def features(self, config: DcaConfig, candles: Mapping[str, CandleSeries]) -> Mapping[str, FloatColumn]:
        return features.columns(config, candles)

    def initial_state(self, config: DcaConfig, market: MarketSpec) -> DcaState:
        return DcaState()

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
        if not fills and _quiet(config, state, point):
            return Decision(state, wanted_orders(config, market, state))
        notes: list[Reason] = []
        state = state.copy()
        note_day(state, config, point.timestamp, position.realised_pnl)
        for fill in fills:
            book(state, config, market, fill, notes)
        if fills:
            settle(state, config, market, point.price, point.timestamp, notes)
        if state.phase == OPEN:
            watch(state, config, market, point, notes)
            if state.phase == CLOSING:
                settle(state, config, market, point.price, point.timestamp, notes)
        if state.phase == WAITING:
            start(state, config, market, point, notes)
        guard(state, config, market)
        finish = None
        if state.phase == FINISHED:
            finish = Finish(Reason(state.finish_code, {"deals": state.deal, "left": state.held}))
        return Decision(state, wanted_orders(config, market, state), notes=tuple(notes), finish=finish)

    def dump(self, state: DcaState) -> dict[str, Any]:
        return state.dump()

    def load(self, data: Mapping[str, Any]) -> DcaState:
        return DcaState.load(data)

    def preflight(
        self, config: DcaConfig, market: MarketSpec, price: Decimal, quote_available: Decimal, base_available: Decimal
    ) -> list[Problem]:
        return preflight.problems(config, market, price, quote_available)

    def levels(self, config: DcaConfig, market: MarketSpec, price: Decimal) -> list[Level]:
        """The base order, and after it and after each safety order the average and the take profit."""
        return start_levels(config, market, price)


def _quiet(config: DcaConfig, state: DcaState, point: Point) -> bool:
    """Whether a step without fills has nothing to decide."""
    if config.daily_loss_limit is not None and state.day != point.timestamp // DAY_MS:
        return False
    if state.phase == OPEN:
        return nothing_to_watch(state, config, point)
    return state.phase in (STARTING, CLOSING)
