"""The strategies that can be chosen, by name. Each is imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, Final

from strategies.contract import Strategy

AnyStrategy = Strategy[Any, Any]

_BUILT_IN: Final[Mapping[str, str]] = {
    "grid": "strategies.grid.logic:GridStrategy",
}


class UnknownStrategy(LookupError):
    """No strategy has this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"There is no strategy called {name!r}; known are: {', '.join(names())}.")


def names() -> list[str]:
    """The names of all strategies, without importing any."""
    return sorted(_BUILT_IN)


@cache
def get_strategy(name: str) -> AnyStrategy:
    """Raises :class:`UnknownStrategy`."""
    where = _BUILT_IN.get(name)
    if where is None:
        raise UnknownStrategy(name)
    module, _, attribute = where.partition(":")
    strategy: AnyStrategy = getattr(import_module(module), attribute)()
    return strategy


def strategies() -> list[AnyStrategy]:
    """All strategies, by name."""
    return [get_strategy(name) for name in names()]
