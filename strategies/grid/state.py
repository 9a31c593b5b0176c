"""Everything a running grid remembers. The state is the snapshot: plain values, exact through JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from strategies.compiled import compiled
from strategies.grid.codes import EXITS, NEW, NO_EXIT, PHASES
from strategies.grid.config import MOST_GRIDS
from strategies.state import PlainState


@dataclass(slots=True)
class GridState(PlainState):
    """Lists run over the intervals from the lowest to the highest; prices in quote, amounts in base.

    What the bot holds is bound to intervals (``lots``) or not (``dust``: rounding left over by fees, and fills of
    orders that had been given up), or it is profit kept in base (``kept``). Their sum is the position.
    """

    WORDS: ClassVar[Mapping[str, tuple[str, ...]]] = {"phase": PHASES, "finish_code": EXITS}
    # What snapshots of version 1 do not have.
    ADDED_LATER: ClassVar[Mapping[str, Any]] = {"stop_sequence": -1, "stop_amount": 0.0}
    CAPACITIES: ClassVar[Mapping[str, int]] = {"lines": MOST_GRIDS + 1} | dict.fromkeys(
        (
            "slots",
            "sequences",
            "openings",
            "phases",
            "open_amounts",
            "amounts",
            "filled",
            "spent",
            "lots",
            "opened_at",
        ),
        MOST_GRIDS,
    )

    phase: int = NEW
    first_price: float = 0.0  # seen by the first step, the side from which the trigger price is reached
    lower: float = 0.0  # the range the grid was last built on; 0 while it is not known
    upper: float = 0.0
    shift: int = 0  # intervals trailed up since then, negative for down
    lines: list[float] = field(default_factory=list)  # one more than there are intervals
    line_above: float = 0.0  # the next lines beyond the grid; 0 when there is none
    line_below: float = 0.0

    slots: list[int] = field(default_factory=list)  # an interval keeps its number when the grid trails
    sequences: list[int] = field(default_factory=list)
    openings: list[int] = field(default_factory=list)  # +1 buys first, -1 sells first
    phases: list[int] = field(default_factory=list)  # core.WAITING, ...
    open_amounts: list[float] = field(default_factory=list)
    amounts: list[float] = field(default_factory=list)  # of the order that rests
    filled: list[float] = field(default_factory=list)  # of that order, before fees
    spent: list[float] = field(default_factory=list)  # quote value of what is filled of that order
    lots: list[float] = field(default_factory=list)  # signed
    opened_at: list[float] = field(default_factory=list)  # average price the held lot was opened at

    entry_sequence: int = -1
    entry_side: int = 0  # +1 buys, -1 sells, 0 when no entry is pending
    entry_amount: float = 0.0
    entry_filled: float = 0.0
    entry_spent: float = 0.0
    entry_price: float = 0.0  # the price at which the entry was decided

    close_sequence: int = -1
    close_amount: float = 0.0  # signed as the order: negative sells; 0 when no close is pending

    stop_sequence: int = -1
    stop_amount: float = 0.0  # signed as the order: negative sells; 0 when no stop order guards the position

    dust: float = 0.0
    kept: float = 0.0
    cycles: int = 0
    pnl_start: float = 0.0  # the position's P&L when the grid was first built
    outside_since: int = 0  # timestamp since when the price is a whole interval outside; 0 when it is not
    finish_code: int = NO_EXIT
    finish_value: float = 0.0
    finish_limit: float = 0.0

    def with_room_for(self, grids: int) -> Self:
        """The same, before it is built, with lists of as many intervals."""
        state = self.copy()
        state.lines = [0.0] * (grids + 1)
        state.slots, state.sequences = list(range(grids)), [-1] * grids
        state.openings, state.phases = ([0] * grids for _ in range(2))
        state.open_amounts, state.amounts, state.filled = ([0.0] * grids for _ in range(3))
        state.spent, state.lots, state.opened_at = ([0.0] * grids for _ in range(3))
        return state

    @property
    def base(self) -> float:
        """What the bot holds by this state's own count, signed, in base."""
        return held.plain(self, len(self.lots))


@compiled
def held(s: GridState, grids: int) -> float:
    """What the bot holds by the state's own count, signed, in base."""
    total = 0.0
    for i in range(grids):
        total += s.lots[i]
    return total + s.dust + s.kept


@compiled
def interval_of(s: GridState, grids: int, number: int) -> int:
    """The position from below of the interval with this number, or -1.

    Trailing turns the numbers round: after ``shift`` intervals up, position *i* has the number (*i* + shift) mod grids.
    """
    if number < 0 or number >= grids:
        return -1
    return (number - s.shift) % grids
