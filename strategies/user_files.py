"""Strategies in files of one's own: each ``.py`` of a folder is run once, and what is wrong with it is told.

A file is as trusted as the program itself. One that fails is reported with file and line and stops no other; it is
tried again when it was changed. One that works is kept until the process ends: a bot does not change its mind in the
middle of a run because somebody saves a file.
"""

from __future__ import annotations

import inspect
import sys
import traceback
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from strategies.contract import Strategy, StrategyConfig

AnyStrategy = Strategy[Any, Any]

PACKAGE: Final = "user_strategies"
_TEXTS: Final = ("name", "version", "title", "description")
_METHODS: Final = ("initial_state", "step", "dump", "load", "preflight", "levels")


@dataclass(frozen=True, slots=True)
class FileProblem:
    """Why a file, or one class of it, is not used. ``line`` is 0 when it is the file as a whole."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        where = f"{self.path}, line {self.line}" if self.line else str(self.path)
        return f"{where}: {self.message}"


@dataclass(frozen=True, slots=True)
class UserFile:
    """What a file holds. ``stamp`` tells whether it was changed since."""

    path: Path
    stamp: tuple[int, int]
    strategies: tuple[AnyStrategy, ...] = ()
    problems: tuple[FileProblem, ...] = ()


@dataclass(slots=True)
class UserFolder:
    """The strategies of one folder; each :meth:`look` finds what has been added since."""

    path: Path
    files: dict[Path, UserFile] = field(default_factory=dict)

    def look(self) -> None:
        for path in sorted(self.path.glob("[!_]*.py")):
            known = self.files.get(path)
            if known is not None and (not known.problems or known.stamp == _stamp(path)):
                continue
            self.files[path] = read_user_file(path)


def read_user_file(path: Path) -> UserFile:
    """Runs the file. Nothing that it raises comes out of here."""
    try:
        stamp = _stamp(path)
        module = _run(path)
    except (Exception, SystemExit) as error:  # noqa: BLE001  whatever a file of somebody else's may raise
        return UserFile(path, _stamp(path) if path.exists() else (0, 0), problems=(problem_of(path, error),))
    candidates: list[type[Any]] = [
        each
        for each in vars(module).values()
        if inspect.isclass(each) and each.__module__ == module.__name__ and hasattr(each, "step")
        if not each.__name__.startswith("_")
    ]
    if not candidates:
        return UserFile(path, stamp, problems=(FileProblem(path, 0, "holds no class with a method step"),))
    found, problems = list[AnyStrategy](), list[FileProblem]()
    for candidate in candidates:
        try:
            why = _incomplete(candidate)
            if not why:
                found.append(candidate())
        except Exception as error:  # noqa: BLE001
            problems.append(problem_of(path, error))
            continue
        if why:
            problems.append(
                FileProblem(path, inspect.getsourcelines(candidate)[1], f"class {candidate.__name__} {why}")
            )
    return UserFile(path, stamp, tuple(found), tuple(problems))


def _run(path: Path) -> ModuleType:
    name = f"{PACKAGE}.{path.stem}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is no Python file")
    module = module_from_spec(spec)
    # Dataclasses and pydantic look their module up while it is being run.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _incomplete(candidate: type[Any]) -> str:
    from strategies.regimes.regime import Regime

    for name in _TEXTS:
        if not isinstance(getattr(candidate, name, None), str):
            return f"has no {name}: give it one as text"
    config = getattr(candidate, "Config", None)
    if not (inspect.isclass(config) and issubclass(config, StrategyConfig)):
        return "has no Config: name the model of its parameters, a subclass of StrategyConfig"
    unknown = [each for each in getattr(candidate, "regimes", ()) if each not in list(Regime)]
    if unknown:
        return f"suits regimes that there are not: {', '.join(unknown)}; there are {', '.join(Regime)}"
    for name in _METHODS:
        if not callable(getattr(candidate, name, None)):
            return f"has no method {name}"
    return ""


def problem_of(path: Path, error: BaseException) -> FileProblem:
    """With the last line of the file that was being run when the error was raised."""
    what = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return FileProblem(path, error.lineno or 0, f"{type(error).__name__}: {error.msg}")
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return FileProblem(path, (lines[-1] or 0) if lines else 0, what)


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size
