"""The floats of the compiled step are the exact decimals: of every floor, tie and comparison, on any market.

The measure is ``ladder.py`` in decimals, Python's fractions, and what is worked out by hand.
"""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from strategies.contract import MarketKind, MarketSpec
from strategies.dca import deal, exact
from strategies.dca.config import DcaConfig
from strategies.dca.ladder import (
    HUNDRED,
    base_entry,
    floor_to_step,
    profit_price,
    safety_entries,
    stop_price,
)
from strategies.dca.logic import DcaStrategy
from strategies.dca.parameters import parameters_of
from strategies.dca.state import OPEN
from tests.properties import examples
from tests.strategies.markets import LINEAR, SPOT

STRATEGY = DcaStrategy()
TICKS = ["0.01", "0.1", "0.00001", "5e-7", "0.05", "0.25", "1", "10", "1e-8"]
STEPS = ["0.00001", "0.001", "0.01", "1", "1e-8", "0.5", "10", "0.0025"]
# Fifteen digits are what a float keeps of any decimal.
MOST = 10**15
counts = st.integers(1, 10**7)

# 13,148.53448… on average, of which 145 % are 19,065.375: half a tick.
QUARTERS = replace(LINEAR, tick=Decimal("0.25"), step=Decimal("0.00001"))
SHORT = DcaConfig.model_validate(
    {"base_order_size": 1, "safety_orders": 0, "take_profit": "0.01", "stop_loss": 45, "direction": "short"}
)


@st.composite
def markets(draw: st.DrawFn) -> MarketSpec:
    tick, step = Decimal(draw(st.sampled_from(TICKS))), Decimal(draw(st.sampled_from(STEPS)))
    least = draw(st.sampled_from([step, 3 * step, 100 * step]))
    notional = draw(st.sampled_from([None, Decimal(1), Decimal(5), Decimal("0.0001")]))
    kind = draw(st.sampled_from([SPOT, LINEAR]))
    return replace(kind, tick=tick, step=step, min_amount=least, min_notional=notional, max_amount=None)


@st.composite
def configurations(draw: st.DrawFn) -> DcaConfig:
    fields: dict[str, Any] = {
        "direction": draw(st.sampled_from(["long", "short"])),
        "base_order_size": draw(sizes()),
        "safety_order_size": draw(sizes()),
        "safety_orders": draw(st.integers(0, 8)),
        "price_deviation": Decimal(draw(st.integers(1, 400))) / 100,
        "step_scale": draw(st.sampled_from(["0.5", "1", "1.05", "1.25"])),
        "volume_scale": draw(st.sampled_from(["0.8", "1", "1.05", "1.45", "2"])),
        "leverage": draw(st.sampled_from(["1", "2.5", "10"])),
        "take_profit": Decimal(draw(st.integers(1, 5000))) / draw(st.sampled_from([100, 1000])),
        "stop_loss": Decimal(draw(st.integers(4500, 9900))) / 100,
    }
    return DcaConfig.model_validate(fields)


def sizes() -> st.SearchStrategy[Decimal]:
    return st.builds(lambda digits, places: Decimal(digits) / 10**places, st.integers(1, 10**6), st.integers(0, 4))


whole = st.integers(0, 2**53).map(float)


@given(a=whole, b=whole)
def test_a_product_is_kept_to_its_last_digit(a: float, b: float) -> None:
    high, low = exact.product.plain(a, b)
    assert int(high) + int(low) == int(a) * int(b)
    assert high == a * b


@given(a=whole, b=whole, off=st.sampled_from([-1, 0, 1]))
def test_a_product_is_compared_to_its_last_digit(a: float, b: float, off: int) -> None:
    budget = int(a) * int(b) + off
    high = float(budget)
    assert exact.at_most.plain(a, b, high, float(budget - int(high))) == (off >= 0)


@given(value=st.floats(-1e6, 1e6), digits=st.integers(0, 8))
@example(value=0.5, digits=0)
@example(value=2.5, digits=0)
@example(value=-2.5, digits=0)
@example(value=2.675, digits=2)  # the float is a little less than that
def test_rounding_is_that_of_python(value: float, digits: int) -> None:
    assert exact.rounded.plain(value, 10.0**digits) == round(value, digits)


