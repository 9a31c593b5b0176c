"""The strategies that can be chosen, by name: the built-in ones and those of a folder of one's own.

Each built-in one is imported when it is first asked for; the files of the folder are run when it is looked into, which
a question for a built-in strategy does not do.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Final

from strategies.user_files import AnyStrategy, FileProblem, UserFolder

_BUILT_IN: Final[Mapping[str, str]] = {
    "dca": "strategies.dca.logic:DcaStrategy",
    "grid": "strategies.grid.logic:GridStrategy",
    "hybrid": "strategies.hybrid.logic:HybridStrategy",
    "smc": "strategies.smc.logic:SmcStrategy",
    "trend": "strategies.trend.logic:TrendStrategy",
}

_folders: list[UserFolder] = []
_looking = Lock()


class UnknownStrategy(LookupError):
    """No strategy has this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        message = f"There is no strategy called {name!r}; known are: {', '.join(names())}."
        wrong = problems()
        if wrong:
            message += f" Not usable: {'; '.join(map(str, wrong))}."
        super().__init__(message)


def use_folder(folder: Path | None) -> None:
    """Where strategies of one's own lie, for the whole process. What was found in another folder is forgotten.

    A folder that does not exist is an empty one, and may come to exist later.
    """
    with _looking:
        _folders[:] = [] if folder is None else [UserFolder(folder)]


def names() -> list[str]:
    """The names of all strategies, without importing a built-in one."""
    return sorted({*_BUILT_IN, *_users()})


def get_strategy(name: str) -> AnyStrategy:
    """Raises :class:`UnknownStrategy`."""
    if name in _BUILT_IN:
        return _built_in(name)
    found = _users(look=False).get(name) or _users().get(name)
    if found is None:
        raise UnknownStrategy(name)
    return found[0]


def strategies() -> list[AnyStrategy]:
    """All strategies, by name."""
    return [get_strategy(name) for name in names()]


def source_of(name: str) -> Path | None:
    """The file of a strategy of one's own; ``None`` for a built-in one. Raises :class:`UnknownStrategy`."""
    if name in _BUILT_IN:
        return None
    get_strategy(name)
    return _users(look=False)[name][1]


def regimes_of(strategy: AnyStrategy) -> tuple[str, ...]:
    """The market regimes that a strategy suits: as it says itself, else those it is recommended for."""
    from strategies.regimes.regime import RECOMMENDATIONS

    own: tuple[str, ...] = tuple(getattr(strategy, "regimes", ()))
    return own or tuple(regime.value for regime, each in RECOMMENDATIONS.items() if each.strategy == strategy.name)


def problems() -> list[FileProblem]:
    """Everything in the folder that is not used, and why."""
    _users()
    found = [problem for folder in _folders for file in folder.files.values() for problem in file.problems]
    return found + _taken_names()


@cache
def _built_in(name: str) -> AnyStrategy:
    module, _, attribute = _BUILT_IN[name].partition(":")
    strategy: AnyStrategy = getattr(import_module(module), attribute)()
    return strategy


def _users(*, look: bool = True) -> dict[str, tuple[AnyStrategy, Path]]:
    """A name that is taken already is not given away again: the built-in strategy keeps it, then the first file."""
    with _looking:
        if look:
            for folder in _folders:
                folder.look()
        found: dict[str, tuple[AnyStrategy, Path]] = {}
        for strategy, path in _in_files():
            if strategy.name not in _BUILT_IN:
                found.setdefault(strategy.name, (strategy, path))
    return found


def _taken_names() -> list[FileProblem]:
    used = _users(look=False)
    return [
        FileProblem(path, 0, f"the name {strategy.name!r} is taken already: give the strategy another")
        for strategy, path in _in_files()
        if strategy.name in _BUILT_IN or used[strategy.name][0] is not strategy
    ]


def _in_files() -> list[tuple[AnyStrategy, Path]]:
    return [
        (strategy, path)
        for folder in _folders
        for path, file in sorted(folder.files.items())
        for strategy in file.strategies
    ]
