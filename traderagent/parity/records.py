"""What both sides did, in one form: fills, the orders they wanted, and what was left in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from strategies.contract import OrderType, Side

Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Traded:
    """One execution. ``timestamp`` is the market's (ms UTC), ``price`` in quote, ``amount`` in base, ``fee`` in
    ``fee_coin``."""

    timestamp: int
    slot: str
    sequence: int
    side: Side
    price: Decimal
    amount: Decimal
    fee: Decimal
    fee_coin: str
    fee_quote: Decimal  # the whole fee's worth
    is_maker: bool

    @property
    def key(self) -> Key:
        return self.slot, self.sequence

    def __str__(self) -> str:
        return f"{self.side} {plain(self.amount)} at {plain(self.price)}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order as it was wanted last. ``since`` is the market's time of the first tick that wanted it."""

    since: int
    slot: str
    sequence: int
    side: Side
    type: OrderType
    amount: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    # Why it never stood, where it was wanted and refused.
    refused: str = ""

    @property
    def key(self) -> Key:
        return self.slot, self.sequence

    @property
    def at(self) -> Decimal | None:
        return self.price if self.price is not None else self.trigger_price

    def __str__(self) -> str:
        where = "at market" if self.at is None else f"at {plain(self.at)}"
        return f"{self.type} {self.side} {plain(self.amount)} {where}"


@dataclass(frozen=True, slots=True)
class Opinion:
    """A strategy's signal."""

    timestamp: int
    direction: str
    entry: float
    stop_loss: float | None
    take_profit: float | None


@dataclass(frozen=True, slots=True)
class Run:
    """One side's whole run. ``state`` is the strategy's last one as it dumps it, ``amount`` what is held in the end."""

    fills: Sequence[Traded]
    wanted: Mapping[Key, Wanted]
    opinions: Sequence[Opinion] = ()
    amount: Decimal = Decimal(0)
    state: Mapping[str, Any] = field(default_factory=dict)


def plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
