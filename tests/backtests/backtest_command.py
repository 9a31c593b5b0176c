"""``manage.py backtest`` called within the test: what it says, why it refuses, what it writes."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("backtest", *arguments, stdout=out)
    return out.getvalue()


def refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as raised:
        said(*arguments)
    return str(raised.value)


def result(*arguments: str, out: Path) -> dict[str, Any]:
    said(*arguments, "--json", str(out))
    found: dict[str, Any] = json.loads(out.read_bytes())
    return found
