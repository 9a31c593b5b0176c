"""OKX V5: lists are paged by id, and stop orders live in a book of their own, under ids of their own.

Amounts of contracts are in contracts, of which one may be a hundredth of a coin. https://www.okx.com/docs-v5/en
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import ccxt

from exchange import client_ids
from exchange.ccxt_dialect import Amendment
from exchange.ccxt_gateway import CcxtGateway
from exchange.ccxt_parsing import decimal, nonzero, plain
from exchange.port import Balance, OrderReport, OrderRequest, ReportedStatus
from exchange.translation import answer_code
from strategies.contract import MarketKind, MarketSpec, OrderType, Side

PAGE = 100
# "Retrieve recently-filled transaction details in the last 3 day"; what is older is in the archive, which is slower.
RECENT_MS = 2 * 24 * 3600 * 1000
_ORDER_DOES_NOT_EXIST = frozenset({"51603", "51400", "51401", "51402", "51503", "51509", "51510"})
# https://www.okx.com/docs-v5/en/#order-book-trading-algo-trading-get-algo-order-details
_STATUS_OF_STOP = {
    "live": ReportedStatus.OPEN,
    "pause": ReportedStatus.OPEN,
    "partially_effective": ReportedStatus.OPEN,
    "effective": ReportedStatus.OPEN,  # its market order is on its way, or done: that order says
    "canceled": ReportedStatus.CANCELED,
    "order_failed": ReportedStatus.REJECTED,
    "partially_failed": ReportedStatus.REJECTED,
}
_TRIGGERED = frozenset({"effective", "partially_effective", "order_failed", "partially_failed"})

Payload = Mapping[str, Any]


class OkxGateway(CcxtGateway):
    # --- Reading -------------------------------------------------------------------------------------------------

    def balances(self) -> Mapping[str, Balance]:
        """ccxt's total is the equity, which moves with the unrealised profit; ours is the cash."""

        def ask() -> Mapping[str, Balance]:
            (account,) = self.client.privateGetAccountBalance()["data"]
            return {entry["ccy"]: _balance(entry) for entry in account["details"]}

        return self._read("asking for the balance", ask)

    def order(self, symbol: str, client_order_id: str, *, exchange_order_id: str = "") -> OrderReport:
        """Among orders, then among stop orders; a stop that was triggered is told by the order it became."""
        spec = self._spec(symbol)

        def ask() -> OrderReport:
            try:
                return self._report(self._fetch_order(spec, client_order_id, ""), spec)
            except ccxt.OrderNotFound:
                return self._stop(spec, client_order_id)

        return self._read(f"asking for order {client_order_id} on {symbol}", ask)

    def open_orders(self, symbol: str) -> list[OrderReport]:
        spec = self._spec(symbol)
        query = {"instId": self._id(spec), "instType": self._type(spec.kind)}

        def ask() -> list[OrderReport]:
            orders = self._pages(self.client.privateGetTradeOrdersPending, query, "ordId")
            stops = self._pages(self.client.privateGetTradeOrdersAlgoPending, {**query, "ordType": "trigger"}, "algoId")
            return [
                *(self._report(self._parsed(payload), spec) for payload in orders),
                *(self._stop_report(payload, spec) for payload in stops),
            ]

        return self._read(f"asking for the open orders of {symbol}", ask)

    def _fetch_fills(self, kind: MarketKind, since: int, symbols: Collection[str]) -> Iterator[Payload]:
        """ccxt's paging would go on from the newest hundred and never see those before them."""
        recent = since > self._now() - RECENT_MS
        call = self.client.privateGetTradeFills if recent else self.client.privateGetTradeFillsHistory
        for payload in self._pages(call, {"instType": self._type(kind), "begin": str(max(since, 0))}, "billId"):
            if self.client.markets_by_id.get(payload["instId"]):
                yield self.client.parse_trade(payload)

    def _client_id_of_fill(self, structure: Payload, spec: MarketSpec) -> str:
        own = str(structure["info"].get("clOrdId") or "")
        return self._own_id(own) if own else super()._client_id_of_fill(structure, spec)

    def _client_id_of_order(self, spec: MarketSpec, exchange_order_id: str) -> str:
        """The order that a stop became has no client id of its own but names the stop's."""
        info = self.client.fetch_order(exchange_order_id, spec.symbol)["info"]
        return str(info.get("algoClOrdId") or info.get("clOrdId") or "")

    def _stop(self, spec: MarketSpec, client_order_id: str) -> OrderReport:
        """Raises ccxt's ``OrderNotFound``."""
        (payload,) = self.client.privateGetTradeOrderAlgo({"algoClOrdId": client_order_id})["data"]
        report = self._stop_report(payload, spec)
        became = payload.get("ordId") or ""
        if not became:
            return report
        client_ids.remember(self.config, became, client_order_id)
        order = self._report(self.client.fetch_order(became, spec.symbol), spec)
        return replace(
            order,
            client_order_id=client_order_id,
            type=OrderType.STOP,
            trigger_price=report.trigger_price,
            triggered=True,
        )

    def _stop_report(self, payload: Payload, spec: MarketSpec) -> OrderReport:
        """An entry of ``orders-algo-pending``, or an answer of ``order-algo``."""
        return OrderReport(
            symbol=spec.symbol,
            client_order_id=payload.get("algoClOrdId") or "",
            exchange_order_id=payload["algoId"],
            status=_STATUS_OF_STOP[payload["state"]],
            side=Side(payload["side"]),
            type=OrderType.STOP,
            amount=Decimal(payload["sz"]) * spec.contract_size,
            filled=None,
            trigger_price=nonzero(payload.get("triggerPx")),
            triggered=payload["state"] in _TRIGGERED,
            timestamp=int(payload["cTime"]),
            reason=payload.get("failCode") or "",
        )

    # --- Writing -------------------------------------------------------------------------------------------------

    def _create(self, request: OrderRequest, spec: MarketSpec) -> str:
        if request.type is not OrderType.STOP:
            return super()._create(request, spec)
        body = {
            "instId": self._id(spec),
            "tdMode": "cash" if spec.kind is MarketKind.SPOT else "cross",
            "side": request.side.value,
            "ordType": "trigger",
            "sz": plain(request.amount / spec.contract_size),
            "triggerPx": plain(request.trigger_price or Decimal(0)),
            "triggerPxType": "last",
            "orderPx": "-1",  # at market
            "algoClOrdId": request.client_order_id,
            "clOrdId": request.client_order_id,  # without it ccxt would put its own, and its broker's tag
        }
        if spec.kind is MarketKind.SPOT:
            body["tgtCcy"] = "base_ccy"
        elif request.reduce_only:
            body["reduceOnly"] = "true"
        return str(self.client.privatePostTradeOrderAlgo(body)["data"][0].get("algoId") or "")

    def _amend(self, spec: MarketSpec, change: Amendment) -> None:
        body = {"instId": self._id(spec)}
        size = plain(change.amount / spec.contract_size)
        if change.trigger_price is not None:
            body |= {"algoClOrdId": change.client_order_id, "newSz": size, "newTriggerPx": plain(change.trigger_price)}
            answer = self.client.privatePostTradeAmendAlgos(body)
        else:
            body |= {"clOrdId": change.client_order_id, "newSz": size}
            if change.price is not None:
                body["newPx"] = plain(change.price)
            answer = self.client.privatePostTradeAmendOrder(body)
        self._require_success(answer)

    def _cancel(self, symbol: str, client_order_id: str, exchange_order_id: str) -> None:
        instrument = self.client.market(symbol)["id"]
        try:
            answer = self.client.privatePostTradeCancelOrder({"instId": instrument, "clOrdId": client_order_id})
        except ccxt.BaseError as error:
            if answer_code(error) not in _ORDER_DOES_NOT_EXIST or self._is_known_order(error):
                raise
            answer = self.client.privatePostTradeCancelAlgos([{"instId": instrument, "algoClOrdId": client_order_id}])
        self._require_success(answer)

    def _set_leverage(self, symbol: str, leverage: str) -> None:
        body = {"instId": self.client.market(symbol)["id"], "lever": leverage, "mgnMode": "cross"}
        self._require_success(self.client.privatePostAccountSetLeverage(body))

    def describe_key(self) -> Mapping[str, Any] | None:
        """An entry of ``/api/v5/account/config``."""

        def ask() -> Mapping[str, Any]:
            described: Mapping[str, Any] = self.client.privateGetAccountConfig()["data"][0]
            return described

        return self._read("asking what the key may do", ask)

    # --- Lists and ids -------------------------------------------------------------------------------------------

    def _pages(self, call: Callable[[dict[str, Any]], Payload], query: Payload, name: str) -> Iterator[Payload]:
        """Newest first; ``after`` an id come the older ones."""
        after: dict[str, str] = {}
        while True:
            entries = call({**query, "limit": str(PAGE), **after})["data"]
            yield from entries
            if len(entries) < PAGE:
                return
            after = {"after": entries[-1][name]}

    def _parsed(self, payload: Payload) -> Payload:
        parsed: Payload = self.client.parse_order(payload)
        return parsed

    def _id(self, spec: MarketSpec) -> str:
        return str(self.client.market(spec.symbol)["id"])

    @staticmethod
    def _type(kind: MarketKind) -> str:
        return "SPOT" if kind is MarketKind.SPOT else "SWAP"

    @staticmethod
    def _is_known_order(error: ccxt.BaseError) -> bool:
        """Filled or cancelled: an order of that id existed, so that no stop has it."""
        return answer_code(error) in {"51401", "51402", "51509", "51510"}

    @staticmethod
    def _require_success(answer: Any) -> None:
        """A refusal has raised by now; what is left may be no answer of the exchange at all."""
        if not isinstance(answer, dict) or not answer.get("data"):
            raise ccxt.BadResponse("okx answered without a result")


def _balance(entry: Payload) -> Balance:
    """``availEq`` counts what margin holds and is empty in the mode without futures."""
    total = decimal(entry["cashBal"])
    free = decimal(entry.get("availEq") or entry.get("availBal"))
    return Balance(free=free, used=total - free, total=total)
