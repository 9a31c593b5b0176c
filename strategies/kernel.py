"""Strategies whose step is plain arithmetic over numbers: one source, called as Python live and compiled in back-tests.

Such a strategy is made of three functions over the same state, each ``@compiled``:

* ``advance(p, s, tick, row, fills, count, notes) -> bool`` books the fills and moves the state ``s`` on, in place. True
  when the strategy has finished.
* ``wanted(p, s, orders) -> int`` writes the orders that should stand in this state, and how many they are.
* ``quiet(p, s, tick) -> (low, high, until, rows)`` says when ``advance`` would change nothing: while the price lies
  strictly between ``low`` and ``high``, before ``until`` (ms UTC), without fills, and without a new feature row: ``rows``
  is :data:`EVERY_ROW` (or true), :data:`NO_ROW` (or false) where none would change anything, or :data:`OTHER_VALUES`
  where a row of the same values as the one before would not, as that of a signal which stays what it is. A zone that is
  too small costs time, one that is too large is a fault. Where there is no such zone it is :data:`NEVER_QUIET`.

``p`` is a named tuple of numbers made of configuration and market, ``s`` a :class:`~strategies.state.PlainState` or its
record, ``row`` the newest feature row in the order of ``columns``, all NaN while there is none. Texts are made
outside: slots, trades and notes are numbers here, and the strategy's class names them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, NamedTuple, TypeVar, get_type_hints

from strategies.compiled import Compiled, compiled
from strategies.contract import (
    Decision,
    FillSeen,
    Finish,
    MarketSpec,
    OrderType,
    Point,
    PositionView,
    Reason,
    Side,
    Signal,
    StrategyConfig,
    WantedOrder,
)
from strategies.state import PlainState

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Notes = npt.NDArray[np.float64]

Row = Sequence[float]
Quiet = tuple[float, float, int, bool]
# The same, where which rows matter may be one of the three below.
QuietRows = tuple[float, float, int, int]

BUY: Final = 1
SELL: Final = -1
LIMIT: Final = 0
MARKET: Final = 1
STOP: Final = 2
NO_TRIGGER: Final = 0.0
FOREVER: Final = 1 << 62
# Which new feature rows end a quiet zone.
NO_ROW: Final = 0
EVERY_ROW: Final = 1
OTHER_VALUES: Final = 2
NEVER_QUIET: Final = (math.inf, -math.inf, 0, True)
# A slot that is not one of the strategy's own.
NO_SLOT: Final = -1

NOTE_NUMBERS: Final = 9
MOST_NOTES: Final = 256


class Tick(NamedTuple):
    """A point and the bot's position at it, as plain numbers. ``candle_close`` is 0 while no candle has closed."""

    timestamp: int
    price: float
    candle_close: int
    amount: float
    average_price: float
    realised_pnl: float
    unrealised_pnl: float


class FillRow(NamedTuple):
    """A :class:`~strategies.contract.FillSeen` as plain numbers; ``side`` is +1 or −1."""

    slot: int
    sequence: int
    side: int
    price: float
    amount: float
    fee_base: float
    timestamp: int
    done: bool


@dataclass(slots=True)
class OrderRow:
    """A :class:`~strategies.contract.WantedOrder` as plain numbers. ``price`` and ``trigger`` are 0 where there is none;
    ``trade`` is the number that the strategy's class makes the round trip's name of.

    Prices are on the tick and amounts on the step (``strategies.lattice``). A slot stands in at most one row.
    """

    slot: int = 0
    sequence: int = 0
    side: int = 0
    type: int = LIMIT
    amount: float = 0.0
    price: float = 0.0
    trigger: float = 0.0
    post_only: bool = False
    reduce_only: bool = False
    protective: bool = False
    trade: int = 0


@compiled
def write(
    orders: Any,
    count: int,
    slot: int,
    sequence: int,
    side: int,
    type: int,
    amount: float,
    price: float,
    trigger: float,
    post_only: bool,
    reduce_only: bool,
    protective: bool,
    trade: int,
) -> int:
    """Fills the row ``count`` and returns the next count."""
    row = orders[count]
    row.slot = slot
    row.sequence = sequence
    row.side = side
    row.type = type
    row.amount = amount
    row.price = price
    row.trigger = trigger
    row.post_only = post_only
    row.reduce_only = reduce_only
    row.protective = protective
    row.trade = trade
    return count + 1


@compiled
def note(
    notes: Notes,
    code: int,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
    d: float = 0.0,
    e: float = 0.0,
    f: float = 0.0,
    g: float = 0.0,
    h: float = 0.0,
    i: float = 0.0,
) -> None:
    """Tells something: a code of the strategy's own and up to nine numbers. ``notes`` without rows keeps nothing."""
    if notes.shape[0] == 0:
        return
    place = int(notes[0, 0]) + 1
    if place >= notes.shape[0]:
        return
    notes[0, 0] = place
    notes[place, 0] = code
    notes[place, 1] = a
    notes[place, 2] = b
    notes[place, 3] = c
    notes[place, 4] = d
    notes[place, 5] = e
    notes[place, 6] = f
    notes[place, 7] = g
    notes[place, 8] = h
    notes[place, 9] = i


class _Silent:
    shape = (0, 0)


# Notes that nobody wants to hear, for calls outside a step.
SILENT: Final[Any] = _Silent()

C = TypeVar("C", bound=StrategyConfig)
S = TypeVar("S", bound=PlainState)
P = TypeVar("P")

_TYPES: Final = (OrderType.LIMIT, OrderType.MARKET, OrderType.STOP)
_SIDES: Final = {BUY: Side.BUY, SELL: Side.SELL}


