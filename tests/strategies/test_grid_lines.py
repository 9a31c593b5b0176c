"""Where lines are and what intervals trade: figures worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from strategies.grid.config import GridConfig
from strategies.grid.lines import RangeUnknown, interval_amounts, ladder_of, resolve_range
from tests.strategies.markets import LINEAR, SPOT


def config(**changes: Any) -> GridConfig:
    return GridConfig.model_validate({"lower": 100, "upper": 200, "grids": 4, "investment": 1000} | changes)


def numbers(values: str) -> list[Decimal]:
    return [Decimal(value) for value in values.split()]


def test_arithmetic_lines_are_equally_far_apart() -> None:
    assert ladder_of(config(), SPOT).lines() == numbers("100 125 150 175 200")


def test_lines_are_rounded_to_the_nearest_tick_half_to_even() -> None:
    market = replace(SPOT, tick=Decimal("0.5"))
    # Thirds of 1 are 33.33 and 66.67 of a tick of 0.5 away; 100.25 and 100.75 are halves: 100.0 and 101.0 are even.
    assert ladder_of(config(upper=101, grids=3), market).lines() == numbers("100 100.5 100.5 101")
    assert ladder_of(config(upper=101, grids=4), market).lines() == numbers("100 100 100.5 101 101")


def test_geometric_lines_have_the_same_ratio() -> None:
    assert ladder_of(config(upper=1600, spacing="geometric"), SPOT).lines() == numbers("100 200 400 800 1600")
    # 100 × 2^(1/4), 2^(1/2), 2^(3/4)
    assert ladder_of(config(spacing="geometric"), SPOT).lines() == numbers("100 118.92 141.42 168.18 200")


def test_lines_go_on_beyond_the_range_without_drifting() -> None:
    thirds = ladder_of(config(upper=101, grids=3), SPOT)
    assert [thirds.line(index) for index in (-3, 0, 3, 300, 301)] == numbers("99 100 101 200 200.33")
    doubling = ladder_of(config(upper=1600, spacing="geometric"), SPOT)
    assert [doubling.line(index) for index in (-2, 6)] == numbers("25 6400")


def test_tiny_prices_keep_their_digits() -> None:
    market = replace(SPOT, symbol="SHIB/USDT", tick=Decimal("0.00000001"), step=Decimal(1), min_amount=Decimal(1))
    shib = config(lower="0.00001000", upper="0.00001010", grids=2)
    assert ladder_of(shib, market).lines() == numbers("0.00001000 0.00001005 0.00001010")
    # 500 USDT at 0.00001 and at 0.00001005
    assert interval_amounts(shib, market, ladder_of(shib, market).lines()) == numbers("50000000 49751243")


def test_equal_quote_divides_the_investment_and_rounds_down() -> None:
    lines = numbers("100 125 150 175 200")
    # 250 / 100, 125, 150, 175
    assert interval_amounts(config(), SPOT, lines) == numbers("2.5 2 1.66666 1.42857")
    assert interval_amounts(config(leverage=2), LINEAR, lines) == numbers("5 4 3.33 2.85")


def test_equal_base_costs_the_investment_when_all_buys_fill() -> None:
    lines = numbers("100 125 150 175 200")
    # 1000 / 550 = 1.81818...
    assert interval_amounts(config(amount_mode="base"), SPOT, lines) == numbers("1.81818 1.81818 1.81818 1.81818")


class TestRange:
    def test_two_prices_stay_as_they_are(self) -> None:
        assert resolve_range(config(), Decimal(999)) == config()

    def test_percent_reaches_below_and_above_the_price(self) -> None:
        found = resolve_range(config(lower=None, upper=None, range_percent="2.5"), Decimal(2000))
        assert (found.lower, found.upper, found.range_percent) == (Decimal(1950), Decimal(2050), None)

    def test_the_trigger_price_is_the_centre_when_there_is_one(self) -> None:
        found = resolve_range(config(lower=None, upper=None, range_percent=10, trigger_price=100), Decimal(2000))
        assert (found.lower, found.upper) == (Decimal(90), Decimal(110))

    def test_atr_multiples(self) -> None:
        by_atr = config(lower=None, upper=None, range_atr_multiple=3)
        found = resolve_range(by_atr, Decimal(2000), Decimal("12.5"))
        assert (found.lower, found.upper) == (Decimal("1962.5"), Decimal("2037.5"))

    def test_an_atr_that_is_not_known_is_said(self) -> None:
        with pytest.raises(RangeUnknown, match="range_atr_multiple is 3"):
            resolve_range(config(lower=None, upper=None, range_atr_multiple=3), Decimal(2000))

    def test_a_range_below_zero_is_refused(self) -> None:
        with pytest.raises(RangeUnknown, match="no positive lower price"):
            resolve_range(config(lower=None, upper=None, range_atr_multiple=3), Decimal(30), Decimal(10))
