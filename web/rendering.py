"""How values look on the wire."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.utils.encoders import JSONEncoder

_ZERO = Decimal(0)


def plain(value: Decimal) -> str:
    """Every digit that counts and no other: ``0.00000823``, ``1500``, never ``8.23E-6`` or ``1500.000000``."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if value == _ZERO else text


class PlainJSONEncoder(JSONEncoder):
    def default(self, obj: Any) -> Any:
        return plain(obj) if isinstance(obj, Decimal) else super().default(obj)


class PlainJSONRenderer(JSONRenderer):
    """Rows may hold decimals as they came from the database."""

    encoder_class = PlainJSONEncoder


class PlainDecimalField(serializers.DecimalField):
    """A decimal that is written as a plain string. Read-only: amounts come in through a strategy's configuration."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_digits=38, decimal_places=18, read_only=True, **options)

    def to_representation(self, value: Decimal) -> str:
        return plain(value)
