"""What the exchange refuses, with Bybit's own codes and the ccxt errors that they become."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ccxt
import pytest

from tests.exchange.simulator.process import SimulatorProcess

Connect = Callable[..., Any]


@pytest.fixture
def exchange(new_account: Connect) -> Any:
    connected = new_account(USDT="1000", ETH="1")
    connected.load_markets()
    return connected


def refusal(call: Callable[[], Any], expected: type[Exception], code: int) -> str:
    with pytest.raises(expected) as caught:
        call()
    assert type(caught.value) is expected
    message = str(caught.value)
    assert f'"retCode":{code},' in message
    return message


SPOT = {"category": "spot", "symbol": "ETHUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.1", "price": "99"}
LINEAR = {**SPOT, "category": "linear"}
SPOT_STOP = {**SPOT, "orderType": "Market", "side": "Sell", "triggerPrice": "95"}
LINEAR_STOP = {**LINEAR, "orderType": "Market", "side": "Sell", "triggerPrice": "95", "triggerDirection": 2}


@pytest.mark.parametrize(
    ("order", "change", "error", "code"),
    [
        pytest.param(SPOT, {"price": "99.001"}, ccxt.InvalidOrder, 170134, id="spot price finer than the tick"),
        pytest.param(SPOT, {"qty": "0.1000001"}, ccxt.InvalidOrder, 170137, id="spot amount finer than the step"),
        pytest.param(SPOT, {"qty": "0.0001"}, ccxt.InvalidOrder, 170136, id="spot amount too small"),
        pytest.param(SPOT, {"qty": "3000"}, ccxt.InvalidOrder, 170135, id="spot amount too large"),
        pytest.param(SPOT, {"qty": "0.05"}, ccxt.InvalidOrder, 170140, id="spot value under 5 USDT"),
        pytest.param(SPOT, {"qty": "11"}, ccxt.InsufficientFunds, 170131, id="spot buy without the money"),
        pytest.param(
            SPOT, {"side": "Sell", "qty": "2"}, ccxt.InsufficientFunds, 170131, id="spot sell without the coin"
        ),
        pytest.param(SPOT, {"symbol": "NOUSDT"}, ccxt.InvalidOrder, 170121, id="spot symbol unknown"),
        pytest.param(
            SPOT,
            {"orderType": "Market", "qty": "3", "marketUnit": "quoteCoin"},
            ccxt.InvalidOrder,
            170140,
            id="spot market order of 3 USDT",
        ),
        pytest.param(LINEAR, {"price": "99.001"}, ccxt.BadRequest, 10001, id="linear price finer than the tick"),
        pytest.param(LINEAR, {"qty": "0.101"}, ccxt.BadRequest, 10001, id="linear amount finer than the step"),
        pytest.param(LINEAR, {"qty": "9000"}, ccxt.BadRequest, 10001, id="linear amount too large"),
        pytest.param(LINEAR, {"qty": "0.05"}, ccxt.InvalidOrder, 110094, id="linear value under 5 USDT"),
        pytest.param(LINEAR, {"qty": "105"}, ccxt.InsufficientFunds, 110007, id="linear margin above the balance"),
        pytest.param(LINEAR, {"symbol": "NOUSDT"}, ccxt.BadRequest, 10001, id="linear symbol unknown"),
        pytest.param(LINEAR, {"reduceOnly": True}, ccxt.InvalidOrder, 110017, id="nothing to reduce"),
        pytest.param(LINEAR, {"positionIdx": 1}, ccxt.BadRequest, 10001, id="hedge mode"),
        pytest.param(LINEAR_STOP, {"triggerPrice": "105"}, ccxt.InvalidOrder, 110093, id="fall to above the price"),
        pytest.param(LINEAR_STOP, {"triggerDirection": 1}, ccxt.InvalidOrder, 110092, id="rise to below the price"),
        pytest.param(LINEAR_STOP, {"triggerDirection": None}, ccxt.BadRequest, 10001, id="no direction"),
        pytest.param(
            SPOT_STOP, {"triggerPrice": "95.001"}, ccxt.InvalidOrder, 170134, id="trigger finer than the tick"
        ),
        pytest.param(SPOT, {"qty": "much"}, ccxt.BadRequest, 10001, id="an amount that is no number"),
        pytest.param(SPOT, {"qty": "-1"}, ccxt.BadRequest, 10001, id="a negative amount"),
        pytest.param(SPOT, {"qty": "0"}, ccxt.BadRequest, 10001, id="no amount"),
        pytest.param(SPOT, {"price": None}, ccxt.BadRequest, 10001, id="a limit without a price"),
        pytest.param(SPOT, {"side": "Hold"}, ccxt.BadRequest, 10001, id="a side that is none"),
        pytest.param(SPOT, {"timeInForce": "DAY"}, ccxt.BadRequest, 10001, id="a time in force that is none"),
        pytest.param(SPOT, {"orderLinkId": "x" * 37}, ccxt.BadRequest, 10001, id="a client id that is too long"),
        pytest.param(SPOT, {"category": "inverse"}, ccxt.BadRequest, 10001, id="a category that is not simulated"),
        pytest.param(
            LINEAR, {"takeProfit": "120"}, ccxt.BadRequest, 10001, id="attached take profits are not simulated"
        ),
    ],
)
def test_an_order_is_refused(
    exchange: Any, order: dict[str, Any], change: dict[str, Any], error: type[Exception], code: int
) -> None:
    before = exchange.fetch_balance()["info"]["result"]["list"]
    refusal(lambda: exchange.privatePostV5OrderCreate({**order, **change}), error, code)
    for category in ("spot", "linear"):
        query = {"category": category, "symbol": "ETHUSDT"}
        assert exchange.privateGetV5OrderRealtime(query)["result"]["list"] == []
    assert exchange.fetch_balance()["info"]["result"]["list"] == before


@pytest.mark.parametrize("order", [SPOT, LINEAR, SPOT_STOP, LINEAR_STOP])
def test_the_orders_that_the_table_spoils_are_good_themselves(exchange: Any, order: dict[str, Any]) -> None:
    assert exchange.privatePostV5OrderCreate(order)["result"]["orderId"]


@pytest.mark.parametrize(("order", "code"), [(SPOT, 170141), (LINEAR, 110072)])
def test_a_client_id_is_good_for_one_order_only(exchange: Any, order: dict[str, Any], code: int) -> None:
    named = {**order, "orderLinkId": "once"}
    exchange.privatePostV5OrderCreate(named)
    refusal(lambda: exchange.privatePostV5OrderCreate(named), ccxt.InvalidOrder, code)
    exchange.privatePostV5OrderCancel({**named})
    refusal(lambda: exchange.privatePostV5OrderCreate(named), ccxt.InvalidOrder, code)
    other = {**(LINEAR if order is SPOT else SPOT), "orderLinkId": "once"}
    assert exchange.privatePostV5OrderCreate(other)["result"]["orderLinkId"] == "once"


@pytest.mark.parametrize(("category", "code"), [("spot", 170213), ("linear", 110001)])
@pytest.mark.parametrize("endpoint", ["Cancel", "Amend"])
def test_an_unknown_order_cannot_be_changed(exchange: Any, category: str, code: int, endpoint: str) -> None:
    call = getattr(exchange, f"privatePostV5Order{endpoint}")
    body = {"category": category, "symbol": "ETHUSDT", "orderLinkId": "nobody", "qty": "1"}
    refusal(lambda: call(body), ccxt.OrderNotFound, code)


def test_an_order_can_be_cancelled_once(exchange: Any) -> None:
    placed = exchange.privatePostV5OrderCreate(LINEAR)["result"]
    cancel = {"category": "linear", "symbol": "ETHUSDT", "orderId": placed["orderId"]}
    exchange.privatePostV5OrderCancel(cancel)
    refusal(lambda: exchange.privatePostV5OrderCancel(cancel), ccxt.OrderNotFound, 110001)


def test_a_spot_stop_is_cancelled_under_its_own_filter_only(exchange: Any) -> None:
    placed = exchange.privatePostV5OrderCreate(SPOT_STOP)["result"]
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order(placed["orderId"], "ETH/USDT")
    exchange.cancel_order(placed["orderId"], "ETH/USDT", {"trigger": True})


def test_an_account_does_not_see_anothers_orders(exchange: Any, new_account: Connect) -> None:
    placed = exchange.privatePostV5OrderCreate({**SPOT, "orderLinkId": "mine"})["result"]
    other = new_account(USDT="1000")
    other.load_markets()
    assert other.fetch_open_orders("ETH/USDT") == []
    with pytest.raises(ccxt.OrderNotFound):
        other.cancel_order(placed["orderId"], "ETH/USDT")


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"apiKey": "nobody"}, ccxt.AuthenticationError, 10003),
        ({"secret": "another"}, ccxt.AuthenticationError, 10004),
    ],
)
def test_a_wrong_key_or_secret(
    simulator: SimulatorProcess, change: dict[str, str], error: type[Exception], code: int
) -> None:
    stranger = simulator.connect(ccxt.bybit, **change)
    refusal(stranger.privateGetV5AccountInfo, error, code)
    refusal(lambda: stranger.privatePostV5OrderCreate(SPOT), error, code)


@pytest.mark.parametrize(("shift_ms", "late"), [(-6000, True), (-4000, False), (3000, True)])
def test_a_clock_that_is_wrong(new_account: Connect, shift_ms: int, late: bool) -> None:
    """The window is 5 s into the past and one second into the future, on the wall's clock."""
    exchange = new_account()
    exchange.nonce = lambda: exchange.milliseconds() + shift_ms
    if late:
        refusal(exchange.privateGetV5AccountInfo, ccxt.InvalidNonce, 10002)
    else:
        assert exchange.privateGetV5AccountInfo()["retMsg"] == "OK"


