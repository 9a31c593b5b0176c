"""What is sent to OKX and read from it: https://www.okx.com/docs-v5/en/#order-book-trading-trade."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import requests

from exchange.errors import (
    DuplicateClientOrderId,
    NeedsOperator,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
    TemporaryError,
)
from exchange.port import Balance, OrderRequest, ReportedStatus
from strategies.contract import MarketKind, OrderType, Side
from tests.exchange.dialects.conftest import Open, okx
from tests.exchange.wire import Answer, Wire

ID = "ta1a2b3c0123456789abcdef01234567"
SPOT, LINEAR = "BTC/USDT", "BTC/USDT:USDT"
ORDER, STOP = "/api/v5/trade/order", "/api/v5/trade/order-algo"
CANCEL, CANCEL_STOP = "/api/v5/trade/cancel-order", "/api/v5/trade/cancel-algos"
ACCEPTED = okx(
    {"clOrdId": ID, "ordId": "312269865356374016", "tag": "", "ts": "1695190491421", "sCode": "0", "sMsg": ""}
)
GONE = Answer({"code": "51603", "msg": "Order does not exist", "data": []})

# The documents' example of an order's details.
DETAILS: dict[str, Any] = {
    "instType": "SWAP", "instId": "BTC-USDT-SWAP", "ordId": "680800019749904384", "clOrdId": ID, "tag": "",
    "px": "50000.1", "sz": "5", "pnl": "0", "ordType": "limit", "side": "buy", "posSide": "net", "tdMode": "cross",
    "accFillSz": "2", "fillPx": "50000.1", "tradeId": "744876980", "fillSz": "2", "fillTime": "1708587373362",
    "avgPx": "50000.1", "state": "partially_filled", "lever": "3", "fee": "-0.2", "feeCcy": "USDT",
    "rebate": "0", "rebateCcy": "USDT", "tgtCcy": "", "category": "normal", "uTime": "1708587373362",
    "cTime": "1708587373361", "reduceOnly": "false", "algoClOrdId": "", "algoId": "", "attachAlgoOrds": [],
}  # fmt: skip
STOP_DETAILS: dict[str, Any] = {
    "instType": "SWAP", "instId": "BTC-USDT-SWAP", "algoId": "681096944655273984", "algoClOrdId": ID, "clOrdId": "",
    "ordId": "", "ordIdList": [], "sz": "5", "side": "sell", "posSide": "net", "ordType": "trigger", "state": "live",
    "triggerPx": "48000", "triggerPxType": "last", "ordPx": "-1", "cTime": "1708658165774", "failCode": "",
}  # fmt: skip


def request(symbol: str, side: Side, type: OrderType, **rest: Any) -> OrderRequest:
    return OrderRequest(symbol, ID, side, type, **{"amount": Decimal("0.05"), **rest})


def test_a_contract_is_a_hundredth_of_a_coin(open_gateway: Open, wire: Wire) -> None:
    spec = open_gateway("okx").markets()[LINEAR]

    assert (spec.contract_size, spec.step, spec.min_amount) == (Decimal("0.01"), Decimal("0.0001"), Decimal("0.0001"))


@pytest.mark.parametrize(
    ("order", "body"),
    [
        (
            request(SPOT, Side.BUY, OrderType.LIMIT, price=Decimal("50000.10")),
            {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "sz": "0.05", "px": "50000.1",
             "tgtCcy": "base_ccy"},
        ),
        (
            request(SPOT, Side.BUY, OrderType.MARKET),
            {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "market", "sz": "0.05",
             "tgtCcy": "base_ccy"},
        ),
        (
            request(LINEAR, Side.SELL, OrderType.LIMIT, price=Decimal(50000), post_only=True),
            {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "sell", "ordType": "post_only", "sz": "5",
             "px": "50000"},
        ),
        (
            request(LINEAR, Side.SELL, OrderType.MARKET, reduce_only=True),
            {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "sell", "ordType": "market", "sz": "5",
             "reduceOnly": True},
        ),
    ],
    ids=["spot limit", "market buy in base", "post-only in contracts", "reduce-only"],
)  # fmt: skip
def test_orders(open_gateway: Open, wire: Wire, order: OrderRequest, body: dict[str, Any]) -> None:
    wire[ORDER] = ACCEPTED

    report = open_gateway("okx").place(order)

    sent = wire.last(ORDER)
    assert (sent.method, sent.host) == ("POST", "www.okx.com")
    assert (sent.headers["OK-ACCESS-KEY"], sent.headers["OK-ACCESS-PASSPHRASE"]) == ("the-key", "the-phrase")
    assert "x-simulated-trading" not in sent.headers
    assert sent.body == {"clOrdId": ID, **body}
    assert (report.exchange_order_id, report.amount) == ("312269865356374016", Decimal("0.05"))


@pytest.mark.parametrize("environment", ["demo", "testnet"])
def test_demo_trading_is_a_header(open_gateway: Open, wire: Wire, environment: str) -> None:
    wire[ORDER] = ACCEPTED

    open_gateway("okx", environment=environment).place(request(SPOT, Side.BUY, OrderType.MARKET))

    assert wire.last(ORDER).headers["x-simulated-trading"] == "1"


@pytest.mark.parametrize(
    ("symbol", "body"),
    [
        (SPOT, {"instId": "BTC-USDT", "tdMode": "cash", "sz": "0.05", "tgtCcy": "base_ccy"}),
        (LINEAR, {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "sz": "5", "reduceOnly": "true"}),
    ],
)
def test_stop_orders(open_gateway: Open, wire: Wire, symbol: str, body: dict[str, str]) -> None:
    wire[STOP] = okx({"algoId": "12345689", "algoClOrdId": ID, "sCode": "0", "sMsg": "", "tag": ""})
    stop = request(symbol, Side.SELL, OrderType.STOP, trigger_price=Decimal("48000.10"), reduce_only=True)

    report = open_gateway("okx").place(stop)

    assert wire.last(STOP).body == {
        "side": "sell", "ordType": "trigger", "triggerPx": "48000.1", "triggerPxType": "last", "orderPx": "-1",
        "algoClOrdId": ID, "clOrdId": ID, **body,
    }  # fmt: skip
    assert report.exchange_order_id == "12345689"


# --- Changing ------------------------------------------------------------------------------------------------------


def test_an_order_is_amended_by_its_client_id(open_gateway: Open, wire: Wire) -> None:
    wire["/api/v5/trade/amend-order"] = ACCEPTED

    open_gateway("okx").amend(LINEAR, ID, amount=Decimal("0.0750"), price=Decimal("49999.90"))

    assert wire.last("/api/v5/trade/amend-order").body == {
        "instId": "BTC-USDT-SWAP", "clOrdId": ID, "newSz": "7.5", "newPx": "49999.9",
    }  # fmt: skip


def test_a_stop_is_amended_in_its_own_book(open_gateway: Open, wire: Wire) -> None:
    wire["/api/v5/trade/amend-algos"] = okx({"algoId": "1", "algoClOrdId": ID, "sCode": "0", "sMsg": "", "reqId": ""})

    open_gateway("okx").amend(LINEAR, ID, amount=Decimal("0.05"), trigger_price=Decimal("48100.00"))

    assert wire.last("/api/v5/trade/amend-algos").body == {
        "instId": "BTC-USDT-SWAP", "algoClOrdId": ID, "newSz": "5", "newTriggerPx": "48100",
    }  # fmt: skip


def test_cancelling_looks_among_orders_and_then_among_stops(open_gateway: Open, wire: Wire) -> None:
    wire[CANCEL] = _refused("51603", "Order does not exist")
    wire[CANCEL_STOP] = okx({"algoId": "1", "algoClOrdId": ID, "sCode": "0", "sMsg": "", "tag": ""})

    open_gateway("okx").cancel(LINEAR, ID)

    assert wire.last(CANCEL).body == {"instId": "BTC-USDT-SWAP", "clOrdId": ID}
    assert wire.last(CANCEL_STOP).body == [{"instId": "BTC-USDT-SWAP", "algoClOrdId": ID}]


def test_an_order_that_filled_is_no_stop(open_gateway: Open, wire: Wire) -> None:
    wire[CANCEL] = _refused("51402", "Cancellation failed as the order has been completed.")

    with pytest.raises(OrderNotFound):
        open_gateway("okx").cancel(LINEAR, ID)

    assert wire.to(CANCEL_STOP) == []


def test_leverage_for_crossed_margin(open_gateway: Open, wire: Wire) -> None:
    wire["/api/v5/account/set-leverage"] = okx({"lever": "3", "mgnMode": "cross", "instId": "BTC-USDT-SWAP"})

    open_gateway("okx").set_leverage(LINEAR, Decimal(3))

    assert wire.last("/api/v5/account/set-leverage").body == {
        "instId": "BTC-USDT-SWAP", "lever": "3", "mgnMode": "cross",
    }  # fmt: skip


# --- Reading -------------------------------------------------------------------------------------------------------


def test_an_order_by_its_client_id_in_coins(open_gateway: Open, wire: Wire) -> None:
    wire[ORDER] = okx(DETAILS)

    report = open_gateway("okx").order(LINEAR, ID)

    assert wire.last(ORDER).query == {"instId": "BTC-USDT-SWAP", "clOrdId": ID}
    assert (report.client_order_id, report.exchange_order_id) == (ID, "680800019749904384")
    assert (report.status, report.side, report.type) == (ReportedStatus.PARTIALLY_FILLED, Side.BUY, OrderType.LIMIT)
    assert (report.amount, report.filled, report.price) == (Decimal("0.05"), Decimal("0.02"), Decimal("50000.1"))


def test_a_waiting_stop(open_gateway: Open, wire: Wire) -> None:
    wire[ORDER], wire[STOP] = GONE, okx(STOP_DETAILS)

    report = open_gateway("okx").order(LINEAR, ID)

    assert wire.last(STOP).query == {"algoClOrdId": ID}
    assert (report.client_order_id, report.exchange_order_id, report.type) == (
        ID, "681096944655273984", OrderType.STOP,
    )  # fmt: skip
    assert (report.status, report.triggered, report.trigger_price) == (ReportedStatus.OPEN, False, Decimal(48000))
    assert report.amount == Decimal("0.05")


def test_a_stop_that_was_triggered_is_the_order_it_became(open_gateway: Open, wire: Wire) -> None:
    became = {**DETAILS, "ordId": "77", "clOrdId": "", "algoClOrdId": ID, "side": "sell", "ordType": "market",
              "px": "", "state": "filled", "accFillSz": "5"}  # fmt: skip
    wire[ORDER] = [GONE, okx(became)]
    wire[STOP] = okx({**STOP_DETAILS, "state": "effective", "ordId": "77"})

    report = open_gateway("okx").order(LINEAR, ID)

    assert wire.last(ORDER).query == {"instId": "BTC-USDT-SWAP", "ordId": "77"}
    assert (report.client_order_id, report.exchange_order_id, report.type) == (ID, "77", OrderType.STOP)
    assert (report.status, report.filled, report.triggered) == (ReportedStatus.FILLED, Decimal("0.05"), True)


def test_an_order_that_is_in_neither_book(open_gateway: Open, wire: Wire) -> None:
    wire[ORDER], wire[STOP] = GONE, GONE

    with pytest.raises(OrderNotFound):
        open_gateway("okx").order(LINEAR, ID)


def test_all_open_orders_of_both_books(open_gateway: Open, wire: Wire) -> None:
    page = [{**DETAILS, "ordId": str(number), "clOrdId": f"x{number}"} for number in range(100)]
    wire["/api/v5/trade/orders-pending"] = [okx(*page), okx({**DETAILS, "ordId": "100", "clOrdId": "x100"})]
    wire["/api/v5/trade/orders-algo-pending"] = okx(STOP_DETAILS)

    found = open_gateway("okx").open_orders(LINEAR)

    assert [report.client_order_id for report in found] == [*(f"x{number}" for number in range(101)), ID]
    first, second = wire.to("/api/v5/trade/orders-pending")
    assert first.query == {"instId": "BTC-USDT-SWAP", "instType": "SWAP", "limit": "100"}
    assert second.query == {**first.query, "after": "99"}
    assert wire.last("/api/v5/trade/orders-algo-pending").query == {**first.query, "ordType": "trigger"}


# The documents' example of an execution.
FILL: dict[str, Any] = {
    "instType": "SWAP", "instId": "BTC-USDT-SWAP", "tradeId": "123", "ordId": "680800019749904384", "clOrdId": ID,
    "billId": "1111", "tag": "", "fillPx": "50000.1", "fillSz": "2.5", "side": "buy", "posSide": "net",
    "execType": "M", "feeCcy": "USDT", "fee": "-0.25", "ts": "1708587373362", "fillTime": "1708587373361",
}  # fmt: skip


def test_executions_in_coins_with_what_was_charged(open_gateway: Open, wire: Wire) -> None:
    """OKX writes a charge as a negative fee; the port's is positive."""
    wire["/api/v5/trade/fills-history"] = okx(FILL)

    (fill,) = open_gateway("okx").fills_since(MarketKind.LINEAR, 1708587373000)

    assert wire.last("/api/v5/trade/fills-history").query == {
        "instType": "SWAP", "begin": "1708587373000", "limit": "100",
    }  # fmt: skip
    assert (fill.symbol, fill.trade_id, fill.client_order_id) == (LINEAR, "123", ID)
    assert (fill.side, fill.amount, fill.price) == (Side.BUY, Decimal("0.025"), Decimal("50000.1"))
    assert (fill.fee, fill.fee_currency, fill.is_maker) == (Decimal("0.25"), "USDT", True)


