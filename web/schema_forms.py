"""Forms that are generated from a pydantic model's JSON schema: a strategy's configuration, a preset.

A form only turns text into values; whether the values make sense is said by the model, once, and shown beside the field
that it names. What a field carries in its schema is told in ``strategies/fields.py``.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Protocol

from django import forms
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.forms.boundfield import BoundField
from django.utils.text import capfirst
from pydantic import BaseModel

# More choices than this are a drop-down, not radio buttons.
_MOST_RADIO_BUTTONS: Final = 3
# A bound as large as this only keeps numbers printable: nobody needs to be told.
_ENDLESS: Final = Decimal(10) ** 12
_BOUNDS: Final[Mapping[str, str]] = {
    "minimum": "ge",
    "exclusiveMinimum": "gt",
    "maximum": "le",
    "exclusiveMaximum": "lt",
}


class Fault(Protocol):
    """What is wrong: a dotted path and a sentence."""

    @property
    def field(self) -> str: ...

    @property
    def message(self) -> str: ...


@dataclass(slots=True)
class FieldGroup:
    """Fields that stand under one heading; the advanced ones are folded away."""

    title: str
    fields: list[BoundField] = field(default_factory=list)
    advanced: list[BoundField] = field(default_factory=list)

    @property
    def opened(self) -> bool:
        """Folded-away fields that are filled or wrong must be seen."""
        return any(item.errors or not is_default(item.field, item.value()) for item in self.advanced)


class SchemaForm(forms.Form):
    """A subclass holds fields of :func:`schema_fields`, perhaps beside others of its own."""

    def __init__(self, data: Any = None, *, initial: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, initial=dict(spread(initial or {}, self.base_fields)), label_suffix="")
        for name, item in self.fields.items():
            item.widget.attrs.setdefault("aria-describedby", f"{slot_id('help', name)} {slot_id('error', name)}")

    @property
    def generated(self) -> dict[str, forms.Field]:
        return {name: item for name, item in self.fields.items() if hasattr(item, "group")}

    @property
    def groups(self) -> list[FieldGroup]:
        return self.grouped(self.generated)

    def grouped(self, names: Iterable[str]) -> list[FieldGroup]:
        groups: dict[str, FieldGroup] = {}
        for name in names:
            item: Any = self.fields[name]
            group = groups.setdefault(item.group, FieldGroup(item.group))
            (group.advanced if item.advanced else group.fields).append(self[name])
        return list(groups.values())

    def given(self) -> dict[str, Any]:
        """The values that were given, by the fields' names. Only after ``is_valid``; what was no value is left out.

        A field that was emptied means none where there may be none, not its default.
        """
        found: dict[str, Any] = {}
        for name, item in self.generated.items():
            value = self.cleaned_data.get(name)
            if value not in (None, ""):
                found[name] = value
            elif item.nullable and name in self.cleaned_data and name in self.data:  # type: ignore[attr-defined]
                found[name] = None
        return found

    def add_problems(self, problems: Iterable[Fault]) -> None:
        """Beside the fields that they name; what names no field of this form stands at its head."""
        for problem in problems:
            self.add_error(problem.field if problem.field in self.fields else None, problem.message)


def schema_fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, forms.Field]]:
    """A field for each of the model's, named by its path behind ``prefix``; models inside of it are gone into, unless they begin
    with other values than by themselves: a part of those, given, would bring back the rest.

    Each carries ``unit``, ``group``, ``advanced``, ``nullable``, ``range`` (in words) and ``schema_default``.
    """
    schema = model.model_json_schema()
    required = set(schema.get("required", ()))
    for name, entry in schema["properties"].items():
        declared = model.model_fields[name]
        part, begins = declared.annotation, declared.default
        is_whole = isinstance(begins, BaseModel) and bool(begins.model_fields_set)
        if isinstance(part, type) and issubclass(part, BaseModel) and not is_whole:
            yield from schema_fields(part, f"{prefix}{name}.")
            continue
        # The schema sorts its keys; choices are to be read in the order in which the model has them.
        extra = declared.json_schema_extra
        own = extra if isinstance(extra, dict) else {}
        yield prefix + name, _field(name, _resolve(entry, schema) | own, required=name in required)


def for_address(value: Any) -> str:
    """What :func:`from_address` reads back: None is an emptied field."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict | list):
        return json.dumps(value)
    return "" if value is None else str(value)


