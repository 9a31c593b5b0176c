"""Fields of a strategy's configuration, with what forms, the API schema and the documentation are made from.

Beside its constraints every field carries ``unit``, ``group`` and ``advanced`` in its JSON schema, numbers ``bounds``
(``gt``, ``ge``, ``lt``, ``le`` as strings) and words ``choices`` (value to label). ``quote`` as a unit stands for the
market's own quote coin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError, WithJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError

from strategies.contract import StrategyConfig

# A number on the wire is a string, so that no float rounds it on the way.
Number = Annotated[Decimal, WithJsonSchema({"type": "string", "format": "decimal"})]

LARGEST: Final = Decimal(10) ** 12
TIMEFRAMES: Final = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d")

# A field and what is wrong with it.
Fault = tuple[str, str]


def number(
    default: Any,
    title: str,
    description: str,
    *,
    unit: str,
    group: str,
    advanced: bool = False,
    **bounds: Decimal | int,
) -> Any:
    extra: dict[str, Any] = {
        "unit": unit,
        "group": group,
        "advanced": advanced,
        "bounds": {name: str(bound) for name, bound in bounds.items()},
    }
    constraints: dict[str, Any] = dict(bounds)
    return Field(default, title=title, description=description, json_schema_extra=extra, **constraints)


def choice(
    default: Any, title: str, description: str, *, group: str, choices: Mapping[str, str], advanced: bool = False
) -> Any:
    extra: dict[str, Any] = {
        "title": title,  # pydantic drops the title of a field that is a reference to an enum
        "unit": "",
        "group": group,
        "advanced": advanced,
        "choices": dict(choices),
    }
    return Field(default, title=title, description=description, json_schema_extra=extra)


def switch(title: str, description: str, *, group: str, default: bool = False, advanced: bool = False) -> Any:
    extra: dict[str, Any] = {"unit": "", "group": group, "advanced": advanced}
    return Field(default, title=title, description=description, json_schema_extra=extra)


def timeframe(default: str, title: str, description: str, *, group: str, advanced: bool = False) -> Any:
    extra: dict[str, Any] = {
        "unit": "",
        "group": group,
        "advanced": advanced,
        "choices": {frame: frame for frame in TIMEFRAMES},
    }
    pattern = f"^({'|'.join(TIMEFRAMES)})$"
    return Field(default, title=title, description=description, pattern=pattern, json_schema_extra=extra)


def refusal(config: StrategyConfig, faults: Iterable[Fault]) -> ValidationError:
    """The error that tells each fault beside its field."""
    name = type(config).__name__
    return ValidationError.from_exception_data(
        name,
        [
            InitErrorDetails(
                type=PydanticCustomError("config", "{sentence}", {"sentence": sentence}),
                loc=(field,),
                input=getattr(config, field),
            )
            for field, sentence in faults
        ],
    )