def test_a_spot_buyer_pays_in_base(open_gateway: Open, wire: Wire) -> None:
    wire["/api/v5/trade/fills-history"] = okx(
        {**FILL, "instType": "SPOT", "instId": "BTC-USDT", "fillSz": "0.01", "feeCcy": "BTC", "fee": "-0.00001"}
    )

    (fill,) = open_gateway("okx").fills_since(MarketKind.SPOT, 1708587373000)

    assert (fill.symbol, fill.amount, fill.fee, fill.fee_currency) == (SPOT, Decimal("0.01"), Decimal("0.00001"), "BTC")


def test_all_pages_of_executions_newest_first(open_gateway: Open, wire: Wire) -> None:
    page = [{**FILL, "tradeId": str(n), "billId": str(n), "ts": str(1708587373000 + n)} for n in range(150, 50, -1)]
    rest = [{**FILL, "tradeId": "50", "billId": "50", "ts": "1708587373050"}]
    wire["/api/v5/trade/fills-history"] = [okx(*page), okx(*rest)]

    fills = open_gateway("okx").fills_since(MarketKind.LINEAR, 1708587373000)

    assert [fill.trade_id for fill in fills] == [str(number) for number in range(50, 151)]
    assert wire.last("/api/v5/trade/fills-history").query["after"] == "51"


