"""Faults of orders, prices and lists. ETH's points are 100, 103, 90, 95, 95, 94, 110, 105 …

Fees: spot 0.1 % in what is received, linear 0.02 % maker and 0.055 % taker in USDT.
"""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt
import pytest

from tests.exchange.simulator.markets import write_market
from tests.exchange.simulator.process import SimulatorProcess
from tests.exchange.simulator.test_trading import order_of, place, wallet

SPOT = "ETH/USDT"
LINEAR = "ETH/USDT:USDT"


def executions(exchange: Any, category: str = "spot", **query: object) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = exchange.privateGetV5ExecutionList({"category": category, **query})["result"]["list"]
    return rows


def amounts(rows: list[dict[str, Any]]) -> list[Decimal]:
    return [Decimal(row["execQty"]) for row in rows]


def stop_sell(exchange: Any, symbol: str, amount: float, trigger: float, name: str, **params: Any) -> None:
    """Waits for a fall to ``trigger``."""
    direction = {} if symbol == SPOT else {"triggerDirection": "descending"}
    given = {"triggerPrice": trigger, "clientOrderId": name, **direction, **params}
    exchange.create_order(symbol, "market", "sell", amount, None, given)


# Partial fills


def test_a_resting_order_fills_a_part_at_each_meeting_and_the_money_is_exact(
    simulator: SimulatorProcess, exchange: Any
) -> None:
    simulator.inject("partial-fills 50% on spot/ETHUSDT")
    place(exchange, SPOT, "buy", 2, 96, "entry")
    simulator.step(2)  # 103, 90
    part = order_of(exchange, SPOT, "entry")
    assert (part["orderStatus"], part["cumExecQty"], part["leavesQty"]) == ("PartiallyFilled", "1", "1")
    # What rests is still held: 1 × 96.
    assert exchange.fetch_balance()["USDT"]["used"] == 96.0
    assert (wallet(exchange, "USDT"), wallet(exchange, "ETH")) == ("9904", "10.999")
    simulator.step()  # 95, still below 96
    whole = order_of(exchange, SPOT, "entry")
    assert (whole["orderStatus"], whole["cumExecQty"], whole["avgPrice"]) == ("Filled", "2", "96")
    assert (wallet(exchange, "USDT"), wallet(exchange, "ETH")) == ("9808", "11.998")
    assert amounts(executions(exchange, orderLinkId="entry")) == [1, 1]
    assert [row["leavesQty"] for row in executions(exchange, orderLinkId="entry")] == ["0", "1"]
    assert exchange.fetch_balance()["USDT"]["used"] == 0.0


def test_parts_are_multiples_of_the_step_and_add_up(simulator: SimulatorProcess, exchange: Any) -> None:
    simulator.inject("partial-fills 20%..40%")
    place(exchange, LINEAR, "sell", 3.37, 101, "exit")
    place(exchange, LINEAR, "buy", 1.11, None, "market")
    parts = amounts(executions(exchange, "linear", orderLinkId="market"))
    assert len(parts) >= 3
    assert sum(parts) == Decimal("1.11")
    assert all(part % Decimal("0.01") == 0 for part in parts)
    simulator.step(48)
    parts = amounts(executions(exchange, "linear", orderLinkId="exit"))
    assert len(parts) >= 3
    assert sum(parts) == Decimal("3.37")
    assert order_of(exchange, LINEAR, "exit")["orderStatus"] == "Filled"


def test_parts_cost_the_same_to_the_last_digit_as_the_whole(simulator: SimulatorProcess, new_account: Any) -> None:
    """Two accounts send the same orders; the fills of one come in parts, at the same prices."""
    outcomes = []
    accounts = [new_account(USDT="10000", ETH="10") for _ in range(2)]
    simulator.inject(f"partial-fills 7%..33% account={accounts[0].apiKey}")
    for exchange in accounts:
        exchange.load_markets()
        for symbol, amount in ((SPOT, 1.23457), (LINEAR, 2.37)):
            place(exchange, symbol, "buy", amount, None, "in")
            place(exchange, symbol, "sell", amount / 2, 102, "out")
            place(exchange, symbol, "buy", 0.71, 94.37, "again")
    simulator.step(120)
    for exchange in accounts:
        counts = [len(executions(exchange, category, limit=100)) for category in ("spot", "linear")]
        rows = exchange.privateGetV5PositionList({"category": "linear", "symbol": "ETHUSDT"})["result"]["list"]
        # When parts of the orders take turns, profit is realised earlier or later, but it is the same profit.
        equity = Decimal(wallet(exchange, "USDT")) + Decimal(rows[0]["unrealisedPnl"])
        outcomes.append((counts, equity, wallet(exchange, "ETH"), rows[0]["size"]))
    assert outcomes[0][0][0] > outcomes[1][0][0] == 3
    assert outcomes[0][0][1] > outcomes[1][0][1] == 3
    assert outcomes[0][1:] == outcomes[1][1:]


