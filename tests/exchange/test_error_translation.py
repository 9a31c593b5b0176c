"""What an exchange's answer, or its silence, allows the platform to do next."""

from __future__ import annotations

import re
from decimal import Decimal

import ccxt
import pytest
import requests
import urllib3

from exchange.bybit_gateway import BybitGateway
from exchange.errors import (
    AuthenticationFailed,
    DuplicateClientOrderId,
    ExchangeError,
    InsufficientFunds,
    NeedsOperator,
    NothingSent,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    TemporaryError,
)
from exchange.port import OrderRequest
from exchange.translation import Intent, retry_after, translate
from strategies.contract import OrderType, Side
from tests.exchange.wire import Answer, Scripted, Wire, refused

CREATE, CANCEL, WALLET = "/v5/order/create", "/v5/order/cancel", "/v5/account/wallet-balance"
LINK_ID = "ta1a2b3c0123456789abcdef01234567"
ORDER = OrderRequest("BTC/USDT", LINK_ID, Side.BUY, OrderType.LIMIT, Decimal("0.001"), Decimal(50000))

READ_TIMED_OUT = requests.ReadTimeout("HTTPSConnectionPool(host='api.bybit.com', port=443): Read timed out.")
CONNECT_TIMED_OUT = requests.ConnectTimeout("HTTPSConnectionPool(host='api.bybit.com'): connect timed out")
DROPPED = requests.ConnectionError(
    urllib3.exceptions.ProtocolError("Connection aborted.", ConnectionResetError(104, "Connection reset by peer"))
)
REFUSED = requests.ConnectionError(
    urllib3.exceptions.MaxRetryError(
        None,  # type: ignore[arg-type]
        "/v5/order/create",
        urllib3.exceptions.NewConnectionError(None, "Connection refused"),  # type: ignore[arg-type]
    )
)
BAD_GATEWAY = Answer("<html><h1>502 Bad Gateway</h1></html>", 502)
NOT_JSON = Answer("<html>please wait</html>", 200)


def placing(bybit: BybitGateway, wire: Wire, answer: Scripted) -> type[ExchangeError]:
    wire[CREATE] = answer
    with pytest.raises(ExchangeError) as raised:
        bybit.place(ORDER)
    return type(raised.value)


def cancelling(bybit: BybitGateway, wire: Wire, answer: Scripted) -> type[ExchangeError]:
    wire[CANCEL] = answer
    with pytest.raises(ExchangeError) as raised:
        bybit.cancel("BTC/USDT", LINK_ID)
    return type(raised.value)


def reading(bybit: BybitGateway, wire: Wire, answer: Scripted) -> type[ExchangeError]:
    wire[WALLET] = answer
    with pytest.raises(ExchangeError) as raised:
        bybit.balances()
    return type(raised.value)


NO_ANSWER = [
    pytest.param(READ_TIMED_OUT, id="read timed out"),
    pytest.param(DROPPED, id="connection dropped"),
    pytest.param(BAD_GATEWAY, id="bad gateway"),
    pytest.param(Answer("", 500), id="internal error"),
    pytest.param(Answer("", 503), id="unavailable"),
    pytest.param(Answer("", 504), id="gateway time-out"),
    pytest.param(NOT_JSON, id="a page instead of an answer"),
    pytest.param(Answer({"retCode": 0, "retMsg": "OK", "result": {}}), id="an answer without content"),
    pytest.param(refused(10000, "Server Timeout"), id="10000"),
    pytest.param(refused(10016, "Internal server error."), id="10016"),
    pytest.param(refused(170007, "Timeout waiting for response from backend server."), id="170007"),
    pytest.param(refused(170146, "Order creation timeout."), id="170146"),
]


@pytest.mark.parametrize("answer", NO_ANSWER)
def test_placing_without_an_answer_has_an_unknown_outcome(
    bybit: BybitGateway, bybit_wire: Wire, answer: Scripted
) -> None:
    assert placing(bybit, bybit_wire, answer) is OutcomeUnknown


@pytest.mark.parametrize("answer", [case for case in NO_ANSWER if case.id not in {"an answer without content"}])
def test_cancelling_without_an_answer_has_an_unknown_outcome(
    bybit: BybitGateway, bybit_wire: Wire, answer: Scripted
) -> None:
    assert cancelling(bybit, bybit_wire, answer) is OutcomeUnknown


@pytest.mark.parametrize("answer", NO_ANSWER)
def test_reading_without_an_answer_may_be_done_again(bybit: BybitGateway, bybit_wire: Wire, answer: Scripted) -> None:
    assert reading(bybit, bybit_wire, answer) is TemporaryError


