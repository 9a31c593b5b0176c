"""Everything a running DCA bot remembers. The state is the snapshot: plain values, exact through JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Self

from strategies.contract import WantedOrder

WAITING: Final = "waiting"  # no deal; the next one starts when nothing hinders it
STARTING: Final = "starting"  # the base order is wanted
OPEN: Final = "open"  # safety orders and take profit stand
CLOSING: Final = "closing"  # what is held is being closed at market
FINISHED: Final = "finished"


@dataclass(slots=True)
class DcaState:
    """Prices in quote, amounts in base and without a sign: what a short deal holds is what it sold.

    ``held`` is the position by this state's own count, fees in base taken off, dust of earlier deals included.
    ``entered`` and ``spent`` are what the deal's entries traded, before fees; their ratio is the average price.
    ``exited`` is what was closed since the last entry, at that same average.
    """

    phase: str = WAITING
    deal: int = 0  # the number of the current or last deal, from 1
    hindrance: str = ""  # the code of what was last told to hinder a start
    started_at: int = 0  # when the deal's base order was first wanted
    ended_at: int = 0  # when the last deal was over; 0 before that

    base_amount: float = 0.0
    base_filled: float = 0.0
    base_spent: float = 0.0
    base_price: float = 0.0  # average fill of the base order; 0 while it is not complete

    safety_prices: list[float] = field(default_factory=list)
    safety_amounts: list[float] = field(default_factory=list)
    safety_done: list[bool] = field(default_factory=list)

    entered: float = 0.0
    spent: float = 0.0
    exited: float = 0.0
    held: float = 0.0
    earned: float = 0.0  # quote, of this deal, before fees

    profit_prices: list[float] = field(default_factory=list)  # one for each step
    profit_amounts: list[float] = field(default_factory=list)  # of the step's order, what is filled of it included
    profit_filled: list[float] = field(default_factory=list)  # of the step's present order
    profit_done: list[bool] = field(default_factory=list)
    profit_sequences: list[int] = field(default_factory=list)
    best: float = 0.0  # the best price since a trailing take profit was reached; 0 while it was not

    stop_price: float = 0.0  # 0 when there is none
    stop_sequence: int = 0
    stop_amount: float = 0.0  # of the stop order at the exchange; 0 when none is wanted
    beyond_since: int = 0  # timestamp since when the price is beyond the stop; 0 when it is not

    close_sequence: int = 0
    close_filled: float = 0.0
    close_amount: float = 0.0  # what is filled of it included
    close_code: str = ""  # why the deal is being closed

    day: int = -1  # UTC days since 1970
    day_realised: float = 0.0  # realised P&L when the day began
    realised: float = 0.0  # realised P&L as last seen
    used_row: int = -1  # close of the candle whose cross has started a deal
    used_signal: float = -1.0  # time of the signal that has started a deal
    finish_code: str = ""

    # A function of the fields above, remembered because most steps change nothing.
    wanted: tuple[WantedOrder, ...] | None = field(default=None, compare=False, repr=False)

    @property
    def average(self) -> float:
        """Average price of the deal's entries, 0 before the first."""
        return self.spent / self.entered if self.entered else 0.0

    def copy(self) -> Self:
        """An independent state that has not decided yet what it wants."""
        values: dict[str, Any] = {name: value[:] if type(value) is list else value for name, value in self._items()}
        return type(self)(**values)

    def dump(self) -> dict[str, Any]:
        return dict(self._items())

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Self:
        """Raises ``ValueError`` when the snapshot is not one of this strategy's."""
        unknown, missing = set(data) - set(FIELDS), set(FIELDS) - set(data)
        if unknown or missing:
            raise ValueError(
                f"This is not a DCA bot's snapshot: unknown fields {sorted(unknown)}, missing fields {sorted(missing)}."
            )
        return cls(**data).copy()

    def _items(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in FIELDS]


FIELDS: Final = tuple(each.name for each in fields(DcaState) if each.name != "wanted")
