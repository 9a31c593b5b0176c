"""The port over ccxt's unified methods: fit for any exchange that ccxt knows.

What an exchange does differently stands in its subclass (``bybit_gateway`` and its neighbours), as a fact in
``venue_table``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import ccxt

from exchange import ccxt_parsing, client_ids
from exchange.ccxt_parsing import plain
from exchange.ccxt_session import CcxtSession
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
from exchange.traits import VenueTraits
from exchange.translation import Intent
from exchange.venue_table import traits_of
from strategies.contract import MarketKind, MarketSpec, OrderType


class CcxtGateway(CcxtSession):
    """One account at one exchange, for one thread.

    Get it from :func:`exchange.gateways.gateway_for`, which keeps one per thread.
    """

    @property
    def traits(self) -> VenueTraits:
        return traits_of(self.config.exchange_id)

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

        return self._read(f"asking for the {kind} fills since {since}", ask)

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
        terms = ", ".join(
            f"{name} {plain(number)}"
            for name, number in (("amount", amount), ("price", price), ("trigger price", trigger_price))
            if number is not None
        )
        with self._talking(Intent.AMEND, f"amending {client_order_id} on {symbol} to {terms}"):
            self._amend(spec, client_order_id, exchange_order_id, amount, price, trigger_price)

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

    # --- What exchanges do differently -----------------------------------------------------------------------------

    def _own_id(self, exchange_client_id: str) -> str:
        """Our id of an order from the one that the exchange knows it by."""
        return exchange_client_id

    def _their_id(self, client_order_id: str) -> str:
        """The id that the exchange knows an order of ours by."""
        return client_order_id

    def _report(self, structure: Mapping[str, Any], spec: MarketSpec) -> OrderReport:
        """From ccxt's order structure."""
        report = ccxt_parsing.order(structure, spec.symbol, spec.contract_size)
        return replace(report, client_order_id=self._own_id(report.client_order_id))

    def _fetch_positions(self) -> list[Mapping[str, Any]]:
        return list(self.client.fetch_positions())

    def _fetch_open_orders(self, spec: MarketSpec) -> Iterable[Mapping[str, Any]]:
        """ccxt's structures, all pages."""
        return list(self.client.fetch_open_orders(spec.symbol))

    def _fetch_order(self, spec: MarketSpec, client_order_id: str, exchange_order_id: str) -> Mapping[str, Any]:
        """ccxt's structure of the order. Raises ``OrderNotFound``, ccxt's or ours."""
        found: Mapping[str, Any]
        if self.traits.finds_by_client_id:
            found = self.client.fetch_order(None, spec.symbol, {"clientOrderId": self._their_id(client_order_id)})
        elif exchange_order_id:
            found = self.client.fetch_order(exchange_order_id, spec.symbol)
        else:
            raise NeedsOperator(
                f"{self.config.exchange_id} cannot be asked for order {client_order_id} on {spec.symbol}: it looks "
                "orders up by its own ids only, and this one has none."
            )
        return found

    def _fetch_orders_since(self, spec: MarketSpec, since: int) -> list[Mapping[str, Any]]:
        """ccxt's structures of open and closed orders; an order may be in it twice."""
        if self.client.has.get("fetchOrders") is True:
            return list(self.client.fetch_orders(spec.symbol, since))
        found = list(self._fetch_open_orders(spec))
        for feature, ask in (
            ("fetchClosedOrders", self.client.fetch_closed_orders),
            ("fetchCanceledOrders", self.client.fetch_canceled_orders),
        ):
            if self.client.has.get(feature) is True:
                found += ask(spec.symbol, since)
        return found

    def _fetch_fills(self, kind: MarketKind, since: int, symbols: Collection[str]) -> Iterable[Mapping[str, Any]]:
        """ccxt's trade structures; ``symbols`` are those of the kind that are traded. Overlaps are sorted out later."""
        params = {"type": "spot" if kind is MarketKind.SPOT else "swap", "paginate": True}
        if not self.traits.fills_by_symbol:
            yield from self.client.fetch_my_trades(None, since, None, params)
        for symbol in symbols if self.traits.fills_by_symbol else ():
            yield from self.client.fetch_my_trades(symbol, since, None, params)

    def _client_id_of_fill(self, structure: Mapping[str, Any], spec: MarketSpec) -> str:
        """Our id of the order behind an execution, asked for once per order where the execution does not carry it."""
        exchange_order_id = str(structure.get("order") or "")
        if not self.traits.client_order_ids or not exchange_order_id:
            return ""
        known = client_ids.known(self.config, exchange_order_id)
        if known is None:
            known = self._own_id(self._client_id_of_order(spec, exchange_order_id))
            client_ids.remember(self.config, exchange_order_id, known)
        return known

    def _client_id_of_order(self, spec: MarketSpec, exchange_order_id: str) -> str:
        """The exchange's form of it; empty for an order placed by hand."""
        return str(self.client.fetch_order(exchange_order_id, spec.symbol).get("clientOrderId") or "")

    def _id_to_change(self, symbol: str, client_order_id: str, exchange_order_id: str) -> str:
        """The exchange's id where only that can amend and cancel. Raises ``OrderNotFound`` when nothing stands."""
        if exchange_order_id or self.traits.finds_by_client_id:
            return exchange_order_id
        return find_order(self.open_orders(symbol), symbol, client_order_id).exchange_order_id

    def _create(self, request: OrderRequest, spec: MarketSpec) -> str:
        """Sends the order and returns the exchange's id of it, or an empty text."""
        kind = "limit" if request.type is OrderType.LIMIT else "market"
        price = plain(request.price) if request.price is not None and kind == "limit" else None
        amount = plain(request.amount / spec.contract_size)
        params = self._order_params(request, spec)
        answer = self.client.create_order(request.symbol, kind, request.side.value, amount, price, params)
        return str(answer.get("id") or "")

    def _order_params(self, request: OrderRequest, spec: MarketSpec) -> dict[str, Any]:
        params: dict[str, Any] = {}
        if self.traits.client_order_ids:
            params["clientOrderId"] = self._their_id(request.client_order_id)
        if request.post_only:
            params["postOnly"] = True
        if request.reduce_only and spec.kind is MarketKind.LINEAR:
            params["reduceOnly"] = True
        if request.trigger_price is not None:
            params["triggerPrice"] = plain(request.trigger_price)
        return params

    def _amend(
        self,
        spec: MarketSpec,
        client_order_id: str,
        exchange_order_id: str,
        amount: Decimal,
        price: Decimal | None,
        trigger_price: Decimal | None,
    ) -> None:
        """Only for exchanges whose traits say that they amend."""
        raise NotImplementedError

    def _cancel(self, symbol: str, client_order_id: str, exchange_order_id: str) -> None:
        if self.traits.finds_by_client_id:
            self.client.cancel_order(None, symbol, {"clientOrderId": self._their_id(client_order_id)})
        else:
            self.client.cancel_order(exchange_order_id, symbol)

    def _set_leverage(self, symbol: str, leverage: str) -> None:
        # ccxt compares it with its limits.
        self.client.set_leverage(float(leverage) if "." in leverage else int(leverage), symbol)


def find_order(reports: list[OrderReport], symbol: str, client_order_id: str) -> OrderReport:
    """The one with that id. Raises ``OrderNotFound``."""
    for report in reports:
        if report.client_order_id == client_order_id:
            return report
    raise OrderNotFound(f"The exchange knows no order {client_order_id} on {symbol}.")
