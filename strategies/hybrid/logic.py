"""The hybrid: grid in a range, DCA in a falling trend, trend follower in a rising one, one at a time.

It runs the strategies themselves through the contract. Every run of a family is a *generation* with a number of its own:
its orders are named ``grid1/…``, ``dca2/…``, so that fills find the way back and no wish is ever used twice. Each
generation is shown its own fills, the position they make, and its own features.

The regime's classifier is stepped with each of its candles and chooses the family. A change is made in two steps at
least (``switching``): the old family leaves, then the next one starts. One that leaves is closed at market or *runs off*:
it is stepped on, but of its orders only those stand that make its holding less, until it is flat, its stop is met or its time
is over. Fills of orders that were given up still find their generation; when that is over, what they bring is sold.

All families trade long only, so no two of them can want opposite sides of one position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
    PriceBar,
    Problem,
    Reason,
    StartsFromCandles,
    WantedOrder,
)
from strategies.hybrid import features as shown
from strategies.hybrid import preflight as checks
from strategies.hybrid.config import HybridConfig
from strategies.hybrid.families import GRID, STRATEGIES, family_config, share_of
from strategies.hybrid.family_settings import RangeIn
from strategies.hybrid.limits import exposure, exposure_limit, finish_reason, watch
from strategies.hybrid.orders import Part, admitted, orders_of
from strategies.hybrid.running import book, step_families, tidy
from strategies.hybrid.state import HybridState, Remembered
from strategies.hybrid.switching import leave, look, start
from strategies.regimes.regime import Regime

if TYPE_CHECKING:
    from strategies.contract import FloatColumn


class HybridStrategy:
    name: ClassVar[str] = "hybrid"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Hybrid"
    description: ClassVar[str] = (
        "Runs a grid while the market goes sideways, DCA while it falls and the trend follower while it rises, with one money "
        "and one stop loss for all."
    )
    regimes: ClassVar[tuple[str, ...]] = tuple(regime.value for regime in Regime)
    Config: type[HybridConfig] = HybridConfig

    def candles_needed(self, config: HybridConfig) -> CandleNeed | None:
        """For the preview of the grid; the steps take its reach from their features."""
        grid = STRATEGIES[GRID]
        assert isinstance(grid, StartsFromCandles)
        return grid.candles_needed(_grid_config(config))

    def resolve(self, config: HybridConfig, price: Decimal, bars: Sequence[PriceBar]) -> HybridConfig:
        """With the grid's reach in percent. Raises ``ValueError`` when ``bars`` do not suffice."""
        if config.grid_range_in is RangeIn.PERCENT:
            return config
        grid = STRATEGIES[GRID]
        assert isinstance(grid, StartsFromCandles)
        resolved = grid.resolve(_grid_config(config), price, bars)
        percent = (resolved.upper - resolved.lower) / 2 / price * 100
        reach = {"grid_range": percent.quantize(Decimal("0.01")), "grid_range_in": RangeIn.PERCENT}
        return config.model_copy(update=reach)

    def timeframes(self, config: HybridConfig) -> tuple[CandleNeed, ...]:
        return shown.needs(config)

    def features(self, config: HybridConfig, candles: Mapping[str, CandleSeries]) -> Mapping[str, FloatColumn]:
        return shown.columns(config, candles)

    def initial_state(self, config: HybridConfig, market: MarketSpec) -> HybridState:
        return HybridState()

    def step(
        self,
        config: HybridConfig,
        market: MarketSpec,
        state: HybridState,
        point: Point,
        position: PositionView,
        fills: Sequence[FillSeen],
    ) -> Decision[HybridState]:
        """See the module's text."""
        notes: list[Reason] = []
        state, seen = book(state, market, fills, notes)
        state = tidy(state, market, point.price)
        state = watch(state, config, point, position, notes)
        state = look(state, config, point, notes)
        state = leave(state, config, market, point, notes)
        state = start(state, config, market, point, position, notes)
        state, stepped = step_families(state, config, market, point, seen, notes)
        room = exposure_limit(state, config, position) - exposure(state)
        state, wanted = _wanted(state, market, point.price, stepped.parts, room, notes, anew=bool(fills))
        is_over = bool(state.finish_code) and not state.generations and not state.rest.closing
        finish = Finish(finish_reason(state)) if is_over else None
        return Decision(state, wanted, signal=stepped.signal, notes=tuple(notes), finish=finish)

    def dump(self, state: HybridState) -> dict[str, Any]:
        return state.dump()

    def load(self, data: Mapping[str, Any]) -> HybridState:
        return HybridState.load(data)

    def preflight(
        self,
        config: HybridConfig,
        market: MarketSpec,
        price: Decimal,
        quote_available: Decimal,
        base_available: Decimal,
    ) -> list[Problem]:
        return checks.problems(config, market, price, quote_available, base_available)

    def levels(self, config: HybridConfig, market: MarketSpec, price: Decimal) -> list[Level]:
        """Those of a grid at ``price``; none while its reach in ATRs is not resolved."""
        return checks.start_levels(config, market, price)


def _wanted(
    state: HybridState,
    market: MarketSpec,
    price: float,
    parts: Sequence[Part],
    room: float,
    notes: list[Reason],
    *,
    anew: bool,
) -> tuple[HybridState, tuple[WantedOrder, ...]]:
    """``room`` is what may still be bought, in quote; ``anew`` where fills may have changed it."""
    known = state.remembered
    if known is not None and not anew and not state.limited and known.is_of(parts):
        return state, known.wanted
    orders = [each for part in parts for each in orders_of(part, market, price)]
    wanted, standing, left_out = admitted(orders, state.standing, room, price)
    if left_out and not state.limited:
        notes.append(Reason("hybrid.limited", {"worth": left_out, "room": max(0.0, room)}))
    remembered = Remembered(tuple(parts), wanted)
    return replace(state, standing=standing, limited=left_out > 0.0, remembered=remembered), wanted


def _grid_config(config: HybridConfig) -> Any:
    return family_config(config, GRID, share_of(config, GRID))
