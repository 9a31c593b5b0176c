"""What every form of a new back-test or study asks: a document as YAML, candles, a period."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, ClassVar, Final

from django import forms

from backtests.made_up import SETTINGS
from strategies.contract import Problem
from strategies.yaml_document import YamlDocument, read_yaml

FIELDS: Final = ("source", "since", "until")
MADE_UP: Final = ", ".join(f"synthetic:{name}" for name in SETTINGS)
_DAY = forms.DateInput(attrs={"type": "date"})


def yaml_area(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "spellcheck": "false", "autocomplete": "off"})


class YamlForm(forms.Form):
    """What was typed stays whatever is wrong with it."""

    wanted: ClassVar = "A preset is a mapping: symbol, market, timeframe, strategy, …"

    preset = forms.CharField(label="Preset", widget=yaml_area(22))
    source = forms.CharField(
        label="Candles",
        max_length=200,
        help_text=f"A series of the candle store, as bybit/linear/ETHUSDT, or a made-up market: {MADE_UP}",
    )
    since = forms.DateField(label="From", required=False, widget=_DAY, help_text="UTC; earlier candles are warm-up.")
    until = forms.DateField(label="To", required=False, widget=_DAY, help_text="UTC, exclusive.")

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._document: YamlDocument | None = None

    @property
    def candles(self) -> dict[str, Any]:
        """``source``, and ``since`` and ``until`` in ms UTC, as they are asked for."""
        period = {name: _start_of(self.cleaned_data[name]) for name in ("since", "until")}
        return {"source": self.cleaned_data["source"], **period}

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


def _start_of(day: date | None) -> int | None:
    return None if day is None else int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
