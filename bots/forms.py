"""The forms of a bot. What a strategy can be told is generated from its configuration model's JSON schema.

A form only turns text into values; whether the values make sense is said by the model and the preflight, once, and
shown beside the field that they name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.text import capfirst

from bots.models import Bot, BotMode
from bots.models.bot import ENVIRONMENTS_OF_MODE, MODE_EXPLANATIONS
from exchange.models import ExchangeAccount
from strategies.contract import Problem, StrategyConfig

PREFIX = "config."
_BOT_FIELDS = ("name", "account", "symbol", "mode", "tick_interval")
# More choices than this are a drop-down, not radio buttons.
_MOST_RADIO_BUTTONS = 3


@dataclass(slots=True)
class FieldGroup:
    """Fields that stand under one heading; the advanced ones are folded away."""

    title: str
    fields: list[BoundField] = field(default_factory=list)
    advanced: list[BoundField] = field(default_factory=list)

    @property
    def opened(self) -> bool:
        """Folded-away fields that are filled or wrong must be seen."""
        return any(item.errors or _differs_from_default(item) for item in self.advanced)


def _differs_from_default(item: BoundField) -> bool:
    value, initial = item.value(), getattr(item.field, "schema_default", None)
    if isinstance(item.field, forms.BooleanField):
        return bool(value) != bool(initial)
    return str(value if value is not None else "") != str(initial if initial is not None else "")


@dataclass(frozen=True, slots=True)
class ModeChoice:
    """``tag`` is the radio button; ``accounts`` are the names of those that a bot of this mode can be on."""

    tag: str
    mode: BotMode
    explanation: str
    accounts: list[str]


class BotForm(forms.Form):
    """``for_strategy`` makes one that also holds the strategy's own fields, named ``config.<field>``."""

    name = forms.SlugField(
        max_length=64,
        label="Name",
        help_text="Letters, digits, dashes and underscores; it is the bot's address.",
        widget=forms.TextInput(attrs={"placeholder": "eth-grid", "autocomplete": "off", "autocapitalize": "none"}),
        error_messages={"invalid": "A name is made of letters, digits, dashes and underscores: eth-grid, for example."},
    )
    account = forms.ModelChoiceField(
        ExchangeAccount.objects.all(),
        label="Exchange account",
        empty_label=None,
        help_text="Where the orders go.",
    )
    symbol = forms.CharField(
        max_length=64,
        label="Symbol",
        help_text="As ccxt writes it: ETH/USDT is spot, ETH/USDT:USDT is linear.",
        widget=forms.TextInput(
            attrs={"list": "symbols", "placeholder": "ETH/USDT", "autocomplete": "off", "autocapitalize": "characters"}
        ),
    )
    mode = forms.ChoiceField(choices=BotMode.choices, label="Mode", widget=forms.RadioSelect, initial=BotMode.DEMO)
    tick_interval = forms.IntegerField(
        min_value=1,
        max_value=3600,
        initial=1,
        label="Tick interval",
        help_text="How often the bot looks at the market.",
    )
    tick_interval.unit = "s"  # type: ignore[attr-defined]

    schema: Mapping[str, Any]

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial, label_suffix="")
        for name, item in self.fields.items():
            item.widget.attrs.setdefault("aria-describedby", f"{slot_id('help', name)} {slot_id('error', name)}")

    @property
    def bot_fields(self) -> list[BoundField]:
        return [self[name] for name in _BOT_FIELDS if name in self.fields]

    @property
    def modes(self) -> list[ModeChoice]:
        """Each with the accounts that fit it. One query."""
        accounts = list(ExchangeAccount.objects.order_by("name").values_list("name", "environment"))
        return [
            ModeChoice(
                tag=option.tag(),
                mode=mode,
                explanation=MODE_EXPLANATIONS[mode],
                accounts=[name for name, environment in accounts if environment in ENVIRONMENTS_OF_MODE[mode]],
            )
            for mode, option in zip(BotMode, self["mode"], strict=True)
        ]

    @property
    def config_groups(self) -> list[FieldGroup]:
        groups: dict[str, FieldGroup] = {}
        for name, item in self.fields.items():
            if name.startswith(PREFIX):
                group = groups.setdefault(item.group, FieldGroup(item.group))  # type: ignore[attr-defined]
                (group.advanced if item.advanced else group.fields).append(self[name])  # type: ignore[attr-defined]
        return list(groups.values())

    def config(self) -> dict[str, Any]:
        """The values that were given, by the model's field names. Only after ``is_valid``.

        A field that was emptied means none where there may be none, not its default.
        """
        given = {name: value for name, value in self.cleaned_data.items() if name.startswith(PREFIX)}
        return {
            name.removeprefix(PREFIX): None if value == "" else value
            for name, value in given.items()
            if value not in (None, "") or (self.fields[name].nullable and name in self.data)  # type: ignore[attr-defined]
        }

    def add_problems(self, problems: Iterable[Problem]) -> None:
        """Beside the fields that they name; what names no field of this form stands at its head."""
        for problem in problems:
            self.add_error(problem.field if problem.field in self.fields else None, problem.message)

    def forget_untouched_errors(self) -> None:
        """A preview while typing does not blame a field that has not been reached yet."""
        for name in list(self.errors):
            if name in self.fields and self[name].value() in (None, ""):
                del self.errors[name]


