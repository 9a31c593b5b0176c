"""The JSON schemas of results: what ``manage.py backtest --json`` writes and the API gives (docs/backtesting/running.md)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

_FOLDER: Final = Path(__file__).resolve().parent
# What a schema says of itself as a document.
_OF_A_DOCUMENT: Final = ("$schema", "$id")


@cache
def schema_of(name: str) -> dict[str, Any]:
    """``result`` of one bot, or ``portfolio``: with everything in it that its references name in the other documents."""
    found: dict[str, Any] = _whole(_document(f"{name}.schema.json"))
    return {key: value for key, value in found.items() if key not in _OF_A_DOCUMENT}


def _whole(part: Any) -> Any:
    if isinstance(part, list):
        return [_whole(each) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" not in part:
        return {key: _whole(value) for key, value in part.items()}
    name, _, path = part["$ref"].partition("#/")
    found = _document(name)
    for key in path.split("/"):
        found = found[key]
    return _whole(found)


@cache
def _document(name: str) -> Any:
    return json.loads((_FOLDER / name).read_text(encoding="utf-8"))
