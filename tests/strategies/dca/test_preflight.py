"""What is told before a start, and what a start would rest."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from strategies.contract import Level, MarketSpec, Problem, Side
from strategies.dca.config import DcaConfig
from strategies.dca.logic import DcaStrategy
from tests.strategies.markets import LINEAR, SPOT

STRATEGY = DcaStrategy()
COARSE = replace(SPOT, step=Decimal("0.001"), min_amount=Decimal("0.01"), min_notional=Decimal(5))


def config_of(**changes: Any) -> DcaConfig:
    chosen = {
        "base_order_size": 100,
        "safety_order_size": 100,
        "safety_orders": 3,
        "price_deviation": 2,
        "take_profit": 1,
    } | changes
    return DcaConfig.model_validate({name: value for name, value in chosen.items() if value is not None})


def told(market: MarketSpec, price: str = "100", funds: str = "1000000", **changes: Any) -> list[Problem]:
    return STRATEGY.preflight(config_of(**changes), market, Decimal(price), Decimal(funds), Decimal(0))


def test_a_sound_configuration_has_no_problems() -> None:
    assert told(SPOT) == []
    assert told(LINEAR, direction="short", leverage=10, stop_loss=10) == []


@pytest.mark.parametrize(
    ("market", "changes", "field", "value", "limit", "words"),
    [
        (SPOT, {"direction": "short"}, "direction", "short", "long", "choose long, or a linear market"),
        (SPOT, {"leverage": 2}, "leverage", "2", "1", "set leverage to 1"),
        (LINEAR, {"leverage": 101}, "leverage", "101", "100", "lower it"),
        # 0.9 / 100 on a step of 0.001 is 0.009.
        (COARSE, {"base_order_size": "0.9"}, "base_order_size", "0.009", "0.01", "raise base_order_size"),
        (COARSE, {"base_order_size": "0.09"}, "base_order_size", "0", "0.01", "raise base_order_size"),
        # 4.9 / 94 on a step of 0.001 is 0.052, worth 4.888; the others are worth 0.05 × 98 and 0.051 × 96, which is more.
        (COARSE, {"safety_order_size": "4.9"}, "safety_order_size", "4.888", "5", "Safety order 3 at 94"),
        # Halved each time: 8, 4, 2; 2 / 94 is 0.021, worth 1.974.
        (
            COARSE,
            {"safety_order_size": "8", "volume_scale": "0.5"},
            "safety_order_size",
            "1.974",
            "5",
            "Safety order 3",
        ),
        (SPOT, {"safety_order_size": 300000}, "safety_order_size", "3191.48936", "2900", "lower safety_order_size"),
        # 5 / 100 is 0.05; less 0.1 % and down to the step it is 0.049, worth 4.949 at 101.
        (COARSE, {"base_order_size": 5}, "base_order_size", "4.949", "5", "The take profit after the base order alone"),
        # A third of 0.099 is 0.032 and worth 3.232.
        (
            COARSE,
            {"base_order_size": 10, "take_profit": None, "take_profit_steps": "1:33, 2:67"},
            "base_order_size",
            "3.232",
            "5",
            "use fewer steps",
        ),
        (SPOT, {"take_profit": "0.2"}, "take_profit", "0.2", "0.2002", "raise it above that"),
        (SPOT, {"price_deviation": "0.004"}, "price_deviation", "100", "0.01", "Safety order 1 and the base order"),
        (SPOT, {"price_deviation": "33.332"}, "price_deviation", "0", "0.01", "Safety order 3 would be below one tick"),
        # After the base order the stop is at 97; the second safety order would rest at 96, after the first one (average
        # 98.99) the stop is at 96.02.
        (LINEAR, {"stop_loss": 3}, "stop_loss", "96", "96.02", "Safety order 2 at 96 is never reached"),
    ],
)
def test_a_problem_names_field_value_limit_and_mend(
    market: MarketSpec, changes: dict[str, Any], field: str, value: str, limit: str, words: str
) -> None:
    found = told(market, **changes)
    assert [(problem.field, problem.value, problem.limit) for problem in found] == [(field, value, limit)]
    assert words in found[0].message


def test_the_base_order_is_a_market_order_and_has_its_own_limit() -> None:
    market = replace(SPOT, max_market_amount=Decimal("0.5"))
    assert [problem.limit for problem in told(market)] == ["0.5"]
    assert told(market, base_order_size=50) == []


def test_a_stop_loss_with_a_time_out_may_lie_before_safety_orders() -> None:
    assert told(LINEAR, stop_loss=3, stop_loss_timeout=60) == []


def test_all_safety_orders_have_to_be_paid_for() -> None:
    """1.00000 × 100 + 1.02040 × 98 + 1.04166 × 96 + 1.06382 × 94 = 399.99764"""
    problem = told(SPOT, funds="399.99")[0]
    assert (problem.field, problem.value, problem.limit) == ("base_order_size", "400.00", "399.99")
    assert told(SPOT, funds="399.998") == []


def test_on_linear_the_margin_and_the_fees_have_to_be_paid_for() -> None:
    """10 times 100, 99.96, 99.84, 99.64 → on a step of 0.01: 10 × 100 + 10.20 × 98 + 10.41 × 96 + 10.63 × 94 = 3998.18.

    A tenth of it is 399.818; the base order pays 0.055 % of 1000 (0.55), the others 0.02 % of 2998.18 (0.599636).
    """
    assert told(LINEAR, leverage=10, funds="400.967") != []
    assert told(LINEAR, leverage=10, funds="400.968") == []


def test_the_levels_show_each_order_and_where_the_deal_stands_after_it() -> None:
    """On spot 0.1 % of each buy is kept by the exchange; average and take profit are of what was bought."""
    levels = STRATEGY.levels(config_of(safety_orders=1), SPOT, Decimal(100))
    assert levels == [
        Level(Decimal(100), Side.BUY, Decimal("1.00000"), "base order"),
        Level(Decimal("100.00"), Side.BUY, Decimal("0.99900"), "average after base order"),
        Level(Decimal("101.00"), Side.SELL, Decimal("0.99900"), "take profit after base order"),
        Level(Decimal("98.00"), Side.BUY, Decimal("1.02040"), "safety order 1"),
        # (100 + 99.9992) / 2.02040 = 98.9899…, + 1 % = 99.9798…
        Level(Decimal("98.99"), Side.BUY, Decimal("2.01837"), "average after safety order 1"),
        Level(Decimal("99.98"), Side.SELL, Decimal("2.01837"), "take profit after safety order 1"),
    ]


def test_the_levels_of_a_take_profit_in_steps_add_up_to_what_is_held() -> None:
    config = config_of(safety_orders=0, take_profit=None, take_profit_steps="1:33, 2:67", direction="short")
    profits = [level for level in STRATEGY.levels(config, LINEAR, Decimal(100)) if level.side is Side.BUY]
    assert [(level.price, level.amount) for level in profits] == [
        (Decimal("99.00"), Decimal("0.33")),
        (Decimal("98.00"), Decimal("0.67")),
    ]


def test_a_base_order_of_nothing_has_no_levels() -> None:
    assert STRATEGY.levels(config_of(base_order_size="0.0001"), SPOT, Decimal(100)) == []
