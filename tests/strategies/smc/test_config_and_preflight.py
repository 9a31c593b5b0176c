"""What can be set, what is refused beside which field, and what is told before the start."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from strategies.contract import MarketSpec
from strategies.smc.config import SmcConfig
from strategies.smc.logic import SmcStrategy
from tests.strategies.markets import LINEAR, SPOT

PAGE = Path(__file__).parents[3] / "docs" / "strategies" / "smc.md"
STRATEGY = SmcStrategy()
PRICE = Decimal(2000)


def config_of(**changes: Any) -> SmcConfig:
    return SmcConfig.model_validate({"capital": 10_000} | changes)


def problems(market: MarketSpec, available: int = 10_000, **changes: Any) -> list[tuple[str, str]]:
    found = STRATEGY.preflight(config_of(**changes), market, PRICE, Decimal(available), Decimal(0))
    return [(problem.field, problem.message) for problem in found]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"capital": None}, "capital", "Decimal"),
        ({"capital": 0}, "capital", "greater than 0"),
        ({"swing_length": 4}, "swing_length", "greater than or equal to 5"),
        ({"memory": 41}, "memory", "less than or equal to 40"),
        ({"positions": 4}, "positions", "less than or equal to 3"),
        ({"largest_risk": "2.1"}, "largest_risk", "less than or equal to 2"),
        ({"minimum_confidence": 100}, "minimum_confidence", "less than 100"),
        ({"direction": "up"}, "direction", "'long', 'short' or 'neutral'"),
        ({"trailing_distance": "1.5"}, "trailing_distance", "must be below trailing_activation (1.5)"),
        ({"partial_at": "2.5"}, "partial_at", "must be below minimum_reward (2.5)"),
        ({"swings": 3}, "swings", "not permitted"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        config_of(**changes)
    faults = {str(error["loc"][0]): error["msg"] for error in caught.value.errors()}
    assert words in faults[field]


def test_a_partial_exit_that_is_off_may_be_anywhere() -> None:
    assert config_of(partial_share=0, partial_at=5).partial_at == 5


def test_every_field_tells_its_unit_and_its_group() -> None:
    for name, field in SmcConfig.model_json_schema()["properties"].items():
        assert {"description", "unit", "group", "advanced"} <= set(field), name


def test_the_page_has_every_parameter_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.read_text(), re.MULTILINE))
    assert set(rows) == set(SmcConfig.model_fields)
    for name, field in SmcConfig.model_fields.items():
        default = field.default
        if field.is_required():
            continue
        shown = {True: "on", False: "off"}[default] if isinstance(default, bool) else str(default)
        assert re.search(rf"default `?{re.escape(shown)}\b|`?{re.escape(shown)}`? \(default\)", rows[name], re.I), name


@pytest.mark.parametrize("market", [LINEAR, SPOT], ids=["linear", "spot"])
def test_a_sound_configuration_has_no_problem(market: MarketSpec) -> None:
    assert problems(market) == []


@pytest.mark.parametrize(
    ("market", "changes", "field", "words"),
    [
        (SPOT, {"direction": "neutral"}, "direction", "nothing can be sold short"),
        (SPOT, {"leverage": 2}, "leverage", "set leverage to 1"),
        (LINEAR, {"leverage": 101}, "leverage", "above the 100 that ETH/USDT:USDT allows"),
        (LINEAR, {"capital": 20_000}, "capital", "10000 USDT are free"),
        # 50 / 3 / 2,000 is 0.008 coins, the least are 0.01.
        (LINEAR, {"capital": 50}, "capital", "would trade 0 ETH, below the minimum of 0.01 ETH"),
        # 0.01 coins can be opened, but not closed by halves.
        (LINEAR, {"capital": 61}, "capital", "The partial exit of the largest position would trade 0 ETH"),
        # A third of 5 is 1.66: half of it is worth less than 1.
        (SPOT, {"capital": 5}, "capital", "below the minimum"),
        (LINEAR, {"trailing_activation": "0.6"}, "trailing_activation", "fees of opening and closing are 0.11 %"),
        (SPOT, {"trailing_activation": "0.7"}, "trailing_activation", "profit of 0.2 %"),
    ],
)
def test_problems_name_the_field_and_the_mend(
    market: MarketSpec, changes: dict[str, Any], field: str, words: str
) -> None:
    found = problems(market, **changes)
    assert [name for name, _ in found] == [field]
    assert words in found[0][1]


def test_nothing_rests_before_the_first_signal() -> None:
    assert STRATEGY.levels(config_of(), LINEAR, PRICE) == []
