"""Everything a trend follower remembers. The state is the snapshot: plain values, exact through JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Self

from strategies.contract import WantedOrder

FLAT: Final = "flat"  # nothing is held that could be traded, and no entry is pending
ENTERING: Final = "entering"  # the entry order is wanted; some of it may be held already
HOLDING: Final = "holding"  # the entry is over


@dataclass(slots=True)
class TrendState:
    """Prices in quote, amounts in base, times in milliseconds UTC. ``side`` is +1 long, −1 short."""

    phase: str = FLAT
    started: bool = False
    pnl_start: float = 0.0  # the position's realised P&L at the first step
    seen_close: int = 0  # close of the newest row that was looked at
    market: str = ""  # the market's phase and side, as last told

    side: int = 0
    trade: int = -1  # number of the trade, and the sequence of its entry and targets
    kind: str = ""  # what the entry was made for
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

    target_prices: list[float] = field(default_factory=list)
    target_amounts: list[float] = field(default_factory=list)  # 0 for what is too little to be traded on its own
    target_filled: list[float] = field(default_factory=list)
    target_open: list[bool] = field(default_factory=list)  # wanted now

    losses: int = 0  # losing trades in a row
    paused_until: int = 0
    day: int = 0  # days since 1970-01-01
    day_pnl: float = 0.0  # realised P&L when it began
    day_told: bool = False  # that its loss limit is reached

    # A function of the fields above, remembered because most steps change nothing.
    wanted: tuple[WantedOrder, ...] | None = field(default=None, compare=False, repr=False)

    def copy(self) -> Self:
        """An independent state that has not decided yet what it wants."""
        values: dict[str, Any] = {name: value[:] if type(value) is list else value for name, value in self._items()}
        return type(self)(**values)

    def dump(self) -> dict[str, Any]:
        return {name: value[:] if type(value) is list else value for name, value in self._items()}

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Self:
        """Raises ``ValueError`` when the snapshot is not one of this strategy's."""
        unknown, missing = set(data) - set(FIELDS), set(FIELDS) - set(data)
        if unknown or missing:
            raise ValueError(
                f"This is not a trend follower's snapshot: unknown fields {sorted(unknown)}, "
                f"missing fields {sorted(missing)}."
            )
        return cls(**data).copy()

    @property
    def average(self) -> float:
        """Average price of what the entry has filled, or its decision's while nothing has."""
        return self.entry_spent / self.entry_filled if self.entry_filled else self.entry_price

    def _items(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in FIELDS]


FIELDS: Final = tuple(each.name for each in fields(TrendState) if each.name != "wanted")
