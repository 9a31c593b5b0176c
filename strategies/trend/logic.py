"""The trend follower: one trade at a time, entered with the trend, guarded by a stop that only ever tightens.

At the first step after a candle has closed, its row is looked at once (``analysis``, ``entries``). A trade is entered at
that step's price; its first stop stands ``stop_atr`` ATRs away, which is R, and its targets at multiples of R. From the
first coin that is filled a stop order stands at the exchange for what is held. When the entry is over (filled, expired,
or the first target was reached without it) the targets are laid out: on linear markets as resting orders that reduce
only; on spot, where the stop order binds the coins, each is sold at market by the step that sees the price there.

The stop moves to break-even at the step whose price is far enough, and after each close once it trails. The trade is over
when nothing is left that could be traded; the next one can be entered from the next closed candle on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from strategies.contract import CandleNeed, CandleSeries, Level, MarketSpec, Problem, Reason, Signal
from strategies.kernel import NO_SLOT, KernelStrategy, OrderRow
from strategies.trend import features as shown
from strategies.trend import preflight as checks
from strategies.trend.config import TrendConfig
from strategies.trend.notes import reason_of, told
from strategies.trend.orders import SLOT_NAMES, wanted
from strategies.trend.parameters import Parameters, parameters_of
from strategies.trend.quiet import quiet
from strategies.trend.state import TrendState
from strategies.trend.steps import advance

if TYPE_CHECKING:
    from strategies.contract import FloatColumn


class TrendStrategy(KernelStrategy[TrendConfig, TrendState, Parameters]):
    name: ClassVar[str] = "trend"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Trend follower"
    description: ClassVar[str] = (
        "Enters an established trend on a pullback or a breakout, risks a fixed share of the equity, and follows with its stop."
    )
    Config: type[TrendConfig] = TrendConfig
    # The stop, the targets and the entry.
    MOST_ORDERS: ClassVar[int] = len(SLOT_NAMES)
    SLOTS: ClassVar[int] = len(SLOT_NAMES)

    advance = advance
    wanted = wanted
    quiet = quiet

    def timeframes(self, config: TrendConfig) -> tuple[CandleNeed, ...]:
        return shown.needs(config)

    def features(self, config: TrendConfig, candles: Mapping[str, CandleSeries]) -> Mapping[str, FloatColumn]:
        return shown.columns(config, candles)

    def columns(self, config: TrendConfig) -> tuple[str, ...]:
        return shown.COLUMNS

    def parameters(self, config: TrendConfig, market: MarketSpec) -> Parameters:
        return parameters_of(config, market)

    def initial_state(self, config: TrendConfig, market: MarketSpec) -> TrendState:
        return TrendState()

    def slot_number(self, name: str) -> int:
        return SLOT_NAMES.index(name) if name in SLOT_NAMES else NO_SLOT

    def names(self, slot: int, trade: int) -> tuple[str, str]:
        return SLOT_NAMES[slot], f"trend:{trade}"

    def order(
        self, config: TrendConfig, market: MarketSpec, state: TrendState, row: OrderRow
    ) -> tuple[str, str, Reason]:
        return *self.names(row.slot, row.trade), reason_of(config, state, row)

    def told(
        self, config: TrendConfig, market: MarketSpec, state: TrendState, code: int, numbers: Sequence[float]
    ) -> Reason | Signal:
        return told(config, state, code, numbers)

    def load(self, data: Mapping[str, Any]) -> TrendState:
        return TrendState.load(data)

    def preflight(
        self,
        config: TrendConfig,
        market: MarketSpec,
        price: Decimal,
        quote_available: Decimal,
        base_available: Decimal,
    ) -> list[Problem]:
        return checks.problems(config, market, price, quote_available)

    def levels(self, config: TrendConfig, market: MarketSpec, price: Decimal) -> list[Level]:
        """None: a start rests no order, and where the first entry, stop and targets stand its candle decides."""
        return []
