"""Trading through ccxt against a running simulator, point by point. ETH's points are 100, 103, 90, 95, 95, 94, 110 …

Every expected figure is worked out by hand: spot fees 0.1 % in what is received, linear fees 0.02 % maker and 0.055 %
taker in USDT.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import ccxt
import pytest

from tests.exchange.simulator.markets import POINTS
from tests.exchange.simulator.process import SimulatorProcess

SPOT = "ETH/USDT"
LINEAR = "ETH/USDT:USDT"


def wallet(exchange: Any, coin: str) -> str:
    """The wallet balance as the exchange wrote it: ccxt's floats would hide the last digits."""
    rows = exchange.fetch_balance()["info"]["result"]["list"][0]["coin"]
    return str(next(row["walletBalance"] for row in rows if row["coin"] == coin))


def order_of(exchange: Any, symbol: str, client_id: str) -> dict[str, Any]:
    """By client order id, among the open and the recently closed, as the exchange shows it."""
    category = "spot" if symbol == SPOT else "linear"
    query = {"category": category, "symbol": "ETHUSDT", "orderLinkId": client_id}
    rows = exchange.privateGetV5OrderRealtime(query)["result"]["list"]
    assert len(rows) == 1
    row: dict[str, Any] = rows[0]
    return row


def place(exchange: Any, symbol: str, side: str, amount: float, price: float | None, name: str, **params: Any) -> None:
    kind = "market" if price is None else "limit"
    exchange.create_order(symbol, kind, side, amount, price, {"clientOrderId": name, **params})


def test_the_points_are_those_of_the_rule(simulator: SimulatorProcess, exchange: Any) -> None:
    seen = [simulator.status()["last"]["ETHUSDT"]] + [simulator.step()["last"]["ETHUSDT"] for _ in POINTS[1:]]
    assert [Decimal(price) for price in seen] == [Decimal(price) for price in POINTS]


def test_a_resting_buy_fills_at_its_own_price_as_maker_when_the_price_comes_down_to_it(
    simulator: SimulatorProcess, exchange: Any
) -> None:
    place(exchange, SPOT, "buy", 2, 92, "entry")
    assert wallet(exchange, "USDT") == "10000"
    assert exchange.fetch_balance()["USDT"]["used"] == 184.0
    simulator.step()  # 103
    assert order_of(exchange, SPOT, "entry")["orderStatus"] == "New"
    stand = simulator.step()  # 90
    filled = order_of(exchange, SPOT, "entry")
    assert (filled["orderStatus"], filled["avgPrice"], filled["cumExecQty"]) == ("Filled", "92", "2")
    [trade] = exchange.fetch_my_trades(SPOT)
    assert (trade["price"], trade["amount"], trade["takerOrMaker"]) == (92.0, 2.0, "maker")
    assert trade["fee"] == {"cost": 0.002, "currency": "ETH", "rate": 0.001}
    assert trade["timestamp"] == stand["time"]
    assert wallet(exchange, "USDT") == "9816"
    assert wallet(exchange, "ETH") == "11.998"
    assert exchange.fetch_balance()["USDT"]["used"] == 0.0


def test_a_touch_is_enough(simulator: SimulatorProcess, exchange: Any) -> None:
    place(exchange, SPOT, "buy", 1, 90, "touched")
    place(exchange, SPOT, "buy", 1, 89.99, "missed")
    simulator.step(2)
    assert order_of(exchange, SPOT, "touched")["orderStatus"] == "Filled"
    assert order_of(exchange, SPOT, "missed")["orderStatus"] == "New"


def test_an_order_cannot_fill_in_the_segment_that_led_to_the_point_where_it_was_placed(
    simulator: SimulatorProcess, exchange: Any
) -> None:
    """The price has just come down through 92; a sell there is crossed already, a sell at 96 waits for the way up."""
    simulator.step(2)  # 100 → 103 → 90
    place(exchange, SPOT, "sell", 1, 96, "counter")
    simulator.step(3)  # 95, 95, 94
    assert order_of(exchange, SPOT, "counter")["orderStatus"] == "New"
    simulator.step()  # 110
    assert order_of(exchange, SPOT, "counter")["orderStatus"] == "Filled"
    assert wallet(exchange, "USDT") == "10095.904"  # 96 − 0.1 %