def test_the_rest_of_a_partly_filled_order_can_be_cancelled_and_amended(
    simulator: SimulatorProcess, exchange: Any
) -> None:
    simulator.inject("partial-fills 50% ×2")
    place(exchange, SPOT, "buy", 2, 96, "cancelled")
    place(exchange, LINEAR, "buy", 2, 96, "amended")
    simulator.step(2)
    exchange.cancel_order(None, SPOT, {"orderLinkId": "cancelled"})
    gone = order_of(exchange, SPOT, "cancelled")
    # Spot has a word of its own for it, which ccxt takes for a filled order.
    assert (gone["orderStatus"], gone["cumExecQty"]) == ("PartiallyFilledCanceled", "1")
    identity = order_of(exchange, LINEAR, "amended")["orderId"]
    amend = {"category": "linear", "symbol": "ETHUSDT", "orderLinkId": "amended"}
    with pytest.raises(ccxt.BadRequest, match="1 of the order is executed already"):
        exchange.privatePostV5OrderAmend({**amend, "qty": "0.5"})
    exchange.privatePostV5OrderAmend({**amend, "price": "80"})
    amended = order_of(exchange, LINEAR, "amended")
    assert (amended["orderId"], amended["orderLinkId"], amended["price"]) == (identity, "amended", "80")
    assert (amended["orderStatus"], amended["leavesQty"]) == ("PartiallyFilled", "1")


def test_in_a_thin_market_a_market_order_gets_a_part_and_the_rest_is_cancelled(
    simulator: SimulatorProcess, exchange: Any
) -> None:
    simulator.inject("partial-fills 50% thin ×1")
    place(exchange, SPOT, "sell", 4, None, "exit")
    order = order_of(exchange, SPOT, "exit")
    assert (order["orderStatus"], order["cumExecQty"]) == ("PartiallyFilledCanceled", "2")
    assert order["rejectReason"] == "EC_NoEnoughQtyToFill"
    # 2 × 100 less 0.1 %.
    assert (wallet(exchange, "USDT"), wallet(exchange, "ETH")) == ("10199.8", "8")


def test_a_partly_filled_order_fills_on_after_kill_9(tmp_path: Path) -> None:
    flags = {"file": write_market(tmp_path, rounds=5), "balances": "USDT=1000"}
    with SimulatorProcess(tmp_path / "state", **flags) as simulator:
        exchange = simulator.connect(ccxt.bybit, enableRateLimit=False)
        simulator.inject("partial-fills 50%")
        place(exchange, SPOT, "buy", 2, 96, "entry")
        simulator.step(2)
        simulator.kill9()
        simulator.start()
        exchange = simulator.connect(ccxt.bybit, enableRateLimit=False)
        assert order_of(exchange, SPOT, "entry")["cumExecQty"] == "1"
        simulator.step()
        assert order_of(exchange, SPOT, "entry")["orderStatus"] == "Filled"
        assert (wallet(exchange, "USDT"), wallet(exchange, "ETH")) == ("808", "1.998")


# Stops


def test_a_stop_waits_untriggered_and_is_deactivated_when_cancelled(simulator: SimulatorProcess, exchange: Any) -> None:
    stop_sell(exchange, SPOT, 1, 92, "stop")
    assert order_of(exchange, SPOT, "stop")["orderStatus"] == "Untriggered"
    exchange.cancel_order(None, SPOT, {"orderLinkId": "stop", "trigger": True})
    gone = order_of(exchange, SPOT, "stop")
    assert (gone["orderStatus"], gone["cancelType"]) == ("Deactivated", "CancelByUser")


def test_a_stop_that_cannot_be_paid_when_it_is_triggered_is_rejected(
    simulator: SimulatorProcess, exchange: Any
) -> None:
    stop_sell(exchange, SPOT, 1, 92, "stop")
    place(exchange, SPOT, "sell", 10, None, "all")
    simulator.step(2)  # 90
    stop = order_of(exchange, SPOT, "stop")
    assert (stop["orderStatus"], stop["rejectReason"], stop["cumExecQty"]) == ("Rejected", "EC_Others", "0")
    assert wallet(exchange, "ETH") == "0"