@given(parts=st.lists(st.integers(1, 10**9), min_size=2, max_size=12))
def test_sums_of_decimals_stay_the_floats_nearest_to_them(parts: list[int]) -> None:
    """Of amounts on a step of 1e-8 even where no float keeps sixteen digits behind the point."""
    found, sums = 0.0, Decimal(0)
    for part in parts:
        found = exact.rounded.plain(found + float(Decimal(part) / 10**8), 1e16)
        sums += Decimal(part) / 10**8
    assert found == float(sums)


@given(market=markets(), count=counts, off=st.integers(-1000, 1000), places=st.integers(2, 8))
def test_what_is_held_is_never_exceeded(market: MarketSpec, count: int, off: int, places: int) -> None:
    """Down to a hundred-millionth of a step, which is what fees in base leave."""
    held = market.step * count + market.step * off / 10**places
    assume(held > 0 and len(held.normalize().as_tuple().digits) <= 15)
    parameters = parameters_of(config_of(), market)
    steps = deal.steps_of.plain(parameters, float(held))
    assert steps == held // market.step
    assert deal.amount_of.plain(parameters, steps) == float(floor_to_step(market, held))


@examples(200)
@given(market=markets(), config=configurations(), ticks=counts, between=st.sampled_from([0, 0, 0, 1, 5]))
def test_a_base_order_buys_what_its_size_buys(market: MarketSpec, config: DcaConfig, ticks: int, between: int) -> None:
    """Candles of other years may have prices between two ticks."""
    price = market.tick * ticks + market.tick * between / 10
    parameters = parameters_of(config, market)
    size = parameters.base
    steps = deal.bought.plain(parameters, float(price), size.size, size.high, size.low)
    expected = base_entry(config, market, price)
    assume(expected.amount / market.step < MOST)
    assert deal.amount_of.plain(parameters, steps) == float(expected.amount)
    worth = expected.amount * price
    fits = expected.amount >= market.min_amount and (
        market.kind is MarketKind.LINEAR or worth >= (market.min_notional or 0)
    )
    assert deal.tradable.plain(parameters, steps, float(price)) == (steps > 0 and fits)


@examples(200)
@given(market=markets(), config=configurations(), ticks=counts, amount=counts)
def test_a_ladder_lies_where_the_preflight_says(market: MarketSpec, config: DcaConfig, ticks: int, amount: int) -> None:
    """Also on ties, which are frequent: whole percentages of prices on the tick end on half a tick."""
    price = market.tick * ticks
    parameters = parameters_of(config, market)
    state = STRATEGY.initial_state(config, market)
    state.base_filled = float(market.step * amount)
    state.base_spent = exact.rounded.plain(float(price) * state.base_filled, parameters.base_scale)
    deal.lay_out.plain(parameters, state, float(price))
    entries = safety_entries(config, market, price)
    assume(all(entry.amount / market.step < MOST for entry in entries))
    for k, entry in enumerate(entries):
        assert state.safety_prices[k] == float(entry.price)
        assert state.safety_amounts[k] == float(entry.amount)
        taken = deal.tradable.plain(parameters, round(entry.amount / market.step), float(entry.price))
        assert state.safety_done[k] == (not taken)
    assert all(state.safety_done[len(entries) :]), "below one tick there is no order"


