"""Removes a home with everything in it: ``make clean``."""

from __future__ import annotations

import shutil
import sys

from traderagent.embedded.home import Home, StackError

# A home holds at least one of them; a folder that holds none is somebody's else.
_MARKS = ("lock", "secrets", "postgres")


def clean(home: Home) -> bool:
    """Whether there was anything to remove. Raises ``StackError`` while the stack runs."""
    if not home.root.exists():
        return False
    if not any((home.root / mark).exists() for mark in _MARKS):
        raise StackError(f"{home.root} is not a home of TraderAgent: nothing was removed.")
    with home.lock():
        shutil.rmtree(home.root)
    return True


if __name__ == "__main__":
    home = Home.from_environment()
    try:
        print(f"Removed {home.root}." if clean(home) else f"Nothing to remove: there is no {home.root}.")
    except StackError as error:
        sys.exit(str(error))
