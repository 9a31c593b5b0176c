"""Bybit's payloads become reports without losing a digit, a reason or a state."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange import ccxt_parsing
from exchange.bybit_gateway import BybitGateway
from exchange.errors import NeedsOperator, OrderNotFound, TemporaryError
from exchange.port import Balance, ExchangePosition, ReportedStatus, Ticker
from strategies.contract import MarketKind, MarketSpec, OrderType, Side
from tests.exchange.wire import Wire, listed, ok

SPOT = MarketSpec(
    symbol="BTC/USDT", kind=MarketKind.SPOT, base="BTC", quote="USDT", tick=Decimal("0.1"), step=Decimal("0.000001"),
    min_amount=Decimal("0.000011"), maker_fee=Decimal("0.001"), taker_fee=Decimal("0.001"),
)  # fmt: skip
REALTIME, HISTORY = "/v5/order/realtime", "/v5/order/history"

# An open order as Bybit's documentation of /v5/order/realtime shows it.
ORDER: dict[str, Any] = {
    "orderId": "fd4300ae-7847-404e-b947-b46980a4d140", "orderLinkId": "test-000005", "symbol": "BTCUSDT",
    "price": "50000.10", "qty": "0.001000", "side": "Buy", "isLeverage": "", "positionIdx": 0,
    "orderStatus": "New", "cancelType": "UNKNOWN", "rejectReason": "EC_NoError", "avgPrice": "", "leavesQty": "0.001",
    "cumExecQty": "0", "cumExecValue": "0", "cumExecFee": "0", "timeInForce": "GTC", "orderType": "Limit",
    "stopOrderType": "", "triggerPrice": "", "triggerDirection": 0, "reduceOnly": False, "marketUnit": "",
    "createdTime": "1684738540559", "updatedTime": "1684738540561",
}  # fmt: skip

EXECUTION: dict[str, Any] = {
    "symbol": "BTCUSDT", "orderType": "Limit", "orderLinkId": "test-000005", "side": "Buy",
    "orderId": "fd4300ae-7847-404e-b947-b46980a4d140", "execFee": "0.000001", "execId": "2100000000015312345",
    "feeCurrency": "", "isMaker": True, "execPrice": "50000.10", "execQty": "0.001", "execType": "Trade",
    "execTime": "1684738540600",
}  # fmt: skip


# --- Orders --------------------------------------------------------------------------------------------------------


def test_a_resting_order() -> None:
    report = ccxt_parsing.bybit_order(ORDER, SPOT)

    assert (report.symbol, report.client_order_id) == ("BTC/USDT", "test-000005")
    assert (report.status, report.side, report.type) == (ReportedStatus.OPEN, Side.BUY, OrderType.LIMIT)
    assert (report.price, report.amount, report.filled) == (Decimal("50000.1"), Decimal("0.001"), Decimal(0))
    assert (report.average_price, report.reason, report.timestamp) == (None, "", 1684738540559)


@pytest.mark.parametrize(
    ("raw", "filled", "reason", "status"),
    [
        ("New", "0", "EC_NoError", ReportedStatus.OPEN),
        ("Untriggered", "0", "EC_NoError", ReportedStatus.OPEN),
        ("Triggered", "0", "EC_NoError", ReportedStatus.OPEN),
        ("PartiallyFilled", "0.0004", "EC_NoError", ReportedStatus.PARTIALLY_FILLED),
        ("New", "0.0004", "EC_NoError", ReportedStatus.PARTIALLY_FILLED),
        ("Filled", "0.001", "EC_NoError", ReportedStatus.FILLED),
        ("Cancelled", "0", "EC_PerCancelRequest", ReportedStatus.CANCELED),
        ("PartiallyFilledCanceled", "0.0004", "EC_PerCancelRequest", ReportedStatus.CANCELED),
        ("Deactivated", "0", "EC_NoError", ReportedStatus.CANCELED),
        ("Cancelled", "0", "EC_PostOnlyWillTakeLiquidity", ReportedStatus.REJECTED),
        ("Rejected", "0", "EC_NoEnoughQtyToFill", ReportedStatus.REJECTED),
    ],
)
def test_states(raw: str, filled: str, reason: str, status: ReportedStatus) -> None:
    payload = {**ORDER, "orderStatus": raw, "cumExecQty": filled, "rejectReason": reason}

    assert ccxt_parsing.bybit_order(payload, SPOT).status is status


def test_why_an_order_was_refused_is_kept() -> None:
    payload = {**ORDER, "orderStatus": "Cancelled", "rejectReason": "EC_PostOnlyWillTakeLiquidity"}

    assert ccxt_parsing.bybit_order(payload, SPOT).reason == "EC_PostOnlyWillTakeLiquidity"


def test_a_market_orders_protection_price_is_not_its_price() -> None:
    payload = {**ORDER, "orderType": "Market", "price": "52500", "marketUnit": "baseCoin", "avgPrice": "50001.55"}
    report = ccxt_parsing.bybit_order(payload, SPOT)

    assert (report.price, report.average_price, report.amount) == (None, Decimal("50001.55"), Decimal("0.001"))


def test_a_market_buy_by_hand_counts_in_quote_and_so_has_no_amount() -> None:
    payload = {**ORDER, "orderType": "Market", "qty": "50", "orderLinkId": ""}

    assert ccxt_parsing.bybit_order(payload, SPOT).amount is None


def test_a_stop() -> None:
    payload = {**ORDER, "orderType": "Market", "triggerPrice": "48000", "marketUnit": "baseCoin"}

    assert ccxt_parsing.bybit_order(payload, SPOT).type is OrderType.STOP


def test_a_state_that_is_new_to_us_is_no_guess(bybit: BybitGateway, bybit_wire: Wire) -> None:
    bybit_wire[REALTIME] = listed({**ORDER, "orderStatus": "Hibernating"})

    with pytest.raises(TemporaryError, match="Hibernating"):
        bybit.open_orders("BTC/USDT")


def test_all_pages_of_open_orders(bybit: BybitGateway, bybit_wire: Wire) -> None:
    first = [{**ORDER, "orderLinkId": f"order-{number}"} for number in range(50)]
    bybit_wire[REALTIME] = [listed(*first, cursor="page%3A2"), listed({**ORDER, "orderLinkId": "order-50"})]

    found = bybit.open_orders("BTC/USDT")

    assert [report.client_order_id for report in found] == [f"order-{number}" for number in range(51)]
    # Bybit's cursors are encoded already and go into the address as they are.
    assert [sent.query.get("cursor") for sent in bybit_wire.to(REALTIME)] == [None, "page:2"]
    assert bybit_wire.to(REALTIME)[0].query == {"category": "spot", "symbol": "BTCUSDT", "openOnly": "0", "limit": "50"}


def test_an_order_is_looked_for_among_the_recent_first(bybit: BybitGateway, bybit_wire: Wire) -> None:
    bybit_wire[REALTIME] = listed(ORDER)

    assert bybit.order("BTC/USDT:USDT", "test-000005").exchange_order_id == ORDER["orderId"]
    assert bybit_wire.last(REALTIME).query == {
        "category": "linear", "symbol": "BTCUSDT", "orderLinkId": "test-000005",
    }  # fmt: skip
    assert bybit_wire.to(HISTORY) == []


def test_then_in_the_history(bybit: BybitGateway, bybit_wire: Wire) -> None:
    bybit_wire[REALTIME] = listed()
    bybit_wire[HISTORY] = listed({**ORDER, "orderStatus": "Filled", "cumExecQty": "0.001"})

    assert bybit.order("BTC/USDT", "test-000005").status is ReportedStatus.FILLED


def test_and_is_not_found_otherwise(bybit: BybitGateway, bybit_wire: Wire) -> None:
    bybit_wire[REALTIME] = listed()
    bybit_wire[HISTORY] = listed()

    with pytest.raises(OrderNotFound, match="test-000005"):
        bybit.order("BTC/USDT", "test-000005")


# --- Executions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "fee", "coin"),
    [("Buy", "0.000001", "BTC"), ("Sell", "0.05", "USDT"), ("Buy", "-0.01", "USDT"), ("Sell", "-0.0000005", "BTC")],
    ids=["a buyer pays in base", "a seller in quote", "a buyer's rebate is in quote", "a seller's in base"],
)
def test_the_coin_of_a_spot_fee_that_is_not_named(side: str, fee: str, coin: str) -> None:
    fill = ccxt_parsing.bybit_fill({**EXECUTION, "side": side, "execFee": fee}, SPOT)

    assert (fill.fee, fill.fee_currency) == (Decimal(fee), coin)


def test_a_named_fee_coin_is_believed() -> None:
    assert ccxt_parsing.bybit_fill({**EXECUTION, "feeCurrency": "MNT"}, SPOT).fee_currency == "MNT"


# --- Account -------------------------------------------------------------------------------------------------------


def test_balances_by_coin(bybit: BybitGateway, bybit_wire: Wire) -> None:
    bybit_wire["/v5/account/wallet-balance"] = listed(
        {
            "accountType": "UNIFIED",
            "coin": [
                {"coin": "USDT", "walletBalance": "1000.50", "locked": "100.25", "totalPositionIM": "50",
                 "totalOrderIM": "7.5", "availableToWithdraw": ""},
                {"coin": "BTC", "walletBalance": "0.300000000000000001", "locked": "0", "totalPositionIM": "",
                 "totalOrderIM": ""},
            ],
        }
    )  # fmt: skip

    assert bybit.balances() == {
        "USDT": Balance(free=Decimal("842.75"), used=Decimal("157.75"), total=Decimal("1000.50")),
        "BTC": Balance(free=Decimal("0.300000000000000001"), used=Decimal(0), total=Decimal("0.300000000000000001")),
    }


def position(**changes: Any) -> dict[str, Any]:
    return {
        "positionIdx": 0, "symbol": "ETHUSDT", "side": "Sell", "size": "5.00", "avgPrice": "3000.12345678",
        "leverage": "10", "liqPrice": "", "unrealisedPnl": "-12.5", **changes,
    }  # fmt: skip


def test_a_short_position_is_negative_and_flat_ones_are_left_out(bybit: BybitGateway, bybit_wire: Wire) -> None:
    flat = position(symbol="BTCUSDT", side="", size="0")
    bybit_wire["/v5/position/list"] = listed(position(), flat)

    assert bybit.positions() == [
        ExchangePosition("ETH/USDT:USDT", Decimal(-5), Decimal("3000.12345678"), Decimal("-12.5"), Decimal(10), None)
    ]
    assert bybit_wire.last("/v5/position/list").query == {"category": "linear", "settleCoin": "USDT", "limit": "200"}


def test_a_position_in_hedge_mode_needs_an_operator(bybit: BybitGateway, bybit_wire: Wire) -> None:
    bybit_wire["/v5/position/list"] = listed(position(positionIdx=2))

    with pytest.raises(NeedsOperator, match="one-way mode"):
        bybit.positions()


# --- Public data ---------------------------------------------------------------------------------------------------


def test_a_ticker_bears_the_time_of_the_answer(bybit: BybitGateway, bybit_wire: Wire) -> None:
    entry = {"symbol": "SHIBUSDT", "lastPrice": "0.00000703", "bid1Price": "0.00000702", "ask1Price": ""}
    bybit_wire["/v5/market/tickers"] = ok({"category": "spot", "list": [entry]}, time=1672376496682)

    assert bybit.ticker("SHIB/USDT") == Ticker(
        "SHIB/USDT", Decimal("0.00000703"), 1672376496682, bid=Decimal("0.00000702"), ask=None, lag=0
    )


def test_candles_come_oldest_first_with_every_digit(bybit: BybitGateway, bybit_wire: Wire) -> None:
    newest_first = [
        ["1670608800000", "0.00000703", "0.00000704", "0.00000701", "0.00000702", "268611123456789.12345678", "1"],
        ["1670605200000", "0.000007", "0.0000071", "0.0000069", "0.00000703", "4177", "0.2"],
    ]
    bybit_wire["/v5/market/kline"] = ok({"symbol": "SHIBUSDT", "category": "spot", "list": newest_first})

    older, newer = bybit.candles("SHIB/USDT", "1h", limit=2)

    assert (older.timestamp, newer.timestamp) == (1670605200000, 1670608800000)
    assert (newer.open, newer.high, newer.low, newer.close, newer.volume) == (
        Decimal("0.00000703"), Decimal("0.00000704"), Decimal("0.00000701"), Decimal("0.00000702"),
        Decimal("268611123456789.12345678"),
    )  # fmt: skip
    assert bybit_wire.last("/v5/market/kline").query["interval"] == "60"


def test_a_timeframe_that_the_exchange_does_not_have(bybit: BybitGateway) -> None:
    with pytest.raises(NeedsOperator, match="no candles of '7m'; it has 1m, 3m"):
        bybit.candles("BTC/USDT", "7m")


# --- Markets -------------------------------------------------------------------------------------------------------


def test_rules_of_the_markets(bybit: BybitGateway) -> None:
    markets = bybit.markets()

    assert set(markets) == {"BTC/USDT", "SHIB/USDT", "BTC/USDT:USDT", "ETH/USDT:USDT"}  # OLD/USDT is closed
    assert markets["SHIB/USDT"] == MarketSpec(
        symbol="SHIB/USDT", kind=MarketKind.SPOT, base="SHIB", quote="USDT", tick=Decimal("0.00000001"),
        step=Decimal("0.1"), min_amount=Decimal("83333.3"), max_amount=Decimal("46204986218"),
        min_notional=Decimal(1), max_notional=Decimal(200000), maker_fee=Decimal("0.001"),
        taker_fee=Decimal("0.001"),
    )  # fmt: skip
    assert markets["ETH/USDT:USDT"] == MarketSpec(
        symbol="ETH/USDT:USDT", kind=MarketKind.LINEAR, base="ETH", quote="USDT", tick=Decimal("0.01"),
        step=Decimal("0.01"), min_amount=Decimal("0.01"), max_amount=Decimal(7240), min_notional=Decimal(5),
        maker_fee=Decimal("0.0002"), taker_fee=Decimal("0.00055"), max_leverage=Decimal(100),
        max_market_amount=Decimal(1180), min_price=Decimal("0.01"), max_price=Decimal("199999.98"),
    )  # fmt: skip


def test_the_accounts_own_fees(bybit: BybitGateway, bybit_wire: Wire) -> None:
    rates = {"symbol": "ETHUSDT", "takerFeeRate": "0.00032", "makerFeeRate": "-0.00001"}
    bybit_wire["/v5/account/fee-rate"] = listed(rates)

    spec = bybit.market("ETH/USDT:USDT")

    assert (spec.maker_fee, spec.taker_fee) == (Decimal("-0.00001"), Decimal("0.00032"))


def test_contracts_become_base() -> None:
    """OKX's BTC swap: a contract is 0.01 BTC, and one may trade tenths of it."""
    spec = ccxt_parsing.market_spec(
        {
            "symbol": "BTC/USDT:USDT", "spot": False, "linear": True, "active": True, "base": "BTC", "quote": "USDT",
            "contractSize": "0.01", "precision": {"price": "0.1", "amount": "0.1"}, "maker": "0.0002",
            "taker": "0.0005", "limits": {"amount": {"min": "0.1", "max": "10000"}, "cost": {}, "leverage": {}},
        }
    )  # fmt: skip

    assert spec is not None
    assert (spec.step, spec.min_amount, spec.max_amount) == (Decimal("0.001"), Decimal("0.001"), Decimal(100))


