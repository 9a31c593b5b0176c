"""What compiled steps size with is, to the last bit, what the checked functions give."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.contract import MarketSpec
from strategies.lattice import rules_of
from strategies.sizing import (
    Limits,
    capped,
    capped_size,
    caps_of,
    kelly_amount,
    kelly_risked,
    risk_percent,
    risked,
)
from tests.properties import examples
from tests.strategies.markets import LINEAR, SPOT

money = st.floats(-100, 1e7)


@examples(200)
@given(equity=money, percent=st.floats(0.01, 10), distance=st.floats(1e-6, 1e5), cost=st.floats(0, 100))
def test_risked(equity: float, percent: float, distance: float, cost: float) -> None:
    assert risked(equity, percent, distance, cost) == risk_percent(equity, percent, distance, cost)


@examples(200)
@given(equity=money, rate=st.floats(0, 1), payoff=st.floats(0.01, 50), share=st.floats(0.01, 1), cap=st.floats(0.1, 9))
def test_kelly_risked(equity: float, rate: float, payoff: float, share: float, cap: float) -> None:
    expected = kelly_amount(equity, rate, payoff, 40.0, fraction=share, cap=cap)
    assert kelly_risked(equity, rate, payoff, 40.0, share, cap) == expected


@examples(300)
@given(
    amount=st.floats(-1, 10_000),
    price=st.floats(0.01, 1e5),
    equity=money,
    leverage=st.floats(0.1, 200),
    most=st.none() | st.floats(1, 1e6),
    market=st.sampled_from([SPOT, LINEAR, replace(LINEAR, max_notional=Decimal(4000), max_amount=None)]),
)
def test_capped_size(
    amount: float, price: float, equity: float, leverage: float, most: float | None, market: MarketSpec
) -> None:
    limits = Limits(most, leverage)
    size = capped_size(amount, price, equity, rules_of(market), caps_of(market, limits))
    assert size == capped(amount, price, equity, market, limits)


@examples(300)
@given(
    steps=st.integers(0, 200_000),
    part=st.floats(0.001, 0.999),
    step=st.sampled_from(["0.00001", "0.01", "0.25", "1", "42000"]),
)
def test_the_size_is_the_whole_steps_of_decimals(steps: int, part: float, step: str) -> None:
    market = replace(LINEAR, step=Decimal(step), min_amount=Decimal(step), max_amount=None, min_notional=None)
    wished = (steps + part) * float(step)
    assert capped(wished, 1.0, 1e12, market, Limits()) == float(market.quantise_amount(wished))


def test_spot_caps_the_leverage_and_a_market_its_own() -> None:
    assert caps_of(SPOT, Limits(leverage=3)).leverage == 1.0
    assert caps_of(LINEAR, Limits(leverage=300)) == pytest.approx((100.0, float("inf")))