@pytest.mark.parametrize("failure", [REFUSED, CONNECT_TIMED_OUT], ids=["refused", "timed out"])
@pytest.mark.parametrize("do", [placing, cancelling, reading])
def test_what_never_got_a_connection_was_never_sent(
    bybit: BybitGateway, bybit_wire: Wire, do: object, failure: Exception
) -> None:
    bybit.markets()
    assert do(bybit, bybit_wire, failure) is NothingSent  # type: ignore[operator]


# Bybit's codes with the words it sends them with.
@pytest.mark.parametrize(
    ("code", "words", "error"),
    [
        (170141, "Duplicate clientOrderId.", DuplicateClientOrderId),
        (110072, "OrderLinkedID is duplicate", DuplicateClientOrderId),
        (170131, "Insufficient balance.", InsufficientFunds),
        (110007, "ab not enough for new order", InsufficientFunds),
        (110012, "Insufficient available balance.", InsufficientFunds),
        (170134, "Order price has too many decimals.", OrderRejected),
        (170137, "Order quantity has too many decimals.", OrderRejected),
        (170136, "Order quantity exceeded lower limit.", OrderRejected),
        (170140, "Order value exceeded lower limit.", OrderRejected),
        (110094, "Order does not meet minimum order value 5USDT", OrderRejected),
        (170218, "The LIMIT-MAKER order is rejected due to invalid price.", OrderRejected),
        (110003, "Order price exceeds the allowable range.", OrderRejected),
        (10001, "Qty invalid", OrderRejected),
        (12345678, "something that nobody has seen before", OrderRejected),
        (10001, "position idx not match position mode", NeedsOperator),
        (10003, "API key is invalid.", AuthenticationFailed),
        (10004, "error sign! origin_string[...]", AuthenticationFailed),
        (10005, "Permission denied, please check your API key permissions.", AuthenticationFailed),
        (10010, "Unmatched IP, please check your API key's bound IP addresses.", AuthenticationFailed),
        (33004, "Your api key has expired.", AuthenticationFailed),
        (10006, "Too many visits. Exceeded the API Rate Limit.", RateLimited),
        (10018, "Exceeded the IP Rate Limit.", RateLimited),
        (170222, "Too many requests in this time frame.", RateLimited),
        (110063, "Settlement in progress! Unavailable for trading.", TemporaryError),
    ],
)
def test_what_bybit_says_to_a_new_order(
    bybit: BybitGateway, bybit_wire: Wire, code: int, words: str, error: type[ExchangeError]
) -> None:
    bybit_wire[CREATE] = refused(code, words)

    with pytest.raises(ExchangeError) as raised:
        bybit.place(ORDER)

    assert type(raised.value) is error
    assert words in raised.value.detail
    assert f"(code {code})" in raised.value.detail
    assert LINK_ID in raised.value.detail


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (170213, "Order does not exist."),
        (110001, "Order does not exist"),
        (110008, "The order has been completed or cancelled."),
        (110010, "The order has been cancelled"),
        (170139, "Order has been filled."),
        (170142, "Order has been canceled."),
        (170190, "Cancel order has been finished."),
    ],
)
def test_nothing_left_to_cancel(bybit: BybitGateway, bybit_wire: Wire, code: int, words: str) -> None:
    assert cancelling(bybit, bybit_wire, lambda _: refused(code, words)) is OrderNotFound


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        (10003, "belongs to the environment"),
        (10004, "secret does not belong to the API key"),
        (10005, "lacks a permission"),
        (10010, "bound to other IP addresses"),
        (33004, "has expired"),
    ],
)
def test_trouble_with_the_key_comes_with_its_mend(bybit: BybitGateway, bybit_wire: Wire, code: int, hint: str) -> None:
    bybit_wire[WALLET] = lambda _: refused(code, "refused")

    with pytest.raises(AuthenticationFailed, match=hint):
        bybit.balances()


# --- Rate limits ---------------------------------------------------------------------------------------------------


def test_a_rate_limit_tells_when_it_resets(bybit: BybitGateway, bybit_wire: Wire) -> None:
    def limited(_: object) -> Answer:
        reset = bybit.server_time() + 2_500
        return Answer(refused(10006, "Too many visits.").body, headers={"X-Bapi-Limit-Reset-Timestamp": str(reset)})

    bybit_wire[WALLET] = limited
    with pytest.raises(RateLimited) as raised:
        bybit.balances()

    assert raised.value.retry_after == pytest.approx(2.5, abs=1)


@pytest.mark.parametrize("status", [429, 418])
def test_http_rate_limits(bybit: BybitGateway, bybit_wire: Wire, status: int) -> None:
    bybit_wire[CREATE] = Answer("", status, {"Retry-After": "7"})

    with pytest.raises(RateLimited) as raised:
        bybit.place(ORDER)

    assert raised.value.retry_after == 7


