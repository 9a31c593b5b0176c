"""Bybit V5 (unified trading accounts): what ccxt's unified methods do not page, do not say, or do twice.

https://bybit-exchange.github.io/docs/v5/intro
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import ccxt

from exchange import ccxt_parsing
from exchange.ccxt_dialect import Amendment
from exchange.ccxt_gateway import CcxtGateway, find_order
from exchange.ccxt_parsing import plain
from exchange.errors import NeedsOperator
from exchange.gateway_config import GatewayConfig
from exchange.port import Balance, ExchangePosition, FillReport, OrderReport, OrderRequest, Ticker
from exchange.translation import answer_code
from strategies.contract import MarketKind, MarketSpec, Side

DAY_MS = 24 * 3600 * 1000
# "endTime - startTime <= 7 days", and a startTime alone means the seven days after it.
WINDOW_MS = 7 * DAY_MS
# Executions are kept for two years.
KEPT_MS = 730 * DAY_MS
# An execution is listed within moments; what is a day old and empty stays empty.
SETTLED_MS = DAY_MS
_LEVERAGE_NOT_MODIFIED = frozenset({"110043", "140043", "34036"})
_ORDER_DOES_NOT_EXIST = frozenset({"170213", "170143"})

# 10001 is every kind of bad parameter: only its words tell this one from the others.
_ORDER_NOT_MODIFIED = re.compile(r"remains unchanged|order not modified", re.I)

Page = Mapping[str, Any]

# (account, kind) → a stretch of time, from and until, in which the account has no executions.
_empty_history: dict[tuple[GatewayConfig, MarketKind], tuple[int, int]] = {}


class BybitGateway(CcxtGateway):
    def ticker(self, symbol: str) -> Ticker:
        spec = self._spec(symbol)

        def ask() -> Ticker:
            answer = self.client.publicGetV5MarketTickers({"category": spec.kind.value, "symbol": self._id(symbol)})
            payload = answer["result"]["list"][0]
            # Bybit stamps the answer, not the ticker; the simulator stamps the ticker with its replayed time.
            return ccxt_parsing.ticker(
                {
                    "symbol": symbol,
                    "last": payload["lastPrice"],
                    "bid": payload.get("bid1Price"),
                    "ask": payload.get("ask1Price"),
                    "timestamp": ccxt_parsing.whole_milliseconds(payload.get("time")),
                },
                int(answer["time"]),
                replayed=self.config.is_replayed,
            )

        return self._read(f"asking for the price of {symbol}", ask)

    def balances(self) -> Mapping[str, Balance]:
        self._markets()

        def ask() -> Mapping[str, Balance]:
            answer = self.client.privateGetV5AccountWalletBalance({"accountType": "UNIFIED"})
            return ccxt_parsing.bybit_wallet(answer["result"]["list"][0])

        return self._read("asking for the balance", ask)

    def positions(self) -> list[ExchangePosition]:
        specs = self._markets()
        # Without a symbol Bybit wants the coin that positions are settled in.
        coins = sorted({spec.symbol.partition(":")[2].partition("-")[0] for spec in specs.values()} - {""})

        def ask() -> list[ExchangePosition]:
            found = []
            for coin in coins:
                query = {"category": "linear", "settleCoin": coin, "limit": 200}
                for payload in self._pages(self.client.privateGetV5PositionList, query):
                    spec = self._spec_of(payload, MarketKind.LINEAR)
                    position = ccxt_parsing.bybit_position(payload, spec) if spec else None
                    if position is None:
                        continue
                    if int(payload.get("positionIdx") or 0) != 0:
                        raise NeedsOperator(
                            f"The account holds {position.symbol} in hedge mode (positionIdx {payload['positionIdx']}). "
                            "Close the position and switch the account to one-way mode at Bybit."
                        )
                    found.append(position)
            return found

        return self._read("asking for the positions", ask)

    def open_orders(self, symbol: str) -> list[OrderReport]:
        spec = self._spec(symbol)
        query = {"category": spec.kind.value, "symbol": self._id(symbol), "openOnly": 0, "limit": 50}
        return self._read(
            f"asking for the open orders of {symbol}",
            lambda: [
                ccxt_parsing.bybit_order(payload, spec)
                for payload in self._pages(self.client.privateGetV5OrderRealtime, query)
            ],
        )

    def order(self, symbol: str, client_order_id: str, *, exchange_order_id: str = "") -> OrderReport:
        """``realtime`` knows open orders and the last 500 closed ones at once; ``history`` the older ones."""
        spec = self._spec(symbol)
        query = {"category": spec.kind.value, "symbol": self._id(symbol), "orderLinkId": client_order_id}

        def ask() -> OrderReport:
            reports: list[OrderReport] = []
            for call in (self.client.privateGetV5OrderRealtime, self.client.privateGetV5OrderHistory):
                answer = call(dict(query))
                reports += [ccxt_parsing.bybit_order(payload, spec) for payload in answer["result"]["list"]]
                if reports:
                    break
            return find_order(reports, symbol, client_order_id)

        return self._read(f"asking for order {client_order_id} on {symbol}", ask)

    def orders_since(self, symbol: str, since: int) -> list[OrderReport]:
        """The history leaves out what was cancelled unfilled more than a day ago."""
        spec = self._spec(symbol)
        query = {"category": spec.kind.value, "symbol": self._id(symbol), "limit": 50}

        def ask() -> list[OrderReport]:
            # Open ones first: an order that closes in between is then in both, and the history has the last word.
            standing = self._pages(self.client.privateGetV5OrderRealtime, {**query, "openOnly": 0})
            found = {payload["orderId"]: ccxt_parsing.bybit_order(payload, spec) for payload in standing}
            for window in self._windows(since):
                for payload in self._pages(self.client.privateGetV5OrderHistory, {**query, **window}):
                    found[payload["orderId"]] = ccxt_parsing.bybit_order(payload, spec)
            recent = [report for report in found.values() if (report.timestamp or 0) >= since]
            return sorted(recent, key=lambda report: report.timestamp or 0)

        return self._read(f"asking for the orders of {symbol} since {since}", ask)

    def fills_since(self, kind: MarketKind, since: int, *, symbols: Collection[str] = ()) -> list[FillReport]:
        """One request when ``since`` is less than a week ago and at most 100 executions came after it.

        From further back it takes a request per week, though only once: weeks that were found empty are remembered
        by the process.
        """
        self._markets()
        asked_at = self._now()
        empty_since, empty_until = _empty_history.get((self.config, kind), (0, 0))
        start = max(since, empty_until) if since >= empty_since else since

        def ask() -> list[FillReport]:
            found: dict[str, FillReport] = {}
            for window in self._windows(start):
                query = {"category": kind.value, "limit": 100, **window}
                newest_first = [
                    payload
                    for payload in self._pages(self.client.privateGetV5ExecutionList, query)
                    if payload.get("execType", "Trade") in ccxt_parsing.POSITION_CHANGING
                ]
                for payload in reversed(newest_first):
                    spec = self._spec_of(payload, kind)
                    if spec is not None and int(payload["execTime"]) >= since:
                        found.setdefault(payload["execId"], ccxt_parsing.bybit_fill(payload, spec))
            # Stable: executions of one millisecond stay in the exchange's order.
            return sorted(found.values(), key=lambda fill: fill.timestamp)

        fills = self._read(f"asking for the {kind} fills since {ccxt.Exchange.iso8601(since)}", ask)
        if self.config.environment != "simulator":
            known_from = empty_since if start > since else since
            known_until = min([asked_at - SETTLED_MS, *(fill.timestamp for fill in fills[:1])])
            _empty_history[(self.config, kind)] = (known_from, known_until)
        return fills

    def describe_key(self) -> Mapping[str, Any] | None:
        """The result of ``/v5/user/query-api``, which demo trading does not have."""
        if self.config.environment == "demo":
            return None

        def ask() -> Mapping[str, Any]:
            described: Mapping[str, Any] = self.client.privateGetV5UserQueryApi()["result"]
            return described

        return self._read("asking what the key may do", ask)

    # --- Writing -------------------------------------------------------------------------------------------------

    def _order_params(self, request: OrderRequest, spec: MarketSpec) -> dict[str, Any]:
        params = super()._order_params(request, spec)
        if request.trigger_price is not None and spec.kind is MarketKind.LINEAR:
            # A stop lies on the far side of the market: a buy above it, a sell below it.
            params["triggerDirection"] = "ascending" if request.side is Side.BUY else "descending"
        if spec.kind is MarketKind.LINEAR:
            params["positionIdx"] = 0  # one-way mode; in hedge mode Bybit then refuses instead of guessing
        return params

    def _amend(self, spec: MarketSpec, change: Amendment) -> None:
        body = {
            "category": spec.kind.value,
            "symbol": self._id(spec.symbol),
            "orderLinkId": change.client_order_id,
            "qty": plain(change.amount),
        }
        if change.price is not None:
            body["price"] = plain(change.price)
        if change.trigger_price is not None:
            body["triggerPrice"] = plain(change.trigger_price)
        try:
            answer = self.client.privatePostV5OrderAmend(body)
        except ccxt.BaseError as error:
            if not _is_so_already(error):
                raise
        else:
            if not answer["result"].get("orderId"):
                raise ccxt.BadResponse("bybit answered without an order id")

    def _cancel(self, symbol: str, client_order_id: str, exchange_order_id: str) -> None:
        query: dict[str, Any] = {"orderLinkId": client_order_id}
        try:
            answer = self.client.cancel_order(None, symbol, query)
        except ccxt.BaseError as error:
            # On spot, resting and conditional orders are two books, and an order is looked for in one of them.
            if not self.client.market(symbol)["spot"] or answer_code(error) not in _ORDER_DOES_NOT_EXIST:
                raise
            answer = self.client.cancel_order(None, symbol, {**query, "trigger": True})
        if not answer.get("id"):
            # A proxy's page with status 200 is parsed by ccxt as an order without content.
            raise ccxt.BadResponse("bybit answered without an order id")

    def _set_leverage(self, symbol: str, leverage: str) -> None:
        try:
            answer = self.client.set_leverage(leverage, symbol)
            if not isinstance(answer, dict):
                raise ccxt.BadResponse("bybit answered with something else than JSON")
        except ccxt.BaseError as error:
            if answer_code(error) not in _LEVERAGE_NOT_MODIFIED:
                raise

    # --- Paging --------------------------------------------------------------------------------------------------

    def _windows(self, since: int) -> Iterator[dict[str, int]]:
        """Query parameters that cover everything from ``since`` to now, oldest first."""
        now = self._now()
        if self.config.environment == "simulator" or since > now - WINDOW_MS:
            # The simulator's executions bear the replayed market's time, so that "now" says nothing about them;
            # it keeps no window.
            yield {"startTime": max(since, 0)}
            return
        start = max(since, now - KEPT_MS)
        while start <= now:
            yield {"startTime": start, "endTime": start + WINDOW_MS - 1}
            start += WINDOW_MS

    def _pages(self, call: Callable[[dict[str, Any]], Page], query: Mapping[str, Any]) -> Iterator[Page]:
        """The entries of all pages. A full page always has a cursor, even when nothing follows it."""
        cursor = ""
        while True:
            result = call({**query, "cursor": cursor} if cursor else dict(query))["result"]
            entries = result.get("list") or []
            yield from entries
            following = result.get("nextPageCursor") or ""
            if not following or following == cursor or len(entries) < int(query["limit"]):
                return
            cursor = following

    # --- Symbols -------------------------------------------------------------------------------------------------

    def _id(self, symbol: str) -> str:
        return str(self.client.market(symbol)["id"])

    def _spec_of(self, payload: Mapping[str, Any], kind: MarketKind) -> MarketSpec | None:
        """``BTCUSDT`` is a spot and a linear market: the kind decides. ``None`` when it is not traded here."""
        specs = self._markets()
        for market in self.client.markets_by_id.get(payload["symbol"], ()):
            spec = specs.get(market["symbol"])
            if spec is not None and spec.kind is kind:
                return spec
        return None


def _is_so_already(error: ccxt.BaseError) -> bool:
    code = answer_code(error)
    return code == "34039" or (code == "10001" and bool(_ORDER_NOT_MODIFIED.search(str(error))))
