"""Sizes from equity and the distance of the stop, and what the market and the limits leave of them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.contract import MarketKind, MarketSpec
from strategies.sizing import Limits, atr_amount, capped, fixed_value, percent_of_equity, risk_percent
from tests.strategies.markets import LINEAR, SPOT

# Faith, The Original Turtle Trading Rules: heating oil, 42,000 gallons a contract.
HEATING_OIL = MarketSpec(
    symbol="HO/USD:USD",
    kind=MarketKind.LINEAR,
    base="HO",
    quote="USD",
    tick=Decimal("0.0001"),
    step=Decimal(42_000),
    min_amount=Decimal(42_000),
    maker_fee=Decimal(0),
    taker_fee=Decimal(0),
)


def test_the_turtles_unit_of_heating_oil_is_sixteen_contracts() -> None:
    gallons = atr_amount(1_000_000, 1, 0.0141)
    assert gallons / 42_000 == pytest.approx(16.88, abs=0.01)
    assert capped(gallons, 0.6, 1_000_000, HEATING_OIL, Limits()) == 16 * 42_000


def test_fixed_and_percent_of_equity() -> None:
    assert fixed_value(500, 2000) == 0.25
    assert percent_of_equity(10_000, 25, 2000) == 1.25


def test_a_stop_fifty_away_on_an_account_of_twenty_thousand_at_one_percent_is_four_coins() -> None:
    assert risk_percent(20_000, 1, 50) == 4.0
    # fees of 1 a coin and of 49 to the stop come to the same
    assert risk_percent(20_000, 1, 49, cost=1) == 4.0


def test_twice_the_range_is_half_the_size() -> None:
    assert atr_amount(10_000, 1, 20) == 5.0
    assert atr_amount(10_000, 1, 20, multiple=2) == 2.5


def test_an_account_in_debt_trades_nothing() -> None:
    assert percent_of_equity(-5, 10, 100) == risk_percent(-5, 1, 10) == atr_amount(-5, 1, 10) == 0.0
    assert capped(1, 100, -5, LINEAR, Limits()) == 0.0


@pytest.mark.parametrize(
    ("wished", "price", "equity", "market", "limits", "expected"),
    [
        pytest.param(1.239, 2000, 10_000, LINEAR, Limits(), 1.23, id="rounded down to the step"),
        pytest.param(9, 2000, 10_000, LINEAR, Limits(), 5.0, id="worth no more than the equity"),
        pytest.param(40, 2000, 10_000, LINEAR, Limits(leverage=3), 15.0, id="worth no more than the leverage allows"),
        pytest.param(9, 2000, 10_000, SPOT, Limits(leverage=3), 5.0, id="spot knows no leverage"),
        pytest.param(5000, 2000, 10_000, LINEAR, Limits(leverage=200), 500.0, id="the market's leverage of 100"),
        pytest.param(9, 2000, 10_000, LINEAR, Limits(max_notional=3000), 1.5, id="the greatest value"),
        pytest.param(0.009, 2000, 10_000, LINEAR, Limits(), 0.0, id="below the minimum amount of 0.01"),
        pytest.param(0.02, 200, 10_000, LINEAR, Limits(), 0.0, id="below the minimum value of 5"),
        pytest.param(9000, 1, 10_000, LINEAR, Limits(), 7240.0, id="the market's maximum amount"),
        pytest.param(
            9, 2000, 99_999, replace(LINEAR, max_notional=Decimal(4000)), Limits(), 2.0, id="the market's maximum value"
        ),
    ],
)
def test_what_is_left_of_a_wish(
    wished: float, price: float, equity: float, market: MarketSpec, limits: Limits, expected: float
) -> None:
    assert capped(wished, price, equity, market, limits) == expected


def test_numbers_that_cannot_be_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="price is 0"):
        fixed_value(1, 0)
    with pytest.raises(ValueError, match=r"stop_distance is 0\.0"):
        risk_percent(1, 1, 0.0)
    with pytest.raises(ValueError, match="cost is -1"):
        risk_percent(1, 1, 1, cost=-1)
    with pytest.raises(ValueError, match="price is 0"):
        capped(1, 0, 1, LINEAR, Limits())
    with pytest.raises(ValueError, match="leverage 0"):
        Limits(leverage=0)
    with pytest.raises(ValueError, match="-1"):
        Limits(max_notional=-1)


@given(
    equity=st.floats(1, 1e7),
    percent=st.floats(0.01, 5),
    price=st.floats(1, 1e5),
    distance=st.floats(1e-4, 0.5),
    leverage=st.floats(1, 50),
)
def test_no_size_risks_more_than_asked_nor_is_worth_more_than_allowed(
    equity: float, percent: float, price: float, distance: float, leverage: float
) -> None:
    size = capped(
        risk_percent(equity, percent, distance * price), price, equity, LINEAR, Limits(10_000, leverage=leverage)
    )
    assert size * distance * price <= equity * percent / 100 * (1 + 1e-9)
    assert size * price <= min(10_000, equity * leverage) * (1 + 1e-9)
    assert size == 0 or size >= 0.01
