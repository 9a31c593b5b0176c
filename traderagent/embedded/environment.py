"""The environment of the running stack, kept in its home so that commands in another shell find it."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from traderagent.embedded.home import Home, StackError, write_private


def read_environment(path: Path) -> dict[str, str]:
    """The ``KEY=VALUE`` lines of ``path``; empty without the file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def write_environment(path: Path, values: Mapping[str, str]) -> None:
    """Writes ``values`` for ``read_environment``. Raises ``StackError`` for a value of several lines."""
    for name, value in values.items():
        if "\n" in value or "\r" in value:
            raise StackError(f"{name} holds a line break; put it into a file and set {name}_FILE instead.")
    write_private(path, "".join(f"{name}={value}\n" for name, value in sorted(values.items())))


def load_environment(environ: MutableMapping[str, str] = os.environ) -> bool:
    """Adds the running stack's environment to ``environ``; what is set already wins. Returns whether it did.

    Does nothing when ``DATABASE_URL`` names a database already, or when no stack runs: an address from an earlier
    run would only lead nowhere.
    """
    if environ.get("DATABASE_URL") or environ.get("DATABASE_URL_FILE"):
        return False
    home = Home.from_environment(environ)
    if not home.is_running():
        return False
    values = read_environment(home.environment)
    for name, value in values.items():
        environ.setdefault(name, value)
    return bool(values)
