"""The one port to every exchange: what the platform asks for, in the platform's own types.

Amounts and prices are ``Decimal`` from the exchange's strings on; amounts are in the base coin (never in contracts);
timestamps are the exchange's, in milliseconds UTC. Every method raises the errors of :mod:`exchange.errors` and no
others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from exchange.traits import VenueTraits
from strategies.contract import MarketKind, MarketSpec, OrderType, Side


class ReportedStatus(StrEnum):
    """What an exchange says of an order."""

    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Ticker:
    """``lag`` is how old the price was on arrival, in ms by the exchange's own clock; ``None`` in a replayed market,
    whose time is no clock's."""

    symbol: str
    last: Decimal
    timestamp: int
    bid: Decimal | None = None
    ask: Decimal | None = None
    lag: int | None = None


@dataclass(frozen=True, slots=True)
class Candle:
    """``timestamp`` is the open time; ``volume`` is in base."""

    timestamp: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True)
class Balance:
    free: Decimal
    used: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class ExchangePosition:
    """One-way mode: ``amount`` in base is negative for a short."""

    symbol: str
    amount: Decimal
    average_price: Decimal
    unrealised_pnl: Decimal
    leverage: Decimal | None = None
    liquidation_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OrderRequest:
    symbol: str
    client_order_id: str
    side: Side
    type: OrderType
    amount: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    post_only: bool = False
    reduce_only: bool = False


@dataclass(frozen=True, slots=True)
class OrderReport:
    """An order as the exchange knows it. ``client_order_id`` is empty for orders placed by hand.

    ``triggered`` says of a stop order whether its trigger price was met; ``None`` of every other order, and where the
    exchange does not say (of one that was cancelled without a fill).
    """

    symbol: str
    client_order_id: str
    exchange_order_id: str
    status: ReportedStatus
    side: Side | None = None
    type: OrderType | None = None
    amount: Decimal | None = None
    filled: Decimal | None = None
    price: Decimal | None = None
    average_price: Decimal | None = None
    trigger_price: Decimal | None = None
    triggered: bool | None = None
    timestamp: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FillReport:
    """One execution. ``fee`` is what was charged, in ``fee_currency`` (negative is a rebate)."""

    symbol: str
    trade_id: str
    exchange_order_id: str
    client_order_id: str
    side: Side
    price: Decimal
    amount: Decimal
    fee: Decimal
    fee_currency: str
    timestamp: int
    is_maker: bool


class ExchangeGateway(Protocol):
    @property
    def traits(self) -> VenueTraits: ...

    def server_time(self) -> int: ...

    def markets(self) -> Mapping[str, MarketSpec]:
        """Every market that can be traded, by unified symbol."""
        ...

    def market(self, symbol: str) -> MarketSpec:
        """With this account's own fees, which may take a request; ``markets`` has the published ones."""
        ...

    def ticker(self, symbol: str) -> Ticker: ...

    def candles(self, symbol: str, timeframe: str, *, since: int | None = None, limit: int = 500) -> list[Candle]:
        """Oldest first; the last one may still be forming."""
        ...

    def balances(self) -> Mapping[str, Balance]:
        """By coin."""
        ...

    def positions(self) -> list[ExchangePosition]:
        """Open linear positions only."""
        ...

    def open_orders(self, symbol: str) -> list[OrderReport]:
        """All pages."""
        ...

    def order(self, symbol: str, client_order_id: str, *, exchange_order_id: str = "") -> OrderReport:
        """Looks among open orders, then in the history. Raises ``OrderNotFound``.

        ``exchange_order_id``, here and below, helps where an exchange cannot look orders up by our id.
        """
        ...

    def orders_since(self, symbol: str, since: int) -> list[OrderReport]:
        """Open and closed orders of the account created at or after ``since``: for exchanges without client ids."""
        ...

    def fills_since(self, kind: MarketKind, since: int, *, symbols: Collection[str] = ()) -> list[FillReport]:
        """Every execution of the account on this kind of market with ``timestamp >= since``, all pages, oldest first.

        Exchanges whose traits say ``fills_by_symbol`` can only be asked about ``symbols``; the others ignore them.
        """
        ...

    def place(self, request: OrderRequest) -> OrderReport:
        """Sends once, never retries by itself. Raises ``OutcomeUnknown`` when no trustworthy answer came."""
        ...

    def amend(
        self,
        symbol: str,
        client_order_id: str,
        *,
        amount: Decimal,
        price: Decimal | None = None,
        trigger_price: Decimal | None = None,
        exchange_order_id: str = "",
    ) -> None:
        """Changes a standing order in place, keeping its ids. ``amount`` is the whole order's, filled part included.

        What stays the same may be given again: an order that is already so is no error. Raises ``OrderNotFound`` when
        nothing stands that could be amended (it may have filled), ``OrderRejected`` when the exchange will not have
        it so (the old order stands), ``OutcomeUnknown`` when no trustworthy answer came.
        """
        ...

    def cancel(self, symbol: str, client_order_id: str, *, exchange_order_id: str = "") -> None:
        """Raises ``OrderNotFound`` when the exchange has nothing to cancel: it may have filled."""
        ...

    def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        """Idempotent; linear markets only."""
        ...
