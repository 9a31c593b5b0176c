"""What can be configured, what is refused, what the preflight says, and that the documentation has it all."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from strategies.contract import MarketSpec
from strategies.trend.config import Target, TrendConfig, targets_of
from strategies.trend.logic import TrendStrategy
from tests.strategies.markets import LINEAR, SPOT

PRICE = Decimal(2000)


def problems(
    market: MarketSpec = LINEAR, available: Decimal = Decimal(100_000), **changes: Any
) -> list[tuple[str, str, str]]:
    config = TrendConfig.model_validate({"investment": 10_000} | changes)
    found = TrendStrategy().preflight(config, market, PRICE, available, Decimal(0))
    return [(problem.field, problem.value, problem.limit) for problem in found]


def test_targets_are_read_from_a_text() -> None:
    assert targets_of("1.5:50, 3:25") == (Target(Decimal("1.5"), Decimal(50)), Target(Decimal(3), Decimal(25)))
    assert targets_of(" 2:33.3;4:66.7 ") == (Target(Decimal(2), Decimal("33.3")), Target(Decimal(4), Decimal("66.7")))
    assert targets_of("") == ()


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"ema_fast": 50}, "ema_slow", "ema_slow is 50: it must be above ema_fast (50)."),
        ({"pullback_entry": False, "breakout_entry": False}, "pullback_entry", "Nothing would ever be entered"),
        ({"targets": "a:50"}, "targets", "'a:50' is not a target: write R:share, as in 1.5:50."),
        ({"targets": "2:50, 1:50"}, "targets", "each further away than the one before"),
        ({"targets": "2:50, 2:20"}, "targets", "each further away than the one before"),
        ({"targets": "0:50"}, "targets", "must lie above 0 R"),
        ({"targets": "1:60, 2:41"}, "targets", "The targets close 101 %"),
        ({"targets": "1:0"}, "targets", "each must close some"),
        ({"targets": "1:1, 2:1, 3:1, 4:1, 5:1, 6:1"}, "targets", "There are 6 targets: 5 are the most."),
        ({"targets": "", "trail_from": None}, "targets", "Nothing would ever take a profit"),
        ({"direction": "up"}, "direction", "'long', 'short' or 'neutral'"),
        ({"timeframe": "7m"}, "timeframe", "pattern"),
        ({"risk_percent": 11}, "risk_percent", "less than or equal to 10"),
        ({"surprise": 1}, "surprise", "not permitted"),
    ],
)
def test_what_cannot_be_is_told_at_its_field(changes: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TrendConfig.model_validate({"investment": 10_000} | changes)
    [error] = caught.value.errors()
    assert error["loc"] == (field,)
    assert says in error["msg"]


@pytest.mark.parametrize(
    ("market", "changes", "expected"),
    [
        pytest.param(LINEAR, {"direction": "neutral", "leverage": 5}, [], id="nothing to say"),
        pytest.param(SPOT, {}, [], id="nor on spot"),
        pytest.param(SPOT, {"direction": "short"}, [("direction", "short", "long")], id="short on spot"),
        pytest.param(SPOT, {"direction": "neutral"}, [("direction", "neutral", "long")], id="both on spot"),
        pytest.param(SPOT, {"leverage": 2}, [("leverage", "2", "1")], id="leverage on spot"),
        pytest.param(LINEAR, {"leverage": 101}, [("leverage", "101", "100")], id="more leverage than there is"),
        # 95 % of 20 are 19; 0.01 coins are worth 20
        pytest.param(LINEAR, {"investment": 20}, [("investment", "19", "20")], id="too little for one step"),
        # 95 % of 40 are 38; of that the smallest part is 25 %
        pytest.param(LINEAR, {"investment": 40}, [("targets", "9.5", "20")], id="too little for the smallest part"),
        pytest.param(LINEAR, {"investment": 40, "targets": ""}, [], id="enough for one part"),
        # on spot 0.00062 coins are worth 1.24, above the least value of 1
        pytest.param(SPOT, {"investment": 5}, [("targets", "1.1875", "1.24")], id="the same on spot"),
    ],
)
def test_the_preflight(market: MarketSpec, changes: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert problems(market, **changes) == expected


def test_the_preflight_counts_the_money() -> None:
    """95 % of 10,000 and on a linear market the fee of what five times as much is worth: 47,500 × 0.00055 = 26.125."""
    assert problems(LINEAR, Decimal("9526.13"), leverage=5) == []
    assert problems(LINEAR, Decimal("9526.12"), leverage=5) == [("investment", "9526.13", "9526.12")]
    assert problems(SPOT, Decimal(9499)) == [("investment", "9500.00", "9499.00")]


def test_a_market_with_a_larger_least_value() -> None:
    market = replace(SPOT, min_notional=Decimal(100))
    assert problems(market, investment=100) == [("investment", "95", "100")]


def test_there_is_nothing_to_preview() -> None:
    config = TrendConfig.model_validate({"investment": 10_000})
    assert TrendStrategy().levels(config, LINEAR, PRICE) == []


def documented_rows() -> dict[str, str]:
    text = (Path(__file__).parents[3] / "docs" / "strategies" / "trend.md").read_text()
    return dict(re.findall(r"^\| `(\w+)` \| (.+)$", text, re.MULTILINE))


def test_the_documentation_has_every_field_with_its_bounds_choices_and_default_and_no_other() -> None:
    rows, fields = documented_rows(), TrendConfig.model_fields
    assert set(rows) == set(fields)
    for name, field in fields.items():
        extra = field.json_schema_extra
        assert isinstance(extra, dict)
        bounds, choices = extra.get("bounds", {}), extra.get("choices", {})
        assert isinstance(bounds, dict)
        assert isinstance(choices, dict)
        for bound in bounds.values():
            assert f"{int(str(bound)):,}" in rows[name], f"{name}: {bound}"
        for choice in choices:
            assert f"`{choice}`" in rows[name], f"{name}: {choice}"
        if bounds and not field.is_required():
            assert f"default {field.default}" in rows[name], f"{name}: {field.default}"


@pytest.mark.parametrize("name", sorted(TrendConfig.model_fields))
def test_every_field_explains_itself(name: str) -> None:
    field = TrendConfig.model_fields[name]
    extra = field.json_schema_extra
    assert isinstance(extra, dict)
    assert extra["group"]
    assert "unit" in extra
    assert field.description
    assert field.description.endswith(".")