def test_orders_fill_in_the_order_in_which_the_price_meets_them(simulator: SimulatorProcess, exchange: Any) -> None:
    for name, price in (("low", 91), ("high", 99), ("middle", 95), ("middle-too", 95)):
        place(exchange, SPOT, "buy", 1, price, name)
    simulator.step(2)
    rows = exchange.privateGetV5ExecutionList({"category": "spot"})["result"]["list"]
    assert [row["orderLinkId"] for row in reversed(rows)] == ["high", "middle", "middle-too", "low"]


def test_a_market_order_fills_at_the_point_as_taker(simulator: SimulatorProcess, exchange: Any) -> None:
    simulator.step()  # 103
    place(exchange, SPOT, "buy", 2, None, "now")
    [trade] = exchange.fetch_my_trades(SPOT)
    assert (trade["price"], trade["amount"], trade["takerOrMaker"]) == (103.0, 2.0, "taker")
    assert wallet(exchange, "USDT") == "9794"
    assert wallet(exchange, "ETH") == "11.998"


def test_a_market_buy_by_cost_spends_at_most_the_cost(simulator: SimulatorProcess, exchange: Any) -> None:
    simulator.step()  # 103
    exchange.create_market_buy_order_with_cost(SPOT, 33.33)
    [trade] = exchange.fetch_my_trades(SPOT)
    assert trade["amount"] == 0.32359  # 33.33 / 103 = 0.323592…, rounded down to ETH's 0.00001
    assert wallet(exchange, "USDT") == "9966.67023"


def test_a_limit_that_crosses_fills_at_the_points_price_as_taker(simulator: SimulatorProcess, exchange: Any) -> None:
    place(exchange, LINEAR, "buy", 1, 101, "crossing")
    [trade] = exchange.fetch_my_trades(LINEAR)
    assert (trade["price"], trade["takerOrMaker"], trade["fee"]["cost"]) == (100.0, "taker", 0.055)
    assert wallet(exchange, "USDT") == "9999.945"


def test_a_limit_at_the_price_crosses(exchange: Any) -> None:
    place(exchange, SPOT, "sell", 1, 100, "at-the-price")
    assert order_of(exchange, SPOT, "at-the-price")["orderStatus"] == "Filled"


@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
def test_post_only_that_would_cross_is_accepted_and_cancelled(exchange: Any, symbol: str) -> None:
    place(exchange, symbol, "buy", 1, 100, "maker-or-nothing", postOnly=True)
    order = order_of(exchange, symbol, "maker-or-nothing")
    assert (order["orderStatus"], order["rejectReason"]) == ("Cancelled", "EC_PostOnlyWillTakeLiquidity")
    assert exchange.fetch_my_trades(symbol) == []
    assert exchange.fetch_balance()["USDT"]["used"] == 0.0
    place(exchange, symbol, "buy", 1, 99.99, "maker", postOnly=True)
    assert order_of(exchange, symbol, "maker")["orderStatus"] == "New"


@pytest.mark.parametrize("time_in_force", ["IOC", "FOK"])
def test_immediate_orders_fill_now_or_go(exchange: Any, time_in_force: str) -> None:
    place(exchange, SPOT, "buy", 1, 99, "too-low", timeInForce=time_in_force)
    place(exchange, SPOT, "buy", 1, 100, "now", timeInForce=time_in_force)
    gone = order_of(exchange, SPOT, "too-low")
    assert (gone["orderStatus"], gone["rejectReason"]) == ("Cancelled", "EC_NoImmediateQtyToFill")
    assert order_of(exchange, SPOT, "now")["orderStatus"] == "Filled"


def test_a_long_is_opened_and_closed_with_its_profit_and_fees_in_the_wallet(
    simulator: SimulatorProcess, exchange: Any
) -> None:
    place(exchange, LINEAR, "buy", 2, None, "open")  # at 100: fee 200 · 0.055 % = 0.11
    [position] = exchange.fetch_positions()
    assert (position["side"], position["contracts"], position["entryPrice"]) == ("long", 2.0, 100.0)
    place(exchange, LINEAR, "sell", 2, 109, "close", reduceOnly=True)
    simulator.step(6)  # 110: fee 218 · 0.02 % = 0.0436
    assert exchange.fetch_positions() == []
    assert wallet(exchange, "USDT") == "10017.8464"  # 10000 + 18 − 0.11 − 0.0436


