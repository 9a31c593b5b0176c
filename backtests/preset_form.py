"""The fields of a new back-test: a preset's and the strategy's own, generated from their models, and the candles.

What the form holds is a preset, and what a preset says stands in the form: one into the other and back nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django import forms

from backtests.preset import Preset
from backtests.yaml_form import FIELDS, CandlesForm
from strategies.contract import Problem
from strategies.fields import TIMEFRAMES
from strategies.registry import get_strategy
from strategies.yaml_writing import escaped, written
from web.schema_forms import Fault, FieldGroup, SchemaForm, is_default, nested, schema_fields, spread

CONFIG: Final = "config."


class PresetUnfit(ValueError):
    """A preset says what no field can hold; ``problems`` are named by their path in it."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__(" ".join(problem.message for problem in problems))


class PresetForm(CandlesForm, SchemaForm):
    """``preset_form`` makes one for a strategy; its fields are named by their path in the preset."""

    strategy: str
    timeframes = TIMEFRAMES

    def __init__(self, data: Any = None, *, initial: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self.fields["source"].widget.attrs |= {"list": "series", "autocomplete": "off", "spellcheck": "false"}

    @property
    def strategy_groups(self) -> list[FieldGroup]:
        return self.grouped(name for name in self.generated if name.startswith(CONFIG))

    @property
    def term_groups(self) -> list[FieldGroup]:
        return self.grouped(name for name in self.generated if not name.startswith(CONFIG))

    @property
    def mistaken(self) -> list[forms.BoundField]:
        return [field for field in self if field.errors]

    def preset(self) -> dict[str, Any]:
        """What was typed, in a preset's order and without its defaults. Only after ``is_valid``, whatever that found: what
        is no value stands in it as it was typed."""
        found: dict[str, Any] = {}
        for name, item in self.generated.items():
            value = self.cleaned_data.get(name, self[name].value())
            if not is_default(item, value) and (value not in (None, "") or item.nullable):  # type: ignore[attr-defined]
                found[name] = None if value == "" else value
        said = {"config": {}} | nested(found) | {"strategy": self.strategy}
        return {name: said[name] for name in Preset.model_fields if name in said}

    def to_yaml(self) -> str:
        """As ``preset``."""
        return written(escaped(self.preset()))

    def add_problems(self, problems: Iterable[Fault]) -> None:
        """A field that holds no value at all has been told so already."""
        untyped = set(self.errors)
        for problem in problems:
            field = problem.field if problem.field in FIELDS else self._place(problem.field)
            if field not in untyped:
                self.add_error(field, problem.message)

    def _place(self, path: str) -> str | None:
        """The field at the path, the first one inside of it, or the one around it."""
        path = path.removeprefix("preset").removeprefix(".")
        if path and path not in self.fields:
            inside = next((name for name in self.fields if name.startswith(f"{path}.")), None)
            if inside and path != CONFIG.rstrip("."):
                return inside
        while path and path not in self.fields:
            path = path.rpartition(".")[0]
        return path or None


def preset_form(strategy: str) -> type[PresetForm]:
    """Raises ``UnknownStrategy``."""
    fields: dict[str, Any] = {"strategy": strategy}
    for name, item in schema_fields(Preset):
        if name == "config":
            fields |= schema_fields(get_strategy(strategy).Config, CONFIG)
        elif name != "strategy":
            fields[name] = item
    market = fields["market"]
    market.required, market.choices = False, [("", "As the symbol says"), *market.choices]
    fields["symbol"].widget.attrs |= {"autocomplete": "off", "autocapitalize": "characters"}
    fields["timeframe"].widget.attrs |= {"list": "timeframes", "autocomplete": "off"}
    return type(f"{strategy.capitalize()}PresetForm", (PresetForm,), fields)


def initial_of(form: type[PresetForm], preset: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields hold of a preset of plain values. Raises :class:`PresetUnfit`."""
    problems: list[Problem] = []
    found: dict[str, Any] = {}
    fields = {name: item for name, item in form.base_fields.items() if name not in FIELDS}
    for path, value in spread(preset, fields):
        if path in ("limits.amount", "limits.notional") and value is not None:
            path = f"{path}.min"  # a number alone is the smallest
        if path in fields:
            found[path] = value
            if sentence := _unfit(fields[path], value):
                problems.append(Problem(path, sentence, str(value)))
        elif path != "strategy" and value != {}:
            problems.append(Problem(path, "the form has no field for this: check its spelling.", str(value)))
    if problems:
        raise PresetUnfit(problems)
    return found


def _unfit(field: Any, value: Any) -> str:
    """Why the field cannot hold the value; empty when it can."""
    if isinstance(field, forms.BooleanField):
        return "" if isinstance(value, bool) else f"{value} is neither true nor false."
    if value is None:
        return "" if field.nullable else f"{field.label} is empty: give it a value, or take the line away."
    if isinstance(field, forms.ChoiceField):
        choices: Any = field.choices
        known = [str(key) for key, _ in choices if key]
        return "" if str(value) in known else f"{value} is none of {', '.join(known)}."
    if isinstance(value, dict | list):
        return "" if isinstance(field, forms.JSONField) else f"{field.label} is one value, not several."
    return ""
