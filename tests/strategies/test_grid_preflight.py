"""What is found before a grid starts: the field, the level, the value, the limit and the mend."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from strategies.contract import MarketSpec, Problem, Side
from strategies.grid.config import GridConfig
from strategies.grid.logic import GridStrategy
from tests.strategies.markets import LINEAR, SPOT

RICH = Decimal(1_000_000)


def problems(market: MarketSpec = SPOT, price: str = "1860", free: Decimal = RICH, **changes: Any) -> list[Problem]:
    chosen = {"lower": 1700, "upper": 2000, "grids": 6, "investment": 6000} | changes
    config = GridConfig.model_validate({name: value for name, value in chosen.items() if value is not None})
    return GridStrategy().preflight(config, market, Decimal(price), free, Decimal(0))


@pytest.mark.parametrize(
    ("market", "changes"),
    [
        (SPOT, {}),
        (SPOT, {"profit_in": "base"}),
        (SPOT, {"lower": None, "upper": None, "range_percent": 5}),
        (LINEAR, {"direction": "short", "leverage": 10}),
        (LINEAR, {"direction": "neutral", "spacing": "geometric"}),
    ],
)
def test_a_sound_grid_has_no_problem(market: MarketSpec, changes: dict[str, Any]) -> None:
    assert problems(market, **changes) == []


@pytest.mark.parametrize(
    ("market", "changes", "field", "words"),
    [
        (SPOT, {"direction": "short"}, "direction", "ETH/USDT is a spot market"),
        (SPOT, {"direction": "neutral"}, "direction", "choose long, or a linear market"),
        (SPOT, {"leverage": 2}, "leverage", "set leverage to 1"),
        (LINEAR, {"leverage": 101}, "leverage", "Leverage 101 is above the 100"),
        (LINEAR, {"profit_in": "base"}, "profit_in", "needs a spot market"),
        # Steps of half a tick: 1700.005 rounds to the even 1700.00.
        (SPOT, {"upper": "1700.03", "price": "1700"}, "grids", "Lines 0 and 1 fall on the same price 1700:"),
        (SPOT, {"lower": 1000, "upper": 1100}, "upper", "The price 1860 is above the grid"),
        (SPOT, {"lower": 2500, "upper": 2600}, "lower", "The price 1860 is below the grid"),
        (SPOT, {"stop_loss_price": 1650, "price": "1640"}, "stop_loss_price", "met already at the price 1640"),
        (SPOT, {"take_profit_price": 1850}, "take_profit_price", "met already at the price 1860"),
        (SPOT, {"trigger_price": 1600, "stop_loss_price": 1650}, "stop_loss_price", "at the trigger price 1600"),
        (SPOT, {"lower": None, "upper": None, "range_atr_multiple": 3}, "range_atr_multiple", "load these candles"),
        # 6 / 6 / 1950 = 0.00051 coins in the highest interval; the market asks for 0.00062.
        (
            SPOT,
            {"investment": 6},
            "investment",
            "Level 5 at 1950 would trade 0.00051 ETH, below the minimum of 0.00062",
        ),
        (LINEAR, {"investment": 60}, "investment", "Level 0 at 1700 would trade 0 ETH, below the minimum of 0.01 ETH"),
        # 0.01 coins are worth 17 to 19.5 USDT.
        (
            replace(LINEAR, min_notional=Decimal(19)),
            {"investment": 120},
            "investment",
            "The order of level 0 at 1700 would be worth 17 USDT, below the minimum of 19 USDT",
        ),
        (
            replace(LINEAR, max_amount=Decimal("0.55"), max_leverage=None),
            {"price": "2010"},
            "investment",
            "Level 0 at 1700 would trade 0.58 ETH, above the maximum of 0.55 ETH",
        ),
        # Each interval is fine, but the entry buys two at once.
        (
            replace(LINEAR, max_amount=Decimal(1)),
            {},
            "investment",
            "The entry at 1860 would trade 1.03 ETH in one order, above the maximum of 1 ETH",
        ),
        # Intervals of 0.5 on 1852.5 are 0.027 %, two fees of 0.1 % are 0.2 %.
        (
            SPOT,
            {"lower": 1850, "upper": 1853, "price": "1851"},
            "grids",
            "Level 5 earns 0.0270 % from 1852.5 to 1853, and the fees of the cycle are 0.2000 %",
        ),
    ],
)
def test_a_problem_names_field_level_value_and_limit(
    market: MarketSpec, changes: dict[str, Any], field: str, words: str
) -> None:
    found = problems(market, **changes)
    assert [problem.field for problem in found] == [field]
    assert words in found[0].message


def test_what_is_left_after_the_fee_has_to_be_sellable() -> None:
    """0.01 coins less 0.1 % are 0.00999, which is no whole step of 0.01."""
    market = replace(SPOT, step=Decimal("0.01"), min_amount=Decimal("0.01"))
    found = problems(market, investment=120)
    assert [problem.field for problem in found] == ["investment"]
    assert "Level 0 buys 0.01 ETH; after the fee and rounding to 0.01 only 0 could be sold at 1750" in found[0].message


def test_the_sell_has_to_be_worth_enough_too() -> None:
    """10 USDT at 1700 are 0.00588 coins worth 9.996 USDT; with a fee of 5 % 0.00558 are left, worth 9.765 at 1750."""
    market = replace(SPOT, maker_fee=Decimal("0.05"), min_notional=Decimal("9.98"))
    found = problems(market, investment=60)
    assert "what is left after the fee would be worth 9.765 USDT at 1750" in found[0].message


class TestMoney:
    def test_spot_needs_the_buys_and_the_entry(self) -> None:
        """Waiting: four buys of just under 1000 each; the entry: 1.03913 coins at 1860 = 1932.78."""
        waiting = Decimal("0.58823") * 1700 + Decimal("0.57142") * 1750 + Decimal("0.55555") * 1800
        needed = waiting + Decimal("0.54054") * 1850 + Decimal("1.03913") * 1860
        assert problems(free=needed) == []
        found = problems(free=needed - Decimal("0.01"))
        assert [problem.field for problem in found] == ["investment"]
        assert f"needs {needed:.2f} USDT for the buys and the entry" in found[0].message

    def test_linear_needs_margin_and_fees(self) -> None:
        """Short from above the range: 4 intervals of 1 coin, all held at once, at 150: 600 / 3, and 600 × 0.055 %."""
        grid = {"lower": 100, "upper": 140, "grids": 4, "investment": "153.34", "amount_mode": "base"}
        arguments: dict[str, Any] = grid | {"direction": "short", "leverage": 3, "market": LINEAR, "price": "150"}
        assert problems(**arguments, free=Decimal("200.33")) == []
        found = problems(**arguments, free=Decimal("200.32"))
        assert "needs 200.33 USDT for margin and fees and 200.32 USDT are free" in found[0].message


class TestLevels:
    def test_they_are_the_orders_of_the_example_in_the_documentation(self) -> None:
        config = GridConfig.model_validate({"lower": 1700, "upper": 2000, "grids": 6, "investment": 6000})
        levels = GridStrategy().levels(config, SPOT, Decimal(1860))
        assert [(level.side, str(level.price), str(level.amount)) for level in levels] == [
            (Side.BUY, "1700.00", "0.58823"),
            (Side.BUY, "1750.00", "0.57142"),
            (Side.BUY, "1800.00", "0.55555"),
            (Side.BUY, "1850.00", "0.54054"),
            (Side.SELL, "1950.00", "0.52578"),  # 0.52631 × 0.999 = 0.52578(369)
            (Side.SELL, "2000.00", "0.51231"),  # 0.51282 × 0.999 = 0.51230(718), with the 0.00000369: 0.51231
        ]

    def test_they_are_laid_out_where_the_grid_will_be_triggered(self) -> None:
        config = GridConfig.model_validate(
            {"lower": 100, "upper": 120, "grids": 2, "investment": 1000, "trigger_price": 105}
        )
        levels = GridStrategy().levels(config, SPOT, Decimal(500))
        assert [(level.side, level.price) for level in levels] == [(Side.BUY, Decimal(100)), (Side.SELL, Decimal(120))]

    def test_there_are_none_while_the_range_is_not_known(self) -> None:
        config = GridConfig.model_validate({"range_atr_multiple": 3, "grids": 2, "investment": 1000})
        assert GridStrategy().levels(config, SPOT, Decimal(500)) == []
