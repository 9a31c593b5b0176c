"""Configurations as YAML that people would have written, and that :mod:`strategies.yaml_document` reads back unchanged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import yaml

# Short enough that the float in between is exact.
_PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,9})(?:\.\d{0,4}[1-9])?\Z")


def written(document: Mapping[str, Any]) -> str:
    text: str = yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text


class Literal(str):
    """Text that is written as it is, so that its ``${…}`` is substituted when it is read again."""


class _Dumper(yaml.SafeDumper):
    pass


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Decimals are text in a configuration; those that a float holds exactly are written as people write numbers."""
    if _PLAIN_NUMBER.match(text) and Decimal(text) == Decimal(repr(float(text))):
        tag = "tag:yaml.org,2002:float" if "." in text else "tag:yaml.org,2002:int"
        return dumper.represent_scalar(tag, text)
    return dumper.represent_str(text)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(Literal, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text)))


def escaped(value: Any) -> Any:
    """With each ``${`` kept from being substituted."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, dict):
        return {escaped(key): escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [escaped(item) for item in value]
    return value