def test_bybit_forbids_an_address_that_asks_too_much(bybit: BybitGateway, bybit_wire: Wire) -> None:
    bybit_wire[WALLET] = Answer("<html>403 Forbidden</html>", 403)

    with pytest.raises(RateLimited, match="HTTP status 403"):
        bybit.balances()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "1.5"}, 1.5),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"X-Bapi-Limit-Reset-Timestamp": "1700000003500"}, 3.5),
        ({"X-Bapi-Limit-Reset-Timestamp": "1699999999000"}, 0),
    ],
)
def test_reset_headers(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now_ms=1_700_000_000_000) == seconds


# --- Clock ---------------------------------------------------------------------------------------------------------

EXPIRED = refused(10002, "invalid request, please check your server timestamp or recv_window param.")
EMPTY_WALLET = Answer({"retCode": 0, "retMsg": "OK", "result": {"list": [{"accountType": "UNIFIED", "coin": []}]}})


def test_reading_is_repeated_once_with_the_clock_set_anew(bybit: BybitGateway, bybit_wire: Wire) -> None:
    bybit.markets()
    bybit_wire.clock_ahead_ms = 30_000
    bybit_wire[WALLET] = [EXPIRED, EMPTY_WALLET]

    assert bybit.balances() == {}
    late, punctual = (int(sent.headers["X-BAPI-TIMESTAMP"]) for sent in bybit_wire.to(WALLET))
    assert punctual - late == pytest.approx(30_000, abs=5_000)


def test_an_order_is_not_repeated_but_may_be(bybit: BybitGateway, bybit_wire: Wire) -> None:
    bybit.markets()
    bybit_wire.clock_ahead_ms = 30_000

    assert issubclass(placing(bybit, bybit_wire, EXPIRED), TemporaryError)
    assert len(bybit_wire.to(CREATE)) == 1


def test_a_time_stamp_refused_with_the_right_clock_was_late_on_its_way(bybit: BybitGateway, bybit_wire: Wire) -> None:
    """A bot must not be taken off the market because the network, or this machine, was slow for five seconds."""
    assert reading(bybit, bybit_wire, EXPIRED) is TemporaryError
    assert placing(bybit, bybit_wire, EXPIRED) is TemporaryError


# --- Sentences -----------------------------------------------------------------------------------------------------


def test_a_dead_exchange_is_named_by_its_host(bybit: BybitGateway, bybit_wire: Wire) -> None:
    bybit_wire["/v5/market/instruments-info"] = REFUSED

    with pytest.raises(TemporaryError) as raised:
        bybit.markets()

    assert raised.value.detail == (
        "Bybit (loading the markets): cannot connect to api.bybit.com. Nothing was done; it can be tried again."
    )


@pytest.mark.parametrize("failure", [READ_TIMED_OUT, DROPPED, REFUSED, BAD_GATEWAY, NOT_JSON])
def test_no_sentence_carries_a_key_or_a_query(bybit: BybitGateway, bybit_wire: Wire, failure: Scripted) -> None:
    bybit_wire[WALLET] = failure

    with pytest.raises(ExchangeError) as raised:
        bybit.balances()

    assert not re.search(r"the-key|the-secret|accountType|\?", raised.value.detail)


def test_an_error_of_any_other_exchange_is_translated_by_its_class() -> None:
    """ccxt's classes are what all exchanges have in common."""

    def reaction(error: ccxt.BaseError, intent: Intent) -> type[ExchangeError]:
        return type(translate(error, exchange="kraken", intent=intent, doing="something"))

    assert reaction(ccxt.InsufficientFunds("kraken"), Intent.PLACE) is InsufficientFunds
    assert reaction(ccxt.OrderNotFound("kraken"), Intent.CANCEL) is OrderNotFound
    assert reaction(ccxt.DuplicateOrderId("kraken"), Intent.PLACE) is DuplicateClientOrderId
    assert reaction(ccxt.InvalidOrder("kraken"), Intent.PLACE) is OrderRejected
    assert reaction(ccxt.PermissionDenied("kraken"), Intent.READ) is AuthenticationFailed
    assert reaction(ccxt.RateLimitExceeded("kraken"), Intent.READ) is RateLimited
    assert reaction(ccxt.OnMaintenance("kraken"), Intent.PLACE) is TemporaryError
    assert reaction(ccxt.ExchangeNotAvailable("kraken"), Intent.PLACE) is OutcomeUnknown
    assert reaction(ccxt.RequestTimeout("kraken"), Intent.CONFIGURE) is TemporaryError
    assert reaction(ccxt.NotSupported("kraken"), Intent.READ) is NeedsOperator
    assert reaction(ccxt.ManualInteractionNeeded("kraken"), Intent.PLACE) is NeedsOperator
