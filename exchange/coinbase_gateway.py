"""Coinbase Advanced Trade, spot: orders are changed and looked up by Coinbase's own ids only.

https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any

import ccxt

from exchange.ccxt_dialect import Amendment
from exchange.ccxt_gateway import CcxtGateway
from exchange.ccxt_parsing import plain
from exchange.errors import OrderNotFound
from exchange.gateway_config import GatewayConfig
from exchange.port import OrderRequest
from exchange.venues import Venue
from strategies.contract import MarketKind, MarketSpec, OrderType

PAGE = 100
# How far back an order is looked for by its client id: the newest thousand of its market.
_SEARCHED = 1000
_NOTHING_TO_CANCEL = frozenset({"UNKNOWN_CANCEL_ORDER", "ORDER_IS_FULLY_FILLED"})
_NOTHING_TO_AMEND = frozenset({"ORDER_NOT_FOUND", "ONLY_OPEN_ORDERS_CAN_BE_EDITED", "CANNOT_EDIT_ORDER_PENDING_CANCEL"})
_NOT_CERTAIN = frozenset({"UNKNOWN_EDIT_FAILURE_REASON", "ORDER_IS_ALREADY_BEING_REPLACED"})
_IS_SO_ALREADY = "EDIT_REQUEST_EQUAL_TO_ORIGINAL_REQUEST"

Payload = Mapping[str, Any]


class CoinbaseGateway(CcxtGateway):
    def __init__(self, config: GatewayConfig, venue: Venue | None = None) -> None:
        super().__init__(config, venue)
        # A private key in the form that Coinbase's JSON file has it in: on one line.
        self.client.secret = self.client.secret.replace("\\n", "\n")

    # --- Reading -------------------------------------------------------------------------------------------------

    def _fetch_open_orders(self, spec: MarketSpec) -> Iterator[Payload]:
        for payload in self._orders({"product_id": self._id(spec), "order_status": "OPEN"}):
            yield self.client.parse_order(payload)

    def _fetch_order(self, spec: MarketSpec, client_order_id: str, exchange_order_id: str) -> Payload:
        found: Payload
        if exchange_order_id:
            found = self.client.fetch_order(exchange_order_id, spec.symbol)
            return found
        for number, payload in enumerate(self._orders({"product_id": self._id(spec)})):
            if payload.get("client_order_id") == client_order_id:
                found = self.client.parse_order(payload)
                return found
            if number + 1 >= _SEARCHED:
                break
        raise OrderNotFound(f"Coinbase lists no order {client_order_id} among the newest on {spec.symbol}.")

    def _fetch_orders_since(self, spec: MarketSpec, since: int) -> list[Payload]:
        query = {"product_id": self._id(spec), "start_date": self.client.iso8601(since)}
        return [self.client.parse_order(payload) for payload in self._orders(query)]

    def _fetch_fills(self, kind: MarketKind, since: int, symbols: Collection[str]) -> Iterator[Payload]:
        query = {"start_sequence_timestamp": self.client.iso8601(max(since, 0))}
        for payload in self._pages(self.client.v3PrivateGetBrokerageOrdersHistoricalFills, query, "fills"):
            yield self.client.parse_trade(payload)

    def _orders(self, query: Payload) -> Iterator[Payload]:
        """Newest first."""
        return self._pages(self.client.v3PrivateGetBrokerageOrdersHistoricalBatch, query, "orders")

    # --- Writing -------------------------------------------------------------------------------------------------

    def _create(self, request: OrderRequest, spec: MarketSpec) -> str:
        """ccxt would send an id of its own, and buy for an amount of quote."""
        size = plain(request.amount)
        if request.type is OrderType.MARKET:
            configuration: dict[str, Any] = {"market_market_ioc": {"base_size": size}}
        else:
            terms = {"base_size": size, "limit_price": plain(request.price or Decimal(0))}
            configuration = {"limit_limit_gtc": {**terms, "post_only": request.post_only}}
        answer = self.client.v3PrivatePostBrokerageOrders({
            "client_order_id": request.client_order_id,
            "product_id": self._id(spec),
            "side": request.side.value.upper(),
            "order_configuration": configuration,
        })  # fmt: skip
        return str((answer.get("success_response") or {}).get("order_id") or "")

    def _amend(self, spec: MarketSpec, change: Amendment) -> None:
        body = {"order_id": change.exchange_order_id, "size": plain(change.amount)}
        if change.price is not None:
            body["price"] = plain(change.price)
        answer = self.client.v3PrivatePostBrokerageOrdersEdit(body)
        if answer.get("success") is True:
            return
        reasons = {error.get("edit_failure_reason") for error in answer.get("errors") or ()}
        if reasons == {_IS_SO_ALREADY}:
            return
        said = f"coinbase {', '.join(sorted(filter(None, reasons)))}"
        if reasons & _NOTHING_TO_AMEND:
            raise ccxt.OrderNotFound(said)
        if not reasons or reasons & _NOT_CERTAIN:
            raise ccxt.BadResponse(f"{said or 'coinbase'} gave no reason")
        raise ccxt.InvalidOrder(said)

    def _cancel(self, symbol: str, client_order_id: str, exchange_order_id: str) -> None:
        (result,) = self.client.v3PrivatePostBrokerageOrdersBatchCancel({"order_ids": [exchange_order_id]})["results"]
        reason = result.get("failure_reason")
        if result.get("success") is True or reason == "DUPLICATE_CANCEL_REQUEST":
            return
        if reason in _NOTHING_TO_CANCEL:
            raise ccxt.OrderNotFound(f"coinbase {reason}")
        raise ccxt.ExchangeNotAvailable(f"coinbase {reason}")

    def describe_key(self) -> Payload | None:
        """The answer of ``/api/v3/brokerage/key_permissions``."""

        def ask() -> Payload:
            described: Payload = self.client.v3PrivateGetBrokerageKeyPermissions()
            return described

        return self._read("asking what the key may do", ask)

    # --- Lists and ids -------------------------------------------------------------------------------------------

    def _pages(self, call: Callable[[dict[str, Any]], Payload], query: Payload, name: str) -> Iterator[Payload]:
        cursor = ""
        while True:
            answer = call({**query, "limit": PAGE, **({"cursor": cursor} if cursor else {})})
            entries = answer[name]
            yield from entries
            following = answer.get("cursor") or ""
            if not entries or not following or following == cursor:
                return
            cursor = following

    def _id(self, spec: MarketSpec) -> str:
        return str(self.client.market(spec.symbol)["id"])