# --- Digits --------------------------------------------------------------------------------------------------------

MONEY = st.decimals(min_value=0, max_value=Decimal("1e15"), allow_nan=False, allow_infinity=False, places=18)


@given(MONEY)
def test_no_digit_is_lost_on_the_way_out(number: Decimal) -> None:
    text = ccxt_parsing.plain(number)

    assert Decimal(text) == number
    assert "e" not in text.lower()


@given(price=MONEY, amount=MONEY, fee=MONEY)
def test_no_digit_is_lost_on_the_way_in(price: Decimal, amount: Decimal, fee: Decimal) -> None:
    payload = {**EXECUTION, "execPrice": f"{price:f}", "execQty": f"{amount:f}", "execFee": f"{fee:f}"}

    fill = ccxt_parsing.bybit_fill(payload, SPOT)

    assert (fill.price, fill.amount, fill.fee) == (price, amount, fee)


# --- Recorded payloads ---------------------------------------------------------------------------------------------


def recorded(folder: Path, name: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((folder / "bybit_v5_nautilus" / name).read_text())["result"]["list"]
    return entries


@pytest.mark.parametrize(
    "name",
    [
        "http_get_orders_history.json",
        "http_get_orders_realtime.json",
        "http_get_orders_realtime_tp_sl.json",
        "http_get_order_partially_filled_rejected.json",
    ],
)
def test_every_recorded_order_is_understood(fixtures_dir: Path, name: str) -> None:
    for payload in recorded(fixtures_dir, name):
        report = ccxt_parsing.bybit_order(payload, SPOT)
        assert report.client_order_id == payload["orderLinkId"]
        assert (str(report.amount), str(report.filled)) == (payload["qty"], payload["cumExecQty"])


def test_every_recorded_execution_is_understood(fixtures_dir: Path) -> None:
    fills = [ccxt_parsing.bybit_fill(payload, SPOT) for payload in recorded(fixtures_dir, "http_get_executions.json")]

    assert [(str(fill.price), str(fill.amount), str(fill.fee), fill.is_maker) for fill in fills] == [
        ("50000.00", "0.100", "0.0150", True),
        ("3000.00", "0.500", "0.9000", False),
    ]
