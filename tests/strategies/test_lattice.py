"""Floats on the tick and the step are those that exact decimals give."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from strategies.contract import MarketSpec
from strategies.lattice import (
    ceil_to_step,
    floor_to_step,
    nearest_count,
    on_tick,
    rules_of,
    tradable,
    whole_steps,
)
from tests.strategies.markets import LINEAR, SPOT

increments = st.sampled_from(
    [Decimal(text) for text in ("0.00000001", "0.0001", "0.01", "0.05", "0.25", "0.0003", "0.5", "1", "10")]
)


@st.composite
def marks(draw: st.DrawFn) -> tuple[MarketSpec, Decimal]:
    """A market and a decimal of up to ten thousand million increments, on them, at a half or anywhere between."""
    increment = draw(increments)
    market = replace(LINEAR, tick=increment, step=increment)
    count = draw(st.integers(0, 10**10))
    part = draw(st.sampled_from([Decimal(0), Decimal("0.5"), Decimal("0.25"), Decimal("0.4999"), Decimal("0.99")]))
    return market, (count + part) * increment


@given(mark=marks())
def test_a_price_is_on_the_tick_that_the_market_puts_it_on(mark: tuple[MarketSpec, Decimal]) -> None:
    market, value = mark
    rules = rules_of(market)
    assert on_tick.plain(float(value), rules.tick_unit, rules.tick_scale) == float(market.quantise_price(value))


@given(mark=marks())
def test_an_amount_is_on_the_step_that_the_market_puts_it_on(mark: tuple[MarketSpec, Decimal]) -> None:
    market, value = mark
    rules = rules_of(market)
    assert floor_to_step.plain(float(value), rules.step_unit, rules.step_scale) == float(market.quantise_amount(value))


@given(mark=marks())
def test_what_is_there_is_rounded_down_and_what_is_needed_up(mark: tuple[MarketSpec, Decimal]) -> None:
    market, value = mark
    rules = rules_of(market)
    steps = value / market.step
    down, up = (float(steps.to_integral_value(way) * market.step) for way in (ROUND_FLOOR, ROUND_CEILING))
    assert floor_to_step.plain(float(value), rules.step_unit, rules.step_scale) == down
    assert ceil_to_step.plain(float(value), rules.step_unit, rules.step_scale) == up


@given(mark=marks(), is_buy=st.booleans())
def test_a_taker_pays_the_next_tick_and_gets_the_last_one(mark: tuple[MarketSpec, Decimal], is_buy: bool) -> None:
    market, value = mark
    exact = (value / market.tick).to_integral_value(ROUND_CEILING if is_buy else ROUND_FLOOR) * market.tick
    assert market.against_taker(value, is_buy=is_buy) == exact


@given(mark=marks(), others=st.lists(st.integers(1, 10**6), max_size=5))
def test_sums_of_amounts_lose_no_step(mark: tuple[MarketSpec, Decimal], others: list[int]) -> None:
    market, _ = mark
    rules = rules_of(market)
    total = sum(float(count * market.step) for count in others)
    assert whole_steps.plain(total, rules.step_unit, rules.step_scale) == sum(others)


@given(whole=st.integers(-(10**12), 10**12), part=st.fractions(0, 1))
def test_the_nearest_count_is_that_of_exact_fractions(whole: int, part: Fraction) -> None:
    value = whole + part
    assume(abs(part - Fraction(1, 2)) > Fraction(1, 1000) or part == Fraction(1, 2))
    assert nearest_count.plain(float(value)) == round(value)


def test_compiled_they_are_the_same() -> None:
    """By hand: a tick of 0.25 and a step of 0.0003."""
    assert on_tick(1850.125, 1, 4) == on_tick.plain(1850.125, 1, 4) == 1850.0
    assert on_tick(1850.375, 1, 4) == 1850.5
    assert floor_to_step(0.00089999, 3, 10000) == floor_to_step.plain(0.00089999, 3, 10000) == 0.0006
    assert ceil_to_step(0.00061, 3, 10000) == 0.0009
    assert floor_to_step(51_000_039.99, 1, 1) == floor_to_step.plain(51_000_039.99, 1, 1) == 51_000_039.0


def test_many_steps_are_rounded_down_as_well() -> None:
    """By hand: 3 / 0.0007 is 4285.714285…, which is 428,571,428.57 steps of 0.00001."""
    assert LINEAR.step == Decimal("0.01")
    fine = replace(LINEAR, step=Decimal("0.00001"))
    assert fine.quantise_amount(Decimal(3) / Decimal("0.0007")) == Decimal("4285.71428")
    assert floor_to_step.plain(3 / 0.0007, 1, 100_000) == 4285.71428


def test_a_taker_pays_no_tick_for_less_than_a_millionth_of_one() -> None:
    market = replace(LINEAR, tick=Decimal("0.05"))
    for price, paid, got in (("100.05000004", "100.05", "100.05"), ("100.0500002", "100.10", "100.05")):
        assert market.against_taker(Decimal(price), is_buy=True) == Decimal(paid)
        assert market.against_taker(Decimal(price), is_buy=False) == Decimal(got)
    assert market.against_taker(Decimal("100.0999999"), is_buy=False) == Decimal("100.05")
    assert market.against_taker(Decimal("100.09999996"), is_buy=False) == Decimal("100.10")


@pytest.mark.parametrize(
    ("amount", "price", "taken"),
    [(0.01, 500.0, True), (0.01, 499.0, False), (0.009, 5000.0, False), (0.0, 5000.0, False), (0.1 * 0.1, 500.0, True)],
)
def test_the_least_that_a_market_takes(amount: float, price: float, taken: bool) -> None:
    """LINEAR takes 0.01 coins worth 5."""
    rules = rules_of(LINEAR)
    assert tradable.plain(amount, price, rules.min_amount, rules.min_notional) is taken


def test_limits_that_are_not_stated_do_not_limit() -> None:
    rules = rules_of(replace(SPOT, max_amount=None, min_notional=None))
    assert (rules.max_amount, rules.min_notional) == (math.inf, 0.0)
    assert (rules.is_linear, rules.buy_fee_in_base) == (False, True)
    assert rules_of(LINEAR).is_linear
