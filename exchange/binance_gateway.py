"""Binance: executions are listed per symbol, and spot and futures are two accounts.

https://developers.binance.com/docs/binance-spot-api-docs/rest-api,
https://developers.binance.com/docs/derivatives/usds-margined-futures
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import ccxt

from exchange.ccxt_dialect import Amendment
from exchange.ccxt_gateway import CcxtGateway
from exchange.ccxt_parsing import plain
from exchange.errors import OrderNotFound
from exchange.port import OrderReport, ReportedStatus
from exchange.translation import answer_code
from strategies.contract import MarketKind, MarketSpec, OrderType, Side

PAGE = 1000
DAY_MS = 24 * 3600 * 1000
# "The time between startTime and endTime can not be longer than 7 days"; ccxt sets the end.
WINDOW_MS = 7 * DAY_MS
# "Only support querying trade in the past 6 months".
KEPT_MS = 180 * DAY_MS
_NO_NEED_TO_MODIFY = "-5027"
_STANDING = (ReportedStatus.OPEN, ReportedStatus.PARTIALLY_FILLED)


class BinanceGateway(CcxtGateway):
    def _fetch_fills(self, kind: MarketKind, since: int, symbols: Collection[str]) -> Iterator[Mapping[str, Any]]:
        now = self._now()
        for symbol in symbols:
            start = max(since, now - KEPT_MS) if kind is MarketKind.LINEAR else since
            while start <= now:
                page = self.client.fetch_my_trades(symbol, start, PAGE)
                yield from page
                if len(page) == PAGE:
                    # The last millisecond is asked for again: more of it may be on the next page.
                    start = max(int(page[-1]["timestamp"]), start + 1)
                elif kind is MarketKind.LINEAR:
                    start += WINDOW_MS
                else:
                    break

    def _report(self, structure: Mapping[str, Any], spec: MarketSpec) -> OrderReport:
        """``isWorking``: "Is the order currently on the order book?", which a stop is once it was triggered."""
        report = super()._report(structure, spec)
        working = (structure.get("info") or {}).get("isWorking")
        if report.type is OrderType.STOP and isinstance(working, bool):
            return replace(report, triggered=working or bool(report.filled))
        return report

    def _id_to_change(self, symbol: str, client_order_id: str, exchange_order_id: str) -> str:
        return exchange_order_id

    def _amend(self, spec: MarketSpec, change: Amendment) -> None:
        standing = self.order(spec.symbol, change.client_order_id)  # an amendment has to name the side
        if standing.status not in _STANDING or standing.side is None:
            raise OrderNotFound(f"Order {change.client_order_id} on {spec.symbol} is {standing.status}.")
        body = {
            "symbol": self.client.market(spec.symbol)["id"],
            "side": "BUY" if standing.side is Side.BUY else "SELL",
            "origClientOrderId": change.client_order_id,
            "quantity": plain(change.amount / spec.contract_size),
            "price": plain(change.price if change.price is not None else standing.price or Decimal(0)),
        }
        try:
            answer = self.client.fapiPrivatePutOrder(body)
        except ccxt.BaseError as error:
            if answer_code(error) != _NO_NEED_TO_MODIFY:
                raise
        else:
            if not answer.get("orderId"):
                raise ccxt.BadResponse("binance answered without an order id")

    def describe_key(self) -> Mapping[str, Any] | None:
        """``/sapi/v1/account/apiRestrictions``, which exists at the live exchange only."""
        if self.config.environment != "live":
            return None

        def ask() -> Mapping[str, Any]:
            described: Mapping[str, Any] = self.client.sapiGetAccountApiRestrictions()
            return described

        return self._read("asking what the key may do", ask)
