"""A bot's settings in words, from its strategy's configuration model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strategies.contract import StrategyConfig
from web.schema_forms import schema_fields, spread


@dataclass(frozen=True, slots=True)
class Setting:
    label: str
    value: Any
    unit: str


def config_summary(model: type[StrategyConfig], config: Mapping[str, Any]) -> dict[str, list[Setting]]:
    """By group: every setting that was given or that has a default which does something."""
    groups: dict[str, list[Setting]] = {}
    fields = dict(schema_fields(model))
    values = dict(spread(config, fields))
    for name, item in fields.items():
        given = values.get(name)
        value = item.initial if given is None else given
        if value in (None, "") or (item.advanced and value == item.initial):  # type: ignore[attr-defined]
            continue
        words = dict(getattr(item, "choices", ()))
        setting = Setting(str(item.label), words.get(value, value) if words else value, item.unit)  # type: ignore[attr-defined]
        groups.setdefault(item.group, []).append(setting)  # type: ignore[attr-defined]
    return groups
