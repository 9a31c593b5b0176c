"""Times and periods as they are written on the command line."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from typing import Final

WRITTEN: Final = "2025-05-01, 2025-05-01T12:00 (UTC) or milliseconds"


def add_period(
    parser: ArgumentParser, begins: str = "the first moment", ends: str = "the first moment that is left out"
) -> None:
    """``--from`` and ``--to``, as ``since`` and ``until``: milliseconds UTC, None where they are left out."""
    parser.add_argument("--from", dest="since", type=moment, metavar="TIME", help=f"{begins}: {WRITTEN}")
    parser.add_argument("--to", dest="until", type=moment, metavar="TIME", help=ends)


def moment(text: str) -> int:
    """Milliseconds UTC. Raises ``ArgumentTypeError``."""
    if text.isdigit() and len(text) > 8:
        return int(text)
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no time: write {WRITTEN}") from error
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)
