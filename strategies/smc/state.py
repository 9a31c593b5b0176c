"""Everything a running bot remembers. The state is the snapshot: plain values, exact through JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final, Self

ENTERING: Final = "entering"  # the entry is not completely filled yet
OPEN: Final = "open"
CLOSING: Final = "closing"  # the stop was met; nothing but the way out is wanted


@dataclass(slots=True)
class Trade:
    """One entry and its ways out. Amounts in base and positive, prices in quote; ``side`` is +1 for long, −1 for
    short."""

    slot: int  # 0 … positions − 1
    number: int  # counts all trades, and is the sequence of its orders
    side: int
    pattern: str
    confidence: float
    amount: float  # of the entry order
    entry: float  # expected, then the average that was paid
    stop: float
    target: float
    risk: float  # distance of the first stop from the entry
    phase: str = ENTERING
    filled: float = 0.0
    spent: float = 0.0
    held: float = 0.0
    profit: float = 0.0  # of what is closed, before fees
    partial: float = 0.0  # whole amounts of the orders that take profit; 0 where there is none
    partial_done: bool = False
    rest: float = 0.0
    rest_done: bool = False
    stopped: float = 0.0  # what the stop order has closed
    stop_done: bool = False
    best: float = 0.0  # the best price since the entry
    closing: float = 0.0  # of the market order that closes; 0 when none is wanted
    close_sequence: int = -1

    @property
    def tag(self) -> str:
        """What the ledger pairs its fills by."""
        return f"smc:{self.number}"


@dataclass(slots=True)
class SmcState:
    """``dust`` is base, signed, that belongs to no trade: what rounding left over, and fills that came late."""

    candle_close: int = 0  # of the newest row that was looked at
    number: int = -1  # of the last trade
    trades: list[Trade] = field(default_factory=list)
    wins: int = 0
    losses: int = 0
    dust: float = 0.0
    close_sequence: int = -1  # of the last order that closed a trade at market
    tidy_sequence: int = -1
    tidy: float = 0.0  # signed as the order; 0 when none is wanted

    def copy(self) -> Self:
        return replace(self, trades=[replace(trade) for trade in self.trades])

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Self:
        """Raises ``ValueError`` when the snapshot is not one of this strategy's."""
        unknown, missing = set(data) - set(FIELDS), set(FIELDS) - set(data)
        if unknown or missing:
            raise ValueError(
                f"This is not a Smart Money bot's snapshot: unknown fields {sorted(unknown)}, "
                f"missing fields {sorted(missing)}."
            )
        return cls(**{**data, "trades": [Trade(**trade) for trade in data["trades"]]})

    def trade_of(self, slot: int, number: int) -> Trade | None:
        return next((each for each in self.trades if (each.slot, each.number) == (slot, number)), None)


FIELDS: Final = tuple(each.name for each in fields(SmcState))