def test_a_body_that_was_changed_on_the_way_is_noticed(new_account: Connect) -> None:
    exchange = new_account(USDT="1000")
    honest = exchange.sign

    def tampered(*arguments: Any, **options: Any) -> Any:
        request = honest(*arguments, **options)
        return {**request, "body": request["body"].replace('"0.1"', '"0.2"')}

    exchange.sign = tampered
    refusal(lambda: exchange.privatePostV5OrderCreate(SPOT), ccxt.AuthenticationError, 10004)


def test_leverage(exchange: Any) -> None:
    def ask(leverage: str) -> Any:
        body = {"category": "linear", "symbol": "ETHUSDT", "buyLeverage": leverage, "sellLeverage": leverage}
        return exchange.privatePostV5PositionSetLeverage(body)

    ask("5")
    refusal(lambda: ask("5"), ccxt.BadRequest, 110043)
    refusal(lambda: ask("101"), ccxt.BadRequest, 10001)
    refusal(lambda: ask("0.5"), ccxt.BadRequest, 10001)


def test_leverage_cannot_be_lowered_below_what_stands(exchange: Any) -> None:
    exchange.create_order("ETH/USDT:USDT", "limit", "buy", 50, 99)  # margin 495 of 1,000 at 10
    with pytest.raises(ccxt.InsufficientFunds):
        exchange.set_leverage(4, "ETH/USDT:USDT")
    assert exchange.fetch_balance()["USDT"]["used"] == 495.0


