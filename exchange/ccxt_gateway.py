"""The port over ccxt's unified methods: fit for any exchange that ccxt knows.

What an exchange does differently stands in its subclass (``bybit_gateway`` and its neighbours), and as a fact in
``venue_table``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

import ccxt

from exchange import ccxt_parsing, client_ids
from exchange.ccxt_dialect import Amendment, CcxtDialect
from exchange.ccxt_parsing import plain
from exchange.errors import NeedsOperator, OrderNotFound, OrderRejected
from exchange.order_rules import refuse_what_does_not_fit, refuse_what_the_exchange_must_refuse
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
from exchange.translation import Intent
from strategies.contract import MarketKind, MarketSpec, OrderType


class CcxtGateway(CcxtDialect):
    """One account at one exchange, for one thread.

    Get it from :func:`exchange.gateways.gateway_for`, which keeps one per thread.
    """

    # --- Public data ---------------------------------------------------------------------------------------------

    def server_time(self) -> int:
        return int(self._read("asking for the time", self.client.fetch_time))

    def markets(self) -> Mapping[str, MarketSpec]:
        return self._markets()

    def ticker(self, symbol: str) -> Ticker:
        self._spec(symbol)
        return self._read(
            f"asking for the price of {symbol}",
            lambda: ccxt_parsing.ticker(
                self.client.fetch_ticker(symbol), self._now(), replayed=self.config.is_replayed
            ),
        )

    def candles(self, symbol: str, timeframe: str, *, since: int | None = None, limit: int = 500) -> list[Candle]:
        self._spec(symbol)
        if timeframe not in self.client.timeframes:
            raise NeedsOperator(
                f"{self.config.exchange_id} has no candles of {timeframe!r}; it has {', '.join(self.client.timeframes)}."
            )
        return self._read(
            f"asking for {timeframe} candles of {symbol}",
            lambda: [ccxt_parsing.candle(row) for row in self.client.fetch_ohlcv(symbol, timeframe, since, limit)],
        )

    # --- The account ---------------------------------------------------------------------------------------------

    def balances(self) -> Mapping[str, Balance]:
        self._markets()
        return self._read("asking for the balance", lambda: ccxt_parsing.balances(self.client.fetch_balance()))

    def market(self, symbol: str) -> MarketSpec:
        """The market with this account's own fees, which takes a request; ``markets`` has the published ones."""
        spec = self._spec(symbol)
        if not self.client.has.get("fetchTradingFee"):
            return spec
        return self._read(
            f"asking for the fees of {symbol}",
            lambda: ccxt_parsing.with_fees(spec, self.client.fetch_trading_fee(symbol)),
        )

    def positions(self) -> list[ExchangePosition]:
        specs = self._markets()
        if not any(spec.kind is MarketKind.LINEAR for spec in specs.values()):
            return []  # the question may need a right that a key for spot does not have

        def ask() -> list[ExchangePosition]:
            found = []
            for structure in self._fetch_positions():
                if structure["symbol"] not in specs or not Decimal(structure.get("contracts") or 0):
                    continue
                if structure.get("hedged"):
                    raise NeedsOperator(
                        f"The account holds {structure['symbol']} in hedge mode. Close the position and switch the "
                        f"account to one-way mode at {self.config.exchange_id}."
                    )
                found.append(ccxt_parsing.position(structure, specs[structure["symbol"]].contract_size))
            return found

        return self._read("asking for the positions", ask)

    def open_orders(self, symbol: str) -> list[OrderReport]:
        spec = self._spec(symbol)

        def ask() -> list[OrderReport]:
            return [self._report(structure, spec) for structure in self._fetch_open_orders(spec)]

        return self._read(f"asking for the open orders of {symbol}", ask)

    def order(self, symbol: str, client_order_id: str, *, exchange_order_id: str = "") -> OrderReport:
        spec = self._spec(symbol)

        def ask() -> OrderReport:
            return self._report(self._fetch_order(spec, client_order_id, exchange_order_id), spec)

        return self._read(f"asking for order {client_order_id} on {symbol}", ask)

    def orders_since(self, symbol: str, since: int) -> list[OrderReport]:
        spec = self._spec(symbol)

        def ask() -> list[OrderReport]:
            # Open ones come first: an order that closes in between is in it twice, and the later word counts.
            found = {structure["id"]: structure for structure in self._fetch_orders_since(spec, since)}
            reports = [self._report(structure, spec) for structure in found.values()]
            recent = [report for report in reports if (report.timestamp or 0) >= since]
            return sorted(recent, key=lambda report: report.timestamp or 0)

        return self._read(f"asking for the orders of {symbol} since {since}", ask)

    def fills_since(self, kind: MarketKind, since: int, *, symbols: Collection[str] = ()) -> list[FillReport]:
        specs = self._markets()
        asked = [symbol for symbol in symbols if symbol in specs and specs[symbol].kind is kind]

        def ask() -> list[FillReport]:
            found: dict[tuple[str, str], FillReport] = {}
            for structure in self._fetch_fills(kind, since, asked):
                spec = specs.get(structure["symbol"])
                key = (structure["symbol"], str(structure["id"]))
                if spec is None or spec.kind is not kind or structure["timestamp"] < since or key in found:
                    continue
                found[key] = ccxt_parsing.fill(structure, spec.contract_size, self._client_id_of_fill(structure, spec))
            return sorted(found.values(), key=lambda fill: fill.timestamp)

        return self._read(f"asking for the {kind} fills since {ccxt.Exchange.iso8601(since)}", ask)

    def describe_key(self) -> Mapping[str, Any] | None:
        """What the exchange says of the API key, in its own words; ``None`` where it does not say."""
        return None

    # --- Writing -------------------------------------------------------------------------------------------------

    def place(self, request: OrderRequest) -> OrderReport:
        spec = self._spec(request.symbol, intent=Intent.PLACE)
        if request.type is OrderType.STOP and spec.kind not in self.traits.stop_orders:
            raise OrderRejected(
                f"{request.client_order_id}: {self.config.exchange_id} cannot hold a stop-market order on "
                f"{request.symbol}. Nothing was sent."
            )
        refuse_what_the_exchange_must_refuse(request, spec)
        price = f" at {plain(request.price)}" if request.price is not None else ""
        doing = f"placing {request.client_order_id} ({request.side} {plain(request.amount)} {request.symbol}{price})"
        with self._talking(Intent.PLACE, doing):
            exchange_order_id = self._create(request, spec)
            if not exchange_order_id:
                # An answer without an id says nothing about whether the order stands.
                raise ccxt.BadResponse(f"{self.config.exchange_id} answered without an order id")
        client_ids.remember(self.config, exchange_order_id, request.client_order_id)
        return OrderReport(
            symbol=request.symbol,
            client_order_id=request.client_order_id,
            exchange_order_id=exchange_order_id,
            status=ReportedStatus.OPEN,
            side=request.side,
            type=request.type,
            amount=request.amount,
            price=request.price,
        )

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
        spec = self._spec(symbol, intent=Intent.AMEND)
        able = self.traits.amends if trigger_price is None else self.traits.amends_stops
        if spec.kind not in able:
            raise OrderRejected(
                f"{client_order_id}: {self.config.exchange_id} cannot change this order on {symbol} in place. "
                "Nothing was sent."
            )
        refuse_what_does_not_fit(client_order_id, spec, amount=amount, price=price, trigger_price=trigger_price)
        exchange_order_id = self._id_to_change(symbol, client_order_id, exchange_order_id)
        change = Amendment(client_order_id, exchange_order_id, amount, price, trigger_price)
        with self._talking(Intent.AMEND, f"amending {client_order_id} on {symbol} to {change}"):
            self._amend(spec, change)

    def cancel(self, symbol: str, client_order_id: str, *, exchange_order_id: str = "") -> None:
        self._spec(symbol, intent=Intent.CANCEL)
        exchange_order_id = self._id_to_change(symbol, client_order_id, exchange_order_id)
        doing = f"cancelling {client_order_id} on {symbol}"

        def cancel() -> None:
            self._once(Intent.CANCEL, doing, lambda: self._cancel(symbol, client_order_id, exchange_order_id))

        # Of two cancels the second finds nothing left to cancel, which says the same.
        self._retrier.call(cancel, repeatable_when_unknown=True)

    def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        spec = self._spec(symbol)
        if spec.kind is not MarketKind.LINEAR:
            raise NeedsOperator(f"{symbol} is a spot market, which has no leverage.")
        if leverage < 1 or (spec.max_leverage is not None and leverage > spec.max_leverage):
            raise NeedsOperator(
                f"Leverage {leverage} is outside what {symbol} allows: 1 to {spec.max_leverage or '?'}."
            )
        with self._talking(Intent.CONFIGURE, f"setting the leverage of {symbol} to {leverage}"):
            self._set_leverage(symbol, plain(leverage))

    def _id_to_change(self, symbol: str, client_order_id: str, exchange_order_id: str) -> str:
        """The exchange's id where only that can amend and cancel. Raises ``OrderNotFound`` when nothing stands."""
        if exchange_order_id or self.traits.finds_by_client_id:
            return exchange_order_id
        if not self.traits.client_order_ids:
            raise self._cannot_be_named(symbol, client_order_id)
        return find_order(self.open_orders(symbol), symbol, client_order_id).exchange_order_id


def find_order(reports: list[OrderReport], symbol: str, client_order_id: str) -> OrderReport:
    """The one with that id. Raises ``OrderNotFound``."""
    for report in reports:
        if report.client_order_id == client_order_id:
            return report
    raise OrderNotFound(f"The exchange knows no order {client_order_id} on {symbol}.")
