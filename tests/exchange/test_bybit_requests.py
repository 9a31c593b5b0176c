"""What goes over the wire to Bybit. The expected bodies are those of Bybit's documentation (POST /v5/order/create,
/v5/order/cancel, /v5/position/set-leverage), and for the shapes that ccxt's own suite covers, its recorded ones.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exchange.bybit_gateway import BybitGateway
from exchange.ccxt_client import build_client
from exchange.errors import NeedsOperator, OrderRejected
from exchange.gateway_config import GatewayConfig
from exchange.gateways import build_ccxt_gateway
from exchange.port import OrderRequest, ReportedStatus
from exchange.venues import Venue
from strategies.contract import OrderType, Side
from tests.exchange.wire import LIVE, Wire, listed, ok, refused

CREATE = "/v5/order/create"
CANCEL = "/v5/order/cancel"
LINK_ID = "ta1a2b3c0123456789abcdef01234567"


def order(
    symbol: str = "BTC/USDT", side: Side = Side.BUY, type: OrderType = OrderType.LIMIT, **rest: Any
) -> OrderRequest:
    defaults: dict[str, Any] = {"amount": Decimal("0.001")}
    if type is OrderType.LIMIT:
        defaults["price"] = Decimal("50000")
    return OrderRequest(symbol, LINK_ID, side, type, **{**defaults, **rest})


@pytest.fixture
def accepting(bybit: BybitGateway, bybit_wire: Wire) -> BybitGateway:
    bybit_wire[CREATE] = ok({"orderId": "1321003749386327552", "orderLinkId": LINK_ID})
    return bybit


def test_a_spot_limit_buy(accepting: BybitGateway, bybit_wire: Wire) -> None:
    accepting.place(order(price=Decimal("50000.10"), amount=Decimal("0.001200")))

    sent = bybit_wire.last(CREATE)
    assert (sent.method, sent.host) == ("POST", "api.bybit.com")
    assert sent.body == {
        "category": "spot", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit",
        "qty": "0.0012", "price": "50000.1", "orderLinkId": LINK_ID,
    }  # fmt: skip


def test_a_post_only_sell_on_a_linear_market(accepting: BybitGateway, bybit_wire: Wire) -> None:
    accepting.place(order("BTC/USDT:USDT", Side.SELL, post_only=True))

    assert bybit_wire.last(CREATE).body == {
        "category": "linear", "symbol": "BTCUSDT", "side": "Sell", "orderType": "Limit", "timeInForce": "PostOnly",
        "qty": "0.001", "price": "50000", "orderLinkId": LINK_ID, "positionIdx": 0,
    }  # fmt: skip


def test_a_spot_market_buy_is_counted_in_base(accepting: BybitGateway, bybit_wire: Wire) -> None:
    accepting.place(order(type=OrderType.MARKET))

    assert bybit_wire.last(CREATE).body == {
        "category": "spot", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market",
        "marketUnit": "baseCoin", "qty": "0.001", "orderLinkId": LINK_ID,
    }  # fmt: skip


def test_a_reduce_only_market_sell(accepting: BybitGateway, bybit_wire: Wire) -> None:
    accepting.place(order("ETH/USDT:USDT", Side.SELL, OrderType.MARKET, amount=Decimal("2.5"), reduce_only=True))

    assert bybit_wire.last(CREATE).body == {
        "category": "linear", "symbol": "ETHUSDT", "side": "Sell", "orderType": "Market",
        "qty": "2.5", "reduceOnly": True, "orderLinkId": LINK_ID, "positionIdx": 0,
    }  # fmt: skip


@pytest.mark.parametrize(("side", "direction"), [(Side.SELL, 2), (Side.BUY, 1)], ids=["falling", "rising"])
def test_a_stop_on_a_linear_market_triggers_beyond_the_market(
    accepting: BybitGateway, bybit_wire: Wire, side: Side, direction: int
) -> None:
    stop = order("BTC/USDT:USDT", side, OrderType.STOP, trigger_price=Decimal("48000.1"), reduce_only=True)

    accepting.place(stop)

    assert bybit_wire.last(CREATE).body == {
        "category": "linear", "symbol": "BTCUSDT", "side": side.capitalize(), "orderType": "Market",
        "qty": "0.001", "triggerPrice": "48000.1", "triggerDirection": direction, "reduceOnly": True,
        "orderLinkId": LINK_ID, "positionIdx": 0,
    }  # fmt: skip


def test_a_stop_on_spot_goes_to_the_book_of_conditional_orders(accepting: BybitGateway, bybit_wire: Wire) -> None:
    accepting.place(order("BTC/USDT", Side.SELL, OrderType.STOP, trigger_price=Decimal("48000.1")))

    assert bybit_wire.last(CREATE).body == {
        "category": "spot", "symbol": "BTCUSDT", "side": "Sell", "orderType": "Market", "orderFilter": "StopOrder",
        "marketUnit": "baseCoin", "qty": "0.001", "triggerPrice": "48000.1", "orderLinkId": LINK_ID,
    }  # fmt: skip


def test_tiny_prices_and_huge_amounts_keep_every_digit(accepting: BybitGateway, bybit_wire: Wire) -> None:
    accepting.place(order("SHIB/USDT", amount=Decimal("12345678901.2"), price=Decimal("0.00000703")))

    body = bybit_wire.last(CREATE).body
    assert (body["qty"], body["price"]) == ("12345678901.2", "0.00000703")


def test_what_was_placed_is_reported_with_the_exchanges_id(accepting: BybitGateway) -> None:
    report = accepting.place(order(price=Decimal("50000.10")))

    assert (report.exchange_order_id, report.client_order_id) == ("1321003749386327552", LINK_ID)
    assert (report.status, report.price) == (ReportedStatus.OPEN, Decimal("50000.10"))


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (order(amount=Decimal("0.0000015")), "amount 0.0000015 of BTC/USDT has to be a positive multiple of 0.000001"),
        (order(price=Decimal("50000.15")), "price 50000.15 of BTC/USDT has to be a positive multiple of 0.1"),
        (order(amount=Decimal("0.00001")), "amount 0.00001 of BTC/USDT is below the market's minimum of 0.000011"),
        (order(amount=Decimal(0)), "amount 0 of BTC/USDT has to be a positive multiple"),
        (
            order(amount=Decimal("0.00009"), price=Decimal("50000")),
            "notional 4.5 of BTC/USDT is below the market's minimum of 5 USDT",
        ),
        (order(price=None), "a limit order needs a price"),
        (order(type=OrderType.STOP), "a stop order needs a trigger price"),
        (order("XYZ/USDT"), "'XYZ/USDT' cannot be traded at bybit"),
        (order("OLD/USDT"), "'OLD/USDT' cannot be traded at bybit"),
    ],
    ids=["step", "tick", "minimum", "nothing", "notional", "no price", "no trigger", "unknown symbol", "delisted"],
)
def test_what_the_exchange_must_refuse_is_not_sent(
    accepting: BybitGateway, bybit_wire: Wire, request_: OrderRequest, words: str
) -> None:
    with pytest.raises(OrderRejected) as refusal:
        accepting.place(request_)

    assert words in refusal.value.detail
    assert bybit_wire.to(CREATE) == []


def test_the_rest_of_a_position_may_be_closed_below_the_minimum_notional(
    accepting: BybitGateway, bybit_wire: Wire
) -> None:
    accepting.place(order("BTC/USDT:USDT", Side.SELL, price=Decimal("4000"), reduce_only=True))  # 4 USDT

    assert bybit_wire.last(CREATE).body["qty"] == "0.001"


# --- Cancelling ----------------------------------------------------------------------------------------------------


def test_cancelling_by_the_client_order_id(bybit: BybitGateway, bybit_wire: Wire) -> None:
    bybit_wire[CANCEL] = ok({"orderId": "1", "orderLinkId": LINK_ID})

    bybit.cancel("BTC/USDT:USDT", LINK_ID)

    assert bybit_wire.last(CANCEL).body == {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": LINK_ID}


def test_cancelling_on_spot_looks_into_both_books(bybit: BybitGateway, bybit_wire: Wire) -> None:
    bybit_wire[CANCEL] = [refused(170213, "Order does not exist."), ok({"orderId": "1", "orderLinkId": LINK_ID})]

    bybit.cancel("BTC/USDT", LINK_ID)

    assert [sent.body["orderFilter"] for sent in bybit_wire.to(CANCEL)] == ["Order", "StopOrder"]


# --- Settings ------------------------------------------------------------------------------------------------------


def test_leverage_is_set_for_both_sides(bybit: BybitGateway, bybit_wire: Wire) -> None:
    bybit_wire["/v5/position/set-leverage"] = ok({})

    bybit.set_leverage("BTC/USDT:USDT", Decimal("12.50"))

    assert bybit_wire.last("/v5/position/set-leverage").body == {
        "category": "linear", "symbol": "BTCUSDT", "buyLeverage": "12.5", "sellLeverage": "12.5",
    }  # fmt: skip


def test_leverage_that_is_set_already_is_well(bybit: BybitGateway, bybit_wire: Wire) -> None:
    bybit_wire["/v5/position/set-leverage"] = refused(110043, "Set leverage not modified")

    bybit.set_leverage("BTC/USDT:USDT", Decimal(3))

    assert len(bybit_wire.to("/v5/position/set-leverage")) == 1


@pytest.mark.parametrize(
    ("symbol", "leverage", "words"),
    [
        ("BTC/USDT", "2", "is a spot market, which has no leverage"),
        ("BTC/USDT:USDT", "101", "Leverage 101 is outside what BTC/USDT:USDT allows: 1 to 100"),
        ("BTC/USDT:USDT", "0.5", "Leverage 0.5 is outside"),
    ],
)
def test_impossible_leverage_is_not_sent(bybit: BybitGateway, symbol: str, leverage: str, words: str) -> None:
    with pytest.raises(NeedsOperator, match=words):
        bybit.set_leverage(symbol, Decimal(leverage))


# --- Every request -------------------------------------------------------------------------------------------------


def test_requests_are_signed_as_bybit_wants_it(accepting: BybitGateway, bybit_wire: Wire) -> None:
    accepting.place(order())

    sent = bybit_wire.last(CREATE)
    stamp, window = sent.headers["X-BAPI-TIMESTAMP"], sent.headers["X-BAPI-RECV-WINDOW"]
    payload = stamp + "the-key" + window + json.dumps(sent.body, separators=(",", ":"))
    assert sent.headers["X-BAPI-SIGN"] == hmac.new(b"the-secret", payload.encode(), hashlib.sha256).hexdigest()


def test_stamps_follow_the_exchanges_clock(accepting: BybitGateway, bybit_wire: Wire) -> None:
    bybit_wire.clock_ahead_ms = 7_200_000
    accepting.place(order())

    sent = bybit_wire.last(CREATE)
    assert abs(int(sent.headers["X-BAPI-TIMESTAMP"]) - accepting.server_time()) < 60_000


def test_no_request_waits_longer_than_ten_seconds(accepting: BybitGateway, bybit_wire: Wire) -> None:
    accepting.place(order())

    assert {sent.timeout for sent in bybit_wire.sent} == {10}


def test_an_order_costs_one_request(accepting: BybitGateway, bybit_wire: Wire) -> None:
    accepting.place(order())
    bybit_wire.sent.clear()

    accepting.place(order())

    assert [sent.path for sent in bybit_wire.sent] == [CREATE]


@pytest.mark.parametrize(
    ("environment", "base_url", "host"),
    [
        ("live", "", "api.bybit.com"),
        ("demo", "", "api-demo.bybit.com"),
        ("testnet", "", "api-testnet.bybit.com"),
        ("simulator", "http://127.0.0.1:8100", "127.0.0.1:8100"),
    ],
)
def test_each_environment_has_its_host(bybit_wire: Wire, environment: str, base_url: str, host: str) -> None:
    config = GatewayConfig("bybit", environment, f"bybit-{environment}", base_url, "k", "s", "")
    bybit_wire["/v5/account/wallet-balance"] = listed({"accountType": "UNIFIED", "coin": []})

    build_ccxt_gateway(config, Venue(config)).balances()

    assert {sent.host for sent in bybit_wire.sent} == {host}


def test_loading_the_markets_needs_no_key(bybit: BybitGateway, bybit_wire: Wire) -> None:
    bybit.markets()

    assert not any("X-BAPI-API-KEY" in sent.headers for sent in bybit_wire.sent)


def test_ccxts_own_options_can_be_set_on_the_account() -> None:
    config = GatewayConfig("bybit", "live", "bybit-live", options='{"timeout": 3000, "options": {"recvWindow": 9000}}')

    client = build_client(config)

    assert (client.timeout, client.options["recvWindow"], client.enableRateLimit) == (3000, 9000, True)


@pytest.mark.parametrize(
    ("environment", "base_url", "limited"),
    [("live", "", True), ("demo", "", True), ("simulator", "http://127.0.0.1:1", False)],
)
def test_exchanges_are_spared_and_the_simulator_is_not(environment: str, base_url: str, limited: bool) -> None:
    assert build_client(GatewayConfig("bybit", environment, "v", base_url)).enableRateLimit is limited


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (GatewayConfig("bybitt", "live", "v"), "Exchange 'bybitt' is not known to ccxt"),
        (GatewayConfig("bybit", "paper", "v"), "Environment 'paper' is not one of"),
        (GatewayConfig("kraken", "testnet", "v"), "kraken has no testnet environment"),
        (GatewayConfig("kraken", "simulator", "v", "http://127.0.0.1:1"), "speaks Bybit's protocol only"),
        (GatewayConfig("bybit", "simulator", "v", "127.0.0.1:1"), "must begin with http"),
        (GatewayConfig("bybit", "live", "v", options="[]"), "have to be a JSON object"),
        (GatewayConfig("bybit", "live", "v", options="{"), "options are not JSON"),
    ],
)
def test_a_configuration_that_cannot_work_says_why(config: GatewayConfig, words: str) -> None:
    with pytest.raises(NeedsOperator, match=words):
        build_client(config)


def test_the_keys_are_in_no_text_of_the_configuration() -> None:
    assert "the-key" not in repr(LIVE)
    assert "the-secret" not in repr(LIVE)


# ccxt's suite: description there → our request. Only where both say the same thing.
_AS_IN_CCXTS_SUITE = {
    "Swap limit order": order("ADA/USDT:USDT", amount=Decimal(50), price=Decimal("0.1")),
    "Spot limit order": order("ADA/USDT", amount=Decimal(50), price=Decimal("0.1")),
    "Create market buy with base amount (UTA only)": order(
        "LTC/USDT", type=OrderType.MARKET, amount=Decimal("0.2"), price=None
    ),
    "Spot limit buy with postOnly": order("LTC/USDT", amount=Decimal("0.1"), price=Decimal(60), post_only=True),
    "Swap limit sell with reduceOnly and postOnly": order(
        "LTC/USDT:USDT", Side.SELL, amount=Decimal("0.1"), price=Decimal(100), post_only=True, reduce_only=True
    ),
}


@pytest.mark.parametrize("description", _AS_IN_CCXTS_SUITE)
def test_orders_look_as_ccxts_own_suite_expects(fixtures_dir: Path, bybit_wire: Wire, description: str) -> None:
    suite = json.loads((fixtures_dir / "ccxt_bybit_request" / "request_bybit.transcribed.json").read_text())
    expected = next(case for case in suite["methods"]["createOrder"] if case["description"] == description)
    bybit_wire[CREATE] = ok({"orderId": "1", "orderLinkId": LINK_ID})
    bybit_wire["/v5/market/instruments-info"] = lambda sent: ok(
        {"category": sent.query["category"], "list": _coins(sent.query["category"]), "nextPageCursor": ""}
    )

    BybitGateway(LIVE, Venue(LIVE)).place(_AS_IN_CCXTS_SUITE[description])

    body = bybit_wire.last(CREATE).body
    ours = {name: body.pop(name) for name in ("orderLinkId", "positionIdx") if name in body}
    assert body == json.loads(expected["output"])
    assert ours["orderLinkId"] == LINK_ID


def _coins(category: str) -> list[dict[str, object]]:
    from tests.exchange.wire import LINEAR, SPOT

    spot = category == "spot"
    fine = {"basePrecision": "0.01", "minOrderQty": "0.01", "minOrderAmt": "1", "quotePrecision": "0.01"}
    lots = fine if spot else {"qtyStep": "0.1", "minOrderQty": "0.1", "minNotionalValue": "1"}
    described = {**(SPOT if spot else LINEAR)[0], "lotSizeFilter": lots, "priceFilter": {"tickSize": "0.01"}}
    return [{**described, "symbol": f"{coin}USDT", "baseCoin": coin} for coin in ("ADA", "LTC")]