def test_one_way_mode_is_all_there_is(exchange: Any) -> None:
    refusal(lambda: exchange.set_position_mode(False, "ETH/USDT:USDT"), ccxt.NoChange, 110025)
    refusal(lambda: exchange.set_position_mode(True, "ETH/USDT:USDT"), ccxt.BadRequest, 110029)


def test_a_path_that_is_not_simulated_says_so(exchange: Any) -> None:
    with pytest.raises(ccxt.BadRequest, match="request path not found"):
        exchange.privatePostV5PositionTradingStop({"category": "linear", "symbol": "ETHUSDT"})


@pytest.mark.parametrize(
    ("path", "body", "problem"),
    [
        ("/simulator/step", {"points": 0}, "whole number from 1"),
        ("/simulator/step", {"points": "many"}, "whole number from 1"),
        ("/simulator/accounts", {"api_key": "x"}, "api_secret are required"),
        ("/simulator/accounts", {"api_key": "x", "api_secret": "y", "balances": {"USDT": "lots"}}, "is not a number"),
        (
            "/simulator/accounts",
            {"api_key": "x", "api_secret": "y", "balances": {"USDT": "-1"}},
            "must not be negative",
        ),
    ],
)
def test_the_administrative_endpoints_name_what_is_wrong(
    simulator: SimulatorProcess, path: str, body: dict[str, Any], problem: str
) -> None:
    with pytest.raises(RuntimeError, match=problem):
        simulator._call(path, body)
