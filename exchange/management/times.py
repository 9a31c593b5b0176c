"""Times as they are written on the command line."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import UTC, datetime


def moment(text: str) -> int:
    """Milliseconds UTC. Raises ``ArgumentTypeError``."""
    if text.isdigit() and len(text) > 8:
        return int(text)
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(
            f"{text!r} is no time: write 2025-05-01, 2025-05-01T12:00 (UTC) or milliseconds"
        ) from error
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)