def spread(values: Mapping[str, Any], fields: Container[str], inside: str = "") -> Iterator[tuple[str, Any]]:
    """``{"fees": {"maker": 1}}`` as ``fees.maker``, unless ``fees`` itself is a field."""
    for name, value in values.items():
        path = f"{inside}{name}"
        if isinstance(value, Mapping) and value and path not in fields:
            yield from spread(value, fields, f"{path}.")
        else:
            yield path, value


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """``fees.maker`` as ``{"fees": {"maker": 1}}``."""
    found: dict[str, Any] = {}
    for path, value in values.items():
        *parents, name = path.split(".")
        place = found
        for parent in parents:
            place = place.setdefault(parent, {})
        place[name] = value
    return found


def slot_id(kind: str, field_name: str) -> str:
    """The HTML id of a field's help or error slot."""
    return f"{kind}-{field_name.replace('.', '-')}"


def is_default(item: forms.Field, value: Any) -> bool:
    """Of a generated field: whether ``value``, typed or read, means its default."""
    default = getattr(item, "schema_default", None)
    if isinstance(item, forms.BooleanField):
        return bool(value) == bool(default)
    if value in (None, "") or default in (None, ""):
        return (value in (None, "")) == (default in (None, ""))
    if isinstance(item, _NumberField | _WholeNumberField):
        try:
            return Decimal(str(value)) == Decimal(str(default))
        except InvalidOperation:
            return False
    return str(value) == str(default)


def from_address(fields: Mapping[str, forms.Field], query: Mapping[str, str]) -> dict[str, Any]:
    """Initial values out of an address's query: there a switch that is off is the word ``False``."""
    return {
        name: value.lower() == "true" if isinstance(fields[name], forms.BooleanField) else value
        for name, value in query.items()
        if name in fields
    }


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
    made.range = _range(entry)  # type: ignore[attr-defined]
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
        messages["invalid"] = f"{label} is a whole number"
        widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
        return _WholeNumberField(widget=widget, error_messages=messages, **common)
    if kind == "number" or entry.get("format") == "decimal":
        messages["invalid"] = f"{label} is a number, written like 1850.25"
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        # Digits are handed on as text: the model decides whether it counts in decimals or in floats.
        return _NumberField(widget=widget, error_messages=messages, **common)
    if kind in ("array", "object"):
        messages["invalid"] = f'{label} is a list or a mapping, written like [1, 2] or {{"a": 1}}'
        widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
        return _StructureField(widget=widget, encoder=DjangoJSONEncoder, error_messages=messages, **common)
    return forms.CharField(error_messages=messages, **common)


def _range(entry: Mapping[str, Any]) -> str:
    """``1 to 500``, ``above 0, below 100``."""
    bounds = {_BOUNDS[key]: entry[key] for key in _BOUNDS if key in entry} | (entry.get("bounds") or {})
    limits = {key: Decimal(str(value)) for key, value in bounds.items()}
    limits = {key: value for key, value in limits.items() if abs(value) < _ENDLESS}
    if limits.keys() == {"ge", "le"}:
        return f"{limits['ge']:f} to {limits['le']:f}"
    words = (("gt", "above"), ("ge", "at least"), ("lt", "below"), ("le", "at most"))
    return ", ".join(f"{word} {limits[key]:f}" for key, word in words if key in limits)


class _Named(forms.Field):
    """Says what was typed when it is no value at all."""

    def clean(self, value: Any) -> Any:
        try:
            return super().clean(value)
        except ValidationError as error:
            if getattr(error, "code", None) != "invalid":
                raise
            raise ValidationError(f"{self.error_messages['invalid']} (given: {value}).", code="invalid") from error


class _WholeNumberField(_Named, forms.IntegerField):
    pass


class _NumberField(_Named, forms.DecimalField):
    def prepare_value(self, value: Any) -> Any:
        """``1800.00`` of a stored configuration is shown as 1800."""
        text = str(value) if value is not None else ""
        return text.rstrip("0").rstrip(".") if "." in text and text.replace(".", "", 1).isdigit() else value

    def clean(self, value: Any) -> Any:
        number = super().clean(value)
        return None if number is None else f"{number:f}"


class _StructureField(_Named, forms.JSONField):
    def prepare_value(self, value: Any) -> Any:
        if value is None or isinstance(value, str):  # text is as somebody wrote it
            return value or ""
        return super().prepare_value(value)
