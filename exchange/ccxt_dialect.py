"""What exchanges do differently, as ccxt's unified methods have it. An exchange's own module overrides what is wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

import ccxt

from exchange import ccxt_parsing, client_ids
from exchange.ccxt_parsing import plain
from exchange.ccxt_session import CcxtSession
from exchange.errors import NeedsOperator, OrderNotFound, TemporaryError
from exchange.port import OrderReport, OrderRequest
from exchange.traits import VenueTraits
from exchange.venue_table import traits_of
from strategies.contract import MarketKind, MarketSpec, OrderType

# Whose an execution is must be known before it is passed on; an order that is not listed by then never will be.
LISTED_AFTER_MS = 10 * 60 * 1000


class Amendment(NamedTuple):
    """What an order is to become. ``amount`` is the whole order's in base; prices are those that it has or shall have."""

    client_order_id: str
    exchange_order_id: str
    amount: Decimal
    price: Decimal | None
    trigger_price: Decimal | None

    def __str__(self) -> str:
        numbers = (("amount", self.amount), ("price", self.price), ("trigger price", self.trigger_price))
        return ", ".join(f"{name} {plain(number)}" for name, number in numbers if number is not None)


class CcxtDialect(CcxtSession):
    """Called by the port's methods inside a conversation, so that ccxt's errors may be raised."""

    @property
    def traits(self) -> VenueTraits:
        return traits_of(self.config.exchange_id)

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
            raise self._cannot_be_named(spec.symbol, client_order_id)
        return found

    def _cannot_be_named(self, symbol: str, client_order_id: str) -> NeedsOperator:
        return NeedsOperator(
            f"{self.config.exchange_id} knows orders by its own ids only, and {client_order_id} on {symbol} has none."
        )

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
        """ccxt's trade structures; ``symbols`` are those of the kind that are traded. Overlaps are sorted out later.

        Whether an exchange lists more than one page at once, and from which end, is not known here: it is asked again
        from the newest execution on until nothing new comes.
        """
        for symbol in symbols:
            seen: set[str] = set()
            start = since
            while page := self.client.fetch_my_trades(symbol, start):
                fresh = [structure for structure in page if structure["id"] not in seen]
                if not fresh:
                    break
                yield from fresh
                seen.update(structure["id"] for structure in fresh)
                start = max(int(structure["timestamp"]) for structure in page)

    def _client_id_of_fill(self, structure: Mapping[str, Any], spec: MarketSpec) -> str:
        """Our id of the order behind an execution, asked for once per order where the execution does not carry it."""
        exchange_order_id = str(structure.get("order") or "")
        if not self.traits.client_order_ids or not exchange_order_id:
            return ""
        known = client_ids.known(self.config, exchange_order_id)
        if known is not None:
            return known
        try:
            found = self._own_id(self._client_id_of_order(spec, exchange_order_id))
        except (ccxt.OrderNotFound, OrderNotFound) as error:
            if self._now() - structure["timestamp"] < LISTED_AFTER_MS:
                raise TemporaryError(f"An execution's order {exchange_order_id} is not listed yet.") from error
            return ""  # exchanges forget orders sooner than executions
        client_ids.remember(self.config, exchange_order_id, found)
        return found

    def _client_id_of_order(self, spec: MarketSpec, exchange_order_id: str) -> str:
        """The exchange's form of it; empty for an order placed by hand."""
        return str(self.client.fetch_order(exchange_order_id, spec.symbol).get("clientOrderId") or "")

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

    def _amend(self, spec: MarketSpec, change: Amendment) -> None:
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
