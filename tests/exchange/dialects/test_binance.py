"""What is sent to Binance and read from it.

Requests and answers are those of https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints
and https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from exchange.errors import DuplicateClientOrderId, InsufficientFunds, NeedsOperator, OrderNotFound, OrderRejected
from exchange.port import OrderRequest, ReportedStatus
from strategies.contract import MarketKind, OrderType, Side
from tests.exchange.dialects.conftest import Open, essential
from tests.exchange.wire import Answer, Wire

ID = "ta1a2b3c0123456789abcdef01234567"
SPOT, LINEAR = "BTC/USDT", "BTC/USDT:USDT"
SPOT_ORDER, LINEAR_ORDER = "/api/v3/order", "/fapi/v1/order"
ACCEPTED = Answer({"symbol": "BTCUSDT", "orderId": 28, "clientOrderId": ID, "status": "NEW", "side": "BUY"})

# The documents' example of a spot order.
ORDER: dict[str, Any] = {
    "symbol": "BTCUSDT", "orderId": 28, "orderListId": -1, "clientOrderId": ID, "price": "50000.10000000",
    "origQty": "0.00120000", "executedQty": "0.00040000", "cummulativeQuoteQty": "20.00004000",
    "status": "PARTIALLY_FILLED", "timeInForce": "GTC", "type": "LIMIT", "side": "BUY", "stopPrice": "0.00000000",
    "icebergQty": "0.00000000", "time": 1499827319559, "updateTime": 1499827319559, "isWorking": True,
    "workingTime": 1499827319559, "origQuoteOrderQty": "0.000000", "selfTradePreventionMode": "NONE",
}  # fmt: skip


def request(symbol: str, side: Side, type: OrderType, **rest: Any) -> OrderRequest:
    return OrderRequest(symbol, ID, side, type, **{"amount": Decimal("0.00120"), **rest})


@pytest.mark.parametrize(
    ("order", "body"),
    [
        (
            request(SPOT, Side.BUY, OrderType.LIMIT, price=Decimal("50000.10")),
            {"type": "LIMIT", "side": "BUY", "quantity": "0.0012", "price": "50000.1", "timeInForce": "GTC"},
        ),
        (
            request(SPOT, Side.SELL, OrderType.LIMIT, price=Decimal(50000), post_only=True),
            {"type": "LIMIT_MAKER", "side": "SELL", "quantity": "0.0012", "price": "50000"},
        ),
        (
            request(SPOT, Side.BUY, OrderType.MARKET),
            {"type": "MARKET", "side": "BUY", "quantity": "0.0012"},
        ),
        (
            request(SPOT, Side.SELL, OrderType.STOP, trigger_price=Decimal(48000)),
            {"type": "STOP_LOSS", "side": "SELL", "quantity": "0.0012", "stopPrice": "48000"},
        ),
    ],
    ids=["limit", "post-only", "market buy in base", "stop"],
)
def test_spot_orders(open_gateway: Open, wire: Wire, order: OrderRequest, body: dict[str, str]) -> None:
    wire[f"POST {SPOT_ORDER}"] = ACCEPTED

    report = open_gateway("binance").place(order)

    sent = wire.last(SPOT_ORDER)
    assert (sent.method, sent.host, sent.headers["X-MBX-APIKEY"]) == ("POST", "api.binance.com", "the-key")
    payload = essential(sent)
    payload.pop("newOrderRespType")
    assert payload == {"symbol": "BTCUSDT", "newClientOrderId": ID, **body}
    assert (report.exchange_order_id, report.client_order_id) == ("28", ID)


def test_tiny_prices_and_huge_amounts_are_written_out(open_gateway: Open, wire: Wire) -> None:
    wire[f"POST {SPOT_ORDER}"] = ACCEPTED
    order = OrderRequest("PEPE/USDT", ID, Side.BUY, OrderType.LIMIT, Decimal("123456789"), Decimal("0.00000703"))

    open_gateway("binance").place(order)

    payload = essential(wire.last(SPOT_ORDER))
    assert (payload["quantity"], payload["price"]) == ("123456789", "0.00000703")


@pytest.mark.parametrize(
    ("order", "body"),
    [
        (
            request(LINEAR, Side.BUY, OrderType.LIMIT, price=Decimal("50000.10"), amount=Decimal("0.012")),
            {"type": "LIMIT", "side": "BUY", "quantity": "0.012", "price": "50000.1", "timeInForce": "GTC"},
        ),
        (
            request(LINEAR, Side.SELL, OrderType.LIMIT, price=Decimal(50000), amount=Decimal("0.012"), post_only=True),
            {"type": "LIMIT", "side": "SELL", "quantity": "0.012", "price": "50000", "timeInForce": "GTX"},
        ),
        (
            request(LINEAR, Side.SELL, OrderType.MARKET, amount=Decimal("0.001"), reduce_only=True),
            {"type": "MARKET", "side": "SELL", "quantity": "0.001", "reduceOnly": "true"},
        ),
    ],
    ids=["limit", "post-only", "reduce-only"],
)
def test_futures_orders(open_gateway: Open, wire: Wire, order: OrderRequest, body: dict[str, str]) -> None:
    wire[f"POST {LINEAR_ORDER}"] = ACCEPTED

    open_gateway("binance", default_type="swap").place(order)

    sent = wire.last(LINEAR_ORDER)
    assert (sent.method, sent.host) == ("POST", "fapi.binance.com")
    payload = essential(sent)
    payload.pop("newOrderRespType")
    assert {name: value.lower() if value == "True" else value for name, value in payload.items()} == {
        "symbol": "BTCUSDT", "newClientOrderId": ID, **body,
    }  # fmt: skip


def test_a_futures_account_has_no_spot_markets_and_no_stop_orders(open_gateway: Open, wire: Wire) -> None:
    gateway = open_gateway("binance", default_type="swap")

    assert set(gateway.markets()) == {LINEAR}
    with pytest.raises(OrderRejected, match="cannot hold a stop-market order"):
        gateway.place(request(LINEAR, Side.SELL, OrderType.STOP, trigger_price=Decimal(48000), amount=Decimal("0.01")))


def test_cancelling_and_looking_up_by_the_client_id(open_gateway: Open, wire: Wire) -> None:
    wire[f"DELETE {SPOT_ORDER}"] = Answer({**ORDER, "status": "CANCELED"})
    wire[f"GET {SPOT_ORDER}"] = Answer(ORDER)
    gateway = open_gateway("binance")

    gateway.cancel(SPOT, ID)
    report = gateway.order(SPOT, ID)

    assert essential(wire.last(f"DELETE {SPOT_ORDER}")) == {"symbol": "BTCUSDT", "origClientOrderId": ID}
    assert essential(wire.last(f"GET {SPOT_ORDER}")) == {"symbol": "BTCUSDT", "origClientOrderId": ID}
    assert (report.client_order_id, report.exchange_order_id, report.status) == (
        ID, "28", ReportedStatus.PARTIALLY_FILLED,
    )  # fmt: skip
    assert (report.amount, report.filled, report.price) == (Decimal("0.0012"), Decimal("0.0004"), Decimal("50000.1"))


@pytest.mark.parametrize("working", [False, True])
def test_a_stop_tells_whether_it_was_triggered(open_gateway: Open, wire: Wire, working: bool) -> None:
    stop = {**ORDER, "type": "STOP_LOSS", "side": "SELL", "stopPrice": "48000.00000000", "price": "0.00000000",
            "executedQty": "0.00000000", "cummulativeQuoteQty": "0.00000000", "status": "NEW",
            "isWorking": working}  # fmt: skip
    wire["/api/v3/openOrders"] = Answer([stop])

    (report,) = open_gateway("binance").open_orders(SPOT)

    assert (report.type, report.trigger_price, report.triggered) == (OrderType.STOP, Decimal(48000), working)


def test_a_futures_limit_order_is_amended_in_place(open_gateway: Open, wire: Wire) -> None:
    standing = {
        **ORDER,
        "status": "NEW",
        "executedQty": "0",
        "positionSide": "BOTH",
        "avgPrice": "0.0",
        "cumQuote": "0",
    }
    wire[f"GET {LINEAR_ORDER}"] = Answer(standing)
    wire[f"PUT {LINEAR_ORDER}"] = ACCEPTED

    open_gateway("binance", default_type="swap").amend(LINEAR, ID, amount=Decimal("0.0150"), price=Decimal("49999.9"))

    assert essential(wire.last(f"PUT {LINEAR_ORDER}")) == {
        "symbol": "BTCUSDT", "side": "BUY", "origClientOrderId": ID, "quantity": "0.015", "price": "49999.9",
    }  # fmt: skip


def test_an_amendment_that_changes_nothing_is_no_error(open_gateway: Open, wire: Wire) -> None:
    wire[f"GET {LINEAR_ORDER}"] = Answer({**ORDER, "positionSide": "BOTH", "cumQuote": "0"})
    wire[f"PUT {LINEAR_ORDER}"] = Answer({"code": -5027, "msg": "No need to modify the order."}, status=400)

    open_gateway("binance", default_type="swap").amend(LINEAR, ID, amount=Decimal("0.001"), price=Decimal(50000))

    assert len(wire.to(f"PUT {LINEAR_ORDER}")) == 1


def test_an_order_that_filled_is_not_amended(open_gateway: Open, wire: Wire) -> None:
    wire[f"GET {LINEAR_ORDER}"] = Answer({**ORDER, "status": "FILLED", "executedQty": "0.0012", "positionSide": "BOTH"})

    with pytest.raises(OrderNotFound):
        open_gateway("binance", default_type="swap").amend(LINEAR, ID, amount=Decimal("0.001"), price=Decimal(50000))

    assert wire.to(f"PUT {LINEAR_ORDER}") == []


def test_a_spot_order_cannot_be_amended(open_gateway: Open, wire: Wire) -> None:
    with pytest.raises(OrderRejected, match="cannot change this order on BTC/USDT in place"):
        open_gateway("binance").amend(SPOT, ID, amount=Decimal("0.001"), price=Decimal(50000))


# --- Executions ----------------------------------------------------------------------------------------------------

TRADE: dict[str, Any] = {
    "symbol": "BTCUSDT", "id": 28457, "orderId": 100234, "orderListId": -1, "price": "4.00000100",
    "qty": "12.00000000", "quoteQty": "48.000012", "commission": "10.10000000", "commissionAsset": "BNB",
    "time": 1499865549590, "isBuyer": True, "isMaker": False, "isBestMatch": True,
}  # fmt: skip


def test_executions_get_the_client_id_of_their_order(open_gateway: Open, wire: Wire) -> None:
    """They carry Binance's own id only: the order is asked once, however many executions and readings it has."""
    wire["/api/v3/myTrades"] = Answer([TRADE, {**TRADE, "id": 28458, "commission": "0.00100000",
                                               "commissionAsset": "BTC", "isMaker": True}])  # fmt: skip
    wire[f"GET {SPOT_ORDER}"] = Answer({**ORDER, "orderId": 100234})
    gateway = open_gateway("binance")

    for _ in range(2):
        first, second = gateway.fills_since(MarketKind.SPOT, 1499865549000, symbols=[SPOT, LINEAR])

    assert (first.trade_id, first.client_order_id, first.exchange_order_id) == ("28457", ID, "100234")
    assert (first.side, first.price, first.amount) == (Side.BUY, Decimal("4.000001"), Decimal(12))
    assert (first.fee, first.fee_currency, first.is_maker) == (Decimal("10.1"), "BNB", False)
    assert (second.fee, second.fee_currency, second.is_maker) == (Decimal("0.001"), "BTC", True)
    assert len(wire.to(f"GET {SPOT_ORDER}")) == 1
    assert essential(wire.to("/api/v3/myTrades")[0]) == {
        "symbol": "BTCUSDT", "startTime": "1499865549000", "limit": "1000",
    }  # fmt: skip


