"""What is sent to Coinbase and read from it:
https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/orders/create-order and its neighbours."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from exchange.coinbase_gateway import CoinbaseGateway
from exchange.errors import InsufficientFunds, OrderNotFound, OrderRejected, OutcomeUnknown
from exchange.port import OrderRequest, ReportedStatus
from exchange.traits import DuplicateIds
from exchange.venues import Venue
from strategies.contract import MarketKind, OrderType, Side
from tests.exchange.dialects.conftest import Open
from tests.exchange.wire import Answer, Wire

ID = "ta1a2b3c0123456789abcdef01234567"
SYMBOL = "BTC/USD"
ORDERS = "/api/v3/brokerage/orders"
LIST, FILLS = f"{ORDERS}/historical/batch", f"{ORDERS}/historical/fills"
CANCEL, EDIT = f"{ORDERS}/batch_cancel", f"{ORDERS}/edit"
ORDER_ID = "0000-000000-000000"
ACCEPTED = Answer({"success": True, "success_response": {"order_id": ORDER_ID, "product_id": "BTC-USD", "side": "BUY",
                                                         "client_order_id": ID}})  # fmt: skip
# The documents' example of an order.
ORDER: dict[str, Any] = {
    "order_id": ORDER_ID, "product_id": "BTC-USD", "side": "BUY", "client_order_id": ID, "status": "OPEN",
    "time_in_force": "GOOD_UNTIL_CANCELLED", "created_time": "2021-05-31T09:59:59.000Z", "completion_percentage": "50",
    "filled_size": "0.0004", "average_filled_price": "50000.1", "number_of_fills": "2", "filled_value": "20",
    "pending_cancel": False, "size_in_quote": False, "total_fees": "0.05", "size_inclusive_of_fees": False,
    "order_type": "LIMIT", "product_type": "SPOT",
    "order_configuration": {
        "limit_limit_gtc": {"base_size": "0.0012", "limit_price": "50000.10", "post_only": False}
    },
}  # fmt: skip


def request(side: Side, type: OrderType, **rest: Any) -> OrderRequest:
    return OrderRequest(SYMBOL, ID, side, type, **{"amount": Decimal("0.00120"), **rest})


@pytest.mark.parametrize(
    ("order", "body"),
    [
        (
            request(Side.BUY, OrderType.LIMIT, price=Decimal("50000.10")),
            {"limit_limit_gtc": {"base_size": "0.0012", "limit_price": "50000.1", "post_only": False}},
        ),
        (
            request(Side.SELL, OrderType.LIMIT, price=Decimal(50000), post_only=True),
            {"limit_limit_gtc": {"base_size": "0.0012", "limit_price": "50000", "post_only": True}},
        ),
        (request(Side.BUY, OrderType.MARKET), {"market_market_ioc": {"base_size": "0.0012"}}),
        (request(Side.SELL, OrderType.MARKET), {"market_market_ioc": {"base_size": "0.0012"}}),
    ],
    ids=["limit", "post-only", "market buy in base", "market sell"],
)
def test_orders(open_gateway: Open, wire: Wire, order: OrderRequest, body: dict[str, Any]) -> None:
    wire[ORDERS] = ACCEPTED

    report = open_gateway("coinbase").place(order)

    sent = wire.last(ORDERS)
    assert (sent.method, sent.host, sent.headers["CB-ACCESS-KEY"]) == ("POST", "api.coinbase.com", "the-key")
    assert sent.body == {
        "client_order_id": ID, "product_id": "BTC-USD", "side": order.side.upper(), "order_configuration": body,
    }  # fmt: skip
    assert (report.client_order_id, report.exchange_order_id) == (ID, ORDER_ID)


def test_an_id_used_twice_answers_with_the_first_order(open_gateway: Open, wire: Wire) -> None:
    wire[ORDERS] = ACCEPTED
    gateway = open_gateway("coinbase")
    order = request(Side.BUY, OrderType.MARKET)

    assert gateway.traits.duplicate_ids is DuplicateIds.FIRST_RETURNED
    assert gateway.place(order).exchange_order_id == gateway.place(order).exchange_order_id


def test_stop_market_orders_do_not_exist(open_gateway: Open, wire: Wire) -> None:
    with pytest.raises(OrderRejected, match="cannot hold a stop-market order"):
        open_gateway("coinbase").place(request(Side.SELL, OrderType.STOP, trigger_price=Decimal(48000)))

    assert wire.to(ORDERS) == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (
            {"success": False, "error_response": {"error": "INSUFFICIENT_FUND", "message": "Insufficient balance",
                                                  "error_details": "", "preview_failure_reason":
                                                  "PREVIEW_INSUFFICIENT_FUND"}},
            InsufficientFunds,
        ),
        (
            {"success": False, "error_response": {"error": "INVALID_LIMIT_PRICE_POST_ONLY", "message": "",
                                                  "error_details": "", "preview_failure_reason": ""}},
            OrderRejected,
        ),
    ],
    ids=["funds", "post-only"],
)  # fmt: skip
def test_refusals(open_gateway: Open, wire: Wire, answer: dict[str, Any], error: type[Exception]) -> None:
    wire[ORDERS] = Answer(answer)

    with pytest.raises(error, match=answer["error_response"]["error"]) as refusal:
        open_gateway("coinbase").place(request(Side.BUY, OrderType.MARKET))

    assert type(refusal.value) is error


@pytest.mark.parametrize(
    "answer",
    [requests.ReadTimeout("timed out"), Answer("<html></html>", status=502), Answer({"success": True})],
    ids=["time-out", "gateway", "no content"],
)
def test_without_a_trustworthy_answer_it_may_stand(open_gateway: Open, wire: Wire, answer: Any) -> None:
    wire[ORDERS] = answer

    with pytest.raises(OutcomeUnknown):
        open_gateway("coinbase").place(request(Side.BUY, OrderType.MARKET))


# --- Changing ------------------------------------------------------------------------------------------------------


def test_cancelling_by_coinbases_id(open_gateway: Open, wire: Wire) -> None:
    wire[CANCEL] = Answer({"results": [{"success": True, "failure_reason": "UNKNOWN_CANCEL_FAILURE_REASON",
                                        "order_id": ORDER_ID}]})  # fmt: skip

    open_gateway("coinbase").cancel(SYMBOL, ID, exchange_order_id=ORDER_ID)

    assert wire.last(CANCEL).body == {"order_ids": [ORDER_ID]}
    assert wire.to(LIST) == []


def test_without_it_the_order_is_looked_for_first(open_gateway: Open, wire: Wire) -> None:
    wire[LIST] = Answer({"orders": [{**ORDER, "order_id": "1", "client_order_id": "x"}, ORDER], "has_next": False})
    wire[CANCEL] = Answer({"results": [{"success": True, "order_id": ORDER_ID}]})

    open_gateway("coinbase").cancel(SYMBOL, ID)

    assert wire.last(LIST).query == {"product_id": "BTC-USD", "order_status": "OPEN", "limit": "100"}
    assert wire.last(CANCEL).body == {"order_ids": [ORDER_ID]}


@pytest.mark.parametrize("reason", ["UNKNOWN_CANCEL_ORDER", "ORDER_IS_FULLY_FILLED"])
def test_there_may_be_nothing_to_cancel(open_gateway: Open, wire: Wire, reason: str) -> None:
    wire[CANCEL] = Answer({"results": [{"success": False, "failure_reason": reason, "order_id": ORDER_ID}]})

    with pytest.raises(OrderNotFound, match=reason):
        open_gateway("coinbase").cancel(SYMBOL, ID, exchange_order_id=ORDER_ID)


def test_amending(open_gateway: Open, wire: Wire) -> None:
    wire[EDIT] = Answer({"success": True, "errors": []})

    open_gateway("coinbase").amend(
        SYMBOL, ID, amount=Decimal("0.0015"), price=Decimal("49999.90"), exchange_order_id=ORDER_ID
    )

    assert wire.last(EDIT).body == {"order_id": ORDER_ID, "size": "0.0015", "price": "49999.9"}


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("EDIT_REQUEST_EQUAL_TO_ORIGINAL_REQUEST", None),
        ("ORDER_NOT_FOUND", OrderNotFound),
        ("ONLY_OPEN_ORDERS_CAN_BE_EDITED", OrderNotFound),
        ("CANNOT_EDIT_TO_BELOW_FILLED_SIZE", OrderRejected),
        ("UNKNOWN_EDIT_FAILURE_REASON", OutcomeUnknown),
    ],
)
def test_amendments_that_are_not_made(
    open_gateway: Open, wire: Wire, reason: str, error: type[Exception] | None
) -> None:
    wire[EDIT] = Answer({"success": False, "errors": [{"edit_failure_reason": reason}]})
    gateway, terms = open_gateway("coinbase"), {"amount": Decimal("0.0015"), "price": Decimal(50000)}

    if error is None:
        gateway.amend(SYMBOL, ID, exchange_order_id=ORDER_ID, **terms)
    else:
        with pytest.raises(error):
            gateway.amend(SYMBOL, ID, exchange_order_id=ORDER_ID, **terms)

    assert len(wire.to(EDIT)) == 1


# --- Reading -------------------------------------------------------------------------------------------------------


def test_an_order_by_coinbases_id(open_gateway: Open, wire: Wire) -> None:
    wire[f"{ORDERS}/historical/{ORDER_ID}"] = Answer({"order": ORDER})

    report = open_gateway("coinbase").order(SYMBOL, ID, exchange_order_id=ORDER_ID)

    assert (report.client_order_id, report.status) == (ID, ReportedStatus.PARTIALLY_FILLED)
    assert (report.amount, report.filled, report.price) == (Decimal("0.0012"), Decimal("0.0004"), Decimal("50000.1"))


def test_an_order_by_our_id_among_the_newest(open_gateway: Open, wire: Wire) -> None:
    others = [{**ORDER, "order_id": str(number), "client_order_id": f"x{number}"} for number in range(100)]
    wire[LIST] = [Answer({"orders": others, "cursor": "789100", "has_next": True}), Answer({"orders": [ORDER]})]

    assert open_gateway("coinbase").order(SYMBOL, ID).exchange_order_id == ORDER_ID
    assert wire.last(LIST).query == {"product_id": "BTC-USD", "limit": "100", "cursor": "789100"}


def test_an_order_that_is_not_among_them(open_gateway: Open, wire: Wire) -> None:
    wire[LIST] = lambda sent: Answer({
        "orders": [{**ORDER, "client_order_id": "x"}] * 100, "cursor": sent.query.get("cursor", "") + "x",
    })  # fmt: skip

    with pytest.raises(OrderNotFound):
        open_gateway("coinbase").order(SYMBOL, ID)

    assert len(wire.to(LIST)) == 10


def test_orders_since_a_moment(open_gateway: Open, wire: Wire) -> None:
    older = {**ORDER, "order_id": "1", "created_time": "2021-05-31T09:59:57.000Z"}
    wire[LIST] = Answer({"orders": [ORDER, older], "has_next": False})

    found = open_gateway("coinbase").orders_since(SYMBOL, 1622455198000)  # 09:59:58

    assert [report.exchange_order_id for report in found] == [ORDER_ID]
    assert wire.last(LIST).query == {"product_id": "BTC-USD", "start_date": "2021-05-31T09:59:58.000Z", "limit": "100"}


# The documents' example of an execution.
FILL: dict[str, Any] = {
    "entry_id": "22222-2222222-22222222", "trade_id": "1111-11111-111111", "order_id": ORDER_ID,
    "trade_time": "2021-05-31T09:59:59.000Z", "trade_type": "FILL", "price": "10000.00", "size": "0.001",
    "commission": "1.25", "product_id": "BTC-USD", "sequence_timestamp": "2021-05-31T09:58:59.000Z",
    "liquidity_indicator": "MAKER", "size_in_quote": False, "user_id": "3333-333333-3333333", "side": "BUY",
}  # fmt: skip


def test_all_pages_of_executions_with_the_client_id_of_their_order(open_gateway: Open, wire: Wire) -> None:
    second = {**FILL, "trade_id": "2", "trade_time": "2021-05-31T09:59:58.000Z", "liquidity_indicator": "TAKER"}
    wire[FILLS] = [Answer({"fills": [FILL], "cursor": "789100"}), Answer({"fills": [second], "cursor": ""})]
    wire[f"{ORDERS}/historical/{ORDER_ID}"] = Answer({"order": ORDER})

    older, newer = open_gateway("coinbase").fills_since(MarketKind.SPOT, 1622455190000)

    assert [sent.query.get("cursor") for sent in wire.to(FILLS)] == [None, "789100"]
    assert wire.to(FILLS)[0].query["start_sequence_timestamp"] == "2021-05-31T09:59:50.000Z"
    assert (older.trade_id, newer.trade_id) == ("2", "1111-11111-111111")
    assert {older.client_order_id, newer.client_order_id} == {ID}
    assert (newer.side, newer.price, newer.amount) == (Side.BUY, Decimal(10000), Decimal("0.001"))
    assert (newer.fee, newer.fee_currency, newer.is_maker, older.is_maker) == (Decimal("1.25"), "USD", True, False)


def test_balances(open_gateway: Open, wire: Wire) -> None:
    account = {"uuid": "8bfc20d7", "name": "BTC Wallet", "currency": "BTC", "type": "ACCOUNT_TYPE_CRYPTO",
               "available_balance": {"value": "1.23", "currency": "BTC"},
               "hold": {"value": "0.25", "currency": "BTC"}}  # fmt: skip
    wire["/api/v3/brokerage/accounts"] = Answer({"accounts": [account], "has_next": False, "cursor": ""})

    balance = open_gateway("coinbase").balances()["BTC"]

    assert (balance.free, balance.used, balance.total) == (Decimal("1.23"), Decimal("0.25"), Decimal("1.48"))


def test_futures_are_not_traded_there(open_gateway: Open, wire: Wire) -> None:
    assert set(open_gateway("coinbase").markets()) == {SYMBOL}


def test_a_private_key_as_it_stands_in_the_downloaded_file(open_gateway: Open, wire: Wire) -> None:
    """https://docs.cdp.coinbase.com/get-started/authentication/jwt-authentication: a token per request, signed ES256."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    name = "organizations/0/apiKeys/1"
    config = replace(open_gateway("coinbase").config, api_key=name, api_secret=pem.replace("\n", "\\n"))
    wire["/api/v3/brokerage/key_permissions"] = Answer({"can_view": True})

    CoinbaseGateway(config, Venue(config)).describe_key()

    scheme, token = wire.last("/api/v3/brokerage/key_permissions").headers["Authorization"].split()
    signed, _, signature = token.rpartition(".")
    raw = _unbase64(signature)
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    key.public_key().verify(encode_dss_signature(r, s), signed.encode(), ec.ECDSA(SHA256()))
    claims = json.loads(_unbase64(signed.split(".")[1]))
    assert (scheme, claims["sub"], claims["uri"]) == (
        "Bearer", name, "GET api.coinbase.com/api/v3/brokerage/key_permissions",
    )  # fmt: skip


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