def test_a_position_that_is_sold_through_turns_short(simulator: SimulatorProcess, exchange: Any) -> None:
    place(exchange, LINEAR, "buy", 1, None, "open")  # at 100, fee 0.055
    simulator.step()  # 103
    place(exchange, LINEAR, "sell", 3, None, "turn")  # profit 3, fee 309 · 0.055 % = 0.16995
    [position] = exchange.fetch_positions()
    assert (position["side"], position["contracts"], position["entryPrice"]) == ("short", 2.0, 103.0)
    assert wallet(exchange, "USDT") == "10002.77505"
    simulator.step()  # 90
    [position] = exchange.fetch_positions()
    assert position["unrealizedPnl"] == 26.0


def test_an_average_price_that_does_not_come_out_even_loses_no_money(
    simulator: SimulatorProcess, exchange: Any
) -> None:
    """1 at 100 and 2 at 103 average 102; closing in thirds at 90 pays back exactly −36."""
    place(exchange, LINEAR, "buy", 1, None, "first")
    simulator.step()
    place(exchange, LINEAR, "buy", 2, None, "second")
    simulator.step()
    for name in ("a", "b", "c"):
        place(exchange, LINEAR, "sell", 1, None, name, reduceOnly=True)
    fees = Decimal("0.00055") * (100 + 206 + 270)
    assert Decimal(wallet(exchange, "USDT")) == 10000 - 36 - fees


def test_a_stop_loss_sells_at_its_price_on_the_way_down(simulator: SimulatorProcess, exchange: Any) -> None:
    place(exchange, LINEAR, "buy", 1, None, "open")
    params = {"clientOrderId": "stop", "triggerPrice": 95, "triggerDirection": "descending", "reduceOnly": True}
    exchange.create_order(LINEAR, "market", "sell", 1, None, params)
    waiting = order_of(exchange, LINEAR, "stop")
    assert (waiting["orderStatus"], waiting["stopOrderType"], waiting["triggerDirection"]) == ("Untriggered", "Stop", 2)
    simulator.step(2)  # 90
    stop = order_of(exchange, LINEAR, "stop")
    assert (stop["orderStatus"], stop["avgPrice"]) == ("Filled", "95")
    assert exchange.fetch_positions() == []
    assert wallet(exchange, "USDT") == "9994.89275"  # −5 − 0.055 − 0.05225


def test_a_spot_stop_waits_without_locking_and_sells_as_taker(simulator: SimulatorProcess, exchange: Any) -> None:
    params = {"clientOrderId": "stop", "triggerPrice": 95}
    exchange.create_order(SPOT, "market", "sell", 1, None, params)
    assert exchange.fetch_balance()["ETH"]["used"] == 0.0
    assert [order["clientOrderId"] for order in exchange.fetch_open_orders(SPOT, params={"trigger": True})] == ["stop"]
    simulator.step(2)
    assert order_of(exchange, SPOT, "stop")["avgPrice"] == "95"
    assert wallet(exchange, "USDT") == "10094.905"


def test_a_stop_limit_can_fill_in_the_rest_of_the_segment_that_triggered_it(
    simulator: SimulatorProcess, exchange: Any
) -> None:
    """Triggered at 101 on the way up to 103, to sell at 102: the price still comes by."""
    exchange.create_order(SPOT, "limit", "sell", 1, 102, {"clientOrderId": "breakout", "triggerPrice": 101})
    simulator.step()
    order = order_of(exchange, SPOT, "breakout")
    assert (order["orderStatus"], order["avgPrice"]) == ("Filled", "102")
    [trade] = exchange.fetch_my_trades(SPOT)
    assert trade["takerOrMaker"] == "maker"


def test_a_stop_limit_rests_from_where_it_was_triggered(simulator: SimulatorProcess, exchange: Any) -> None:
    """Triggered on the way up at 101, to buy at 92: it rests, and the way down fills it."""
    exchange.create_order(SPOT, "limit", "buy", 1, 92, {"clientOrderId": "dip", "triggerPrice": 101})
    simulator.step()  # 103
    assert order_of(exchange, SPOT, "dip")["orderStatus"] == "New"
    simulator.step()  # 90
    assert order_of(exchange, SPOT, "dip")["avgPrice"] == "92"


def test_a_stop_that_cannot_be_paid_is_rejected_when_it_goes_off(simulator: SimulatorProcess, exchange: Any) -> None:
    exchange.create_order(SPOT, "market", "sell", 9, None, {"clientOrderId": "stop", "triggerPrice": 95})
    place(exchange, SPOT, "sell", 9, None, "sold-already")
    simulator.step(2)
    assert order_of(exchange, SPOT, "stop")["orderStatus"] == "Rejected"
    assert wallet(exchange, "ETH") == "1"


