"""How much of what is held an order can close."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from strategies.contract import MarketSpec
from strategies.lattice import rules_of
from strategies.smc.book import closable
from tests.strategies.markets import LINEAR, SPOT

# Both: at least 0.01, steps of 0.001, worth at least 5.
FINE: dict[str, Any] = {"step": Decimal("0.001"), "min_amount": Decimal("0.01"), "min_notional": Decimal(5)}


@pytest.mark.parametrize(
    ("market", "amount", "price", "closed"),
    [
        (LINEAR, 0.0199, 100.0, 0.019),  # worth 1.9: what reduces a position may be worth less than the minimum
        (LINEAR, 0.0099, 1000.0, 0.0),
        (SPOT, 0.0509, 100.0, 0.05),
        (SPOT, 0.0499, 100.0, 0.0),  # worth 4.9
        # Where a spot buyer pays the fee in quote, the minimum is the same.
        (replace(SPOT, buyer_pays_in_quote=True), 0.0499, 100.0, 0.0),
        (LINEAR, 0.029999999999999, 100.0, 0.03),  # a sum of floats that misses a step by its last bits
        (LINEAR, -0.5, 100.0, 0.0),
    ],
)
def test_what_the_market_takes(market: MarketSpec, amount: float, price: float, closed: float) -> None:
    rules = rules_of(replace(market, **FINE))
    assert closable.plain(rules, amount, price) == closed
