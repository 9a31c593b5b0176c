"""The same as a study, by the command."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command

from tests.backtests.jobs import cast


def written_by_command(kind: str, search: dict[str, Any], source: str, options: dict[str, Any], folder: Path) -> Any:
    """What the command writes, on this process."""
    preset, out = folder / "subject.yaml", folder / "out.json"
    preset.write_text(json.dumps({**search, "preset": cast.PRESET} if search else cast.PRESET))
    flags: list[str] = []
    for name, value in options.items():
        values = value if isinstance(value, list) else [value]
        flags += [
            text for each in values for text in ([f"--{name.replace('_', '-')}"] + [str(each)] * (each is not True))
        ]
    call_command(
        kind, str(preset), "--candles", *source.split(), *flags, "--workers", "1", "--json", str(out),
        stdout=StringIO(), stderr=StringIO(),
    )  # fmt: skip
    return json.loads(out.read_text())
