"""The secrets of one home: made at random the first time, the same ever after."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from traderagent.embedded.environment import read_environment, write_environment

_MAKERS: Mapping[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(50),
    # A Fernet key: 32 bytes in URL-safe base 64.
    "FIELD_ENCRYPTION_KEY": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    "DEMO_PASSWORD": lambda: secrets.token_urlsafe(9),
    "SIMULATOR_API_KEY": lambda: secrets.token_hex(9),
    "SIMULATOR_API_SECRET": lambda: secrets.token_hex(18),
    "REDIS_PASSWORD": lambda: secrets.token_hex(16),
}


def random_secrets() -> dict[str, str]:
    """A fresh value for each secret that a stack needs."""
    return {name: make() for name, make in _MAKERS.items()}


def load_secrets(path: Path) -> dict[str, str]:
    """The secrets kept in ``path``; those that are missing are made and kept (mode 0600)."""
    kept = read_environment(path)
    values = {name: kept.get(name) or make() for name, make in _MAKERS.items()}
    if values != kept:
        write_environment(path, values)
    return values