def test_all_pages_of_executions(open_gateway: Open, wire: Wire) -> None:
    start = 1499865549000
    page = [{**TRADE, "id": number, "time": start + number} for number in range(1000)]
    rest = [page[-1], {**TRADE, "id": 1000, "time": start + 999}, {**TRADE, "id": 1001, "time": start + 1001}]
    wire["/api/v3/myTrades"] = [Answer(page), Answer(rest)]
    wire[f"GET {SPOT_ORDER}"] = Answer({**ORDER, "orderId": 100234})

    fills = open_gateway("binance").fills_since(MarketKind.SPOT, start, symbols=[SPOT])

    assert [fill.trade_id for fill in fills] == [str(number) for number in range(1002)]
    assert [sent.query["startTime"] for sent in wire.to("/api/v3/myTrades")] == [str(start), str(start + 999)]


def test_without_symbols_nothing_can_be_asked(open_gateway: Open, wire: Wire) -> None:
    assert open_gateway("binance").traits.fills_by_symbol
    assert open_gateway("binance").fills_since(MarketKind.SPOT, 0) == []


# --- Refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"code": -2010, "msg": "Account has insufficient balance for requested action."}, InsufficientFunds),
        ({"code": -2010, "msg": "Duplicate order sent."}, DuplicateClientOrderId),
        ({"code": -1013, "msg": "Filter failure: PERCENT_PRICE_BY_SIDE"}, OrderRejected),
    ],
)
def test_refusals(open_gateway: Open, wire: Wire, answer: dict[str, Any], error: type[Exception]) -> None:
    wire[f"POST {SPOT_ORDER}"] = Answer(answer, status=400)

    with pytest.raises(error) as refusal:
        open_gateway("binance").place(request(SPOT, Side.BUY, OrderType.LIMIT, price=Decimal(50000)))

    assert type(refusal.value) is error


