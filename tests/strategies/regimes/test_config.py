"""What can be set, what is refused beside which field, and what forms and documents are made from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from strategies.regimes.config import RegimeConfig
from strategies.regimes.regime import Regime

PAGE = Path(__file__).parents[3] / "docs" / "strategies" / "regimes.md"


def faults_of(**fields: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        RegimeConfig.model_validate(fields)
    return [(".".join(map(str, error["loc"])), error["msg"]) for error in caught.value.errors()]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"ema_fast": 50}, "ema_slow", "ema_slow is 50 and ema_fast is 50"),
        ({"range_below": 22}, "transition_from", "transition_from is 22 and range_below is 22"),
        ({"trend_above": 20}, "trend_above", "trend_above is 20 and transition_from is 22"),
        ({"trend_above": 100}, "trend_above", "less than 100"),
        ({"range_below": 0}, "range_below", "greater than 0"),
        ({"adx_period": 1}, "adx_period", "greater than or equal to 2"),
        ({"confirmation": 0}, "confirmation", "greater than or equal to 1"),
        ({"tight_below": "NaN"}, "tight_below", "finite"),
        ({"adx": 14}, "adx", "not permitted"),
    ],
)
def test_a_mistake_is_told_beside_its_field(changes: dict[str, Any], field: str, words: str) -> None:
    faults = faults_of(**changes)
    assert [name for name, _ in faults] == [field]
    assert words in faults[0][1]


def test_several_mistakes_are_told_at_once() -> None:
    assert [name for name, _ in faults_of(ema_fast=60, range_below=25)] == ["ema_slow", "transition_from"]


def test_it_is_exact_through_json() -> None:
    config = RegimeConfig.model_validate({"tight_below": "0.30000000000000000001"})
    assert RegimeConfig.model_validate_json(config.model_dump_json()) == config


SCHEMA: dict[str, dict[str, Any]] = RegimeConfig.model_json_schema()["properties"]


@pytest.mark.parametrize("name", RegimeConfig.model_fields)
def test_every_field_says_what_a_form_needs(name: str) -> None:
    entry = SCHEMA[name]
    assert entry["title"]
    assert len(entry["description"]) > 20
    assert entry["description"].endswith(".")
    assert entry["unit"]
    assert entry["group"] in {"Measures", "Bands"}
    for kind, bound in entry["bounds"].items():
        told = [
            error["type"]
            for error in _errors(name, bound)
            if error["loc"] == (name,) and error["type"].startswith(("greater_than", "less_than"))
        ]
        assert bool(told) == (kind in {"gt", "lt"}), f"{name} {kind} {bound}: {told}"


def _errors(name: str, value: str) -> list[Any]:
    try:
        RegimeConfig.model_validate({name: value})
    except ValidationError as error:
        return list(error.errors())
    return []


def test_the_documentation_has_every_field_with_its_bounds_and_default_and_no_other() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+)$", PAGE.read_text(), re.MULTILINE))
    assert set(rows) == set(RegimeConfig.model_fields)
    for name, entry in SCHEMA.items():
        for bound in [*entry["bounds"].values(), str(entry["default"])]:
            assert re.search(rf"(?<!\d)(?<!\d[,.]){re.escape(f'{float(bound):,.10g}')}(?![,.]?\d)", rows[name]), (
                name,
                bound,
            )


def test_the_documentation_recommends_what_the_code_recommends() -> None:
    rows = dict(re.findall(r"^\| (\w+) \| [^|]+ \| (.+) \|$", PAGE.read_text(), re.MULTILINE))
    assert {name.lower(): text for name, text in rows.items() if name.lower() in set(Regime)} == {
        regime.value: f"{regime.recommendation.strategy}, {regime.recommendation.manner}" for regime in Regime
    }
