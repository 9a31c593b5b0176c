"""What is wrong with a fault rule."""

from __future__ import annotations


class FaultError(ValueError):
    """A rule cannot be understood or applied; the message says what was wrong and how to mend it."""
