"""Bybit changes a resting order in place. Bodies and answers are those of POST /v5/order/amend
(https://bybit-exchange.github.io/docs/v5/order/amend-order)."""

from __future__ import annotations

from decimal import Decimal

import pytest
import requests

from exchange.bybit_gateway import BybitGateway
from exchange.errors import OrderNotFound, OrderRejected, OutcomeUnknown
from tests.exchange.wire import Answer, Wire, ok, refused

AMEND = "/v5/order/amend"
LINK_ID = "ta1a2b3c0123456789abcdef01234567"


def test_price_and_amount_of_a_resting_order(bybit: BybitGateway, bybit_wire: Wire) -> None:
    bybit_wire[AMEND] = ok({"orderId": "c6f055d9-7f21-4079-913d-e6523a9cfffa", "orderLinkId": LINK_ID})

    bybit.amend("BTC/USDT:USDT", LINK_ID, amount=Decimal("0.1500"), price=Decimal("1050.0"))

    sent = bybit_wire.last(AMEND)
    assert (sent.method, sent.host) == ("POST", "api.bybit.com")
    assert sent.body == {
        "category": "linear", "symbol": "BTCUSDT", "orderLinkId": LINK_ID, "qty": "0.15", "price": "1050",
    }  # fmt: skip


def test_the_trigger_of_a_stop_on_spot(bybit: BybitGateway, bybit_wire: Wire) -> None:
    bybit_wire[AMEND] = ok({"orderId": "1", "orderLinkId": LINK_ID})

    bybit.amend("BTC/USDT", LINK_ID, amount=Decimal("0.002"), trigger_price=Decimal("48000.10"))

    assert bybit_wire.last(AMEND).body == {
        "category": "spot", "symbol": "BTCUSDT", "orderLinkId": LINK_ID, "qty": "0.002", "triggerPrice": "48000.1",
    }  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    [
        # As the live exchange words it; the document of error codes has only "Request parameter error".
        refused(10001, "The order remains unchanged as the parameters entered match the existing ones."),
        refused(10001, "order not modified"),
        refused(34039, "order not modified"),
    ],
    ids=["live", "simulator", "its own code"],
)
def test_an_order_that_is_so_already_is_no_error(bybit: BybitGateway, bybit_wire: Wire, answer: Answer) -> None:
    bybit_wire[AMEND] = answer

    bybit.amend("BTC/USDT", LINK_ID, amount=Decimal("0.001"), price=Decimal(50000))

    assert len(bybit_wire.to(AMEND)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        refused(110001, "order not exists or too late to replace"),
        refused(110008, "The order has been completed or cancelled."),
        refused(110010, "The order has been cancelled."),
        refused(170213, "Order does not exist."),
        refused(170139, "Order has been filled."),
    ],
)
def test_an_order_that_is_gone_cannot_be_amended(bybit: BybitGateway, bybit_wire: Wire, answer: Answer) -> None:
    bybit_wire[AMEND] = answer

    with pytest.raises(OrderNotFound):
        bybit.amend("BTC/USDT", LINK_ID, amount=Decimal("0.001"), price=Decimal(50000))


def test_an_amendment_that_the_exchange_will_not_have(bybit: BybitGateway, bybit_wire: Wire) -> None:
    bybit_wire[AMEND] = refused(10001, "params error: qty err")

    with pytest.raises(OrderRejected, match="qty err"):
        bybit.amend("BTC/USDT", LINK_ID, amount=Decimal("0.001"), price=Decimal(50000))


@pytest.mark.parametrize(
    "answer",
    [
        requests.ReadTimeout("timed out"),
        requests.ConnectionError("connection reset"),
        Answer("<html>Bad gateway</html>", status=502),
        refused(10016, "Server error."),
        ok({}),
    ],
    ids=["time-out", "reset", "gateway", "server error", "no content"],
)
def test_without_a_trustworthy_answer_it_may_have_been_amended(
    bybit: BybitGateway, bybit_wire: Wire, answer: Answer | Exception
) -> None:
    bybit_wire[AMEND] = answer

    with pytest.raises(OutcomeUnknown):
        bybit.amend("BTC/USDT", LINK_ID, amount=Decimal("0.001"), price=Decimal(50000))

    assert len(bybit_wire.to(AMEND)) == 1


def test_digits_that_the_market_does_not_have_are_not_sent(bybit: BybitGateway, bybit_wire: Wire) -> None:
    with pytest.raises(OrderRejected, match=r"price 50000\.15 of BTC/USDT has to be a positive multiple of 0\.1"):
        bybit.amend("BTC/USDT", LINK_ID, amount=Decimal("0.001"), price=Decimal("50000.15"))

    assert bybit_wire.to(AMEND) == []
