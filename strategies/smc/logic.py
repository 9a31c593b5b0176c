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
from math import isnan, nan
from typing import Any, ClassVar, Final

from strategies.contract import (
    CandleNeed,
    CandleSeries,
    Decision,
    FillSeen,
    Level,
    MarketKind,
    MarketSpec,
    Point,
    PositionView,
    Problem,
    Reason,
    Signal,
)
from strategies.indicators import Array
from strategies.sizing import Limits, capped, kelly_amount
from strategies.smc import features as market_features
from strategies.smc import preflight as checks
from strategies.smc.book import book, tradable
from strategies.smc.config import SmcConfig
from strategies.smc.orders import wanted_orders
from strategies.smc.setups import Setup, find_setup
from strategies.smc.state import CLOSING, ENTERING, OPEN, SmcState, Trade

# The bot's own trades outweigh the expected share of wins once there are more of them than this.
PRIOR_TRADES: Final = 20
# A market order may fill a little beyond the price it was decided at.
HEADROOM: Final = 0.99
# Percent: what a quotient of floats may miss a limit by.
ROUNDING: Final = 1e-9


class SmcStrategy:
    name: ClassVar[str] = "smc"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Smart Money Concepts"
    description: ClassVar[str] = (
        "Enters where order blocks and fair value gaps of several timeframes overlap and a 15m candle turns."
    )
    regimes: ClassVar[tuple[str, ...]] = ("bull_trend", "bear_trend", "volatile_transition")
    Config: type[SmcConfig] = SmcConfig

    def timeframes(self, config: SmcConfig) -> tuple[CandleNeed, ...]:
        return market_features.needs(config)

    def features(self, config: SmcConfig, candles: Mapping[str, CandleSeries]) -> Mapping[str, Array]:
        return market_features.columns(config, candles)

    def initial_state(self, config: SmcConfig, market: MarketSpec) -> SmcState:
        return SmcState()

    def step(
        self,
        config: SmcConfig,
        market: MarketSpec,
        state: SmcState,
        point: Point,
        position: PositionView,
        fills: Sequence[FillSeen],
    ) -> Decision[SmcState]:
        if not fills and not state.trades and not state.tidy and not _is_new(state, point):
            return Decision(state)
        state, notes = state.copy(), list[Reason]()
        for fill in fills:
            book(state, config, market, fill, notes)
        for trade in state.trades:
            _follow(trade, config, point.price, notes)
            _watch_stop(state, trade, market, point.price)
        _tidy(state, market, point.price)
        signal = _look(state, config, market, point, position, notes)
        return Decision(state, wanted_orders(config, market, state), signal, tuple(notes))

    def dump(self, state: SmcState) -> dict[str, Any]:
        return state.dump()

    def load(self, data: Mapping[str, Any]) -> SmcState:
        return SmcState.load(data)

    def preflight(
        self, config: SmcConfig, market: MarketSpec, price: Decimal, quote_available: Decimal, base_available: Decimal
    ) -> list[Problem]:
        return checks.problems(config, market, price, quote_available)

    def levels(self, config: SmcConfig, market: MarketSpec, price: Decimal) -> list[Level]:
        """None: nothing rests before the first signal."""
        return []


def _follow(trade: Trade, config: SmcConfig, price: float, notes: list[Reason]) -> None:
    """The trailing stop: once far enough in profit, at a distance behind the best price, never back."""
    if trade.phase != OPEN:
        return
    side = trade.side
    trade.best = max(trade.best, price) if side > 0 else min(trade.best, price)
    gain = (trade.best / trade.entry - 1.0) * side * 100.0
    if gain < float(config.trailing_activation) - ROUNDING:
        return
    stop = trade.best * (1.0 - side * float(config.trailing_distance) / 100.0)
    closer = (stop - trade.stop) * side
    if closer > 0.0 and closer >= price * float(config.trailing_step) / 100.0:
        notes.append(Reason("smc.trailed", {"number": trade.number, "stop": stop, "best": trade.best}))
        trade.stop = stop


