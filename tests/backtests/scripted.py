"""A strategy that wants, from given times on, given orders: the same script for every loop, compiled and not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from strategies.compiled import compiled
from strategies.contract import Finish, Level, MarketSpec, Problem, Reason, Signal, StrategyConfig
from strategies.kernel import BUY, FOREVER, LIMIT, MARKET, NO_SLOT, SELL, STOP, KernelStrategy, OrderRow, Tick, write
from strategies.state import PlainState

SLOTS = 6
MOST_SETS = 12
Script = Sequence[tuple[int, Sequence[OrderRow]]]


@dataclass(slots=True)
class ScriptState(PlainState):
    chapter: int = -1
    fills: int = 0
    done: int = 0
    bought: float = 0.0
    paid: float = 0.0
    position: float = 0.0  # as the step with the last fill saw it
    realised: float = 0.0


class ScriptParameters(NamedTuple):
    begins: NDArray[np.int64]  # times, FOREVER after the last
    counts: NDArray[np.int64]
    numbers: NDArray[np.int64]  # (chapter, row, field)
    prices: NDArray[np.float64]


@compiled
def advance(p: Any, s: Any, tick: Tick, row: Any, fills: Any, count: int, notes: Any) -> bool:
    for number in range(count):
        fill = fills[number]
        s.fills += 1
        if fill.done:
            s.done += 1
        s.bought += fill.side * fill.amount - fill.fee_base
        s.paid += fill.side * fill.amount * fill.price
    if count > 0:
        s.position = tick.amount
        s.realised = tick.realised_pnl
    while p.begins[s.chapter + 1] <= tick.timestamp:
        s.chapter += 1
    return False


@compiled
def wanted(p: Any, s: Any, orders: Any) -> int:
    if s.chapter < 0:
        return 0
    count = 0
    for number in range(p.counts[s.chapter]):
        slot, sequence, side, kind, post_only, reduce_only, protective = (
            p.numbers[s.chapter, number, 0],
            p.numbers[s.chapter, number, 1],
            p.numbers[s.chapter, number, 2],
            p.numbers[s.chapter, number, 3],
            p.numbers[s.chapter, number, 4],
            p.numbers[s.chapter, number, 5],
            p.numbers[s.chapter, number, 6],
        )
        count = write(
            orders,
            count,
            slot,
            sequence,
            side,
            kind,
            p.prices[s.chapter, number, 0],
            p.prices[s.chapter, number, 1],
            p.prices[s.chapter, number, 2],
            post_only != 0,
            reduce_only != 0,
            protective != 0,
            slot,
        )
    return count


@compiled
def quiet(p: Any, s: Any, tick: Tick) -> tuple[float, float, int, bool]:
    return 0.0, 1e300, p.begins[s.chapter + 1], False


class Scripted(KernelStrategy[StrategyConfig, ScriptState, ScriptParameters]):
    name: ClassVar[str] = "scripted"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Scripted"
    description: ClassVar[str] = "Wants what it was told to."
    Config = StrategyConfig
    MOST_ORDERS: ClassVar[int] = SLOTS
    SLOTS: ClassVar[int] = SLOTS
    advance = advance
    wanted = wanted
    quiet = quiet

    def __init__(self, script: Script) -> None:
        begins = np.full(MOST_SETS + 1, FOREVER, np.int64)
        counts = np.zeros(MOST_SETS, np.int64)
        numbers = np.zeros((MOST_SETS, SLOTS, 7), np.int64)
        prices = np.zeros((MOST_SETS, SLOTS, 3))
        for chapter, (begin, orders) in enumerate(script):
            begins[chapter], counts[chapter] = begin, len(orders)
            for number, each in enumerate(orders):
                flags = (each.post_only, each.reduce_only, each.protective)
                numbers[chapter, number] = (each.slot, each.sequence, each.side, each.type, *flags)
                prices[chapter, number] = (each.amount, each.price, each.trigger)
        self.script = ScriptParameters(begins, counts, numbers, prices)

    def parameters(self, config: StrategyConfig, market: MarketSpec) -> ScriptParameters:
        return self.script

    def initial_state(self, config: StrategyConfig, market: MarketSpec) -> ScriptState:
        return ScriptState()

    def load(self, data: Mapping[str, Any]) -> ScriptState:
        return ScriptState.load(data)

    def slot_number(self, name: str) -> int:
        return int(name[5:]) if name.startswith("slot ") else NO_SLOT

    def names(self, slot: int, trade: int) -> tuple[str, str]:
        return f"slot {slot}", f"trade {trade}"

    def order(
        self, config: StrategyConfig, market: MarketSpec, state: ScriptState, row: OrderRow
    ) -> tuple[str, str, Reason]:
        return *self.names(row.slot, row.trade), Reason("script")

    def told(
        self, config: StrategyConfig, market: MarketSpec, state: ScriptState, code: int, numbers: Sequence[float]
    ) -> Reason | Signal:
        return Reason("script")

    def finish(self, config: StrategyConfig, state: ScriptState) -> Finish:
        return Finish(Reason("script"))

    def preflight(
        self,
        config: StrategyConfig,
        market: MarketSpec,
        price: Decimal,
        quote_available: Decimal,
        base_available: Decimal,
    ) -> list[Problem]:
        return []

    def levels(self, config: StrategyConfig, market: MarketSpec, price: Decimal) -> list[Level]:
        return []


def limit(slot: int, side: int, price: float, amount: float = 1.0, sequence: int = 0, **more: bool) -> OrderRow:
    return OrderRow(slot, sequence, side, LIMIT, amount, price, **more)


def at_market(slot: int, side: int, amount: float = 1.0, sequence: int = 0, **more: bool) -> OrderRow:
    return OrderRow(slot, sequence, side, MARKET, amount, **more)


def stop(slot: int, side: int, trigger: float, amount: float = 1.0, sequence: int = 0, **more: bool) -> OrderRow:
    return OrderRow(slot, sequence, side, STOP, amount, 0.0, trigger, **more)


__all__ = ["BUY", "SELL", "Script", "Scripted", "at_market", "limit", "stop"]
