"""Every trial of a search in one SQLite file, which is only ever added to.

One process writes, any number may read meanwhile (write-ahead log). A trial is there or it is not: after ``kill -9`` the
file holds all that was committed, and the search goes on with the rest. The file itself refuses to have a result changed.

Reading goes row by row, so that a million trials need no more memory than ten.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np

from backtests.metrics.inputs import Floats
from backtests.search.parameters import Value, trial_key

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS search (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    hash TEXT NOT NULL,        -- of code, data and everything asked: other results do not belong here
    definition TEXT NOT NULL   -- JSON
) STRICT;
CREATE TABLE IF NOT EXISTS trial (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL,         -- of the parameters
    repeats INTEGER,           -- the number of the trial that had the same parameters before, if any
    parameters TEXT NOT NULL,  -- JSON
    measures TEXT,             -- JSON; nothing when the trial could not be run
    error TEXT,                -- why not
    returns BLOB               -- of each day, float32, when they are kept
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS trial_key ON trial (key) WHERE repeats IS NULL;
CREATE TRIGGER IF NOT EXISTS search_stays BEFORE UPDATE ON search BEGIN SELECT RAISE(ABORT, 'a search is not changed'); END;
CREATE TRIGGER IF NOT EXISTS trial_stays BEFORE UPDATE ON trial BEGIN SELECT RAISE(ABORT, 'a result is not changed'); END;
CREATE TRIGGER IF NOT EXISTS trial_kept BEFORE DELETE ON trial BEGIN SELECT RAISE(ABORT, 'a result is not deleted'); END;
"""
_COLUMNS: Final = "number, repeats, parameters, measures, error"


class StoreMismatch(ValueError):
    """The file holds another search than the one that is to go on in it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """``measures`` are the figures asked for, ``None`` for one that is not defined; without any the trial failed."""

    number: int
    parameters: Mapping[str, Value]
    measures: Mapping[str, float | None] | None
    error: str = ""
    repeats: int | None = None
    returns: Floats | None = None

    @property
    def key(self) -> str:
        return trial_key(self.parameters)


class TrialStore:
    """Opens the file, or makes it. Raises :class:`StoreMismatch` when it is of another search or no such file."""

    def __init__(self, path: Path, *, identity: str, definition: Mapping[str, Any]) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None)
        try:
            self._database.execute("PRAGMA journal_mode = WAL")
            # A power cut may take the last results, a killed process none: they are in the log by then.
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.executescript(_SCHEMA)
            self._belong(identity, definition)
        except BaseException as error:
            self._database.close()
            if isinstance(error, sqlite3.DatabaseError):
                raise StoreMismatch(f"{path} is not a file of trials: {error}. Take another file.") from error
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def add(self, trials: Iterable[Trial]) -> None:
        """All of them or none. Raises ``sqlite3.IntegrityError`` for a number or parameters that are there already."""
        rows = [
            (
                trial.number,
                trial.key,
                trial.repeats,
                json.dumps(trial.parameters),
                None if trial.measures is None else json.dumps(_defined(trial.measures)),
                trial.error or None,
                None if trial.returns is None else trial.returns.astype("<f4").tobytes(),
            )
            for trial in trials
        ]
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.executemany("INSERT INTO trial VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def numbers(self, first: int, end: int) -> set[int]:
        """Which of the numbers in ``[first, end)`` are done."""
        rows = self._database.execute("SELECT number FROM trial WHERE number >= ? AND number < ?", (first, end))
        return {number for (number,) in rows}

    def with_parameters(self, parameters: Mapping[str, Value]) -> Trial | None:
        """The trial that had these, the first one."""
        row = self._database.execute(
            f"SELECT {_COLUMNS} FROM trial WHERE key = ? AND repeats IS NULL",  # noqa: S608 (constant)
            (trial_key(parameters),),
        ).fetchone()
        return None if row is None else _trial(row)

    def trials(self, *, repeated: bool = False) -> Iterator[Trial]:
        """By number, without returns; those whose parameters came again only when asked for."""
        where = "" if repeated else "WHERE repeats IS NULL"
        with closing(self._database.cursor()) as cursor:
            for row in cursor.execute(f"SELECT {_COLUMNS} FROM trial {where} ORDER BY number"):  # noqa: S608 (constant)
                yield _trial(row)

    def count(self) -> int:
        """Of different combinations that are done, failed ones included."""
        (count,) = self._database.execute("SELECT COUNT(*) FROM trial WHERE repeats IS NULL").fetchone()
        return int(count)

    def failed(self) -> int:
        """Combinations that could not be run."""
        (count,) = self._database.execute(
            "SELECT COUNT(*) FROM trial WHERE repeats IS NULL AND measures IS NULL"
        ).fetchone()
        return int(count)

    def first_error(self) -> str:
        row = self._database.execute("SELECT error FROM trial WHERE error IS NOT NULL ORDER BY number").fetchone()
        return "" if row is None else str(row[0])

    def returns(self, most: int) -> tuple[list[int], Floats]:
        """Numbers of at most so many trials, spread evenly over all that have returns, and these: periods × trials."""
        where = "WHERE returns IS NOT NULL"
        (count,) = self._database.execute(f"SELECT COUNT(*) FROM trial {where}").fetchone()  # noqa: S608 (constant)
        stride = max(1, math.ceil(count / most))
        rows = self._database.execute(f"SELECT number, returns FROM trial {where} ORDER BY number")  # noqa: S608 (constant)
        chosen = [
            (number, np.frombuffer(held, "<f4").astype(np.float64))
            for place, (number, held) in enumerate(rows)
            if place % stride == 0
        ]
        if not chosen:
            return [], np.empty((0, 0))
        return [number for number, _ in chosen], np.column_stack(_of_equal_length([each for _, each in chosen]))

    def returns_of(self, number: int) -> Floats | None:
        """``None`` when they were not kept."""
        row = self._database.execute("SELECT returns FROM trial WHERE number = ?", (number,)).fetchone()
        return None if row is None or row[0] is None else np.frombuffer(row[0], "<f4").astype(np.float64)

    def _belong(self, identity: str, definition: Mapping[str, Any]) -> None:
        self._database.execute(
            "INSERT OR IGNORE INTO search VALUES (1, ?, ?)", (identity, json.dumps(definition, sort_keys=True))
        )
        held, said = self._database.execute("SELECT hash, definition FROM search").fetchone()
        if held == identity:
            return
        before = json.loads(said)
        changed = [name for name in sorted({*before, *definition}) if before.get(name) != definition.get(name)]
        raise StoreMismatch(
            f"{self.path} holds the results of another search: {', '.join(changed) or 'something'} changed since. "
            "Results are not mixed: take another file."
        )


def _trial(row: tuple[int, int | None, str, str | None, str | None]) -> Trial:
    number, repeats, parameters, measures, error = row
    return Trial(
        number, json.loads(parameters), None if measures is None else json.loads(measures), error or "", repeats
    )


def _defined(measures: Mapping[str, float | None]) -> dict[str, float | None]:
    return {name: value if value is not None and math.isfinite(value) else None for name, value in measures.items()}


def _of_equal_length(columns: list[Floats]) -> list[Floats]:
    """A run that was ruined or finished early earns nothing from then on."""
    longest = max(len(each) for each in columns)
    return [np.concatenate([each, np.zeros(longest - len(each))]) for each in columns]
