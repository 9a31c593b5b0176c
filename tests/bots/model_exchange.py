"""An exchange in memory that is as unkind as real ones are, and that can be asked what really happened.

It keeps the promises of its traits and no others: what it lists is true once its lag has passed, and an execution is
listed within its lag, though perhaps twice and out of order.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from exchange.errors import (
    DuplicateClientOrderId,
    NothingSent,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
    TemporaryError,
)
from exchange.port import (
    Balance,
    Candle,
    ExchangePosition,
    FillReport,
    OrderReport,
    OrderRequest,
    ReportedStatus,
    Ticker,
)
from exchange.traits import DuplicateIds, VenueTraits
from strategies.contract import MarketKind, MarketSpec, OrderType, Side
from tests.bots.cast import ETH_LINEAR

LAG = timedelta(seconds=3)
KIND = VenueTraits(
    finds_by_client_id=True,
    fills_carry_client_id=True,
    duplicate_ids=DuplicateIds.REFUSED,
    amends=frozenset(MarketKind),
    amends_stops=frozenset(MarketKind),
    stop_orders=frozenset(MarketKind),
    not_found_lag=LAG,
    fills_lag=LAG,
)
STANDING = frozenset({ReportedStatus.OPEN, ReportedStatus.PARTIALLY_FILLED})


class WorkerKilled(BaseException):
    """``kill -9`` at this very moment: nothing catches it and nothing is tidied up."""


@dataclass
class Kept:
    """One order as the exchange has it."""

    report: OrderReport
    visible_from: datetime
    reduce_only: bool
    forgotten: bool = False

    @property
    def stands(self) -> bool:
        return self.report.status in STANDING

    @property
    def left(self) -> Decimal:
        return (self.report.amount or Decimal(0)) - (self.report.filled or Decimal(0))


@dataclass
class ModelExchange:
    """``kept`` is by the exchange's own ids.

    ``fates`` are what becomes of the next calls that write, in turn; when none is left all goes well. ``lose_before`` and ``lose_after`` lose request or answer, ``late`` lets the request arrive after it was given up,
    ``refuse`` refuses, ``hold`` holds it back on this side, ``kill_before`` and ``kill_after`` kill the worker.
    """

    clock: Callable[[], datetime]
    traits: VenueTraits = KIND
    spec: MarketSpec = ETH_LINEAR
    last: Decimal = Decimal(2000)
    fates: list[str] = field(default_factory=list)
    fails_reading: int = 0
    lag: timedelta = timedelta(0)
    untidy: bool = False
    kept: dict[str, Kept] = field(default_factory=dict)
    fills: list[tuple[datetime, FillReport]] = field(default_factory=list)
    on_their_way: list[tuple[datetime, OrderRequest]] = field(default_factory=list)
    placed: list[str] = field(default_factory=list)
    asked: int = 0

    # --- What a test does to it ------------------------------------------------------------------------------------

    @property
    def standing(self) -> list[Kept]:
        self._deliver()
        return [kept for kept in self.kept.values() if kept.stands]

    def execute(
        self, kept: Kept, amount: Decimal, *, price: Decimal | None = None, moment: datetime | None = None
    ) -> None:
        report = kept.report
        filled = (report.filled or Decimal(0)) + amount
        whole = filled == report.amount
        kept.report = replace(
            report, filled=filled, status=ReportedStatus.FILLED if whole else ReportedStatus.PARTIALLY_FILLED
        )
        at = price or report.price or report.trigger_price or self.last
        trade = FillReport(
            symbol=report.symbol,
            trade_id=f"t{len(self.fills)}",
            exchange_order_id=report.exchange_order_id,
            client_order_id=report.client_order_id if self.traits.fills_carry_client_id else "",
            side=report.side or Side.BUY,
            price=at,
            amount=amount,
            fee=at * amount * self.spec.maker_fee,
            fee_currency="USDT",
            timestamp=_ms(moment or self.clock()),
            is_maker=True,
        )
        self.fills.append(((moment or self.clock()) + self.lag, trade))

    def move(self, price: Decimal, *, stall: bool = False) -> None:
        """The price jumps, and triggers the stops that it meets; they fill at once unless they stall."""
        self.last = price
        for kept in self.standing:
            trigger = kept.report.trigger_price
            if trigger is None or (price > trigger if kept.report.side is Side.SELL else price < trigger):
                continue
            kept.report = replace(kept.report, triggered=True)
            if not stall:
                self.execute(kept, kept.left, price=price)

    def end(self, kept: Kept, status: ReportedStatus = ReportedStatus.CANCELED) -> None:
        kept.report = replace(kept.report, status=status)

    # --- The port: reading -----------------------------------------------------------------------------------------

    def server_time(self) -> int:
        return _ms(self.clock())

    def markets(self) -> Mapping[str, MarketSpec]:
        return {self.spec.symbol: self.spec}

    def market(self, symbol: str) -> MarketSpec:
        return self.markets()[symbol]

    def ticker(self, symbol: str) -> Ticker:
        return Ticker(symbol, self.last, _ms(self.clock()))

    def candles(self, symbol: str, timeframe: str, *, since: int | None = None, limit: int = 500) -> list[Candle]:
        return []

    def balances(self) -> Mapping[str, Balance]:
        return {}

    def positions(self) -> list[ExchangePosition]:
        return []

    def open_orders(self, symbol: str) -> list[OrderReport]:
        self._read()
        return [self._told(kept) for kept in self.standing if kept.visible_from <= self.clock()]

    def order(self, symbol: str, client_order_id: str, *, exchange_order_id: str = "") -> OrderReport:
        self._read()
        self._deliver()
        for kept in self.kept.values():
            ours = self.traits.client_order_ids and kept.report.client_order_id == client_order_id
            theirs = exchange_order_id and kept.report.exchange_order_id == exchange_order_id
            if (ours or theirs) and kept.visible_from <= self.clock() and not kept.forgotten:
                return self._told(kept)
        raise OrderNotFound("No such order.")

    def orders_since(self, symbol: str, since: int) -> list[OrderReport]:
        self._read()
        self._deliver()
        return [
            self._told(kept)
            for kept in self.kept.values()
            if kept.visible_from <= self.clock() and (kept.report.timestamp or 0) >= since and not kept.forgotten
        ]

    def fills_since(self, kind: MarketKind, since: int, *, symbols: Collection[str] = ()) -> list[FillReport]:
        self._read()
        listed = [trade for visible, trade in self.fills if visible <= self.clock() and trade.timestamp >= since]
        if self.untidy:
            listed = [*listed, *listed]
            random.Random(len(listed)).shuffle(listed)
        return listed

    # --- The port: writing -----------------------------------------------------------------------------------------

    def place(self, request: OrderRequest) -> OrderReport:
        self.placed.append(request.client_order_id)

        def arrive() -> None:
            self._accept(request, self.clock())

        self._act(arrive, lambda: self.on_their_way.append((self.clock() + LAG / 2, request)))
        return self._told(self._find(request.client_order_id))

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
        def arrive() -> None:
            kept = self._standing(client_order_id)
            if amount <= (kept.report.filled or Decimal(0)):
                raise OrderRejected("The amount is not above what is filled.")
            kept.report = replace(kept.report, amount=amount, price=price, trigger_price=trigger_price)

        self._act(arrive)

    def cancel(self, symbol: str, client_order_id: str, *, exchange_order_id: str = "") -> None:
        self._act(lambda: self.end(self._standing(client_order_id)))

    def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        pass

    # --- Machinery -------------------------------------------------------------------------------------------------

    def _act(self, arrive: Callable[[], None], later: Callable[[], None] | None = None) -> None:
        self._deliver()
        fate = self.fates.pop(0) if self.fates else "well"
        if fate == "hold":
            raise NothingSent("No budget.")
        if fate == "refuse":
            raise OrderRejected("Not today.")
        if fate == "kill_before":
            raise WorkerKilled
        if fate == "lose_before":
            raise OutcomeUnknown("The connection broke.")
        if fate == "late" and later is not None:
            later()
            raise OutcomeUnknown("No answer in time.")
        try:
            arrive()
        finally:
            if fate in ("lose_after", "late"):
                raise OutcomeUnknown("No answer in time.")
            if fate == "kill_after":
                raise WorkerKilled

    def _accept(self, request: OrderRequest, moment: datetime) -> None:
        if self._is_double(request):
            return
        report = OrderReport(
            symbol=request.symbol,
            client_order_id=request.client_order_id,
            exchange_order_id=f"x{len(self.kept)}",
            status=ReportedStatus.OPEN,
            side=request.side,
            type=request.type,
            amount=request.amount,
            filled=Decimal(0),
            price=request.price,
            trigger_price=request.trigger_price,
            triggered=False if request.type is OrderType.STOP else None,
            timestamp=_ms(moment),
        )
        kept = self.kept[report.exchange_order_id] = Kept(report, moment + self.lag, request.reduce_only)
        if request.type is OrderType.MARKET:
            self.execute(kept, request.amount, moment=moment)

    def _is_double(self, request: OrderRequest) -> bool:
        """Raises, or says that the first order is to be the answer, as the traits have it."""
        used = [kept for kept in self.kept.values() if kept.report.client_order_id == request.client_order_id]
        conduct = self.traits.duplicate_ids
        if not used or conduct is DuplicateIds.ACCEPTED:
            return False
        if conduct is DuplicateIds.FIRST_RETURNED:
            return True
        if conduct is DuplicateIds.REFUSED or any(kept.stands for kept in used):
            raise DuplicateClientOrderId("That id was used before.")
        return False

    def _deliver(self) -> None:
        """What was given up by its sender may still arrive."""
        due = [(at, request) for at, request in self.on_their_way if at <= self.clock()]
        self.on_their_way = [(at, request) for at, request in self.on_their_way if at > self.clock()]
        for at, request in due:
            with suppress(DuplicateClientOrderId):
                self._accept(request, at)

    def _find(self, client_order_id: str) -> Kept:
        found = [kept for kept in self.kept.values() if kept.report.client_order_id == client_order_id]
        if not found:
            raise OrderNotFound("No such order.")
        return found[-1]

    def _standing(self, client_order_id: str) -> Kept:
        kept = self._find(client_order_id)
        if not kept.stands:
            raise OrderNotFound("Nothing stands under this id.")
        return kept

    def _told(self, kept: Kept) -> OrderReport:
        return kept.report if self.traits.client_order_ids else replace(kept.report, client_order_id="")

    def _read(self) -> None:
        self.asked += 1
        if self.fails_reading:
            self.fails_reading -= 1
            raise TemporaryError("Try again later.")


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
