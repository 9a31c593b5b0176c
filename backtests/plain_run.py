"""A back-test of any strategy by the same loop as Python: what it wants is told to the loop in numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final, Generic

from backtests.loop.records import AS_BEFORE
from backtests.loop.tables import add_slot
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
from strategies.feature_rows import NO_FEATURES, FeatureRow, FeatureTable
from strategies.kernel import FOREVER, LIMIT, MARKET, NEVER_QUIET, STOP, Quiet, Tick

# How many orders a strategy of one's own may want at once.
MOST_ORDERS: Final = 500

_TYPES: Final = {OrderType.LIMIT: LIMIT, OrderType.MARKET: MARKET, OrderType.STOP: STOP}
_ALWAYS_QUIET: Final = (-float("inf"), float("inf"), FOREVER, True)


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
    rests: bool = False
    notes: list[tuple[int, Reason]] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    finish: Finish | None = None
    slots: dict[str, int] = field(default_factory=dict)
    trades: dict[str, int] = field(default_factory=dict)
    slot_names: list[str] = field(default_factory=list)
    orders: tuple[WantedOrder, ...] = ()
    is_new: bool = False
    row: FeatureRow = NO_FEATURES
    row_close: int = -1

    def __post_init__(self) -> None:
        self.rests = bool(getattr(self.strategy, "rests_between_candles", False))
        if self.rests and self.features is None:
            raise ValueError(
                f"strategy {self.strategy.name} rests between candles, but looks at none: it has no features"
            )

    def advance(self, p: Any, s: Any, tick: Tick, row: Any, fills: Any, count: int, notes: Any) -> bool:
        if tick.candle_close != self.row_close:
            self.row, self.row_close = self._row(tick.timestamp), tick.candle_close
        decision: Decision[S] = self.strategy.step(
            self.config,
            self.market,
            self.state,
            Point(tick.timestamp, tick.price, self.row.values, self.row.candle_close),
            PositionView(tick.amount, tick.average_price, tick.realised_pnl, tick.unrealised_pnl),
            [self._seen(fills[number]) for number in range(count)],
        )
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
        if len(self.orders) > MOST_ORDERS:
            raise ValueError(f"the strategy wants {len(self.orders)} orders at once: {MOST_ORDERS} are the most")
        if len({order.slot for order in self.orders}) < len(self.orders):
            raise ValueError(
                "the strategy wants two orders in one slot: " + ", ".join(each.slot for each in self.orders)
            )
        for number, order in enumerate(self.orders):
            self._write(rows[number], order)
        return len(self.orders)

    def quiet(self, p: Any, s: Any, tick: Tick) -> Quiet:
        return _ALWAYS_QUIET if self.rests else NEVER_QUIET

    def _row(self, timestamp: int) -> FeatureRow:
        if self.features is None:
            return NO_FEATURES
        return self.features.row(self.features.row_at(timestamp))

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

    def _write(self, row: SimpleNamespace, order: WantedOrder) -> None:
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