def test_the_execution_of_a_stop_gets_the_stops_client_id(open_gateway: Open, wire: Wire) -> None:
    wire["/api/v5/trade/fills-history"] = okx({**FILL, "clOrdId": "", "ordId": "78"})
    wire[ORDER] = okx({**DETAILS, "ordId": "78", "clOrdId": "", "algoClOrdId": ID})

    (fill,) = open_gateway("okx").fills_since(MarketKind.LINEAR, 1708587373000)

    assert (fill.client_order_id, fill.exchange_order_id) == (ID, "78")


def test_an_execution_waits_until_it_is_known_whose_it_is(open_gateway: Open, wire: Wire) -> None:
    gateway = open_gateway("okx")
    moment = str(gateway.server_time() - 1000)
    wire["/api/v5/trade/fills"] = okx({**FILL, "clOrdId": "", "ordId": "79", "ts": moment})
    wire[ORDER] = GONE

    with pytest.raises(TemporaryError, match="79 is not listed yet"):
        gateway.fills_since(MarketKind.LINEAR, int(moment))


def test_the_order_of_an_old_execution_may_be_forgotten(open_gateway: Open, wire: Wire) -> None:
    wire["/api/v5/trade/fills-history"] = okx({**FILL, "clOrdId": "", "ordId": "80"})
    wire[ORDER] = GONE

    (fill,) = open_gateway("okx").fills_since(MarketKind.LINEAR, 1708587373000)

    assert (fill.client_order_id, fill.exchange_order_id) == ("", "80")