def test_reduce_only_never_turns_a_position(simulator: SimulatorProcess, exchange: Any) -> None:
    place(exchange, LINEAR, "buy", 1, None, "open")
    place(exchange, LINEAR, "sell", 1, 102, "first", reduceOnly=True)
    place(exchange, LINEAR, "sell", 3, 103, "second", reduceOnly=True)
    simulator.step()  # 103: the first closes the position, the second has nothing left to reduce
    assert order_of(exchange, LINEAR, "first")["orderStatus"] == "Filled"
    second = order_of(exchange, LINEAR, "second")
    assert (second["orderStatus"], second["cancelType"]) == ("Cancelled", "CancelByReduceOnly")
    assert exchange.fetch_positions() == []


def test_reduce_only_fills_no_more_than_the_position(simulator: SimulatorProcess, exchange: Any) -> None:
    place(exchange, LINEAR, "buy", 1, None, "open")
    place(exchange, LINEAR, "sell", 3, 102, "close", reduceOnly=True)
    simulator.step()
    close = order_of(exchange, LINEAR, "close")
    assert (close["orderStatus"], close["cumExecQty"], close["leavesQty"]) == ("Cancelled", "1", "0")
    assert exchange.fetch_positions() == []


def test_an_amended_price_moves_the_order(simulator: SimulatorProcess, exchange: Any) -> None:
    placed = exchange.create_order(SPOT, "limit", "buy", 1, 80, {"clientOrderId": "moved"})
    exchange.edit_order(placed["id"], SPOT, "limit", "buy", 2, 91)
    order = order_of(exchange, SPOT, "moved")
    assert (order["price"], order["qty"], order["orderId"]) == ("91", "2", placed["id"])
    assert exchange.fetch_balance()["USDT"]["used"] == 182.0
    simulator.step(2)
    assert order_of(exchange, SPOT, "moved")["avgPrice"] == "91"


def test_an_amendment_that_crosses_trades_at_once(exchange: Any) -> None:
    placed = exchange.create_order(SPOT, "limit", "buy", 1, 80)
    exchange.edit_order(placed["id"], SPOT, "limit", "buy", 1, 105)
    [trade] = exchange.fetch_my_trades(SPOT)
    assert (trade["price"], trade["takerOrMaker"]) == (100.0, "taker")


def test_a_cancelled_order_fills_no_more_and_frees_what_it_held(simulator: SimulatorProcess, exchange: Any) -> None:
    placed = exchange.create_order(SPOT, "limit", "buy", 1, 95, {"clientOrderId": "off"})
    exchange.cancel_order(placed["id"], SPOT)
    simulator.step(2)
    order = order_of(exchange, SPOT, "off")
    assert (order["orderStatus"], order["cancelType"]) == ("Cancelled", "CancelByUser")
    assert exchange.fetch_balance()["USDT"]["used"] == 0.0
    assert exchange.fetch_my_trades(SPOT) == []


def test_cancel_by_client_order_id(exchange: Any) -> None:
    place(exchange, LINEAR, "buy", 1, 95, "by-name")
    exchange.cancel_order(None, LINEAR, {"orderLinkId": "by-name"})
    assert exchange.fetch_open_orders(LINEAR) == []


def test_cancel_all_leaves_the_other_market_alone(exchange: Any) -> None:
    for number in range(3):
        place(exchange, SPOT, "buy", 1, 90 + number, f"spot{number}")
        place(exchange, LINEAR, "buy", 1, 90 + number, f"linear{number}")
    cancelled = exchange.cancel_all_orders(LINEAR)
    assert len(cancelled) == 3
    assert len(exchange.fetch_open_orders(SPOT)) == 3
    assert exchange.fetch_open_orders(LINEAR) == []


def test_a_batch_tells_what_became_of_each_order(exchange: Any) -> None:
    good = {"symbol": LINEAR, "type": "limit", "side": "buy", "amount": 1, "price": 95}
    orders = exchange.create_orders([good, {**good, "price": 96}, {**good, "amount": 5000}])
    assert [order["status"] for order in orders] == [None, None, "rejected"]
    assert len(exchange.fetch_open_orders(LINEAR)) == 2
    exchange.cancel_orders([order["id"] for order in orders[:2]], LINEAR)
    assert exchange.fetch_open_orders(LINEAR) == []


