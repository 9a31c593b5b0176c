"""Everything a running bot remembers. The state is the snapshot: plain values, exact through JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Self

from strategies.smc.patterns import WORDS as PATTERNS
from strategies.state import PlainState

# Entries that can be open at a time, whatever the configuration allows of them.
MOST_POSITIONS: Final = 3

FREE: Final = 0  # nothing else of such a slot means anything
ENTERING: Final = 1  # the entry is not completely filled yet
OPEN: Final = 2
CLOSING: Final = 3  # the stop was met; nothing but the way out is wanted


def _zeros() -> list[float]:
    return [0.0] * MOST_POSITIONS


def _counts() -> list[int]:
    return [0] * MOST_POSITIONS


def _none_yet() -> list[int]:
    return [-1] * MOST_POSITIONS


def _switches() -> list[bool]:
    return [False] * MOST_POSITIONS


@dataclass(slots=True)
class SmcState(PlainState):
    """The lists have a place for each slot: one entry and its ways out. Amounts in base and positive, prices in quote;
    ``side`` is +1 for long, −1 for short.

    ``dust`` is base, signed, that belongs to no trade: what rounding left over, and fills that came late.
    """

    candle_close: int = 0  # of the newest row that was looked at
    number: int = -1  # of the last trade
    wins: int = 0
    losses: int = 0
    dust: float = 0.0
    close_sequence: int = -1  # of the last order that closed a trade at market
    tidy_sequence: int = -1
    tidy: float = 0.0  # signed as the order; 0 when none is wanted

    phase: list[int] = field(default_factory=_counts)
    trade: list[int] = field(default_factory=_counts)  # counts all trades, and is the sequence of its orders
    side: list[int] = field(default_factory=_counts)
    pattern: list[int] = field(default_factory=_counts)
    confidence: list[float] = field(default_factory=_zeros)
    amount: list[float] = field(default_factory=_zeros)  # of the entry order
    entry: list[float] = field(default_factory=_zeros)  # expected, then the average that was paid
    stop: list[float] = field(default_factory=_zeros)
    target: list[float] = field(default_factory=_zeros)
    risk: list[float] = field(default_factory=_zeros)  # distance of the first stop from the entry
    filled: list[float] = field(default_factory=_zeros)
    spent: list[float] = field(default_factory=_zeros)
    held: list[float] = field(default_factory=_zeros)
    profit: list[float] = field(default_factory=_zeros)  # of what is closed, before fees
    partial: list[float] = field(
        default_factory=_zeros
    )  # whole amounts of the orders that take profit; 0 where there is none
    partial_done: list[bool] = field(default_factory=_switches)
    rest: list[float] = field(default_factory=_zeros)
    rest_done: list[bool] = field(default_factory=_switches)
    stopped: list[float] = field(default_factory=_zeros)  # what the stop order has closed
    stop_done: list[bool] = field(default_factory=_switches)
    best: list[float] = field(default_factory=_zeros)  # the best price once the stop may follow, the entry before
    closing: list[float] = field(default_factory=_zeros)  # of the market order that closes; 0 when none is wanted
    closing_sequence: list[int] = field(default_factory=_none_yet)

    WORDS: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "phase": ("free", "entering", "open", "closing"),
        "pattern": PATTERNS,
    }

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Self:
        """Raises ``ValueError`` when the snapshot is not one of this strategy's."""
        return super(SmcState, cls).load(_by_slot(data) if "trades" in data else data)


SmcState.CAPACITIES = {name: MOST_POSITIONS for name, value in SmcState().dump().items() if isinstance(value, list)}


def _by_slot(data: Mapping[str, Any]) -> dict[str, Any]:
    """Snapshots of version 1 have a list of trades instead, each with its slot."""
    converted = {name: value for name, value in data.items() if name != "trades"}
    empty = SmcState().dump()
    columns = {name: value for name, value in empty.items() if isinstance(value, list)}
    for trade in data["trades"]:
        slot = trade["slot"]
        for name, column in columns.items():
            column[slot] = trade[_OLD_NAMES.get(name, name)]
    return converted | columns


_OLD_NAMES: Final = {"trade": "number", "closing_sequence": "close_sequence"}
