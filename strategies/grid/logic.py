"""The grid: one resting order per interval, always.

The range is cut into ``grids`` intervals by the lines 0 … ``grids``. Interval *i* lies between line *i* and line *i+1*.
It either *waits*, with its opening order resting, or *holds*, with its closing order resting:

* a long interval opens with a buy at line *i* and closes with a sell at line *i+1*;
* a short interval opens with a sell at line *i+1* and closes with a buy at line *i*;
* a neutral grid is made of both: at the start an interval whose upper line is above the price is short, else long.

At the start price an interval waits when its opening order can rest: the buy line strictly below the price, the sell
line strictly above. Else it starts holding (a price exactly on the opening line included), and what all of these need
is traded first in one market order, slot ``entry``; their closing orders are wanted from the step that sees it filled.
A neutral grid therefore has no entry. The interval around the price waits in a long and in a short grid, and sells
first in a neutral one.

A filled opening order raises the interval's sequence and wants the closing order, a filled closing order completes the
cycle and wants the opening order again. Where the buyer's fee is taken in base, the sell is what is there: what was
bought less the fee, plus the dust carried so far, rounded down to the step; the remainder is the new dust.

On a linear market the stop loss price stands at the exchange too, as a reduce-only stop order for all that is held
(slot ``stop``): it guards the position while nobody ticks. Its fill stops the grid wherever the price is by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from strategies.contract import (
    CandleNeed,
    Decision,
    FillSeen,
    Finish,
    Level,
    MarketKind,
    MarketSpec,
    OrderType,
    Point,
    PositionView,
    PriceBar,
    Problem,
    Reason,
    Side,
    WantedOrder,
)
from strategies.grid import preflight as checks
from strategies.grid.atr import SETTLING_PERIODS, average_true_range
from strategies.grid.book import CLOSE_SLOT, ENTRY_SLOT, book, slot_name
from strategies.grid.config import GridConfig, OnRangeLeft, OnStop
from strategies.grid.core import AWAITING_ENTRY, HOLDING_ENTRY, WAITING, crossed, floor_to_step, tradable
from strategies.grid.exits import finish_reason, guard, met_exit, protective_stop, stop_price
from strategies.grid.lines import ladder_of, resolve_range
from strategies.grid.shape import build, exact, leave, outside, rebuild, trail, unbind
from strategies.grid.state import ARMED, CLOSING, FINISHED, NEW, REBUILDING, RUNNING, GridState, Rules, rules_of


class GridStrategy:
    name: ClassVar[str] = "grid"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Grid"
    description: ClassVar[str] = (
        "Cuts a price range into intervals and earns the width of an interval each time the price swings through it."
    )
    Config: type[GridConfig] = GridConfig

    def candles_needed(self, config: GridConfig) -> CandleNeed | None:
        if config.range_atr_multiple is None:
            return None
        return CandleNeed(config.atr_timeframe, config.atr_period * SETTLING_PERIODS + 1)

    def resolve(self, config: GridConfig, price: Decimal, bars: Sequence[PriceBar]) -> GridConfig:
        """The configuration with its range as two prices. Raises :class:`~strategies.grid.lines.RangeUnknown`.

        A range in ATRs has to be resolved before :meth:`initial_state`, which remembers it; a range in percent
        resolves itself at the price of the step that starts the grid.
        """
        atr = average_true_range(bars, config.atr_period) if config.range_atr_multiple is not None else None
        return resolve_range(config, price, atr)

    def initial_state(self, config: GridConfig, market: MarketSpec) -> GridState:
        state = GridState()
        if config.lower is not None and config.upper is not None:
            ladder = ladder_of(config, market)
            state.lower, state.upper = float(ladder.lower), float(ladder.upper)
        return state

    def step(
        self,
        config: GridConfig,
        market: MarketSpec,
        state: GridState,
        point: Point,
        position: PositionView,
        fills: Sequence[FillSeen],
    ) -> Decision[GridState]:
        """See the module's text. Raises ``RangeUnknown`` when a range in ATRs was not resolved before the start."""
        if state.phase == RUNNING and not fills and _quiet(config, state, point.price, position):
            return Decision(state, wanted_orders(config, market, state))
        rules = rules_of(market)
        notes: list[Reason] = []
        state = state.copy()
        for fill in fills:
            book(state, config, rules, fill, notes)
        if state.phase in (NEW, ARMED):
            _start(state, config, market, rules, point.price, position, notes)
        elif state.phase in (RUNNING, REBUILDING):
            _run(state, config, market, rules, point, position, notes)
        guard(state, config, market, rules)
        if state.phase in (CLOSING, FINISHED):
            _wind_up(state, config, market, rules, point.price)
        finish = Finish(finish_reason(state)) if state.phase == FINISHED else None
        return Decision(state, wanted_orders(config, market, state), notes=tuple(notes), finish=finish)

    def dump(self, state: GridState) -> dict[str, Any]:
        return state.dump()

    def load(self, data: Mapping[str, Any]) -> GridState:
        return GridState.load(data)

    def preflight(
        self, config: GridConfig, market: MarketSpec, price: Decimal, quote_available: Decimal, base_available: Decimal
    ) -> list[Problem]:
        return checks.problems(config, market, price, quote_available)

    def levels(self, config: GridConfig, market: MarketSpec, price: Decimal) -> list[Level]:
        """The resting orders of a start at ``price``, from the lowest line up, once the entry is filled.

        None while the range is not known: a range in ATRs has to be resolved first.
        """
        return checks.start_levels(config, market, price)


def wanted_orders(config: GridConfig, market: MarketSpec, state: GridState) -> tuple[WantedOrder, ...]:
    """The complete set of orders that should stand in this state: the entry or the close, then the lines upwards."""
    if state.wanted is None:
        state.wanted = _wanted(config, market, state)
    return state.wanted


