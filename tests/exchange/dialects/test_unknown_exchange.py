"""An exchange without an entry in the table: nothing is taken for granted, and no client order id is sent.

Binance.US stands for it: not in the table, and it answers like Binance, so that its documents are known
(https://docs.binance.us).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from exchange.ccxt_gateway import CcxtGateway
from exchange.errors import NeedsOperator, OrderRejected
from exchange.port import OrderRequest, ReportedStatus
from exchange.venues import Venue
from strategies.contract import MarketKind, OrderType, Side
from tests.exchange.dialects.conftest import Open, essential, okx
from tests.exchange.wire import Answer, Wire

ID = "ta1a2b3c0123456789abcdef01234567"
SYMBOL = "BTC/USDT"
ORDER: dict[str, Any] = {
    "symbol": "BTCUSDT", "orderId": 28, "clientOrderId": "x-somebodys", "price": "50000.10000000",
    "origQty": "0.00120000", "executedQty": "0.00120000", "cummulativeQuoteQty": "60.0", "status": "FILLED",
    "timeInForce": "GTC", "type": "LIMIT", "side": "BUY", "stopPrice": "0.0", "time": 1499827319559,
    "updateTime": 1499827319559, "isWorking": True,
}  # fmt: skip


def test_our_id_is_not_sent(open_gateway: Open, wire: Wire) -> None:
    wire["POST /api/v3/order"] = Answer({"symbol": "BTCUSDT", "orderId": 28, "status": "NEW"})
    gateway = open_gateway("binanceus")

    report = gateway.place(OrderRequest(SYMBOL, ID, Side.BUY, OrderType.MARKET, Decimal("0.0012")))

    assert type(gateway) is CcxtGateway
    assert ID not in essential(wire.last("POST /api/v3/order")).values()
    assert (report.client_order_id, report.exchange_order_id) == (ID, "28")


def test_an_order_is_asked_for_by_the_exchanges_id_only(open_gateway: Open, wire: Wire) -> None:
    wire["GET /api/v3/order"] = Answer(ORDER)
    gateway = open_gateway("binanceus")

    assert gateway.order(SYMBOL, ID, exchange_order_id="28").status is ReportedStatus.FILLED
    assert essential(wire.last("GET /api/v3/order")) == {"symbol": "BTCUSDT", "orderId": "28"}
    for change in (gateway.order, gateway.cancel):
        with pytest.raises(NeedsOperator, match="knows orders by its own ids only"):
            change(SYMBOL, ID)


def test_cancelling_by_the_exchanges_id(open_gateway: Open, wire: Wire) -> None:
    wire["DELETE /api/v3/order"] = Answer({**ORDER, "status": "CANCELED"})

    open_gateway("binanceus").cancel(SYMBOL, ID, exchange_order_id="28")

    assert essential(wire.last("DELETE /api/v3/order")) == {"symbol": "BTCUSDT", "orderId": "28"}


def test_nothing_is_changed_in_place_and_no_stop_is_held(open_gateway: Open, wire: Wire) -> None:
    gateway = open_gateway("binanceus")

    with pytest.raises(OrderRejected, match="in place"):
        gateway.amend(SYMBOL, ID, amount=Decimal("0.001"), price=Decimal(50000), exchange_order_id="28")
    with pytest.raises(OrderRejected, match="stop-market"):
        gateway.place(OrderRequest(SYMBOL, ID, Side.SELL, OrderType.STOP, Decimal(1), trigger_price=Decimal(48000)))


def test_executions_are_asked_for_until_nothing_new_comes(open_gateway: Open, wire: Wire) -> None:
    """They bear the exchange's order id, which is all that is known of whose they are."""
    trade = {"symbol": "BTCUSDT", "id": 1, "orderId": 28, "price": "50000", "qty": "0.001", "quoteQty": "50",
             "commission": "0.05", "commissionAsset": "USDT", "time": 1499865549590, "isBuyer": True,
             "isMaker": False}  # fmt: skip
    second, third = {**trade, "id": 2}, {**trade, "id": 3, "time": 1499865549600}
    wire["/api/v3/myTrades"] = [Answer([trade, second]), Answer([trade, second, third]), Answer([third])]

    fills = open_gateway("binanceus").fills_since(MarketKind.SPOT, 1499865549000, symbols=[SYMBOL])

    assert [(fill.trade_id, fill.exchange_order_id, fill.client_order_id) for fill in fills] == [
        ("1", "28", ""), ("2", "28", ""), ("3", "28", ""),
    ]  # fmt: skip
    assert [sent.query["startTime"] for sent in wire.to("/api/v3/myTrades")] == [
        "1499865549000", "1499865549590", "1499865549600",
    ]  # fmt: skip


def test_orders_since_a_moment_from_the_one_list(open_gateway: Open, wire: Wire) -> None:
    older = {**ORDER, "orderId": 27, "time": 1499827319000}
    wire["/api/v3/allOrders"] = Answer([older, ORDER])

    found = open_gateway("binanceus").orders_since(SYMBOL, 1499827319500)

    assert [(report.exchange_order_id, report.side, report.amount) for report in found] == [
        ("28", Side.BUY, Decimal("0.0012")),
    ]  # fmt: skip


def test_orders_since_a_moment_where_there_are_several_lists(open_gateway: Open, wire: Wire) -> None:
    """The general adapter on OKX's lists: open, filled, cancelled. What closed in between is in two: it is closed."""
    details = {"instType": "SPOT", "instId": "BTC-USDT", "clOrdId": "", "px": "50000", "sz": "1", "ordType": "limit",
               "side": "buy", "accFillSz": "0", "state": "live", "avgPx": "", "cTime": "1708587373361"}  # fmt: skip
    wire["/api/v5/trade/orders-pending"] = okx({**details, "ordId": "1"}, {**details, "ordId": "2"})
    filled, canceled = {**details, "ordId": "2", "state": "filled", "accFillSz": "1"}, {**details, "ordId": "3"}
    wire["/api/v5/trade/orders-history"] = [okx(filled), okx({**canceled, "state": "canceled"})]
    config = open_gateway("okx").config

    found = CcxtGateway(config, Venue(config)).orders_since(SYMBOL, 1708587373000)

    assert {report.exchange_order_id: report.status for report in found} == {
        "1": ReportedStatus.OPEN, "2": ReportedStatus.FILLED, "3": ReportedStatus.CANCELED,
    }  # fmt: skip