def test_recent_executions_come_from_the_quick_list(open_gateway: Open, wire: Wire) -> None:
    wire["/api/v5/trade/fills"] = okx()
    gateway = open_gateway("okx")

    assert gateway.fills_since(MarketKind.SPOT, gateway.server_time() - 60_000) == []
    assert len(wire.to("/api/v5/trade/fills")) == 1


def test_the_balance_is_the_cash_and_not_the_equity(open_gateway: Open, wire: Wire) -> None:
    usdt = {"ccy": "USDT", "cashBal": "4992.89", "eq": "5010.89", "upl": "18", "availBal": "4834.31",
            "availEq": "4834.31", "frozenBal": "158.57", "ordFrozen": "0", "imr": "158.57"}  # fmt: skip
    btc = {
        "ccy": "BTC",
        "cashBal": "1.5",
        "eq": "1.5",
        "upl": "0",
        "availBal": "1.2",
        "availEq": "",
        "frozenBal": "0.3",
    }
    wire["/api/v5/account/balance"] = okx({"adjEq": "", "details": [usdt, btc], "totalEq": "91884"})

    assert open_gateway("okx").balances() == {
        "USDT": Balance(free=Decimal("4834.31"), used=Decimal("158.58"), total=Decimal("4992.89")),
        "BTC": Balance(free=Decimal("1.2"), used=Decimal("0.3"), total=Decimal("1.5")),
    }