def _watch_stop(state: SmcState, trade: Trade, market: MarketSpec, price: float) -> None:
    """Wants what is left closed at market: on spot when the price meets the stop, elsewhere when more is held than
    the stop order closed, because the entry was filled on after it."""
    spot = market.kind is MarketKind.SPOT
    if trade.phase == OPEN and spot and (price - trade.stop) * trade.side <= 0.0:
        trade.phase = CLOSING
    if trade.phase != CLOSING or trade.closing or not (spot or trade.stop_done):
        return
    trade.closing = tradable(market, trade.held, price, closing=True)
    if trade.closing:
        state.close_sequence += 1
        trade.close_sequence = state.close_sequence


def _tidy(state: SmcState, market: MarketSpec, price: float) -> None:
    if state.tidy:
        return
    amount = tradable(market, abs(state.dust), price, closing=True)
    if amount:
        state.tidy_sequence += 1
        state.tidy = -amount if state.dust > 0.0 else amount


def _look(
    state: SmcState,
    config: SmcConfig,
    market: MarketSpec,
    point: Point,
    position: PositionView,
    notes: list[Reason],
) -> Signal | None:
    """Each closed candle once. Of two setups the surer one counts, the long one when they are equal."""
    if not _is_new(state, point):
        return None
    state.candle_close = point.candle_close or 0
    _withdraw(state, notes)
    setups: list[Setup] = []
    for side in (1, -1):
        found = find_setup(config, point.features, point.price, side) if config.takes(side) else None
        if isinstance(found, Setup):
            setups.append(found)
        elif found is not None:
            notes.append(found)
    if not setups:
        return None
    best = max(setups, key=lambda setup: setup.confidence)
    _enter(state, config, market, best, position, notes)
    return best.signal(point.timestamp)


def _is_new(state: SmcState, point: Point) -> bool:
    """Whether there is a row that is known and has not been looked at."""
    close = point.candle_close
    return close is not None and close > state.candle_close and not isnan(point.features.get("close", nan))


def _withdraw(state: SmcState, notes: list[Reason]) -> None:
    """An entry that a whole candle could not fill at all has missed its moment."""
    for trade in [each for each in state.trades if each.phase == ENTERING and each.filled == 0.0]:
        state.trades.remove(trade)
        notes.append(Reason("smc.withdrawn", {"number": trade.number, "pattern": trade.pattern}))


def _enter(
    state: SmcState, config: SmcConfig, market: MarketSpec, setup: Setup, position: PositionView, notes: list[Reason]
) -> None:
    if any(trade.side != setup.side for trade in state.trades):
        # A symbol has one position: both sides at once would close each other.
        notes.append(Reason("smc.other_side", {"pattern": setup.pattern, "price": setup.entry}))
        return
    free = sorted(set(range(config.positions)) - {trade.slot for trade in state.trades})
    if not free:
        notes.append(Reason("smc.no_slot", {"pattern": setup.pattern, "positions": config.positions}))
        return
    amount = entry_amount(config, market, setup, state, position)
    if amount == 0.0:
        notes.append(Reason("smc.no_size", {"pattern": setup.pattern, "price": setup.entry, "stop": setup.stop}))
        return
    state.number += 1
    state.trades.append(
        Trade(
            slot=free[0],
            number=state.number,
            side=setup.side,
            pattern=setup.pattern,
            confidence=setup.confidence,
            amount=amount,
            entry=setup.entry,
            stop=setup.stop,
            target=setup.target,
            risk=setup.risk,
            best=setup.entry,
        )
    )


def entry_amount(config: SmcConfig, market: MarketSpec, setup: Setup, state: SmcState, position: PositionView) -> float:
    """Base. A share of Kelly's fraction, at most the largest risk; each position at most its part of the capital."""
    equity = float(config.capital) + position.realised_pnl + position.unrealised_pnl
    amount = kelly_amount(
        equity,
        win_rate(config, state),
        setup.reward,
        setup.risk,
        fraction=float(config.kelly_share) / 100.0,
        cap=float(config.largest_risk),
    )
    part = equity * HEADROOM / config.positions
    return capped(amount, setup.entry, part, market, Limits(leverage=float(config.leverage)))


def win_rate(config: SmcConfig, state: SmcState) -> float:
    """The expected share of wins, corrected by the trades so far: the mean of a beta distribution."""
    expected = float(config.win_rate) / 100.0
    return (expected * PRIOR_TRADES + state.wins) / (PRIOR_TRADES + state.wins + state.losses)
