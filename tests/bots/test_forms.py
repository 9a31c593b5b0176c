"""The form of a bot, generated from its strategy's configuration model."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import pytest
from pydantic import Field, WithJsonSchema

from bots.forms import BotForm, bot_form, initial_of
from bots.views.config_summary import config_summary
from strategies.contract import Problem, StrategyConfig
from strategies.grid.config import GridConfig
from tests.bots import cast
from web.schema_forms import from_address, schema_fields

pytestmark = pytest.mark.django_db

Number = Annotated[Decimal, WithJsonSchema({"type": "string", "format": "decimal"})]


class Pace(StrEnum):
    SLOW = "slow"
    FAST = "fast"


class Part(StrategyConfig):
    share: Number = Decimal(50)
    far: bool = False


class Config(StrategyConfig):
    price: Number = Field(
        title="Entry price", description="Where it begins.", json_schema_extra={"unit": "quote", "group": "Range"}
    )
    stop: Number | None = Field(None, json_schema_extra={"group": "Exit", "advanced": True})
    limit: Number | None = Field(Decimal(3), json_schema_extra={"group": "Exit"})
    lines: int = Field(5, json_schema_extra={"group": "Range", "unit": "lines"})
    weight: float = 0.5
    pace: Pace = Field(Pace.SLOW, json_schema_extra={"choices": {"slow": "Slowly", "fast": "Quickly"}})
    trailing: bool = True
    steps: list[float] = []
    part: Part = Part()
    other: Part = Part(share=Decimal(20))


def filled(**changes: Any) -> BotForm:
    data = {"name": "my-bot", "account": cast.account().pk, "symbol": "ETH/USDT", "mode": "demo", "tick_interval": "1"}
    config = {"config.price": "1800.50", "config.lines": "7", "config.weight": "0.25", "config.pace": "fast"}
    return bot_form(Config)({**data, **config, **changes})


def test_values_reach_the_model_as_it_declares_them() -> None:
    form = filled()
    assert form.is_valid(), form.errors
    config = Config.model_validate(form.config())
    assert config == Config(price=Decimal("1800.50"), lines=7, weight=0.25, pace=Pace.FAST, trailing=False)


def test_what_is_left_empty_is_not_given_at_all() -> None:
    form = filled(**{"config.lines": ""})
    assert form.is_valid(), form.errors
    assert {"stop", "lines", "limit"}.isdisjoint(form.config())


def test_emptying_what_may_be_none_switches_it_off_though_it_has_a_default() -> None:
    form = filled(**{"config.limit": "", "config.price": "1800"})
    assert form.is_valid(), form.errors
    assert Config.model_validate(form.config()).limit is None
    bot = cast.bot(config={"price": "1800", "limit": None})
    assert bot_form(Config)(initial=initial_of(bot))["config.limit"].value() is None


def test_a_digit_is_never_lost_on_the_way() -> None:
    form = filled(**{"config.price": "0.000000000000000012"})
    assert form.is_valid(), form.errors
    assert form.config()["price"] == "0.000000000000000012"


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("config.price", "", "Entry price is missing."),
        ("config.price", "cheap", "Entry price is a number, written like 1850.25 (given: cheap)."),
        ("config.price", "NaN", "Entry price is a number, written like 1850.25 (given: NaN)."),
        ("config.lines", "2.5", "Lines is a whole number (given: 2.5)."),
        ("name", "eth grid", "A name is made of letters, digits, dashes and underscores: eth-grid, for example."),
    ],
)
def test_what_is_no_value_at_all_is_said_beside_its_field(field: str, text: str, message: str) -> None:
    form = filled(**{field: text})
    assert not form.is_valid()
    assert form.errors == {field: [message]}


def test_a_list_is_written_as_one() -> None:
    form = filled(**{"config.steps": "[1, 2.5]"})
    assert form.is_valid(), form.errors
    assert Config.model_validate(form.config()).steps == [1, 2.5]
    form = filled(**{"config.steps": "1; 2"})
    assert form.errors["config.steps"] == [
        'Steps is a list or a mapping, written like [1, 2] or {"a": 1} (given: 1; 2).'
    ]
    assert form["config.steps"].value() == "1; 2"


def test_a_model_inside_of_the_model_has_its_own_fields() -> None:
    form = filled(**{"config.part.share": "20", "config.part.far": "on"})
    assert form.is_valid(), form.errors
    assert Config.model_validate(form.config()).part == Part(share=Decimal(20), far=True)
    bot = cast.bot(config=form.config())
    assert bot_form(Config)(initial=initial_of(bot))["config.part.share"].value() == "20"
    assert [(each.label, each.value) for each in config_summary(Config, bot.config)["Settings"]][-3:-1] == [
        ("Share", "20"),
        ("Far", True),
    ]


def test_one_that_begins_otherwise_than_by_itself_is_written_as_a_whole() -> None:
    assert bot_form(Config)()["config.other"].value() == '{"share": "20", "far": false}'
    form = filled(**{"config.other": '{"far": true}'})
    assert form.is_valid(), form.errors
    assert Config.model_validate(form.config()).other == Part(far=True)


def test_each_number_tells_its_range() -> None:
    ranges = {name: field.range for name, field in schema_fields(GridConfig)}  # type: ignore[attr-defined]
    assert (ranges["grids"], ranges["range_percent"], ranges["investment"]) == (
        "1 to 500",
        "above 0, below 100",
        "above 0",
    )


def test_an_address_says_that_a_switch_is_off() -> None:
    query = {"config.trail_stop_loss": "False", "config.grids": "5", "config.luck": "7", "symbol": "ETH/USDT"}
    assert from_address(dict(schema_fields(GridConfig, "config.")), query) == {
        "config.trail_stop_loss": False,
        "config.grids": "5",
    }


def test_fields_stand_in_their_groups_and_the_advanced_ones_aside() -> None:
    groups = {
        group.title: ([item.name for item in group.fields], [item.name for item in group.advanced])
        for group in bot_form(Config)().groups
    }
    assert groups == {
        "Range": (["config.price", "config.lines"], []),
        "Exit": (["config.limit"], ["config.stop"]),
        "Settings": (
            [
                "config.weight",
                "config.pace",
                "config.trailing",
                "config.steps",
                "config.part.share",
                "config.part.far",
                "config.other",
            ],
            [],
        ),
    }


def test_a_folded_group_opens_when_something_in_it_is_set() -> None:
    def opened(**changes: Any) -> bool:
        return next(group.opened for group in filled(**changes).groups if group.title == "Exit")

    assert not opened()
    assert opened(**{"config.stop": "1700"})
    assert opened(**{"config.stop": "low"})


def test_problems_stand_beside_the_field_they_name_and_else_at_the_head() -> None:
    form = filled()
    assert form.is_valid()
    form.add_problems(
        [
            Problem("config.price", "price is too high."),
            Problem("symbol", "No such market."),
            Problem("config", "The balance does not cover it."),
        ]
    )
    assert form.errors["config.price"] == ["price is too high."]
    assert form.errors["symbol"] == ["No such market."]
    assert form.non_field_errors() == ["The balance does not cover it."]


def test_while_typing_untouched_fields_are_not_blamed() -> None:
    form = filled(**{"config.price": "", "config.lines": "x", "name": ""})
    assert not form.is_valid()
    form.forget_untouched_errors()
    assert list(form.errors) == ["config.lines"]


def test_every_field_of_the_grid_can_be_set_and_comes_back_unchanged() -> None:
    config = GridConfig(
        lower=Decimal("1800.5"), upper=Decimal(2200), grids=4, investment=Decimal(1000), trailing_up=True
    ).model_dump(mode="json")
    bot = cast.bot(config=config)
    form_class = bot_form(GridConfig)
    shown = form_class(initial=initial_of(bot))
    data = {item.name: item.value() for item in shown if item.value() not in (None, False)}
    form = form_class(data)
    assert form.is_valid(), form.errors
    assert GridConfig.model_validate(form.config()) == GridConfig.model_validate(config)


def test_choices_keep_the_order_of_the_model() -> None:
    fields = bot_form(GridConfig).base_fields
    directions = [value for value, _ in fields["config.direction"].choices]  # type: ignore[attr-defined]
    assert directions == ["long", "short", "neutral"]
    frames = [value for value, _ in fields["config.atr_timeframe"].choices]  # type: ignore[attr-defined]
    assert frames[:3] == ["1m", "3m", "5m"]