@examples(200)
@given(market=markets(), config=configurations(), fills=st.lists(st.tuples(counts, counts), min_size=1, max_size=6))
@example(market=QUARTERS, config=SHORT, fills=[(886, 21), (188328, 1), (188328, 7)])  # fmt: skip
def test_profit_and_stop_lie_where_the_preview_says(
    market: MarketSpec, config: DcaConfig, fills: list[tuple[int, int]]
) -> None:
    """By the average of several entries."""
    entries = [(market.tick * ticks, market.step * amount) for ticks, amount in fills]
    parameters = parameters_of(config, market)
    state = STRATEGY.initial_state(config, market)
    state.phase = OPEN
    for price, amount in entries:
        deal.enter.plain(parameters, state, float(price), float(amount), 0.0)
    deal.reprice.plain(parameters, state)
    worth = sum((Fraction(price * amount) for price, amount in entries), Fraction(0))
    average = worth / sum((Fraction(amount) for _, amount in entries), Fraction(0))
    sign = -1 if config.direction == "short" else 1
    assert config.take_profit is not None
    assert config.stop_loss is not None
    profit = average * (1 + sign * Fraction(config.take_profit) / 100)
    stop = average * (1 - sign * Fraction(config.stop_loss) / 100)
    assert state.profit_prices == [on_tick(market, profit)]
    assert state.stop_price == on_tick(market, stop)
    # Decimals cut an average like 1/3 off, and so miss a tie that the percentage makes of it.
    cut_off = Decimal(average.numerator) / average.denominator
    if not on_a_tie(market, profit):
        assert state.profit_prices == [float(profit_price(config, market, cut_off, config.take_profit))]
    if not on_a_tie(market, stop):
        assert state.stop_price == float(stop_price(config, market, cut_off))


def on_tick(market: MarketSpec, price: Fraction) -> float:
    return float(round(price / Fraction(market.tick)) * Fraction(market.tick))


def on_a_tie(market: MarketSpec, price: Fraction) -> bool:
    return (price / Fraction(market.tick)).denominator == 2


@examples(150)
@given(
    market=markets(),
    shares=st.lists(st.integers(1, 9999), min_size=1, max_size=5),
    held=counts,
    done=st.integers(0, 4),
)
def test_steps_share_what_is_held_to_the_last_step(market: MarketSpec, shares: list[int], held: int, done: int) -> None:
    """Each takes the floor of its share, the last one the rest: where every one of them is enough for the market."""
    market = replace(market, min_amount=market.step, min_notional=None)
    total = sum(shares)
    percents = [Decimal(share) * 100 / total for share in shares]
    percents = [percent.quantize(Decimal("0.00000001")) for percent in percents]
    percents[-1] += HUNDRED - sum(percents)
    config = config_of(
        take_profit=None,
        take_profit_steps=", ".join(f"{place + 1}:{percent:f}" for place, percent in enumerate(percents)),
    )
    parameters = parameters_of(config, market)
    state = STRATEGY.initial_state(config, market)
    state.phase, state.profit_done = OPEN, [step < done for step in range(len(shares))]
    deal.enter.plain(parameters, state, float(market.tick * 1000), float(market.step * held), 0.0)
    deal.reprice.plain(parameters, state)
    waiting = [Fraction(percent) for percent in percents[done:]]
    expected = [math.floor(held * percent / sum(waiting)) for percent in waiting[:-1]]
    assume(waiting and all(expected) and sum(expected) < held)
    expected.append(held - sum(expected))
    assert state.profit_amounts[done:] == [float(market.step * steps) for steps in expected]


@pytest.mark.parametrize(
    ("tick", "price", "percent", "expected"),
    [
        ("0.01", "500", "0.001", 500.0),  # 500.005
        ("0.01", "1500", "0.001", 1500.02),  # 1500.015
        ("0.1", "1850", "3.7", 1918.4),  # 1918.45
        ("0.1", "95000.5", "1", 95950.5),  # 95950.505
        ("0.1", "97331", "0.5", 97817.7),  # 97817.655
        ("0.00001", "0.5", "0.001", 0.5),  # 0.500005
        ("5e-7", "0.0015", "0.05", 0.001501),  # 0.00150075
    ],
)
def test_a_price_between_two_ticks_goes_to_the_even_one(tick: str, price: str, percent: str, expected: float) -> None:
    market = replace(LINEAR, tick=Decimal(tick), step=Decimal("0.001"))
    parameters = parameters_of(config_of(take_profit=percent), market)
    state = STRATEGY.initial_state(config_of(take_profit=percent), market)
    state.phase = OPEN
    deal.enter.plain(parameters, state, float(price), 0.123, 0.0)
    deal.reprice.plain(parameters, state)
    assert state.profit_prices == [expected]


def config_of(**changes: Any) -> DcaConfig:
    fields = {"base_order_size": 100, "safety_orders": 0, "take_profit": 1} | changes
    return DcaConfig.model_validate({name: value for name, value in fields.items() if value is not None})