def test_positions_in_coins(open_gateway: Open, wire: Wire) -> None:
    position = {"instType": "SWAP", "instId": "BTC-USDT-SWAP", "mgnMode": "cross", "posSide": "net", "pos": "-7.5",
                "avgPx": "50000", "upl": "-1.5", "lever": "3", "liqPx": "60000", "notionalUsd": "3750", "markPx": "50000",
                "imr": "1250", "mmr": "15", "cTime": "1708587373361", "uTime": "1708587373361"}  # fmt: skip
    wire["/api/v5/account/positions"] = okx(position)

    (found,) = open_gateway("okx").positions()

    assert (found.symbol, found.amount, found.average_price) == (LINEAR, Decimal("-0.075"), Decimal(50000))


def test_hedge_mode_needs_the_operator(open_gateway: Open, wire: Wire) -> None:
    position = {"instType": "SWAP", "instId": "BTC-USDT-SWAP", "mgnMode": "cross", "posSide": "long", "pos": "7.5",
                "avgPx": "50000", "upl": "0", "lever": "3"}  # fmt: skip
    wire["/api/v5/account/positions"] = okx(position)

    with pytest.raises(NeedsOperator, match="hedge mode"):
        open_gateway("okx").positions()


# --- Refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "words", "error"),
    [("51016", "Client order ID already exists", DuplicateClientOrderId), ("51006", "Order price is not within the "
     "price limit", OrderRejected)],
)  # fmt: skip
def test_refusals(open_gateway: Open, wire: Wire, code: str, words: str, error: type[Exception]) -> None:
    wire[ORDER] = _refused(code, words)

    with pytest.raises(error, match=words) as refusal:
        open_gateway("okx").place(request(SPOT, Side.BUY, OrderType.MARKET))

    assert type(refusal.value) is error


@pytest.mark.parametrize("answer", [requests.ReadTimeout("timed out"), Answer("<html></html>", status=502)])
def test_a_lost_answer_to_an_amendment(open_gateway: Open, wire: Wire, answer: Any) -> None:
    wire["/api/v5/trade/amend-order"] = answer

    with pytest.raises(OutcomeUnknown):
        open_gateway("okx").amend(LINEAR, ID, amount=Decimal("0.05"), price=Decimal(50000))


def _refused(code: str, words: str) -> Answer:
    return Answer({"code": "1", "msg": "All operations failed", "data": [
        {"clOrdId": ID, "ordId": "", "tag": "", "ts": "1695190491421", "sCode": code, "sMsg": words}
    ]})  # fmt: skip
