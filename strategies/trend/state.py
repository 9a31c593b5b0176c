"""Everything a trend follower remembers. The state is the snapshot: plain values, exact through JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Self

from strategies.compiled import compiled
from strategies.state import PlainState
from strategies.trend.config import MOST_TARGETS

FLAT: Final = 0  # nothing is held that could be traded, and no entry is pending
ENTERING: Final = 1  # the entry order is wanted; some of it may be held already
HOLDING: Final = 2  # the entry is over

# What an entry is made for.
NOTHING: Final = 0
PULLBACK: Final = 1
BREAKOUT: Final = 2
KINDS: Final = ("", "pullback", "breakout")

# The market's phase (see ``analysis``) and the trend's side.
NOT_SEEN: Final = 0
UNKNOWN: Final = 1
ACCUMULATION: Final = 2
TRANSITION: Final = 3
ADVANCE_UP: Final = 4
ADVANCE_DOWN: Final = 5
EXHAUSTION_UP: Final = 6
EXHAUSTION_DOWN: Final = 7
MARKETS: Final = (
    "",
    "unknown +0",
    "accumulation +0",
    "transition +0",
    "advance +1",
    "advance -1",
    "exhaustion +1",
    "exhaustion -1",
)

_OF_TARGETS: Final = ("target_prices", "target_amounts", "target_filled", "target_open")


def _zeros() -> list[float]:
    return [0.0] * MOST_TARGETS


def _none_open() -> list[bool]:
    return [False] * MOST_TARGETS


@dataclass(slots=True)
class TrendState(PlainState):
    """Prices in quote, amounts in base, times in milliseconds UTC. ``side`` is +1 long, −1 short."""

    WORDS: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "phase": ("flat", "entering", "holding"),
        "market": MARKETS,
        "kind": KINDS,
    }
    CAPACITIES: ClassVar[Mapping[str, int]] = dict.fromkeys(_OF_TARGETS, MOST_TARGETS)

    phase: int = FLAT
    started: bool = False
    pnl_start: float = 0.0  # the position's realised P&L at the first step
    seen_close: int = 0  # close of the newest row that was looked at
    market: int = NOT_SEEN  # as last told

    side: int = 0
    trade: int = -1  # number of the trade, and the sequence of its entry and targets
    kind: int = NOTHING  # what the entry was made for
    pnl_before: float = 0.0  # realised P&L when the trade was decided
    entry_price: float = 0.0  # of the decision; R and the targets are measured from it
    entry_amount: float = 0.0
    entry_filled: float = 0.0
    entry_spent: float = 0.0
    entry_age: int = 0  # candles closed since the decision
    risk: float = 0.0  # R: distance from the entry price to the first stop
    held: float = 0.0  # signed, all of it: with what rounding left of earlier trades

    stop: float = 0.0
    stop_sequence: int = -1
    stop_amount: float = 0.0  # the whole order's; 0 while none stands
    stop_filled: float = 0.0
    stopping: bool = False  # the stop has begun to fill
    even: bool = False  # the stop has been moved to break-even
    trailing: bool = False

    # All of them have the same length, with 0 in place of targets that there are not.
    target_prices: list[float] = field(default_factory=_zeros)
    target_amounts: list[float] = field(default_factory=_zeros)  # 0 for what is too little to be traded on its own
    target_filled: list[float] = field(default_factory=_zeros)
    target_open: list[bool] = field(default_factory=_none_open)  # wanted now

    losses: int = 0  # losing trades in a row
    paused_until: int = 0
    day: int = 0  # days since 1970-01-01
    day_pnl: float = 0.0  # realised P&L when it began
    day_told: bool = False  # that its loss limit is reached

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Self:
        """Raises ``ValueError`` when the snapshot is not one of this strategy's."""
        return super(TrendState, cls).load(
            {name: _filled_up(name, value) if name in _OF_TARGETS else value for name, value in data.items()}
        )


def _filled_up(name: str, values: list[Any]) -> list[Any]:
    """Snapshots of older versions hold as many as the trade has targets."""
    return values + (_none_open() if name == "target_open" else _zeros())[len(values) :]


@compiled
def average_of(s: TrendState) -> float:
    """Average price of what the entry has filled, or its decision's while nothing has."""
    return s.entry_spent / s.entry_filled if s.entry_filled > 0.0 else s.entry_price
