"""What an exchange must refuse is refused here first, by the market's own rules and with the limit in the sentence."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from exchange.errors import OrderRejected
from exchange.order_rules import refuse_what_the_exchange_must_refuse
from exchange.port import OrderRequest
from strategies.contract import MarketKind, MarketSpec, OrderType, Side
from tests.exchange.dialects.conftest import Open

D = Decimal
# Binance's BTCUSDT: limits of one order, of one market order, of the price, of price × amount.
SPEC = MarketSpec(
    symbol="BTC/USDT", kind=MarketKind.SPOT, base="BTC", quote="USDT", tick=D("0.01"), step=D("0.00001"),
    min_amount=D("0.00001"), max_amount=D(9000), max_market_amount=D(80), min_notional=D(5), max_notional=D(9_000_000),
    min_price=D("0.01"), max_price=D(1_000_000), maker_fee=D("0.001"), taker_fee=D("0.001"),
)  # fmt: skip


def order(type: OrderType, amount: str, **rest: Any) -> OrderRequest:
    return OrderRequest("BTC/USDT", "ta1", Side.SELL, type, D(amount), **rest)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (order(OrderType.LIMIT, "9000.00001", price=D(900)), "amount 9000.00001 of BTC/USDT is above the market's maximum of 9000"),
        (order(OrderType.MARKET, "80.00001"), "amount 80.00001 of BTC/USDT is above the market's maximum of 80"),
        (order(OrderType.STOP, "81", trigger_price=D(900)), "amount 81 of BTC/USDT is above the market's maximum of 80"),
        (order(OrderType.LIMIT, "1", price=D("1000000.01")), "price 1000000.01 of BTC/USDT is above the market's maximum of 1000000"),
        (order(OrderType.LIMIT, "100", price=D("90000.01")), "notional 9000001 of BTC/USDT is above the market's maximum of 9000000 USDT"),
        (order(OrderType.LIMIT, "0.001", price=D("4999.99")), "notional 4.99999 of BTC/USDT is below the market's minimum of 5 USDT"),
    ],
)  # fmt: skip
def test_too_much_and_too_little(request_: OrderRequest, words: str) -> None:
    with pytest.raises(OrderRejected) as refusal:
        refuse_what_the_exchange_must_refuse(request_, SPEC)

    assert words in refusal.value.detail


@pytest.mark.parametrize(
    "request_",
    [
        order(OrderType.LIMIT, "9000", price=D(1000)),
        order(OrderType.MARKET, "80"),
        order(OrderType.LIMIT, "0.001", price=D(5000)),
        order(OrderType.LIMIT, "0.00001", price=D(5000), reduce_only=True),
    ],
    ids=["most", "most at market", "least", "the rest of a position"],
)
def test_just_within(request_: OrderRequest) -> None:
    refuse_what_the_exchange_must_refuse(request_, SPEC)


@pytest.mark.parametrize(
    ("exchange_id", "default_type", "symbol", "in_base"),
    [
        ("binance", "spot", "BTC/USDT", True),
        ("binance", "swap", "BTC/USDT:USDT", False),
        ("okx", "spot", "BTC/USDT", True),
        ("kraken", "spot", "BTC/USD", False),
        ("coinbase", "spot", "BTC/USD", False),
    ],
)
def test_what_a_buyer_pays_the_fee_in(
    open_gateway: Open, exchange_id: str, default_type: str, symbol: str, in_base: bool
) -> None:
    assert open_gateway(exchange_id, default_type=default_type).markets()[symbol].buy_fee_in_base is in_base


@pytest.mark.parametrize(
    ("exchange_id", "default_type", "symbol", "expected"),
    [
        ("binance", "spot", "BTC/USDT", (D("0.01"), D("0.00001"), D(9000), D(80), D(5), D(9_000_000))),
        ("binance", "swap", "BTC/USDT:USDT", (D("0.1"), D("0.001"), D(1000), D(120), D(100), None)),
        ("okx", "spot", "BTC/USDT", (D("0.1"), D("0.00000001"), D(9_999_999_999), None, None, D(20_000_000))),
        ("okx", "spot", "BTC/USDT:USDT", (D("0.1"), D("0.0001"), D(1_000_000), D(350), None, None)),
        ("kraken", "spot", "BTC/USD", (D("0.1"), D("0.00000001"), None, None, D("0.5"), None)),
        ("coinbase", "spot", "BTC/USD", (D("0.01"), D("0.00000001"), D(3400), None, D(1), D(150_000_000))),
    ],
)
def test_the_rules_of_each_exchange(
    open_gateway: Open, exchange_id: str, default_type: str, symbol: str, expected: tuple[Decimal | None, ...]
) -> None:
    """Expected: tick, step, most, most at market, least and greatest notional, in coins and quote."""
    spec = open_gateway(exchange_id, default_type=default_type).markets()[symbol]

    assert (
        spec.tick, spec.step, spec.max_amount, spec.max_market_amount, spec.min_notional, spec.max_notional,
    ) == expected  # fmt: skip
