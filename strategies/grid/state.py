"""Everything a running grid remembers. The state is the snapshot: plain values, exact through JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, Final, Self

from strategies.contract import MarketSpec, WantedOrder

NEW: Final = "new"  # not stepped yet
ARMED: Final = "armed"  # waits for the trigger price
RUNNING: Final = "running"
REBUILDING: Final = "rebuilding"  # everything is being cancelled, the next step builds the grid again
CLOSING: Final = "closing"  # stopped; what is held is being closed at market
FINISHED: Final = "finished"


@dataclass(slots=True)
class GridState:
    """Lists run over the intervals from the lowest to the highest; prices in quote, amounts in base.

    What the bot holds is bound to intervals (``lots``) or not (``dust``: rounding left over by fees, and fills of
    orders that had been given up), or it is profit kept in base (``kept``). Their sum is the position.
    """

    phase: str = NEW
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
    finish_code: str = ""
    finish_value: float = 0.0
    finish_limit: float = 0.0

    # A function of the fields above, remembered because most steps change nothing.
    wanted: tuple[WantedOrder, ...] | None = field(default=None, compare=False, repr=False)

    def copy(self) -> Self:
        """An independent state that has not decided yet what it wants."""
        values: dict[str, Any] = {name: value[:] if type(value) is list else value for name, value in self._items()}
        return type(self)(**values)

    def dump(self) -> dict[str, Any]:
        return dict(self._items())

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Self:
        """Raises ``ValueError`` when the snapshot is not one of this strategy's."""
        data = {**_ADDED_LATER, **data}
        unknown, missing = set(data) - set(FIELDS), set(FIELDS) - set(data)
        if unknown or missing:
            raise ValueError(
                f"This is not a grid's snapshot: unknown fields {sorted(unknown)}, missing fields {sorted(missing)}."
            )
        return cls(**data).copy()

    @property
    def base(self) -> float:
        """What the bot holds by this state's own count, signed, in base."""
        return sum(self.lots) + self.dust + self.kept

    def interval_of(self, slot: int) -> int:
        """The position from below of the interval with this number, or -1."""
        return self.slots.index(slot) if slot in self.slots else -1

    def _items(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in FIELDS]


# What snapshots of version 1 do not have.
_ADDED_LATER: Final[Mapping[str, Any]] = {"stop_sequence": -1, "stop_amount": 0.0}
FIELDS: Final = tuple(each.name for each in fields(GridState) if each.name != "wanted")


@dataclass(frozen=True, slots=True)
class Rules:
    """A market's rules as floats; the step is ``unit / scale``."""

    unit: int
    scale: int
    min_amount: float
    max_amount: float
    min_notional: float
    maker_fee: float


@lru_cache(maxsize=512)
def rules_of(market: MarketSpec) -> Rules:
    unit, scale = market.step.as_integer_ratio()
    return Rules(
        unit=unit,
        scale=scale,
        min_amount=float(market.min_amount),
        max_amount=float("inf") if market.max_amount is None else float(market.max_amount),
        min_notional=float(market.min_notional or 0),
        maker_fee=float(market.maker_fee),
    )
