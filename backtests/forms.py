"""What is asked of a new back-test or study: a preset or a search as YAML, candles, a period, the kind's options."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django import forms

from backtests.analysis.kinds import Kind, Searching
from backtests.analysis.options import Option
from backtests.yaml_form import MADE_UP, YamlForm, yaml_area
from strategies.contract import Problem

OPTION: Final = "option_"


class BackTestForm(YamlForm):
    """Of a back-test, or with a ``kind`` of a study."""

    preset = forms.CharField(label="Preset, or a search over one", widget=yaml_area(22))

    def __init__(self, *arguments: Any, kind: Kind | None = None, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.kind = kind
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
                widget=yaml_area(6),
                help_text=f"One on a line: series of the candle store, as bybit/spot/ETHUSDT, or made-up markets: {MADE_UP}",
            )

    @property
    def option_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith(OPTION)]

    @property
    def options(self) -> dict[str, Any]:
        """As they were typed, without those left empty: the request checks them."""
        found = {name.removeprefix(OPTION): self.cleaned_data[name] for name in self.fields if name.startswith(OPTION)}
        return {name: value for name, value in found.items() if value not in ("", None)}

    def add_problems(self, problems: Iterable[Problem]) -> None:
        of_options = {each: OPTION + each.field.removeprefix("options.") for each in problems}
        for problem, field in of_options.items():
            if field in self.fields:
                self.add_error(field, problem.message)
        super().add_problems(each for each, field in of_options.items() if field not in self.fields)

    def _place(self, field: str) -> str:
        path = field.removeprefix("search.").removesuffix("search")
        is_search = self._document is not None and "parameters" in (self._document.data or {})
        return path if is_search else super()._place(path)


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
