"""What is asked of a new back-test: a preset or a search as YAML, candles, a period."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from backtests.made_up import SETTINGS
from strategies.contract import Problem
from strategies.yaml_document import YamlDocument, read_yaml

FIELDS = ("source", "since", "until")
_DAY = forms.DateInput(attrs={"type": "date"})


class BackTestForm(forms.Form):
    preset = forms.CharField(
        label="Preset, or a search over one",
        widget=forms.Textarea(attrs={"rows": 22, "spellcheck": "false", "autocomplete": "off"}),
    )
    source = forms.CharField(
        label="Candles",
        max_length=200,
        help_text="A series of the candle store, as bybit/linear/ETHUSDT, or a made-up market: "
        + ", ".join(f"synthetic:{name}" for name in SETTINGS),
    )
    since = forms.DateField(label="From", required=False, widget=_DAY, help_text="UTC; earlier candles are warm-up.")
    until = forms.DateField(label="To", required=False, widget=_DAY, help_text="UTC, exclusive.")

    def clean_preset(self) -> Any:
        # Nothing of this server's environment may get into what somebody writes here.
        self._document: YamlDocument = read_yaml(self.cleaned_data["preset"], environ={})
        if self._document.faults:
            raise forms.ValidationError([self._sentence(fault.path, fault.message) for fault in self._document.faults])
        if not isinstance(self._document.data, dict):
            raise forms.ValidationError("A preset is a mapping: symbol, market, timeframe, strategy, …")
        return self._document.data

    def add_problems(self, problems: Iterable[Problem]) -> None:
        """Beside the field that they are of; what is wrong inside the YAML with its line."""
        for problem in problems:
            if problem.field in FIELDS:
                self.add_error(problem.field, problem.message)
            else:
                path = problem.field.removeprefix("search.")
                if "parameters" not in (self._document.data or {}):
                    path = path.removeprefix("preset.").removeprefix("preset")
                self.add_error("preset", self._sentence(path, problem.message))

    def _sentence(self, path: str, message: str) -> str:
        line = self._document.line_of(path) if path else None
        return ": ".join([*([f"line {line}"] if line else []), *([path] if path else []), message])