def bot_form(config_model: type[StrategyConfig]) -> type[BotForm]:
    """The form class of bots whose strategy is configured by ``config_model``."""
    schema = config_model.model_json_schema()
    required = set(schema.get("required", ()))
    fields: dict[str, Any] = {}
    for name, entry in schema["properties"].items():
        # The schema sorts its keys; choices are to be read in the order in which the model has them.
        extra = config_model.model_fields[name].json_schema_extra
        own = extra if isinstance(extra, dict) else {}
        fields[PREFIX + name] = _field(name, _resolve(entry, schema) | own, required=name in required)
    return type(f"{config_model.__name__}Form", (BotForm,), fields)


def initial_of(bot: Bot) -> dict[str, Any]:
    """The form's initial values for an existing bot."""
    values: dict[str, Any] = {name: getattr(bot, name) for name in _BOT_FIELDS}
    values["account"] = bot.account_id
    return values | {PREFIX + name: value for name, value in bot.config.items()}


def slot_id(kind: str, field_name: str) -> str:
    """The HTML id of a field's help or error slot."""
    return f"{kind}-{field_name.replace('.', '-')}"


def _resolve(entry: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """``entry`` with its ``$ref`` and its optional variant folded in; its own keys win."""
    merged: dict[str, Any] = {}
    for variant in entry.get("anyOf", ()):
        if variant.get("type") == "null":
            merged["nullable"] = True
        else:
            merged |= _resolve(variant, schema)
    if "$ref" in entry:
        merged |= _resolve(schema["$defs"][entry["$ref"].rsplit("/", 1)[-1]], schema)
    return merged | {key: value for key, value in entry.items() if key not in {"anyOf", "$ref"}}


def _field(name: str, entry: Mapping[str, Any], *, required: bool) -> forms.Field:
    label = entry.get("title") or capfirst(name.replace("_", " "))
    default = entry.get("default")
    common: dict[str, Any] = {
        "label": label,
        "help_text": entry.get("description", ""),
        "required": required,
        "initial": default,
    }
    if required:
        common["error_messages"] = {"required": f"{label} is missing."}
    made = _typed_field(entry, label, common)
    made.unit, made.group = entry.get("unit", ""), entry.get("group") or "Settings"  # type: ignore[attr-defined]
    made.advanced = bool(entry.get("advanced")) and not required  # type: ignore[attr-defined]
    made.nullable = bool(entry.get("nullable"))  # type: ignore[attr-defined]
    made.schema_default = default  # type: ignore[attr-defined]
    return made


def _typed_field(entry: Mapping[str, Any], label: str, common: dict[str, Any]) -> forms.Field:
    kind = entry.get("type")
    choices = entry.get("choices") or {value: capfirst(str(value)) for value in entry.get("enum", ())}
    if choices:
        options = list(choices.items())
        if entry.get("nullable"):
            options.insert(0, ("", "–"))
        radio = len(options) <= _MOST_RADIO_BUTTONS
        return forms.ChoiceField(choices=options, widget=forms.RadioSelect if radio else forms.Select, **common)
    if kind == "boolean":
        return forms.BooleanField(**(common | {"required": False}))
    messages = common.pop("error_messages", {})
    if kind == "integer":
        messages["invalid"] = f"{label} is a whole number."
        widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
        return forms.IntegerField(widget=widget, error_messages=messages, **common)
    if kind == "number" or entry.get("format") == "decimal":
        messages["invalid"] = f"{label} is a number, written like 1850.25."
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        # Digits are handed on as text: the model decides whether it counts in decimals or in floats.
        return _NumberField(widget=widget, error_messages=messages, **common)
    return forms.CharField(error_messages=messages, **common)


class _NumberField(forms.DecimalField):
    def prepare_value(self, value: Any) -> Any:
        """``1800.00`` of a stored configuration is shown as 1800."""
        text = str(value) if value is not None else ""
        return text.rstrip("0").rstrip(".") if "." in text and text.replace(".", "", 1).isdigit() else value

    def clean(self, value: Any) -> Any:
        number = super().clean(value)
        return None if number is None else f"{number:f}"