def test_a_futures_id_that_is_used_already(open_gateway: Open, wire: Wire) -> None:
    wire[f"POST {LINEAR_ORDER}"] = Answer({"code": -4116, "msg": "ClientOrderId is duplicated."}, status=400)

    with pytest.raises(DuplicateClientOrderId):
        open_gateway("binance", default_type="swap").place(
            request(LINEAR, Side.BUY, OrderType.LIMIT, price=Decimal(50000), amount=Decimal("0.01"))
        )


@pytest.mark.parametrize("method", ["cancel", "order"])
def test_an_order_that_is_not_known(open_gateway: Open, wire: Wire, method: str) -> None:
    wire[f"DELETE {SPOT_ORDER}"] = Answer({"code": -2011, "msg": "Unknown order sent."}, status=400)
    wire[f"GET {SPOT_ORDER}"] = Answer({"code": -2013, "msg": "Order does not exist."}, status=400)

    with pytest.raises(OrderNotFound):
        getattr(open_gateway("binance"), method)(SPOT, ID)


# --- The futures account -------------------------------------------------------------------------------------------


def test_the_futures_wallet(open_gateway: Open, wire: Wire) -> None:
    """https://developers.binance.com/docs/derivatives/usds-margined-futures/account/rest-api/Account-Information-V3"""
    asset = {"asset": "USDT", "walletBalance": "23.72469206", "unrealizedProfit": "0.00000000",
             "marginBalance": "23.72469206", "maintMargin": "0.0", "initialMargin": "3.5",
             "positionInitialMargin": "1.5", "openOrderInitialMargin": "2.0", "crossWalletBalance": "23.72469206",
             "crossUnPnl": "0.0", "availableBalance": "20.22469206", "maxWithdrawAmount": "20.2",
             "updateTime": 1720736417660}  # fmt: skip
    wire["/fapi/v3/account"] = Answer({"totalWalletBalance": "23.7", "assets": [asset], "positions": []})

    balance = open_gateway("binance", default_type="swap").balances()["USDT"]

    assert (balance.total, balance.free) == (Decimal("23.72469206"), Decimal("20.22469206"))


