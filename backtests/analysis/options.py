"""What an examination can be told besides its subject: one table for the command line, the API and the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from strategies.contract import Problem


@dataclass(frozen=True, slots=True)
class Option:
    """``default`` is of the option's type: a whole number, a number, true or false, a word of ``choices``, or a tuple of
    words. Numbers lie between ``least`` and ``most``; ``inside`` excludes both."""

    name: str
    default: bool | int | float | str | tuple[str, ...]
    help: str
    least: float = 0.0
    most: float = math.inf
    inside: bool = False
    choices: tuple[str, ...] = ()

    @property
    def is_number(self) -> bool:
        return isinstance(self.default, int | float) and not isinstance(self.default, bool)

    def read(self, said: object) -> Any:
        """Raises ``ValueError`` with the mend."""
        if isinstance(self.default, bool):
            if not isinstance(said, bool):
                raise ValueError(f"{said!r} is neither true nor false")
            return said
        if isinstance(self.default, tuple):
            words = said.split() if isinstance(said, str) else said
            if not isinstance(words, list | tuple) or not all(isinstance(each, str) for each in words):
                raise ValueError(f"{said!r} must be a list of words")
            return tuple(words)
        if isinstance(self.default, str):
            if said not in self.choices:
                raise ValueError(f"{said!r} is none of {', '.join(self.choices)}")
            return said
        return self._number(said)

    def _number(self, said: object) -> int | float:
        whole = isinstance(self.default, int)
        try:
            value = Decimal(str(said))
        except InvalidOperation:
            value = Decimal("NaN")
        wanted = f"{'a whole number' if whole else 'a number'} {self.span}"
        if isinstance(said, bool) or not value.is_finite() or (whole and value != int(value)):
            raise ValueError(f"{said!r} must be {wanted}")
        number = int(value) if whole else float(value)
        is_edge = number in (self.least, self.most)
        if not self.least <= number <= self.most or (self.inside and is_edge):
            raise ValueError(f"{said} must be {wanted}")
        return number

    @property
    def span(self) -> str:
        if math.isinf(self.most):
            return f"from {self.least:,g} on"
        least, most = f"{self.least:,.12g}", f"{self.most:,.12g}"
        return f"between {least} and {most}" if self.inside else f"from {least} to {most}"


def read_options(options: Sequence[Option], said: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Every option with what was said of it or its default, and what is wrong."""
    known = {each.name: each for each in options}
    problems = [
        Problem(name, f"{name} is not known here; there are {', '.join(known) or 'no options'}.", str(said[name]))
        for name in said
        if name not in known
    ]
    found: dict[str, Any] = {}
    for name, option in known.items():
        found[name] = option.default
        if said.get(name) is None:
            continue
        try:
            found[name] = option.read(said[name])
        except ValueError as error:
            problems.append(Problem(name, f"{name}: {error}.", str(said[name])))
    return found, problems
