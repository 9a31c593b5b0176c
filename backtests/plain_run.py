"""A back-test of any strategy by the same loop as Python: what it wants is told to the loop in numbers.

A strategy that says ``rests_between_candles`` looks at closed candles alone: between two feature rows its step would
change nothing unless there are fills. It is called once a candle, and candles in which nothing else can happen are
passed over here, without the loop (:func:`pass_over`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, Generic

import numpy as np

from backtests.loop.records import AS_BEFORE
from backtests.loop.tables import add_slot, make_room
from strategies.contract import (
    C,
    Decision,
    FillSeen,
    Finish,
    MarketSpec,
    OrderType,
    Point,
    PositionView,
    Reason,
    S,
    Side,
    Signal,
    Strategy,
    WantedOrder,
)
from strategies.kernel import FOREVER, LIMIT, MARKET, NEVER_QUIET, STOP, Quiet, Tick

if TYPE_CHECKING:
    from backtests.loop.records import Funding, Path
    from strategies.feature_rows import FeatureTable

# So many rows are made to dictionaries at once: quicker than one by one, and little memory.
BLOCK: Final = 2048

_TYPES: Final = {OrderType.LIMIT: LIMIT, OrderType.MARKET: MARKET, OrderType.STOP: STOP}
_ALWAYS_QUIET: Final = (-float("inf"), float("inf"), FOREVER, True)
_NO_FILLS: Final[list[FillSeen]] = []


def _quick(kind: type[Any]) -> Any:
    """Makes a frozen dataclass of four fields in half the time of its ``__init__``, which finds each field by its name."""
    new = object.__new__
    first, second, third, fourth = (getattr(kind, each.name).__set__ for each in fields(kind))

    def make(one: Any, two: Any, three: Any, four: Any) -> Any:
        made = new(kind)
        first(made, one)
        second(made, two)
        third(made, three)
        fourth(made, four)
        return made

    return make


_point: Callable[[int, float, Mapping[str, float], int | None], Point] = _quick(Point)
_position: Callable[[float, float, float, float], PositionView] = _quick(PositionView)


class RowsByName:
    """Feature rows as a step is handed them, ``Point.features`` and ``Point.candle_close``, block by block.

    A row's number is its place in the table; the number of rows itself stands for none.
    """

    def __init__(self, features: FeatureTable | None) -> None:
        self._features = features
        self._count = 0 if features is None else len(features.closes)
        self.first = self.beyond = 0
        self.values: Sequence[Mapping[str, float]] = []
        self.closes: list[int | None] = []

    def turn_to(self, number: int) -> None:
        """Makes ``values`` and ``closes`` those of the rows from ``first`` to before ``beyond``, ``number`` among them."""
        if self.first <= number < self.beyond:
            return
        features = self._features
        if features is None or number >= self._count:
            names: Sequence[str] = () if features is None else tuple(features.columns)
            self.first, self.beyond = number, number + 1
            self.values, self.closes = [dict.fromkeys(names, float("nan"))], [None]
            return
        self.first = number - number % BLOCK
        self.beyond = min(self.first + BLOCK, self._count)
        here, names = slice(self.first, self.beyond), tuple(features.columns)
        # Copies of one dictionary, filled column by column: a third of the time of making each of its names and values.
        empty = dict.fromkeys(names, float("nan"))
        values = [empty.copy() for _ in range(self.first, self.beyond)]
        for name in names:
            column = np.where(features.known[here], features.columns[name][here], np.nan)
            for row, value in zip(values, column.tolist(), strict=True):
                row[name] = value
        self.values = values
        self.closes = features.closes[here].tolist()


@dataclass(slots=True)
class Bridge(Generic[C, S]):
    """A strategy as the loop's ``advance``, ``wanted`` and ``quiet``.

    ``slots`` and ``trades`` are the names behind the numbers, in the order in which they were first wanted.
    """

    strategy: Strategy[C, S]
    config: C
    market: MarketSpec
    state: S
    features: FeatureTable | None
    table: Any
    account: Any
    rests: bool = False
    notes: list[tuple[int, Reason]] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    finish: Finish | None = None
    slots: dict[str, int] = field(default_factory=dict)
    trades: dict[str, int] = field(default_factory=dict)
    slot_names: list[str] = field(default_factory=list)
    orders: tuple[WantedOrder, ...] = ()
    is_new: bool = False
    # What :func:`pass_over` has seen decided at the point that the loop comes to next.
    foreseen: Decision[S] | None = None
    rows: RowsByName = field(init=False)

    def __post_init__(self) -> None:
        self.rows = RowsByName(self.features)
        self.rests = bool(getattr(self.strategy, "rests_between_candles", False))
        if self.rests and self.features is None:
            raise ValueError(
                f"strategy {self.strategy.name} rests between candles, but looks at none: it has no features"
            )

    def advance(self, p: Any, s: Any, tick: Tick, row: Any, fills: Any, count: int, notes: Any) -> bool:
        decision = self.foreseen
        if decision is None:
            seen = [self._seen(fills[number]) for number in range(count)] if count else _NO_FILLS
            self.rows.turn_to(self.account.row)
            place = self.account.row - self.rows.first
            decision = self.strategy.step(
                self.config,
                self.market,
                self.state,
                _point(tick.timestamp, tick.price, self.rows.values[place], self.rows.closes[place]),
                _position(tick.amount, tick.average_price, tick.realised_pnl, tick.unrealised_pnl),
                seen,
            )
        self.foreseen = None
        self.state = decision.state
        for note in decision.notes:
            self.notes.append((tick.timestamp, note))
        if decision.signal is not None:
            self.signals.append(decision.signal)
        if decision.finish is not None:
            self.finish = decision.finish
        self.is_new = decision.wanted is not self.orders
        self.orders = decision.wanted
        return decision.finish is not None

    def wanted(self, p: Any, s: Any, rows: Any) -> int:
        if not self.is_new:
            return AS_BEFORE
        if len(self.orders) >= self.table.block:
            make_room(self.table, len(self.orders))
        if len(self.orders) > 1 and len({order.slot for order in self.orders}) < len(self.orders):
            raise ValueError(
                "the strategy wants two orders in one slot: " + ", ".join(each.slot for each in self.orders)
            )
        for number, order in enumerate(self.orders):
            self._write(rows[number], order)
        return len(self.orders)

    def quiet(self, p: Any, s: Any, tick: Tick) -> Quiet:
        return _ALWAYS_QUIET if self.rests else NEVER_QUIET

    def _seen(self, fill: Any) -> FillSeen:
        return FillSeen(
            self.slot_names[fill.slot],
            fill.sequence,
            Side.BUY if fill.side > 0 else Side.SELL,
            fill.price,
            fill.amount,
            fill.fee_base,
            fill.timestamp,
            fill.done,
        )

    def _write(self, row: Any, order: WantedOrder) -> None:
        row.slot = self._slot(order.slot)
        row.sequence = order.sequence
        row.side = 1 if order.side is Side.BUY else -1
        row.type = _TYPES[order.type]
        row.amount = float(self.market.quantise_amount(order.amount))
        row.price = 0.0 if order.price is None else float(self.market.quantise_price(order.price))
        row.trigger = 0.0 if order.trigger_price is None else float(self.market.quantise_price(order.trigger_price))
        row.post_only, row.reduce_only, row.protective = order.post_only, order.reduce_only, order.protective
        row.trade = self.trades.setdefault(order.trade, len(self.trades))

    def _slot(self, name: str) -> int:
        number = self.slots.get(name)
        if number is None:
            number = self.slots[name] = len(self.slots)
            self.slot_names.append(name)
            add_slot(self.table)
        return number


def pass_over(bridge: Bridge[Any, Any], path: Path, of_candle: Any, funding: Funding, length: int, end: int) -> None:
    """Steps once a candle from ``account.candle`` on, until one comes in which more than that can happen.

    In such a candle the step may be decided already (``bridge.foreseen``). The account's candle, price and row move on
    and nothing else: what lies behind changed neither money nor orders.
    """
    a, rows = bridge.account, bridge.rows
    if a.seen or a.refusing or a.sending or a.over or a.retry_at < FOREVER:
        return
    step, config, market, state, orders = (
        bridge.strategy.step,
        bridge.config,
        bridge.market,
        bridge.state,
        bridge.orders,
    )
    low, high, amount, cost, realised = a.low, a.high, a.amount, a.cost, a.realised
    nothing_stands = low == -math.inf and high == math.inf
    average = cost / amount if amount else 0.0
    position = _position(amount, average, realised, 0.0)
    paid_at = funding.timestamp[a.funding_next] if a.funding_next < len(funding.timestamp) else FOREVER
    until = paid_at - length + 1  # candles that open before it end before the funding
    begin, last, price, steps = a.candle, a.row, a.price, 0
    values_of, closed_of, first, beyond = rows.values, rows.closes, rows.first, rows.beyond
    starts, opens, highs, lows, closes = path.timestamp, path.open, path.high, path.low, path.close
    foreseen: Decision[Any] | None = None
    for number in range(begin, end):
        start = starts[number]
        if start >= until or not (
            nothing_stands or (low < price < high and low < lows[number] and highs[number] < high)
        ):
            break
        row = of_candle[number]
        if row != last:
            if not first <= row < beyond:
                rows.turn_to(row)
                values_of, closed_of, first, beyond = rows.values, rows.closes, rows.first, rows.beyond
            opened = opens[number]
            if amount:
                position = _position(amount, average, realised, amount * opened - cost)
            point = _point(start, opened, values_of[row - first], closed_of[row - first])
            decision = step(config, market, state, point, position, _NO_FILLS)
            if decision.wanted is not orders or decision.notes or decision.signal or decision.finish:
                foreseen = decision
                break
            state, last = decision.state, row
            steps += 1
        price = closes[number]
    else:
        number = end
    if number > begin:
        a.candle, a.price, a.row = number, price, last
        a.steps += steps
        bridge.state = state
    bridge.foreseen = foreseen
