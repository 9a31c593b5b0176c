"""What the services of back-tests answer when they refuse. Each interface renders these."""

from __future__ import annotations

from collections.abc import Sequence

from strategies.contract import Problem


class BackTestRefused(Exception):
    """``problems`` name field, value and mend; ``field`` is dotted from the request (``preset.config.grids``)."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(problem.message for problem in problems))


class NotDone(Exception):
    """There is no result yet, or none at all. ``str()`` is a sentence."""


class ResultImmutable(Exception):
    """A result is never changed. ``str()`` is a sentence."""
