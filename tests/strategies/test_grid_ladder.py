"""The grid's arithmetic in floats is that of its decimals, in which it is checked before a start."""

from __future__ import annotations

from dataclasses import replace
from decimal import Context, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from strategies.contract import MarketSpec
from strategies.grid.config import GridConfig, Spacing
from strategies.grid.ladder import amount_at, equal_amount, line, range_around, range_moved_to, ticks_of
from strategies.grid.lines import (
    Ladder,
    RangeUnknown,
    interval_amount,
    interval_amounts,
    ladder_of,
    resolve_range,
)
from strategies.grid.parameters import parameters_of
from tests.properties import examples
from tests.strategies.markets import LINEAR, SPOT

TICKS = [Decimal(text) for text in ("0.00001", "0.0001", "0.01", "0.05", "0.25", "1")]
STEPS = [Decimal(text) for text in ("0.00001", "0.0003", "0.01", "0.5", "1", "1000")]


@st.composite
def ladders(draw: st.DrawFn) -> tuple[GridConfig, MarketSpec]:
    market = replace(LINEAR, tick=draw(st.sampled_from(TICKS)), step=draw(st.sampled_from(STEPS)))
    low = draw(st.integers(2, 10**6))
    high = low + draw(st.integers(1, 2 * low))
    fields: dict[str, Any] = {
        "lower": low * market.tick,
        "upper": high * market.tick,
        "grids": draw(st.integers(1, 60)),
        "investment": draw(st.integers(1, 10**6)),
        "leverage": draw(st.sampled_from(["1", "2.5", "20"])),
        "spacing": draw(st.sampled_from(["arithmetic", "geometric"])),
        "amount_mode": draw(st.sampled_from(["quote", "base"])),
    }
    return GridConfig.model_validate(fields), market


@examples(300)
@given(grid=ladders(), beyond=st.integers(1, 30))
def test_lines_and_their_continuation(grid: tuple[GridConfig, MarketSpec], beyond: int) -> None:
    config, market = grid
    ladder, p = ladder_of(config, market), parameters_of(config, market)
    lower, upper = float(ladder.lower), float(ladder.upper)
    indexes = [*range(config.grids + 1), config.grids + beyond, -beyond]
    assume(
        ladder.line(config.grids + beyond) < market.tick * 10**9
    )  # a float's power tells halves of a tick up to there
    assert [line.plain(p, lower, upper, i) for i in indexes] == [float(ladder.line(i)) for i in indexes]


@examples(300)
@given(grid=ladders())
def test_amounts(grid: tuple[GridConfig, MarketSpec]) -> None:
    config, market = grid
    ladder, p = ladder_of(config, market), parameters_of(config, market)
    lines = ladder.lines()
    exact = interval_amounts(config, market, lines)
    assume(max(exact) < market.step * 10**10)  # beyond, a float cannot tell one step from the next to a thousandth
    expected = [float(amount) for amount in exact]
    if config.amount_mode == "base":
        same = equal_amount.plain(p, ticks_of.plain(p, float(ladder.lower)), ticks_of.plain(p, float(ladder.upper)))
        assert expected == [same] * config.grids
    else:
        assert expected == [amount_at.plain(p, float(each)) for each in lines[:-1]]
        assert expected[0] == float(interval_amount(config, market, config.grids, lines[0]))


def recentred(config: GridConfig, ladder: Ladder, price: Decimal) -> Ladder:
    """The ladder of the same reach around another price; the old one when it would go below the first tick."""
    with localcontext(Context(prec=60)):
        if config.range_percent is not None:
            reach = price * config.range_percent / 100
            lower, upper = price - reach, price + reach
        elif ladder.spacing is Spacing.ARITHMETIC:
            reach = (ladder.upper - ladder.lower) / 2
            lower, upper = price - reach, price + reach
        else:
            ratio = (ladder.upper / ladder.lower).sqrt()
            lower, upper = price / ratio, price * ratio
    settled = Context(prec=40)  # a quotient that should be a half is one again
    lower, upper = (ladder.market.quantise_price(settled.plus(each)) for each in (lower, upper))
    if lower < ladder.market.tick or lower >= upper:
        return ladder
    return Ladder(lower, upper, ladder.grids, ladder.spacing, ladder.market)


@examples(300)
@given(grid=ladders(), share=st.integers(1, 4000), percent=st.sampled_from([None, "0.5", "7.5", "99"]))
def test_moving_to_another_price(grid: tuple[GridConfig, MarketSpec], share: int, percent: str | None) -> None:
    config, market = grid
    ladder = ladder_of(config, market)
    price = market.quantise_price(ladder.upper * share / 1000) or market.tick
    if percent is not None:
        config = GridConfig.model_validate(
            config.model_dump() | {"lower": None, "upper": None, "range_percent": percent}
        )
        resolved = ladder_of(resolve_range(config, price), market)
        assert range_around.plain(parameters_of(config, market), float(price)) == (
            float(resolved.lower),
            float(resolved.upper),
        )
    moved = recentred(config, ladder, price)
    p = parameters_of(config, market)
    found = range_moved_to.plain(p, float(ladder.lower), float(ladder.upper), float(price))
    assert found == (float(moved.lower), float(moved.upper))


class TestMovedByHand:
    """On a tick of 0.01."""

    def moved(self, price: float, lower: float = 100.0, upper: float = 200.0, **changes: Any) -> tuple[float, float]:
        ranged = {} if "range_percent" in changes else {"lower": 100, "upper": 400}
        config = GridConfig.model_validate({"grids": 4, "investment": 400} | ranged | changes)
        return range_moved_to.plain(parameters_of(config, SPOT), lower, upper, price)

    def test_an_arithmetic_grid_keeps_its_width(self) -> None:
        assert self.moved(310.0) == (260.0, 360.0)

    def test_a_geometric_grid_keeps_its_ratio(self) -> None:
        assert self.moved(1000.0, upper=400.0, spacing="geometric") == (500.0, 2000.0)

    def test_a_range_in_percent_is_taken_of_the_new_price(self) -> None:
        assert self.moved(200.0, range_percent=10, lower=90.0, upper=110.0) == (180.0, 220.0)

    def test_no_range_reaches_below_the_first_tick(self) -> None:
        assert self.moved(50.0) == (100.0, 200.0)


def test_a_quotient_that_should_be_a_half_is_rounded_as_one() -> None:
    """21 × 21 / 18 = 24.5 ticks: to the even 24, though 21 / 18 has no end in decimals."""
    market = replace(LINEAR, tick=Decimal(1))
    ladder = Ladder(Decimal(18), Decimal(21), 1, Spacing.GEOMETRIC, market)
    assert ladder.line(2) == 24


def test_a_range_in_atrs_that_nobody_resolved_has_no_prices() -> None:
    config = GridConfig(range_atr_multiple=Decimal(3), grids=4, investment=Decimal(100))
    for call in (range_around, range_around.plain):
        with pytest.raises(RangeUnknown, match="average true range was not known"):
            call(parameters_of(config, LINEAR), 100.0)
