"""What is sent to Kraken and read from it: https://docs.kraken.com/api/docs/rest-api/add-order and its neighbours."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange import client_ids
from exchange.errors import (
    DuplicateClientOrderId,
    InsufficientFunds,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
    TemporaryError,
)
from exchange.port import OrderRequest, ReportedStatus
from exchange.venue_table import VENUES
from strategies.contract import MarketKind, OrderType, Side
from tests.exchange.dialects.conftest import Open, essential, kraken
from tests.exchange.wire import Answer, Wire

ID = "ta1a2b3c0123456789abcdef01234567"
# "1a2b3c" in base 36: ((((1·36 + 10)·36 + 2)·36 + 11)·36 + 3)·36 + 12 = 77370024 = 0x049c92a8.
UUID = "049c92a80123456789abcdef01234567"
SYMBOL = "BTC/USD"
ADD, CANCEL, AMEND = "/0/private/AddOrder", "/0/private/CancelOrder", "/0/private/AmendOrder"
OPEN, CLOSED, TRADES = "/0/private/OpenOrders", "/0/private/ClosedOrders", "/0/private/TradesHistory"
ACCEPTED = kraken({"descr": {"order": "buy 0.00120000 XBTUSD @ limit 50000.1"}, "txid": ["OUF4EM-FRGI2-MQMWZD"]})

# The documents' example of an order.
ORDER: dict[str, Any] = {
    "refid": None, "userref": 0, "cl_ord_id": UUID, "status": "open", "opentm": 1688666559.8974, "starttm": 0,
    "expiretm": 0,
    "descr": {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "50000.1", "price2": "0",
              "leverage": "none", "order": "buy 0.00120000 XBTUSD @ limit 50000.1", "close": ""},
    "vol": "0.00120000", "vol_exec": "0.00040000", "cost": "20.00004", "fee": "0.05", "price": "50000.1",
    "stopprice": "0.00000", "limitprice": "0.00000", "misc": "", "oflags": "fciq",
}  # fmt: skip


def request(side: Side, type: OrderType, **rest: Any) -> OrderRequest:
    return OrderRequest(SYMBOL, ID, side, type, **{"amount": Decimal("0.00120"), **rest})


# --- Client order ids ----------------------------------------------------------------------------------------------


def test_our_id_as_a_uuid_and_back() -> None:
    assert client_ids.to_uuid(ID) == UUID
    assert client_ids.from_uuid(UUID) == ID
    assert VENUES["kraken"].client_id.takes(UUID)
    assert not VENUES["kraken"].client_id.takes(ID)


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=6, max_size=6), st.integers(0, 2**96 - 1))
def test_nothing_is_lost_on_the_way(mark: str, digest: int) -> None:
    own = f"ta{mark}{digest:024x}"

    assert client_ids.from_uuid(client_ids.to_uuid(own)) == own


@pytest.mark.parametrize("foreign", ["", "12345", "my-order", "ffffffff-ffff-ffff-ffff-ffffffffffff"])
def test_an_order_placed_by_hand_keeps_its_id(foreign: str) -> None:
    assert client_ids.from_uuid(foreign) == foreign


# --- Writing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "body"),
    [
        (
            request(Side.BUY, OrderType.LIMIT, price=Decimal("50000.10")),
            {"type": "buy", "ordertype": "limit", "price": "50000.1", "oflags": "fciq"},
        ),
        (
            request(Side.SELL, OrderType.LIMIT, price=Decimal(50000), post_only=True),
            {"type": "sell", "ordertype": "limit", "price": "50000", "oflags": "fciq,post"},
        ),
        (
            request(Side.BUY, OrderType.MARKET),
            {"type": "buy", "ordertype": "market", "oflags": "fciq"},
        ),
        (
            request(Side.SELL, OrderType.STOP, trigger_price=Decimal("48000.10")),
            {"type": "sell", "ordertype": "stop-loss", "price": "48000.1", "oflags": "fciq"},
        ),
    ],
    ids=["limit", "post-only", "market buy in base", "stop"],
)
def test_orders(open_gateway: Open, wire: Wire, order: OrderRequest, body: dict[str, str]) -> None:
    wire[ADD] = ACCEPTED

    report = open_gateway("kraken").place(order)

    sent = wire.last(ADD)
    assert (sent.method, sent.host, sent.headers["API-Key"]) == ("POST", "api.kraken.com", "the-key")
    assert essential(sent) == {"pair": "XXBTZUSD", "volume": "0.0012", "cl_ord_id": UUID, **body}
    assert (report.client_order_id, report.exchange_order_id) == (ID, "OUF4EM-FRGI2-MQMWZD")


@pytest.mark.parametrize(
    ("price", "trigger_price", "body"),
    [
        (Decimal("49999.90"), None, {"limit_price": "49999.9"}),
        (None, Decimal(47000), {"trigger_price": "47000"}),
    ],
    ids=["limit", "stop"],
)
def test_amending(
    open_gateway: Open, wire: Wire, price: Decimal | None, trigger_price: Decimal | None, body: dict[str, str]
) -> None:
    wire[AMEND] = kraken({"amend_id": "TTW6PD-RC36L-ZZSWNU"})

    open_gateway("kraken").amend(SYMBOL, ID, amount=Decimal("0.0015"), price=price, trigger_price=trigger_price)

    assert essential(wire.last(AMEND)) == {"cl_ord_id": UUID, "order_qty": "0.0015", **body}


def test_cancelling(open_gateway: Open, wire: Wire) -> None:
    wire[CANCEL] = kraken({"count": 1})

    open_gateway("kraken").cancel(SYMBOL, ID)

    assert essential(wire.last(CANCEL)) == {"cl_ord_id": UUID}


@pytest.mark.parametrize("method", ["cancel", "amend"])
def test_what_is_gone_can_be_changed_no_more(open_gateway: Open, wire: Wire, method: str) -> None:
    wire[CANCEL] = wire[AMEND] = Answer({"error": ["EOrder:Unknown order"]})
    terms = {"amount": Decimal("0.0015"), "price": Decimal(50000)} if method == "amend" else {}

    with pytest.raises(OrderNotFound, match="EOrder:Unknown order"):
        getattr(open_gateway("kraken"), method)(SYMBOL, ID, **terms)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("EOrder:Insufficient funds", InsufficientFunds),
        ("EOrder:Order minimum not met", OrderRejected),
        ("EOrder:Duplicate order", DuplicateClientOrderId),
        ("EService:Unavailable", OutcomeUnknown),
        ("EAPI:Invalid nonce", TemporaryError),  # refused before it was looked at: several workers share the key
    ],
)
def test_refusals(open_gateway: Open, wire: Wire, words: str, error: type[Exception]) -> None:
    wire[ADD] = Answer({"error": [words]})

    with pytest.raises(error, match=words) as refusal:
        open_gateway("kraken").place(request(Side.BUY, OrderType.MARKET))

    assert type(refusal.value) is error


# --- Reading -------------------------------------------------------------------------------------------------------


def test_an_open_order_by_its_client_id(open_gateway: Open, wire: Wire) -> None:
    wire[OPEN] = kraken({"open": {"OUF4EM-FRGI2-MQMWZD": ORDER}})

    report = open_gateway("kraken").order(SYMBOL, ID)

    assert essential(wire.last(OPEN)) == {"cl_ord_id": UUID}
    assert (report.client_order_id, report.exchange_order_id) == (ID, "OUF4EM-FRGI2-MQMWZD")
    assert (report.status, report.side, report.type) == (ReportedStatus.PARTIALLY_FILLED, Side.BUY, OrderType.LIMIT)
    assert (report.amount, report.filled, report.price) == (Decimal("0.0012"), Decimal("0.0004"), Decimal("50000.1"))


def test_a_closed_order_by_its_client_id(open_gateway: Open, wire: Wire) -> None:
    wire[OPEN] = kraken({"open": {}})
    wire[CLOSED] = kraken({"closed": {"OUF4EM-FRGI2-MQMWZD": {**ORDER, "status": "closed", "vol_exec": "0.0012"}},
                           "count": 1})  # fmt: skip

    assert open_gateway("kraken").order(SYMBOL, ID).status is ReportedStatus.FILLED
    assert essential(wire.last(CLOSED)) == {"cl_ord_id": UUID}


def test_an_order_that_is_in_neither_list(open_gateway: Open, wire: Wire) -> None:
    wire[OPEN], wire[CLOSED] = kraken({"open": {}}), kraken({"closed": {}, "count": 0})

    with pytest.raises(OrderNotFound):
        open_gateway("kraken").order(SYMBOL, ID)


def test_a_stop_that_stands(open_gateway: Open, wire: Wire) -> None:
    descr = {**ORDER["descr"], "type": "sell", "ordertype": "stop-loss", "price": "48000.1", "order": ""}
    stop = {**ORDER, "descr": descr, "vol_exec": "0.00000000", "price": "0.00000", "stopprice": "48000.1"}
    wire[OPEN] = kraken({"open": {"OUF4EM-FRGI2-MQMWZD": stop}})

    (report,) = open_gateway("kraken").open_orders(SYMBOL)

    assert (report.client_order_id, report.type, report.trigger_price) == (ID, OrderType.STOP, Decimal("48000.1"))
    assert (report.price, report.triggered) == (None, None)


# The documents' example of an execution.
TRADE: dict[str, Any] = {
    "ordertxid": "OQCLML-BW3P3-BUCMWZ", "postxid": "TKH2SE-M7IF5-CFI7LT", "pair": "XXBTZUSD", "time": 1688667796.8802,
    "type": "buy", "ordertype": "limit", "price": "50000.10000", "cost": "60.00012", "fee": "0.15000",
    "vol": "0.00120000", "margin": "0.00000", "misc": "", "trade_id": 93748276, "maker": True,
}  # fmt: skip


def test_executions_get_the_client_id_of_their_order(open_gateway: Open, wire: Wire) -> None:
    wire[TRADES] = kraken({"trades": {"THVRQM-33VKH-UCI7BS": TRADE}, "count": 1})
    wire["/0/private/QueryOrders"] = kraken({"OQCLML-BW3P3-BUCMWZ": {**ORDER, "trades": []}})

    (fill,) = open_gateway("kraken").fills_since(MarketKind.SPOT, 1688667796000)

    assert essential(wire.last(TRADES)) == {"start": "1688667795", "ofs": "0"}
    assert essential(wire.last("/0/private/QueryOrders"))["txid"] == "OQCLML-BW3P3-BUCMWZ"
    assert (fill.symbol, fill.trade_id, fill.client_order_id) == (SYMBOL, "THVRQM-33VKH-UCI7BS", ID)
    assert (fill.side, fill.price, fill.amount) == (Side.BUY, Decimal("50000.1"), Decimal("0.0012"))
    assert (fill.fee, fill.fee_currency, fill.is_maker) == (Decimal("0.15"), "USD", True)
    assert fill.timestamp == 1688667796880


def test_all_pages_of_executions(open_gateway: Open, wire: Wire) -> None:
    trades = {f"T{number}": {**TRADE, "time": 1688667800 - number} for number in range(60)}
    names = list(trades)
    wire[TRADES] = [
        kraken({"trades": {name: trades[name] for name in names[:50]}, "count": 60}),
        kraken({"trades": {name: trades[name] for name in names[50:]}, "count": 60}),
    ]
    wire["/0/private/QueryOrders"] = kraken({"OQCLML-BW3P3-BUCMWZ": {**ORDER, "trades": []}})

    fills = open_gateway("kraken").fills_since(MarketKind.SPOT, 1688667700000)

    assert [fill.trade_id for fill in fills] == list(reversed(names))
    assert [essential(sent)["ofs"] for sent in wire.to(TRADES)] == ["0", "50"]


def test_balances_by_the_usual_names(open_gateway: Open, wire: Wire) -> None:
    wire["/0/private/BalanceEx"] = kraken({
        "ZUSD": {"balance": "25435.21", "hold_trade": "8249.76"}, "XXBT": {"balance": "1.2435", "hold_trade": "0.8423"},
    })  # fmt: skip

    balances = open_gateway("kraken").balances()

    assert (balances["BTC"].total, balances["BTC"].used, balances["BTC"].free) == (
        Decimal("1.2435"), Decimal("0.8423"), Decimal("0.4012"),
    )  # fmt: skip
    assert balances["USD"].free == Decimal("17185.45")