class KernelStrategy(Generic[C, S, P]):
    """The step of such a strategy, and its snapshot. A subclass gives the three functions and names the numbers."""

    Config: type[C]
    # The most rows that ``wanted`` writes, and the number that every slot's number is below.
    MOST_ORDERS: ClassVar[int]
    SLOTS: ClassVar[int]

    advance: ClassVar[Compiled[..., bool]]
    wanted: ClassVar[Compiled[..., int]]
    quiet: ClassVar[Compiled[..., QuietRows]]

    def parameters(self, config: C, market: MarketSpec) -> P:
        """A named tuple of numbers, the same type for all configurations; remembered by the subclass."""
        raise NotImplementedError

    def most_orders(self, config: C) -> int:
        """The most rows that ``wanted`` writes with this configuration."""
        return self.MOST_ORDERS

    def columns(self, config: C) -> tuple[str, ...]:
        """The order of a feature row."""
        return ()

    def initial_state(self, config: C, market: MarketSpec) -> S:
        raise NotImplementedError

    def slot_number(self, name: str) -> int:
        """:data:`NO_SLOT` for a name that is not one of this strategy's slots."""
        raise NotImplementedError

    def names(self, slot: int, trade: int) -> tuple[str, str]:
        """The names of a slot's number, and of the trade that an order in it belongs to."""
        raise NotImplementedError

    def order(self, config: C, market: MarketSpec, state: S, row: OrderRow) -> tuple[str, str, Reason]:
        """The names of a row's slot and trade, and its reason."""
        raise NotImplementedError

    def told(self, config: C, market: MarketSpec, state: S, code: int, numbers: Sequence[float]) -> Reason | Signal:
        """What a note says. ``numbers`` are :data:`NOTE_NUMBERS`; those not given are 0."""
        raise NotImplementedError

    def finish(self, config: C, state: S) -> Finish:
        """Asked for once ``advance`` has said that the strategy has finished."""
        raise NotImplementedError

    def dump(self, state: S) -> dict[str, Any]:
        return state.dump()

    def step(
        self,
        config: C,
        market: MarketSpec,
        state: S,
        point: Point,
        position: PositionView,
        fills: Sequence[FillSeen],
    ) -> Decision[S]:
        """See :class:`~strategies.contract.Strategy`."""
        import numpy as np

        parameters = self.parameters(config, market)
        tick = tick_of(point, position)
        if not fills:
            low, high, until, rows = self.quiet.plain(parameters, state, tick)
            # A zone that a new feature row ends says nothing here: this tick may be the first to see one.
            if low < point.price < high and point.timestamp < until and not rows:
                return Decision(state, self.wanted_orders(config, market, state))
        state = state.copy()
        seen = [self.fill_row(fill) for fill in fills]
        notes = np.zeros((MOST_NOTES + len(seen) + 1, NOTE_NUMBERS + 1))
        values = features_row(point.features, self.columns(config))
        over = self.advance.plain(parameters, state, tick, values, seen, len(seen), notes)
        told = [
            self.told(config, market, state, int(code), numbers)
            for code, *numbers in notes[1 : int(notes[0, 0]) + 1].tolist()
        ]
        return Decision(
            state,
            self.wanted_orders(config, market, state),
            signal=next((each for each in told if isinstance(each, Signal)), None),
            notes=tuple(each for each in told if isinstance(each, Reason)),
            finish=self.finish(config, state) if over else None,
        )

    def wanted_orders(self, config: C, market: MarketSpec, state: S) -> tuple[WantedOrder, ...]:
        """The complete set of orders that should stand in this state."""
        if state.wanted is None:
            rows = [OrderRow() for _ in range(self.most_orders(config))]
            count = self.wanted.plain(self.parameters(config, market), state, rows)
            state.wanted = tuple(self._order(config, market, state, row) for row in rows[:count])
        return state.wanted

    def fill_row(self, fill: FillSeen) -> FillRow:
        return FillRow(
            self.slot_number(fill.slot),
            fill.sequence,
            BUY if fill.side is Side.BUY else SELL,
            fill.price,
            fill.amount,
            fill.fee_base,
            fill.timestamp,
            fill.done,
        )

    def _order(self, config: C, market: MarketSpec, state: S, row: OrderRow) -> WantedOrder:
        slot, trade, reason = self.order(config, market, state, row)
        return WantedOrder(
            slot,
            row.sequence,
            _SIDES[row.side],
            _TYPES[row.type],
            row.amount,
            reason,
            row.price if row.type == LIMIT else None,
            row.trigger if row.type == STOP else None,
            row.post_only,
            row.reduce_only,
            trade,
            row.protective,
        )


def tick_of(point: Point, position: PositionView) -> Tick:
    return Tick(
        point.timestamp,
        point.price,
        point.candle_close or 0,
        position.amount,
        position.average_price,
        position.realised_pnl,
        position.unrealised_pnl,
    )


def features_row(features: Mapping[str, float], columns: Sequence[str]) -> list[float]:
    """The values in the order of ``columns``, NaN for what is missing."""
    return [features.get(name, math.nan) for name in columns]


def fill_rows(fills: Sequence[FillRow]) -> Any:
    """The same as records, for a compiled step."""
    import numpy as np

    return np.array(list(fills), _row_type(FillRow)).view(np.recarray)


def order_rows(count: int) -> Any:
    """Room for as many orders of a compiled step."""
    import numpy as np

    return np.zeros(count, _row_type(OrderRow)).view(np.recarray)


@cache
def _row_type(row: type[FillRow | OrderRow]) -> np.dtype[Any]:
    import numpy as np

    scalars = {int: np.int64, float: np.float64, bool: np.bool_}
    return np.dtype([(name, scalars[hint]) for name, hint in get_type_hints(row).items()], align=True)
