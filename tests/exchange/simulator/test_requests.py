"""What ccxt is known to send is understood: its own list of expected V5 requests."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exchange.simulator.errors import Refusal
from exchange.simulator.requests import NOT_SIMULATED, read_order

EXPECTATIONS = Path("ccxt_bybit_request") / "request_bybit.transcribed.json"


@pytest.fixture(scope="module")
def orders(fixtures_dir: Path) -> list[tuple[str, dict[str, Any]]]:
    """(description, body) of every order that ccxt's tests say it sends to Bybit V5."""
    methods = json.loads((fixtures_dir / EXPECTATIONS).read_text())["methods"]
    found = []
    for name in ("createOrder", "createMarketBuyOrderWithCost", "createMarketSellOrderWithCost"):
        for case in methods[name]:
            if case["url"].endswith("/v5/order/create"):
                found.append((case["description"], json.loads(case["output"])))
    return found


def simulated(body: dict[str, Any]) -> bool:
    return body["category"] in ("spot", "linear") and not any(name in body for name in NOT_SIMULATED)


def test_every_simulated_order_is_read_as_it_was_meant(orders: list[tuple[str, dict[str, Any]]]) -> None:
    read = 0
    for description, body in orders:
        if not simulated(body):
            continue
        order = read_order(body)
        assert order.is_buy is (body["side"] == "Buy"), description
        assert order.is_market is (body["orderType"] == "Market"), description
        assert order.qty == Decimal(body["qty"]), description
        assert order.price == Decimal(body.get("price", 0)), description
        assert order.trigger_price == Decimal(body.get("triggerPrice", 0)), description
        assert order.reduce_only is body.get("reduceOnly", False), description
        read += 1
    assert read >= 12


def test_a_spot_market_buy_is_in_quote_unless_it_says_otherwise(orders: list[tuple[str, dict[str, Any]]]) -> None:
    """Bybit: the amount of a market buy is in quote by default, that of a market sell in base."""
    seen = set()
    for description, body in orders:
        if body["category"] == "spot" and body["orderType"] == "Market":
            expected = body.get("marketUnit", "quoteCoin" if body["side"] == "Buy" else "baseCoin")
            assert read_order(body).market_unit == expected, description
            seen.add((body["side"], body.get("marketUnit")))
    assert {("Buy", None), ("Buy", "baseCoin"), ("Sell", "quoteCoin")} <= seen


def test_what_is_not_simulated_is_refused_rather_than_ignored(orders: list[tuple[str, dict[str, Any]]]) -> None:
    refused = 0
    for description, body in orders:
        if simulated(body):
            continue
        with pytest.raises(Refusal) as caught:
            read_order(body)
        assert caught.value.code == 10001, description
        refused += 1
    assert refused >= 3
