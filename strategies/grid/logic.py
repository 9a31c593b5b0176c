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
from functools import lru_cache
from typing import Any, ClassVar

from strategies.contract import (
    CandleNeed,
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
)
from strategies.grid import orders, run
from strategies.grid import preflight as checks
from strategies.grid.atr import SETTLING_PERIODS, average_true_range
from strategies.grid.codes import (
    CLOSE_SLOT,
    COUNTS,
    EXITS,
    FIRST_INTERVAL,
    NOTES,
    SLOT_NAMES,
    STOP_SLOT,
    TOLD_EXIT,
    TRADE_NAMES,
)
from strategies.grid.config import MOST_GRIDS, GridConfig
from strategies.grid.core import AWAITING_ENTRY, WAITING
from strategies.grid.lines import ladder_of, resolve_range
from strategies.grid.parameters import GridParameters, parameters_of
from strategies.grid.state import GridState
from strategies.kernel import NO_SLOT, KernelStrategy, OrderRow


class GridStrategy(KernelStrategy[GridConfig, GridState, GridParameters]):
    name: ClassVar[str] = "grid"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Grid"
    description: ClassVar[str] = (
        "Cuts a price range into intervals and earns the width of an interval each time the price swings through it."
    )
    Config: type[GridConfig] = GridConfig
    # One in each interval, the stop and the entry; and slots for the close too.
    MOST_ORDERS = MOST_GRIDS + 2
    SLOTS = FIRST_INTERVAL + MOST_GRIDS

    advance = run.advance
    wanted = orders.wanted
    quiet = run.quiet

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
        state = GridState().with_room_for(config.grids)
        if config.lower is not None and config.upper is not None:
            ladder = ladder_of(config, market)
            state.lower, state.upper = float(ladder.lower), float(ladder.upper)
        return state

    def load(self, data: Mapping[str, Any]) -> GridState:
        return GridState.load(data)

    def parameters(self, config: GridConfig, market: MarketSpec) -> GridParameters:
        return parameters_of(config, market)

    def most_orders(self, config: GridConfig) -> int:
        return config.grids + 2

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
        if not state.slots:  # a snapshot of version 1, from before the grid was built
            state = state.with_room_for(config.grids)
        return super().step(config, market, state, point, position, fills)

    def slot_number(self, name: str) -> int:
        return _SLOTS.get(name, NO_SLOT)

    def names(self, slot: int, trade: int) -> tuple[str, str]:
        return SLOT_NAMES[slot], TRADE_NAMES[trade]

    def order(self, config: GridConfig, market: MarketSpec, state: GridState, row: OrderRow) -> tuple[str, str, Reason]:
        slot = row.slot
        if slot < FIRST_INTERVAL:
            return SLOT_NAMES[slot], TRADE_NAMES[row.trade], _reason(state, row)
        i = (slot - FIRST_INTERVAL - state.shift) % config.grids
        if state.phases[i] == WAITING:
            target = state.lines[i + 1] if row.side > 0 else state.lines[i]
            reason = _opens(slot - FIRST_INTERVAL, row.amount, row.price, target)
        else:
            reason = _takes_profit(slot - FIRST_INTERVAL, row.amount, row.price, state.opened_at[i])
        return SLOT_NAMES[slot], TRADE_NAMES[row.trade], reason

    def told(
        self, config: GridConfig, market: MarketSpec, state: GridState, code: int, numbers: Sequence[float]
    ) -> Reason:
        reason, names = NOTES[code]
        if code == TOLD_EXIT:
            reason = EXITS[state.finish_code]
        values = zip(names, numbers, strict=False)
        return Reason(reason, {name: int(value) if name in COUNTS else value for name, value in values})

    def finish(self, config: GridConfig, state: GridState) -> Finish:
        numbers = {"value": state.finish_value, "limit": state.finish_limit}
        return Finish(Reason(EXITS[state.finish_code], numbers))

    def preflight(
        self, config: GridConfig, market: MarketSpec, price: Decimal, quote_available: Decimal, base_available: Decimal
    ) -> list[Problem]:
        return checks.problems(config, market, price, quote_available)

    def levels(self, config: GridConfig, market: MarketSpec, price: Decimal) -> list[Level]:
        """The resting orders of a start at ``price``, from the lowest line up, once the entry is filled.

        None while the range is not known: a range in ATRs has to be resolved first.
        """
        return checks.start_levels(config, market, price)


_SLOTS = {name: number for number, name in enumerate(SLOT_NAMES)}


# Most orders of a tick are those of the tick before.
@lru_cache(maxsize=4096)
def _opens(interval: int, amount: float, price: float, target: float) -> Reason:
    return Reason("grid.open", {"interval": interval, "amount": amount, "price": price, "target": target})


@lru_cache(maxsize=4096)
def _takes_profit(interval: int, amount: float, price: float, opened_at: float) -> Reason:
    numbers = {"interval": interval, "amount": amount, "price": price, "opened_at": opened_at}
    return Reason("grid.take_profit", numbers)


def _reason(state: GridState, row: OrderRow) -> Reason:
    """Why there is an order that belongs to no interval."""
    if row.slot == CLOSE_SLOT:
        return Reason("grid.close", {"amount": row.amount, "cause": EXITS[state.finish_code]})
    if row.slot == STOP_SLOT:
        return Reason("grid.stop", {"amount": row.amount, "price": row.trigger})
    awaiting = state.phases.count(AWAITING_ENTRY)
    return Reason("grid.entry", {"amount": row.amount, "price": state.entry_price, "intervals": awaiting})
