"""What a grid can be told, what is refused beside which field, and what forms and documents are made from."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from strategies.grid.config import GridConfig

LEAST: dict[str, Any] = {"lower": "1700", "upper": "2000", "grids": 20, "investment": "1000"}


def faults_of(**changes: Any) -> list[tuple[str, str]]:
    fields = {name: value for name, value in (LEAST | changes).items() if value is not None}
    with pytest.raises(ValidationError) as caught:
        GridConfig.model_validate(fields)
    return [(".".join(str(part) for part in error["loc"]), error["msg"]) for error in caught.value.errors()]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"lower": "2000", "upper": "1700"}, "upper", "upper is 1700 and lower is 2000"),
        ({"lower": "1700", "upper": "1700"}, "upper", "must be above lower"),
        ({"lower": "-1"}, "lower", "greater than 0"),
        ({"lower": None}, "lower", "needs both"),
        ({"upper": None}, "upper", "needs both"),
        ({"lower": None, "upper": None}, "lower", "range is missing"),
        ({"range_percent": "5"}, "range_percent", "given twice"),
        ({"range_atr_multiple": "5"}, "range_atr_multiple", "given twice"),
        ({"lower": None, "upper": None, "range_percent": "100"}, "range_percent", "less than 100"),
        ({"grids": 0}, "grids", "greater than or equal to 1"),
        ({"grids": 501}, "grids", "less than or equal to 500"),
        ({"grids": "many"}, "grids", "valid integer"),
        ({"grids": None}, "grids", "required"),
        ({"investment": "0"}, "investment", "greater than 0"),
        ({"investment": "NaN"}, "investment", "finite"),
        ({"investment": "Infinity"}, "investment", "finite"),
        ({"leverage": "0.5"}, "leverage", "greater than or equal to 1"),
        ({"spacing": "curved"}, "spacing", "'arithmetic' or 'geometric'"),
        ({"direction": "sideways"}, "direction", "'long', 'short' or 'neutral'"),
        ({"atr_timeframe": "7m"}, "atr_timeframe", "pattern"),
        ({"stop_loss_price": "1750"}, "stop_loss_price", "must be below lower (1700)"),
        ({"direction": "short", "stop_loss_price": "1950"}, "stop_loss_price", "must be above upper (2000)"),
        ({"direction": "neutral", "stop_loss_price_upper": "1950"}, "stop_loss_price_upper", "above upper (2000)"),
        ({"stop_loss_price_upper": "2100"}, "stop_loss_price_upper", "Only a neutral grid"),
        ({"direction": "neutral", "take_profit_price": "2100"}, "take_profit_price", "take_profit_percent"),
        ({"stop_loss_price": "1600", "take_profit_price": "1500"}, "take_profit_price", "above stop_loss_price"),
        ({"direction": "short", "profit_in": "base"}, "profit_in", "long grid only"),
        ({"trailing_up_limit": "2500"}, "trailing_up_limit", "trailing_up is off"),
        ({"trailing_up": True, "trailing_up_limit": "1900"}, "trailing_up_limit", "above upper (2000)"),
        ({"trailing_down_limit": "1500"}, "trailing_down_limit", "trailing_down is off"),
        ({"trailing_down": True, "trailing_down_limit": "1900"}, "trailing_down_limit", "below lower (1700)"),
        ({"grid": 20}, "grid", "not permitted"),
    ],
)
def test_a_mistake_is_told_beside_its_field(changes: dict[str, Any], field: str, words: str) -> None:
    faults = faults_of(**changes)
    assert [name for name, _ in faults] == [field]
    assert words in faults[0][1]


def test_several_mistakes_are_told_at_once() -> None:
    assert [name for name, _ in faults_of(lower="2000", upper="1700", trailing_up_limit="3000")] == [
        "upper",
        "trailing_up_limit",
    ]


def test_numbers_are_exact_through_json_and_travel_as_strings() -> None:
    config = GridConfig.model_validate(LEAST | {"lower": 0.1, "upper": "0.30000000000000000001"})
    assert config.lower == Decimal("0.1")
    assert config.model_dump(mode="json")["upper"] == "0.30000000000000000001"
    assert GridConfig.model_validate_json(config.model_dump_json()) == config


def test_a_configuration_cannot_be_changed() -> None:
    config = GridConfig.model_validate(LEAST)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(config, "grids", 3)  # noqa: B010 - what a careless caller would do


def schema_fields() -> dict[str, dict[str, Any]]:
    """Each field's schema with the one it refers to (an enum's) folded in."""
    schema = GridConfig.model_json_schema()
    return {
        name: schema["$defs"].get(str(entry.get("$ref", "")).rsplit("/", 1)[-1], {}) | entry
        for name, entry in schema["properties"].items()
    }


@pytest.mark.parametrize("name", GridConfig.model_fields)
def test_every_field_says_what_a_form_needs(name: str) -> None:
    entry = schema_fields()[name]
    assert entry["title"]
    assert len(entry["description"]) > 20
    assert entry["description"].endswith(".")
    assert isinstance(entry["unit"], str)
    assert entry["group"] in {"Range", "Money", "Start", "Exit", "Following", "Orders"}
    assert isinstance(entry["advanced"], bool)


def test_the_choices_of_the_form_are_those_of_the_model() -> None:
    for name, entry in schema_fields().items():
        if "enum" in entry:
            assert set(entry["choices"]) == set(entry["enum"]), name


def test_the_shown_bounds_are_those_of_the_model() -> None:
    """Each bound is tried: on a closed bound the value passes, on an open one it does not."""
    for name, entry in schema_fields().items():
        for kind, bound in entry.get("bounds", {}).items():
            told = _told_about(name, bound)
            assert bool(told) == (kind in {"gt", "lt"}), f"{name} {kind} {bound}: {told}"


def _told_about(name: str, value: str) -> list[str]:
    """The messages of the field's own bounds; whether it fits the other fields is not asked."""
    try:
        GridConfig.model_validate(LEAST | {name: value})
    except ValidationError as error:
        kinds = {"greater_than", "less_than", "greater_than_equal", "less_than_equal"}
        return [item["msg"] for item in error.errors() if item["loc"] == (name,) and item["type"] in kinds]
    return []


def documented_rows() -> dict[str, str]:
    text = (Path(__file__).parents[2] / "docs" / "strategies" / "grid.md").read_text()
    return dict(re.findall(r"^\| `(\w+)` \| (.+)$", text, re.MULTILINE))


def test_the_documentation_has_every_field_with_its_bounds_and_default_and_no_other() -> None:
    rows = documented_rows()
    assert set(rows) == set(GridConfig.model_fields)
    for name, entry in schema_fields().items():
        for bound in entry.get("bounds", {}).values():
            assert f"{int(bound):,}" in rows[name], f"{name}: {bound}"
        for choice in entry.get("choices", {}):
            assert f"`{choice}`" in rows[name], f"{name}: {choice}"
