"""Kelly's fraction and Vince's optimal f, with the figures of the literature."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from strategies.sizing import (
    kelly_amount,
    kelly_fraction,
    kelly_of_trades,
    optimal_f,
    optimal_f_amount,
    terminal_wealth,
)

# Vince, Portfolio Management Formulas (1990); The Handbook of Portfolio Mathematics (2007), chapter 4.
VINCE = [9.0, 18.0, 7.0, 1.0, 10.0, -5.0, -3.0, -17.0, -7.0]


@pytest.mark.parametrize(
    ("win_rate", "payoff", "expected"),
    [
        pytest.param(0.6, 1.0, 0.2, id="Kelly 1956: p - q for even money"),
        pytest.param(0.5, 2.0, 0.25, id="Vince: the fair coin that pays two to one"),
        pytest.param(0.5, 1.0, 0.0, id="a fair game"),
        pytest.param(0.2, 2.0, 0.0, id="a losing game is not played"),
        pytest.param(1.0, 1.0, 1.0, id="a sure thing"),
        pytest.param(0.0, 9.0, 0.0, id="a sure loss"),
    ],
)
def test_kelly(win_rate: float, payoff: float, expected: float) -> None:
    assert kelly_fraction(win_rate, payoff) == pytest.approx(expected, abs=1e-15)


def test_kelly_on_averages_is_what_vince_warns_of() -> None:
    assert kelly_of_trades(VINCE) == pytest.approx(0.16, abs=0.005)
    assert kelly_of_trades([-1.0, -2.0]) == 0.0


def test_optimal_f_of_vinces_trades() -> None:
    assert round(optimal_f(VINCE), 2) == 0.24
    assert optimal_f([2.0, -1.0]) == pytest.approx(0.25)
    assert optimal_f([1.0, -2.0]) == 0.0


@pytest.mark.parametrize(("passes", "at_24", "at_16"), [(1, 1.096, 1.085), (10, 2.494, 2.261), (40, 38.694, 26.132)])
def test_terminal_wealth_as_in_vinces_table(passes: int, at_24: float, at_16: float) -> None:
    assert terminal_wealth(VINCE * passes, 0.24) == pytest.approx(at_24, abs=6e-4)
    assert terminal_wealth(VINCE * passes, 0.16) == pytest.approx(at_16, abs=6e-4)


def test_kelly_amount_is_a_part_of_kelly_and_capped() -> None:
    # 0.2 of 10,000 is 2,000; half of it over a stop 50 away is 20 coins
    assert kelly_amount(10_000, 0.6, 1.0, 50, fraction=0.5, cap=100) == pytest.approx(20.0)
    # 2 % of 10,000 is 200: 4 coins
    assert kelly_amount(10_000, 0.6, 1.0, 50) == pytest.approx(4.0)
    assert kelly_amount(-1, 0.6, 1.0, 50) == 0.0


def test_optimal_f_amount_is_a_unit_for_every_largest_loss_over_f() -> None:
    # one unit for every $4 on the two to one coin: 10,000 buy 2,500
    assert optimal_f_amount(10_000, [2.0, -1.0], 1.0, cap=100) == pytest.approx(2500.0)
    assert optimal_f_amount(10_000, [2.0, -1.0], 1.0, fraction=0.5, cap=100) == pytest.approx(1250.0)
    # the largest loss of 1 may cost 2 % = 200
    assert optimal_f_amount(10_000, [2.0, -1.0], 1.0) == pytest.approx(200.0)
    # Vince rounds: "betting $1 for every $71"
    assert optimal_f_amount(7100, VINCE, 1.0, cap=100) == pytest.approx(100.0, rel=0.02)


def test_records_and_numbers_that_say_nothing_are_refused() -> None:
    for rule in (kelly_of_trades, optimal_f):
        with pytest.raises(ValueError, match="without a loss"):
            rule([1.0, 2.0])
        with pytest.raises(ValueError, match="without a loss"):
            rule([])
    with pytest.raises(ValueError, match="without a loss"):
        terminal_wealth([1.0], 0.1)
    with pytest.raises(ValueError, match=r"win_rate is 1\.5"):
        kelly_fraction(1.5, 1)
    with pytest.raises(ValueError, match="payoff is 0"):
        kelly_fraction(0.5, 0)
    with pytest.raises(ValueError, match="fraction is 0"):
        kelly_amount(1, 0.6, 1, 1, fraction=0)
    with pytest.raises(ValueError, match="stop_distance is 0"):
        kelly_amount(1, 0.6, 1, 0)
    with pytest.raises(ValueError, match="unit is 0"):
        optimal_f_amount(1, VINCE, 0)


@given(st.lists(st.floats(-100, 100).filter(lambda each: abs(each) > 0.01), min_size=2, max_size=12))
def test_no_other_fraction_would_have_grown_more(profits: list[float]) -> None:
    assume(min(profits) < 0 < sum(profits))
    best = optimal_f(profits)
    assert 0 <= best < 1
    grown = math.log(terminal_wealth(profits, best))
    for hundredth in range(100):
        assert math.log(terminal_wealth(profits, hundredth / 100)) <= grown + 1e-9
