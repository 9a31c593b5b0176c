"""An order, an execution and a market as the paper book works on them. Free of the database."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from exchange.paper.models import OPEN_STATUSES, PaperStatus
from strategies.contract import OrderType, Side

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class PricePoint:
    """Where a market stood. ``at`` is its own time, in milliseconds UTC."""

    at: int
    price: Decimal


@dataclass(slots=True)
class BookOrder:
    """Amounts in base, prices in quote. ``arrival`` is the place in the queue among orders at one price."""

    number: int
    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    amount: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    rising: bool
    post_only: bool
    reduce_only: bool
    status: PaperStatus
    arrival: int
    created: int
    updated: int
    filled: Decimal = ZERO
    filled_value: Decimal = ZERO
    triggered: bool = False
    reason: str = ""

    @property
    def is_buy(self) -> bool:
        return self.side is Side.BUY

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def left(self) -> Decimal:
        return self.amount - self.filled


@dataclass(frozen=True, slots=True)
class Execution:
    """``fee`` is in ``fee_currency``."""

    order: BookOrder
    number: int
    price: Decimal
    amount: Decimal
    fee: Decimal
    fee_currency: str
    is_maker: bool
    timestamp: int


@dataclass(slots=True)
class Market:
    """Where the book's last look found the price, and the linear position there.

    ``entry_value`` is the signed sum that was paid for ``size``, exact, so that total + size × price − entry value
    never moves by the rounding of an average price.
    """

    symbol: str
    price: Decimal
    seen_at: int
    size: Decimal = ZERO
    entry_value: Decimal = ZERO
    leverage: Decimal = Decimal(10)

    @property
    def unrealised(self) -> Decimal:
        return self.size * self.price - self.entry_value

    @property
    def margin(self) -> Decimal:
        return abs(self.size) * self.price / self.leverage

    def fill(self, *, is_buy: bool, price: Decimal, amount: Decimal) -> tuple[Decimal, bool]:
        """Books an execution; returns the realised profit before fees, and whether some of it closed."""
        signed = amount if is_buy else -amount
        if self.size * signed >= 0:
            self.size += signed
            self.entry_value += signed * price
            return ZERO, False
        closed = min(abs(self.size), amount)
        share = self.entry_value if closed == abs(self.size) else round(self.entry_value * closed / abs(self.size), 18)
        direction = 1 if self.size > 0 else -1
        profit = direction * closed * price - share
        self.size -= direction * closed
        self.entry_value -= share
        if opened := amount - closed:
            self.size = opened if is_buy else -opened
            self.entry_value = self.size * price
        return profit, True