@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
def test_a_stop_can_be_triggered_and_not_filled(simulator: SimulatorProcess, exchange: Any, symbol: str) -> None:
    place(exchange, LINEAR, "buy", 1, None, "position")
    simulator.inject("trigger-without-fill 3 points on ETHUSDT")
    stop_sell(exchange, symbol, 1, 92, "stop", **({"reduceOnly": True} if symbol == LINEAR else {}))
    simulator.step(2)  # 90
    for _ in range(3):
        stop = order_of(exchange, symbol, "stop")
        assert (stop["orderStatus"], stop["cumExecQty"]) == ("New", "0")
        simulator.step()  # 95, 95, 94
    filled = order_of(exchange, symbol, "stop")
    assert (filled["orderStatus"], filled["avgPrice"]) == ("Filled", "94")


def test_a_stop_that_is_triggered_but_not_filled_can_be_cancelled(simulator: SimulatorProcess, exchange: Any) -> None:
    simulator.inject("trigger-without-fill 100 points")
    stop_sell(exchange, SPOT, 1, 92, "stop")
    simulator.step(2)
    assert exchange.fetch_balance()["ETH"]["used"] == 1
    exchange.cancel_order(None, SPOT, {"orderLinkId": "stop", "trigger": True})
    assert order_of(exchange, SPOT, "stop")["orderStatus"] == "Cancelled"
    assert exchange.fetch_balance()["ETH"]["used"] == 0
    simulator.step(5)
    assert executions(exchange, orderLinkId="stop") == []


def test_a_stop_that_is_triggered_but_not_filled_outlives_kill_9_and_fills(tmp_path: Path) -> None:
    flags = {"file": write_market(tmp_path, rounds=5), "balances": "USDT=1000,ETH=1"}
    with SimulatorProcess(tmp_path / "state", **flags) as simulator:
        exchange = simulator.connect(ccxt.bybit, enableRateLimit=False)
        simulator.inject("trigger-without-fill 100 points")
        stop_sell(exchange, SPOT, 1, 92, "stop")
        simulator.step(2)
        simulator.kill9()
        simulator.start()
        exchange = simulator.connect(ccxt.bybit, enableRateLimit=False)
        assert order_of(exchange, SPOT, "stop")["orderStatus"] == "New"
        simulator.step()  # 95
        assert order_of(exchange, SPOT, "stop")["avgPrice"] == "95"


# The exchange by itself


def test_a_delisted_symbol_leaves_the_lists_and_its_orders_are_cancelled(
    simulator: SimulatorProcess, exchange: Any
) -> None:
    place(exchange, SPOT, "buy", 1, 60, "spot")
    place(exchange, LINEAR, "buy", 1, 60, "linear")
    simulator.inject("delisted on linear/ETHUSDT")
    gone = order_of(exchange, LINEAR, "linear")
    assert (gone["orderStatus"], gone["cancelType"], gone["rejectReason"]) == (
        "Cancelled",
        "CancelBySettle",
        "EC_InvalidSymbolStatus",
    )
    assert order_of(exchange, SPOT, "spot")["orderStatus"] == "New"
    assert LINEAR not in exchange.load_markets(True)
    [closed] = exchange.publicGetV5MarketInstrumentsInfo({"category": "linear", "status": "Closed"})["result"]["list"]
    assert (closed["symbol"], closed["status"]) == ("ETHUSDT", "Closed")
    order = {"category": "linear", "symbol": "ETHUSDT", "side": "Buy", "orderType": "Limit", "qty": "1", "price": "60"}
    with pytest.raises(ccxt.ExchangeError, match="110074"):
        exchange.privatePostV5OrderCreate(order)
    with pytest.raises(ccxt.BadRequest, match="Not supported symbols"):
        exchange.publicGetV5MarketTickers({"category": "linear", "symbol": "ETHUSDT"})
    simulator.clear_faults()
    exchange.privatePostV5OrderCreate(order)