@pytest.fixture
def position(wire: Wire) -> dict[str, Any]:
    """…/trade/rest-api/Position-Information-V3; what it answers may be changed."""
    position = {"symbol": "BTCUSDT", "positionSide": "BOTH", "positionAmt": "-0.250", "entryPrice": "50000.5",
                "breakEvenPrice": "50010.0", "markPrice": "49900.0", "unRealizedProfit": "25.125",
                "liquidationPrice": "60000.0", "isolatedMargin": "0", "notional": "-12475.0", "marginAsset": "USDT",
                "isolatedWallet": "0", "initialMargin": "1247.5", "maintMargin": "49.9",
                "positionInitialMargin": "1247.5", "openOrderInitialMargin": "0", "adl": 2, "bidNotional": "0",
                "askNotional": "0", "updateTime": 1720736417660}  # fmt: skip
    wire["/fapi/v3/positionRisk"] = lambda _: Answer([position])
    bracket = {"bracket": 1, "initialLeverage": 125, "notionalCap": 50000, "notionalFloor": 0,
               "maintMarginRatio": 0.004, "cum": 0.0}  # fmt: skip
    wire["/fapi/v1/leverageBracket"] = Answer([{"symbol": "BTCUSDT", "brackets": [bracket]}])
    return position


def test_a_short_position_is_negative(open_gateway: Open, position: dict[str, Any]) -> None:
    (found,) = open_gateway("binance", default_type="swap").positions()

    assert (found.symbol, found.amount, found.average_price) == (LINEAR, Decimal("-0.25"), Decimal("50000.5"))
    assert (found.unrealised_pnl, found.liquidation_price) == (Decimal("25.125"), Decimal(60000))


def test_hedge_mode_needs_the_operator(open_gateway: Open, position: dict[str, Any]) -> None:
    position["positionSide"] = "SHORT"

    with pytest.raises(NeedsOperator, match="hedge mode"):
        open_gateway("binance", default_type="swap").positions()


def test_leverage(open_gateway: Open, wire: Wire) -> None:
    wire["/fapi/v1/leverage"] = Answer({"leverage": 21, "maxNotionalValue": "1000000", "symbol": "BTCUSDT"})

    open_gateway("binance", default_type="swap").set_leverage(LINEAR, Decimal(21))

    assert essential(wire.last("/fapi/v1/leverage")) == {"symbol": "BTCUSDT", "leverage": "21"}
