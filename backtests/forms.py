"""What is asked of a new back-test or study: a preset or a search as YAML, candles, a period, the kind's options."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django import forms

from backtests.analysis.kinds import Kind, Searching
from backtests.analysis.options import Option
from backtests.made_up import SETTINGS
from strategies.contract import Problem
from strategies.yaml_document import YamlDocument, read_yaml

FIELDS: Final = ("source", "since", "until")
OPTION: Final = "option_"
_DAY = forms.DateInput(attrs={"type": "date"})
_MADE_UP: Final = ", ".join(f"synthetic:{name}" for name in SETTINGS)


class BackTestForm(forms.Form):
    """Of a back-test, or with a ``kind`` of a study. What was typed stays whatever is wrong with it."""

    preset = forms.CharField(
        label="Preset, or a search over one",
        widget=forms.Textarea(attrs={"rows": 22, "spellcheck": "false", "autocomplete": "off"}),
    )
    source = forms.CharField(
        label="Candles",
        max_length=200,
        help_text=f"A series of the candle store, as bybit/linear/ETHUSDT, or a made-up market: {_MADE_UP}",
    )
    since = forms.DateField(label="From", required=False, widget=_DAY, help_text="UTC; earlier candles are warm-up.")
    until = forms.DateField(label="To", required=False, widget=_DAY, help_text="UTC, exclusive.")

    def __init__(self, *arguments: Any, kind: Kind | None = None, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.kind = kind
        self._document: YamlDocument | None = None
        if kind is None:
            return
        for option in kind.options:
            self.fields[f"{OPTION}{option.name}"] = _field(option)
        self.fields["since"].help_text = "UTC."
        preset = self.fields["preset"]
        if kind.searching is not Searching.IF_GIVEN:
            preset.label = "Preset" if kind.searching is Searching.NEVER else "Search"
        if kind.preset_optional:
            preset.required = False
            preset.help_text = "Left empty: a usual one, with usual fees."
        if kind.many:
            self.fields["source"] = forms.CharField(
                label="Candles of each coin",
                max_length=20_000,
                widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "autocomplete": "off"}),
                help_text=f"One on a line: series of the candle store, as bybit/spot/ETHUSDT, or made-up markets: {_MADE_UP}",
            )

    @property
    def option_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith(OPTION)]

    @property
    def options(self) -> dict[str, Any]:
        """As they were typed, without those left empty: the request checks them."""
        found = {name.removeprefix(OPTION): self.cleaned_data[name] for name in self.fields if name.startswith(OPTION)}
        return {name: value for name, value in found.items() if value not in ("", None)}

    def clean_preset(self) -> Any:
        if not self.cleaned_data["preset"].strip():
            return {}
        # Nothing of this server's environment may get into what somebody writes here.
        self._document = read_yaml(self.cleaned_data["preset"], environ={})
        if self._document.faults:
            raise forms.ValidationError([self._sentence(fault.path, fault.message) for fault in self._document.faults])
        if not isinstance(self._document.data, dict):
            raise forms.ValidationError("A preset is a mapping: symbol, market, timeframe, strategy, …")
        return self._document.data

    def add_problems(self, problems: Iterable[Problem]) -> None:
        """Beside the field that they are of; what is wrong inside the YAML with its line."""
        for problem in problems:
            option = OPTION + problem.field.removeprefix("options.")
            if problem.field in FIELDS:
                self.add_error(problem.field, problem.message)
            elif option in self.fields:
                self.add_error(option, problem.message)
            else:
                path = problem.field.removeprefix("search.").removesuffix("search")
                if self._document is None or "parameters" not in (self._document.data or {}):
                    path = path.removeprefix("preset.").removeprefix("preset")
                self.add_error("preset", self._sentence(path, problem.message))

    def _sentence(self, path: str, message: str) -> str:
        line = self._document.line_of(path) if path and self._document else None
        return ": ".join([*([f"line {line}"] if line else []), *([path] if path else []), message])


def _field(option: Option) -> forms.Field:
    """Words and numbers are read where they are for the API too, which says what is wrong with them."""
    label = option.name.replace("_", " ").capitalize()
    shared: dict[str, Any] = {
        "label": label,
        "required": False,
        "help_text": f"{option.help[0].upper()}{option.help[1:]}.",
    }
    if isinstance(option.default, bool):
        return forms.BooleanField(**shared)
    if option.choices:
        return forms.ChoiceField(
            **shared, choices=[(each, each.replace("_", " ")) for each in option.choices], initial=option.default
        )
    if isinstance(option.default, tuple):
        return forms.CharField(**shared, initial=" ".join(option.default), max_length=500)
    return forms.CharField(
        **shared, initial=f"{option.default:g}", max_length=40, widget=forms.TextInput(attrs={"inputmode": "decimal"})
    )
