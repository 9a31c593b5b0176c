"""What a DCA bot can be told, what is refused beside which field, and what forms and documents are made from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from strategies.dca.config import DcaConfig

LEAST: dict[str, Any] = {"base_order_size": "100", "safety_order_size": "100", "take_profit": "1"}


def faults_of(**changes: Any) -> list[tuple[str, str]]:
    fields = {name: value for name, value in (LEAST | changes).items() if value is not None}
    with pytest.raises(ValidationError) as caught:
        DcaConfig.model_validate(fields)
    return [(".".join(str(part) for part in error["loc"]), error["msg"]) for error in caught.value.errors()]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"base_order_size": None}, "base_order_size", "required"),
        ({"base_order_size": "0"}, "base_order_size", "greater than 0"),
        ({"base_order_size": "NaN"}, "base_order_size", "finite"),
        ({"safety_order_size": None}, "safety_order_size", "set safety_orders to 0 (it is 5)"),
        ({"safety_orders": 101}, "safety_orders", "less than or equal to 100"),
        ({"active_safety_orders": 0}, "active_safety_orders", "greater than or equal to 1"),
        ({"direction": "neutral"}, "direction", "long or short"),
        ({"price_deviation": "100"}, "price_deviation", "less than 100"),
        ({"price_deviation": "25"}, "price_deviation", "Safety order 4 would be 100 % below"),
        ({"price_deviation": "10", "step_scale": "2"}, "price_deviation", "Safety order 4 would be 150 % below"),
        ({"size_in": "percent"}, "allocation", "is missing"),
        ({"allocation": "599"}, "allocation", "allocation is 599, and the base order with all safety orders is 600"),
        ({"allocation": "599", "leverage": "3"}, "allocation", "is 600"),
        (
            {"size_in": "percent", "allocation": "1000", "base_order_size": "50", "safety_order_size": "10.1"},
            "allocation",
            "is 1005",
        ),
        ({"take_profit": None}, "take_profit", "take_profit is missing"),
        ({"take_profit_steps": "1:100"}, "take_profit_steps", "given twice"),
        ({"take_profit": None, "take_profit_steps": "one"}, "take_profit_steps", "'one' is not a step"),
        ({"take_profit": None, "take_profit_steps": "1:50, 2:49"}, "take_profit_steps", "add up to 99 %"),
        ({"take_profit": None, "take_profit_steps": "2:50, 1:50"}, "take_profit_steps", "must rise"),
        ({"take_profit": None, "take_profit_steps": "1:0, 2:100"}, "take_profit_steps", "above 0"),
        ({"take_profit": "100", "direction": "short"}, "take_profit", "below that"),
        ({"stop_loss_timeout": 5}, "stop_loss_timeout", "there is no stop loss"),
        ({"stop_loss": "100"}, "stop_loss", "cannot fall by 100 %"),
        ({"stop_loss": "10", "stop_loss_from": "base"}, "stop_loss", "the last safety order 10 %"),
        ({"start_on_ema_cross": True, "ema_fast": 21}, "ema_fast", "must be shorter"),
        ({"start_timeframe": "7m"}, "start_timeframe", "pattern"),
        ({"min_price": "2", "max_price": "2"}, "max_price", "must be above"),
        ({"safety_order": 5}, "safety_order", "not permitted"),
    ],
)
def test_a_mistake_is_told_beside_its_field(changes: dict[str, Any], field: str, words: str) -> None:
    faults = faults_of(**changes)
    assert [name for name, _ in faults] == [field]
    assert words in faults[0][1]


def test_eleven_steps_are_too_many() -> None:
    steps = ", ".join(f"{step}:{10 if step < 10 else 5}" for step in range(1, 12))
    assert "11 steps: 10 are the limit" in faults_of(take_profit=None, take_profit_steps=steps)[0][1]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"safety_order_size": None, "safety_orders": 0},
        {"allocation": "600"},
        {"size_in": "percent", "allocation": "1000", "base_order_size": "50", "safety_order_size": "10"},
        {"take_profit": None, "take_profit_steps": "1:50,2:50"},
        {"take_profit": None, "take_profit_steps": " 0.5:33.5; 2:66.5 "},
        {"direction": "short", "price_deviation": "50"},
        {"stop_loss": "10", "stop_loss_from": "base", "stop_loss_timeout": 60},
        {"stop_loss": "10.1", "stop_loss_from": "base"},
    ],
)
def test_what_makes_sense_is_taken(changes: dict[str, Any]) -> None:
    config = DcaConfig.model_validate({k: v for k, v in (LEAST | changes).items() if v is not None})
    assert DcaConfig.model_validate_json(config.model_dump_json()) == config


def schema_fields() -> dict[str, dict[str, Any]]:
    """Each field's schema with the one it refers to (an enum's) folded in."""
    schema = DcaConfig.model_json_schema()
    return {
        name: schema["$defs"].get(str(entry.get("$ref", "")).rsplit("/", 1)[-1], {}) | entry
        for name, entry in schema["properties"].items()
    }


@pytest.mark.parametrize("name", DcaConfig.model_fields)
def test_every_field_says_what_a_form_needs(name: str) -> None:
    entry = schema_fields()[name]
    assert entry["title"]
    assert len(entry["description"]) > 20
    assert entry["description"].endswith(".")
    assert isinstance(entry["unit"], str)
    assert entry["group"] in {"Orders", "Safety orders", "Start", "Take profit", "Stop loss", "Limits"}
    assert isinstance(entry["advanced"], bool)


def test_the_choices_of_the_form_are_those_of_the_model() -> None:
    """But for the direction: it is the contract's, and a deal cannot be neutral."""
    for name, entry in schema_fields().items():
        if "enum" in entry:
            assert set(entry["choices"]) == set(entry["enum"]) - ({"neutral"} if name == "direction" else set()), name


def test_the_shown_bounds_are_those_of_the_model() -> None:
    """Each bound is tried: on a closed bound the value passes, on an open one it does not."""
    for name, entry in schema_fields().items():
        for kind, bound in entry.get("bounds", {}).items():
            told = _told_about(name, bound)
            assert bool(told) == (kind in {"gt", "lt"}), f"{name} {kind} {bound}: {told}"


def _told_about(name: str, value: str) -> list[str]:
    """The messages of the field's own bounds; whether it fits the other fields is not asked."""
    try:
        DcaConfig.model_validate(LEAST | {name: value})
    except ValidationError as error:
        kinds = {"greater_than", "less_than", "greater_than_equal", "less_than_equal"}
        return [item["msg"] for item in error.errors() if item["loc"] == (name,) and item["type"] in kinds]
    return []


def test_the_documentation_has_every_field_with_its_bounds_and_default_and_no_other() -> None:
    text = (Path(__file__).parents[3] / "docs" / "strategies" / "dca.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+)$", text, re.MULTILINE))
    assert set(rows) == set(DcaConfig.model_fields)
    for name, entry in schema_fields().items():
        for bound in entry.get("bounds", {}).values():
            assert f"{int(bound):,}" in rows[name], f"{name}: {bound}"
        for choice in entry.get("choices", {}):
            assert f"`{choice}`" in rows[name], f"{name}: {choice}"
