"""What a back-test in exact decimals is told, keeps and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Generic, TypeVar

from strategies.contract import Finish, PositionView, Reason, Side, WantedOrder
from strategies.retrying import wait_ms

ZERO = Decimal(0)

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Options:
    """``slippage`` is a fraction that market and stop orders pay, ``spread`` the one between the best bid and ask,
    ``leverage`` that of linear positions. ``through`` asks the price to pass a limit by a tick; ``latency`` in ms."""

    slippage: Decimal = ZERO
    through: bool = False
    leverage: Decimal = Decimal(10)
    spread: Decimal = ZERO
    latency: int = 0


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill. ``point`` counts from 0; ``fee`` is in base when ``fee_in_base``, else in quote."""

    point: int
    timestamp: int
    slot: str
    sequence: int
    side: Side
    price: Decimal
    amount: Decimal
    fee: Decimal
    fee_in_base: bool
    is_maker: bool
    trade: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A wish that could not be an order; it is tried again while it is wanted, as a bot tries it."""

    point: int
    slot: str
    sequence: int
    why: str


@dataclass(frozen=True, slots=True)
class Denials:
    """How often in a row the exchange itself refused a wish, and when last (ms UTC)."""

    count: int
    last: int

    def keep_back(self, timestamp: int, *, protective: bool) -> bool:
        return timestamp - self.last < wait_ms.plain(self.count, protective)


@dataclass(slots=True)
class Result(Generic[S]):
    """``equity`` holds (timestamp, quote) at every candle's close; ``quote`` and ``base`` are what is left at the end."""

    state: S
    fills: list[Execution] = field(default_factory=list)
    equity: list[tuple[int, Decimal]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    notes: list[tuple[int, Reason]] = field(default_factory=list)
    quote: Decimal = ZERO
    base: Decimal = ZERO
    finish: Finish | None = None
    points: int = 0


@dataclass(slots=True)
class Standing:
    wanted: WantedOrder
    wished: Decimal
    price: Decimal | None
    trigger: Decimal | None
    amount: Decimal = ZERO  # what of it is still to be filled


@dataclass(slots=True)
class Book:
    """Average-cost position: ``amount`` is negative and ``cost`` too for a short; ``realised`` is after fees."""

    amount: Decimal = ZERO
    cost: Decimal = ZERO
    realised: Decimal = ZERO

    def apply(self, change: Decimal, value: Decimal, fee_quote: Decimal) -> None:
        """``change`` in base after a fee in base; ``value`` is price times amount, negative for a sell."""
        self.realised -= fee_quote
        if self.amount == 0 or (self.amount > 0) == (change > 0):
            self.amount += change
            self.cost += value
            return
        closed = min(abs(change), abs(self.amount))
        cost = self.cost * closed / abs(self.amount)
        closing_value = value * closed / abs(change)
        self.realised -= cost + closing_value
        self.cost -= cost
        self.amount += closed if change > 0 else -closed
        if closed < abs(change):
            self.amount = change - closed if change > 0 else change + closed
            self.cost = value - closing_value

    def view(self, price: Decimal) -> PositionView:
        if not self.amount:
            return PositionView(realised_pnl=float(self.realised))
        return PositionView(
            amount=float(self.amount),
            average_price=float(self.cost / self.amount),
            realised_pnl=float(self.realised),
            unrealised_pnl=float(self.amount * price - self.cost),
        )