def _wanted(config: GridConfig, market: MarketSpec, state: GridState) -> tuple[WantedOrder, ...]:
    if state.phase == CLOSING:
        amount = state.close_amount
        reason = Reason("grid.close", {"amount": abs(amount), "cause": state.finish_code})
        side = Side.BUY if amount > 0 else Side.SELL
        reduce = market.kind is MarketKind.LINEAR
        return (
            WantedOrder(
                CLOSE_SLOT,
                state.close_sequence,
                side,
                OrderType.MARKET,
                abs(amount),
                reason,
                reduce_only=reduce,
                trade=CLOSE_SLOT,
            ),
        )
    # The stop stays through the rebuilding of a grid.
    orders: list[WantedOrder] = [protective_stop(config, state)] if state.stop_amount else []
    if state.phase != RUNNING:
        return tuple(orders)
    if state.entry_side:
        orders.append(_entry(state))
    post_only = config.post_only
    buy, sell, limit = Side.BUY, Side.SELL, OrderType.LIMIT
    for i, phase in enumerate(state.phases):
        if phase == AWAITING_ENTRY:
            continue
        slot, opening, amount, lower, upper = (
            state.slots[i],
            state.openings[i],
            state.amounts[i],
            state.lines[i],
            state.lines[i + 1],
        )
        name = slot_name(slot)
        trade = ENTRY_SLOT if phase == HOLDING_ENTRY else name
        if phase == WAITING:
            buying = opening > 0
            code = "grid.open"
            numbers = {"interval": slot, "amount": amount, "price": lower, "target": upper}
            if not buying:
                numbers["price"], numbers["target"] = upper, lower
        else:
            buying = opening < 0
            code = "grid.take_profit"
            price = lower if buying else upper
            numbers = {"interval": slot, "amount": amount, "price": price, "opened_at": state.opened_at[i]}
        orders.append(
            WantedOrder(
                name,
                state.sequences[i],
                buy if buying else sell,
                limit,
                amount,
                Reason(code, numbers),
                lower if buying else upper,
                None,
                post_only,
                False,
                trade,
            )
        )
    return tuple(orders)


def _entry(state: GridState) -> WantedOrder:
    awaiting = state.phases.count(AWAITING_ENTRY)
    numbers = {"amount": state.entry_amount, "price": state.entry_price, "intervals": awaiting}
    return WantedOrder(
        ENTRY_SLOT,
        state.entry_sequence,
        Side.BUY if state.entry_side > 0 else Side.SELL,
        OrderType.MARKET,
        state.entry_amount,
        Reason("grid.entry", numbers),
        trade=ENTRY_SLOT,
    )


def _start(
    state: GridState,
    config: GridConfig,
    market: MarketSpec,
    rules: Rules,
    price: float,
    position: PositionView,
    notes: list[Reason],
) -> None:
    if state.phase == NEW:
        state.first_price = price
    if config.trigger_price is not None:
        trigger = float(config.trigger_price)
        if not crossed(state.first_price, price, trigger):
            if state.phase == NEW:
                notes.append(Reason("grid.armed", {"price": price, "trigger": trigger}))
            state.phase = ARMED
            return
        notes.append(Reason("grid.triggered", {"price": price, "trigger": trigger}))
    if state.lower == 0.0:
        ladder = ladder_of(resolve_range(config, exact(price)), market)
    else:
        known = config.model_copy(update={"lower": exact(state.lower), "upper": exact(state.upper)})
        ladder = ladder_of(known, market)
    state.pnl_start = position.realised_pnl + position.unrealised_pnl
    build(state, config, market, rules, ladder, price, notes)


def _run(
    state: GridState,
    config: GridConfig,
    market: MarketSpec,
    rules: Rules,
    point: Point,
    position: PositionView,
    notes: list[Reason],
) -> None:
    stop: tuple[str, float, float] | None
    if state.finish_code:  # the stop order was carried out
        stop = (state.finish_code, state.finish_value, stop_price(config, state, state.stop_amount) or 0.0)
    else:
        stop = met_exit(config, state, point.price, position)
    if stop is not None:
        state.finish_code, state.finish_value, state.finish_limit = stop
        notes.append(finish_reason(state))
        unbind(state)
        state.phase = CLOSING if config.on_stop is OnStop.CLOSE else FINISHED
    elif state.phase == REBUILDING:
        rebuild(state, config, market, rules, point.price, notes)
    else:
        trail(state, config, market, rules, point.price, notes)
        leave(state, config, point.price, point.timestamp, notes)


def _wind_up(state: GridState, config: GridConfig, market: MarketSpec, rules: Rules, price: float) -> None:
    """Wants a close for what is still held, again if fills came in late, until too little is left to be traded.

    A reduce-only order, as on linear markets, may be worth less than the market's minimum.
    """
    if config.on_stop is OnStop.KEEP or state.close_amount != 0.0:
        return
    amount = floor_to_step(min(abs(state.dust), rules.max_amount), rules.unit, rules.scale)
    least_worth = rules.min_notional if market.kind is MarketKind.SPOT else 0.0
    if tradable(amount, price, rules.min_amount, least_worth):
        state.phase = CLOSING
        state.close_sequence += 1
        state.close_amount = -amount if state.dust > 0 else amount
    else:
        state.phase = FINISHED


def _quiet(config: GridConfig, state: GridState, price: float, position: PositionView) -> bool:
    """Whether a running grid without fills has nothing to decide."""
    following = config.trailing_up or config.trailing_down or config.on_range_left is not OnRangeLeft.OFF
    if following and (state.outside_since != 0 or outside(state, price)):
        return False
    return met_exit(config, state, price, position) is None
