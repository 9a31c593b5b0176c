"""Kraken spot: client order ids have to be UUIDs, orders are looked up among open and closed ones.

https://docs.kraken.com/api/docs/guides/spot-clordid, https://docs.kraken.com/api/docs/rest-api/add-order
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import ccxt

from exchange import client_ids
from exchange.ccxt_dialect import Amendment
from exchange.ccxt_gateway import CcxtGateway
from exchange.ccxt_parsing import plain
from exchange.errors import AuthenticationFailed, OrderNotFound
from exchange.gateway_config import GatewayConfig
from exchange.port import OrderReport, OrderRequest
from exchange.venues import Venue
from strategies.contract import MarketKind, MarketSpec


class KrakenGateway(CcxtGateway):
    def __init__(self, config: GatewayConfig, venue: Venue | None = None) -> None:
        """Raises ``AuthenticationFailed`` for a secret that no request can be signed with."""
        super().__init__(config, venue)
        try:
            base64.b64decode(config.api_secret, validate=True)
        except binascii.Error as error:
            raise AuthenticationFailed(
                "Kraken's API secret is base 64 (letters, digits, + and /, in fours): enter the whole of it again."
            ) from error

    def _own_id(self, exchange_client_id: str) -> str:
        return client_ids.from_uuid(exchange_client_id)

    def _their_id(self, client_order_id: str) -> str:
        return client_ids.to_uuid(client_order_id)

    def _report(self, structure: Mapping[str, Any], spec: MarketSpec) -> OrderReport:
        return super()._report({**structure, "triggerPrice": structure.get("stopLossPrice")}, spec)

    def _fetch_order(self, spec: MarketSpec, client_order_id: str, exchange_order_id: str) -> Mapping[str, Any]:
        """ccxt takes the client order id for Kraken's ``userref`` here, which is another thing."""
        wanted = {"clientOrderId": self._their_id(client_order_id)}
        for ask in (self.client.fetch_open_orders, self.client.fetch_closed_orders):
            for structure in ask(spec.symbol, None, None, dict(wanted)):
                if self._own_id(structure.get("clientOrderId") or "") == client_order_id:
                    found: Mapping[str, Any] = structure
                    return found
        raise OrderNotFound(f"Kraken lists no order {client_order_id} on {spec.symbol}.")

    def _fetch_fills(self, kind: MarketKind, since: int, symbols: Collection[str]) -> Iterator[Mapping[str, Any]]:
        """Fifty to a page, newest first, whole seconds, and "start" itself is left out."""
        offset = 0
        while True:
            query = {"start": max(0, since // 1000 - 1), "ofs": offset}
            result = self.client.privatePostTradesHistory(query)["result"]
            entries = result["trades"]
            for trade_id, entry in entries.items():
                yield self.client.parse_trade({**entry, "id": trade_id})
            offset += len(entries)
            if not entries or offset >= int(result["count"]):
                return

    def _order_params(self, request: OrderRequest, spec: MarketSpec) -> dict[str, Any]:
        params = super()._order_params(request, spec)
        # ccxt reads the coin of a fee as quote; without this flag a seller would pay in base.
        params["oflags"] = "fciq"
        if "triggerPrice" in params:
            params["stopLossPrice"] = params.pop("triggerPrice")
        return params

    def _amend(self, spec: MarketSpec, change: Amendment) -> None:
        body = {"cl_ord_id": self._their_id(change.client_order_id), "order_qty": plain(change.amount)}
        if change.price is not None:
            body["limit_price"] = plain(change.price)
        if change.trigger_price is not None:
            body["trigger_price"] = plain(change.trigger_price)
        answer = self.client.privatePostAmendOrder(body)
        if not (answer.get("result") or {}).get("amend_id"):
            raise ccxt.BadResponse("kraken answered without an amend id")

    def _cancel(self, symbol: str, client_order_id: str, exchange_order_id: str) -> None:
        answer = self.client.privatePostCancelOrder({"cl_ord_id": self._their_id(client_order_id)})
        if "count" not in (answer.get("result") or {}):
            raise ccxt.BadResponse("kraken answered without a count")
        if int(answer["result"]["count"]) == 0 and not answer["result"].get("pending"):
            raise ccxt.OrderNotFound("kraken cancelled nothing")

    def describe_key(self) -> Mapping[str, Any] | None:
        """The result of ``GetApiKeyInfo``."""

        def ask() -> Mapping[str, Any]:
            described: Mapping[str, Any] = self.client.privatePostGetApiKeyInfo()["result"]
            return described

        return self._read("asking what the key may do", ask)
