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
    Reason,
    Signal,
)
from strategies.trend import features as shown
from strategies.trend import preflight as checks
from strategies.trend.analysis import analyse
from strategies.trend.book import begin_day, book, is_paused, settle
from strategies.trend.config import TrendConfig
from strategies.trend.entries import enter, entry_kind
from strategies.trend.exits import give_up_entry, guard, meet_targets, move_to_break_even, start_trailing, trail
from strategies.trend.orders import wanted_orders
from strategies.trend.state import ENTERING, FLAT, HOLDING, TrendState

if TYPE_CHECKING:
    from strategies.contract import FloatColumn


class TrendStrategy:
    name: ClassVar[str] = "trend"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Trend follower"
    description: ClassVar[str] = (
        "Enters an established trend on a pullback or a breakout, risks a fixed share of the equity, and follows with its stop."
    )
    Config: type[TrendConfig] = TrendConfig

    def timeframes(self, config: TrendConfig) -> tuple[CandleNeed, ...]:
        return shown.needs(config)

    def features(self, config: TrendConfig, candles: Mapping[str, CandleSeries]) -> Mapping[str, FloatColumn]:
        return shown.columns(config, candles)

    def initial_state(self, config: TrendConfig, market: MarketSpec) -> TrendState:
        return TrendState()

    def step(
        self,
        config: TrendConfig,
        market: MarketSpec,
        state: TrendState,
        point: Point,
        position: PositionView,
        fills: Sequence[FillSeen],
    ) -> Decision[TrendState]:
        """See the module's text."""
        close = point.candle_close or 0
        is_new = close > state.seen_close
        if state.started and not fills and not is_new and state.phase == FLAT:
            return Decision(state, wanted_orders(config, market, state))
        before, state = state, state.copy()
        notes: list[Reason] = []
        signal: Signal | None = None
        if not state.started:
            state.started, state.pnl_start = True, position.realised_pnl
        begin_day(state, point, position)
        was_flat = state.phase == FLAT
        for fill in fills:
            book(state, config, market, fill, notes)
        settle(state, config, market, point, position, notes)
        if is_new:
            state.seen_close = close
            _close_of_candle(state, config, market, point, notes)
        _price(state, config, market, point.price, notes)
        if is_new and was_flat and state.phase == FLAT:
            signal = _look(state, config, market, point, position, notes)
        guard(state, market)
        if state == before and not fills:
            state = before  # with what it remembers of its orders
        return Decision(state, wanted_orders(config, market, state), signal=signal, notes=tuple(notes))

    def dump(self, state: TrendState) -> dict[str, Any]:
        return state.dump()

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


def _close_of_candle(
    state: TrendState, config: TrendConfig, spec: MarketSpec, point: Point, notes: list[Reason]
) -> None:
    market = analyse(config, point.features)
    told = f"{market.phase.value} {market.side:+d}"
    if told != state.market:
        state.market = told
        notes.append(
            Reason("trend.market", {"phase": market.phase.value, "side": market.side, "strength": market.strength})
        )
    if state.phase == ENTERING:
        state.entry_age += 1
        if state.entry_age >= config.entry_candles:
            give_up_entry(state, config, spec, notes)
    if state.phase == HOLDING:
        trail(state, config, spec, point.features["close"], point.features["atr"], notes)


def _price(state: TrendState, config: TrendConfig, spec: MarketSpec, price: float, notes: list[Reason]) -> None:
    if state.phase == ENTERING and state.target_prices and state.side * (price - state.target_prices[0]) >= 0.0:
        give_up_entry(state, config, spec, notes)
    if state.phase == FLAT or state.stopping:
        return
    start_trailing(state, config, price)
    if state.entry_filled:
        move_to_break_even(state, config, spec, price, notes)
    meet_targets(state, price, spec)


def _look(
    state: TrendState,
    config: TrendConfig,
    spec: MarketSpec,
    point: Point,
    position: PositionView,
    notes: list[Reason],
) -> Signal | None:
    market = analyse(config, point.features)
    kind = entry_kind(config, point.features, market) if market.side else ""
    if not kind or is_paused(state, config, point, position, notes):
        return None
    return enter(state, config, spec, point, position, market, kind, notes)