def test_the_ticker_and_the_candles_carry_the_markets_time(simulator: SimulatorProcess, exchange: Any) -> None:
    start = simulator.status()["time"]
    stand = simulator.step(6)  # the second candle, at its high of 110
    ticker = exchange.fetch_ticker(SPOT)
    assert (ticker["last"], ticker["timestamp"]) == (110.0, stand["time"])
    assert ticker["bid"] < ticker["last"] < ticker["ask"]
    assert exchange.fetch_ohlcv(LINEAR, "1m", since=start) == [
        [start, 100.0, 103.0, 90.0, 95.0, 1.0],
        [start + 60_000, 95.0, 110.0, 94.0, 110.0, pytest.approx(2 / 3, abs=1e-6)],
    ]
    assert exchange.fetch_ohlcv(SPOT, "1m", limit=1)[0][0] == start + 60_000
    assert abs(exchange.fetch_time() - exchange.milliseconds()) < 5000


def test_the_order_book_lies_around_the_price(exchange: Any) -> None:
    book = exchange.fetch_order_book(SPOT, 5)
    assert len(book["bids"]) == len(book["asks"]) == 5
    assert book["bids"][0][0] < 100.0 < book["asks"][0][0]


def test_leverage_bounds_what_can_be_held(exchange: Any) -> None:
    exchange.set_leverage(2, LINEAR)
    with pytest.raises(ccxt.InsufficientFunds):
        place(exchange, LINEAR, "buy", 203, 99, "too-much")
    place(exchange, LINEAR, "buy", 100, 98, "half")  # margin 4,900
    assert exchange.fetch_balance()["USDT"]["used"] == 4900.0
    with pytest.raises(ccxt.InsufficientFunds):
        place(exchange, LINEAR, "buy", 110, 98, "the-rest-and-more")  # 5,390 of 5,100
    place(exchange, LINEAR, "sell", 100, 104, "other-side")  # only the dearer side needs margin: 5,200
    assert exchange.fetch_balance()["USDT"]["used"] == 5200.0


def test_open_orders_come_in_pages(exchange: Any) -> None:
    for number in range(60):
        place(exchange, SPOT, "buy", 0.1, 60 + number / 10, f"n{number}")
    first = exchange.fetch_open_orders(SPOT, limit=50)
    assert len(first) == 50
    every = exchange.fetch_open_orders(SPOT, params={"paginate": True})
    assert sorted(order["clientOrderId"] for order in every) == sorted(f"n{number}" for number in range(60))


def test_trades_come_in_pages_and_by_time(simulator: SimulatorProcess, exchange: Any) -> None:
    for _ in range(101):
        exchange.create_order(LINEAR, "market", "buy", 0.1)
    stand = simulator.step()
    for _ in range(4):
        exchange.create_order(LINEAR, "market", "buy", 0.1)
    page = exchange.privateGetV5ExecutionList({"category": "linear", "limit": 100})["result"]
    rest = exchange.privateGetV5ExecutionList({"category": "linear", "limit": 100, "cursor": page["nextPageCursor"]})[
        "result"
    ]
    assert (len(page["list"]), len(rest["list"]), rest["nextPageCursor"]) == (100, 5, "")
    identities = {row["execId"] for row in page["list"] + rest["list"]}
    assert len(identities) == 105
    assert len(exchange.fetch_my_trades(LINEAR, since=stand["time"])) == 4
    assert exchange.fetch_my_trades(LINEAR, since=stand["time"] + 1) == []


def test_the_history_keeps_what_is_closed(simulator: SimulatorProcess, exchange: Any) -> None:
    place(exchange, SPOT, "buy", 1, 99, "filled")
    place(exchange, SPOT, "buy", 1, 50, "cancelled")
    place(exchange, SPOT, "buy", 1, 51, "open")
    simulator.step(2)
    exchange.cancel_order(None, SPOT, {"orderLinkId": "cancelled"})
    history = exchange.fetch_canceled_and_closed_orders(SPOT)
    assert {order["clientOrderId"]: order["status"] for order in history} == {
        "filled": "closed",
        "cancelled": "canceled",
    }
    by_name = {"category": "spot", "orderLinkId": "filled"}
    assert len(exchange.privateGetV5OrderHistory(by_name)["result"]["list"]) == 1