def test_the_exchange_cancels_an_order_by_itself(simulator: SimulatorProcess, exchange: Any) -> None:
    for name in ("one", "two", "three"):
        place(exchange, SPOT, "buy", 1, 60, name)
    simulator.inject("cancel-order link=two", f"at point +2: cancel-order account={exchange.apiKey}")
    seen = []
    for _ in range(4):
        seen.append([order_of(exchange, SPOT, name)["orderStatus"] for name in ("one", "two", "three")])
        simulator.step()
    assert seen[0] == seen[1] == ["New", "Cancelled", "New"]
    assert seen[2] == seen[3] == ["Cancelled", "Cancelled", "New"]
    assert order_of(exchange, SPOT, "two")["cancelType"] == "CancelByAdmin"


# What is shown


def test_stale_tickers_stand_still_with_their_time(simulator: SimulatorProcess, exchange: Any) -> None:
    before = exchange.fetch_ticker(SPOT)
    simulator.inject("stale-tickers on spot/ETHUSDT")
    simulator.step(2)
    stale, live = exchange.fetch_ticker(SPOT), exchange.fetch_ticker(LINEAR)
    assert (stale["last"], stale["timestamp"]) == (100.0, before["timestamp"])
    assert (live["last"], live["timestamp"]) == (90.0, simulator.status()["time"])
    simulator.clear_faults()
    assert exchange.fetch_ticker(SPOT)["last"] == 90.0


def test_stale_klines_end_where_it_began(simulator: SimulatorProcess, exchange: Any) -> None:
    simulator.step(5)
    before = exchange.fetch_ohlcv(SPOT, "1m")
    simulator.inject("stale-klines")
    simulator.step(12)
    assert exchange.fetch_ohlcv(SPOT, "1m") == before
    simulator.clear_faults()
    assert exchange.fetch_ohlcv(SPOT, "1m")[-1][0] == before[-1][0] + 3 * 60_000


@pytest.mark.parametrize(("offset", "seconds"), [("+3m", 180), ("-90s", -90)])
def test_a_wrong_clock_is_told_and_refuses_what_is_signed_with_the_right_one(
    simulator: SimulatorProcess, exchange: Any, offset: str, seconds: int
) -> None:
    simulator.inject(f"clock {offset}")
    assert exchange.fetch_time() / 1000 - time.time() == pytest.approx(seconds, abs=1)
    with pytest.raises(ccxt.InvalidNonce):
        exchange.fetch_balance()
    exchange.options["adjustForTimeDifference"] = True
    exchange.load_time_difference()
    assert exchange.fetch_balance()["USDT"]["total"] == 10_000


def test_new_orders_are_listed_late(simulator: SimulatorProcess, exchange: Any) -> None:
    simulator.inject("list-lag 700ms on order/realtime")
    place(exchange, SPOT, "buy", 1, 60, "late")
    query = {"category": "spot", "symbol": "ETHUSDT", "orderLinkId": "late"}
    assert exchange.privateGetV5OrderRealtime(query)["result"]["list"] == []
    assert exchange.fetch_open_orders(SPOT) == []
    time.sleep(0.8)
    assert order_of(exchange, SPOT, "late")["orderStatus"] == "New"
    assert len(exchange.fetch_open_orders(SPOT)) == 1


def test_the_history_and_the_executions_have_lags_of_their_own(simulator: SimulatorProcess, exchange: Any) -> None:
    simulator.inject("list-lag 700ms on execution/list", "list-lag 30s on order/history")
    place(exchange, SPOT, "buy", 1, None, "filled")
    history = {"category": "spot", "symbol": "ETHUSDT"}
    assert order_of(exchange, SPOT, "filled")["orderStatus"] == "Filled"
    assert executions(exchange) == []
    assert exchange.privateGetV5OrderHistory(history)["result"]["list"] == []
    time.sleep(0.8)
    assert len(executions(exchange)) == 1
    assert exchange.privateGetV5OrderHistory(history)["result"]["list"] == []
    simulator.clear_faults()
    assert len(exchange.privateGetV5OrderHistory(history)["result"]["list"]) == 1


def test_pages_of_executions_hold_some_twice_or_in_disorder(simulator: SimulatorProcess, exchange: Any) -> None:
    for number in range(6):
        place(exchange, SPOT, "buy", 0.1, None, f"order{number}")
    right = [row["execId"] for row in executions(exchange)]
    simulator.inject("duplicate-executions ×1")
    twice = [row["execId"] for row in executions(exchange)]
    assert len(twice) > len(right)
    assert sorted(set(twice)) == sorted(right)
    simulator.inject("out-of-order-executions ×1")
    shuffled = [row["execId"] for row in executions(exchange)]
    assert shuffled != right
    assert sorted(shuffled) == sorted(right)
    assert [row["execId"] for row in executions(exchange)] == right
