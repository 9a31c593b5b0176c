"""What every form of a new back-test or study asks: a document as YAML, candles, a period."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Iterable
from datetime import UTC, datetime, time
from typing import Any, ClassVar, Final

from django import forms

from backtests.jobs.loading import absent
from backtests.made_up import SETTINGS
from exchange.management.times import moment
from strategies.contract import Problem
from strategies.yaml_document import YamlDocument, read_yaml

FIELDS: Final = ("source", "since", "until")
MADE_UP: Final = ", ".join(f"synthetic:{name}" for name in SETTINGS)


def yaml_area(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "spellcheck": "false", "autocomplete": "off"})


class _MomentInput(forms.DateInput):
    """A day, or a day and a time where one is held."""

    input_type = "date"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        if "T" in (context["widget"]["value"] or ""):
            context["widget"] |= {"type": "datetime-local", "attrs": {**context["widget"]["attrs"], "step": "any"}}
        return context


class MomentField(forms.Field):
    """Milliseconds UTC, written as ``2025-05-01`` or ``2025-05-01T12:00``."""

    widget = _MomentInput

    def to_python(self, value: Any) -> int | None:
        if value in self.empty_values:
            return None
        try:
            return moment(value)
        except ArgumentTypeError as error:
            raise forms.ValidationError(f"{error}.") from error

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, int):
            return value
        when = datetime.fromtimestamp(value / 1000, UTC).replace(tzinfo=None)
        return when.date().isoformat() if when.time() == time.min else when.isoformat()


class CandlesForm(forms.Form):
    source = forms.CharField(
        label="Candles",
        max_length=200,
        error_messages={"required": "Candles are missing: name a series of the store or a made-up market."},
        help_text=f"A series of the candle store, as bybit/linear/ETHUSDT, or a made-up market: {MADE_UP}",
    )
    since = MomentField(label="From", required=False, help_text="UTC; earlier candles are warm-up.")
    until = MomentField(label="To", required=False, help_text="UTC, exclusive.")

    def clean_source(self) -> str:
        source: str = self.cleaned_data["source"]
        if problem := absent(source):
            raise forms.ValidationError(problem)
        return source

    @property
    def candles(self) -> dict[str, Any]:
        """``source``, ``since`` and ``until`` as they are asked for. What was no value is left out."""
        return {name: self.cleaned_data[name] for name in FIELDS if name in self.cleaned_data}


class YamlForm(CandlesForm):
    """What was typed stays whatever is wrong with it."""

    wanted: ClassVar = "A preset is a mapping: symbol, market, timeframe, strategy, …"

    preset = forms.CharField(label="Preset", widget=yaml_area(22))

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._document: YamlDocument | None = None

    def clean_preset(self) -> Any:
        if not self.cleaned_data["preset"].strip():
            return {}
        # Nothing of this server's environment may get into what somebody writes here.
        self._document = read_yaml(self.cleaned_data["preset"], environ={})
        if self._document.faults:
            raise forms.ValidationError([self._sentence(fault.path, fault.message) for fault in self._document.faults])
        if not isinstance(self._document.data, dict):
            raise forms.ValidationError(self.wanted)
        return self._document.data

    def add_problems(self, problems: Iterable[Problem]) -> None:
        """Beside the field that they are of; what is wrong inside the YAML with its line."""
        for problem in problems:
            if problem.field in FIELDS:
                self.add_error(problem.field, problem.message)
            else:
                self.add_error("preset", self._sentence(self._place(problem.field), problem.message))

    def _place(self, field: str) -> str:
        """The path in the document of a field of the request."""
        return field.removeprefix("preset.").removeprefix("preset")

    def _sentence(self, path: str, message: str) -> str:
        line = self._document.line_of(path) if path and self._document else None
        return ": ".join([*([f"line {line}"] if line else []), *([path] if path else []), message])
