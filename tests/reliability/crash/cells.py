"""What is combined with what."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product


class Phase(StrEnum):
    """How far an order, a cancel or an amendment has come when the fault strikes."""

    BEFORE_COMMIT = "before commit"  # written in the tick's transaction, which is still open
    AFTER_COMMIT = "after commit"  # in the database, nothing sent
    SENT = "sent"  # on the wire, not yet at the exchange
    ACCEPTED = "accepted"  # done by the exchange, the answer has not come back
    ANSWERED = "answered"  # the answer is here, not yet written down
    RECORDED = "recorded"


class Fault(StrEnum):
    KILL_WORKER = "kill -9 of the worker"
    CONNECTION = "connection lost"
    DATABASE = "database restart"
    REDIS = "Redis restart"
    SIMULATOR = "simulator restart"


class Operation(StrEnum):
    PLACE = "place"
    CANCEL = "cancel"
    AMEND = "amend"
    STOP_ORDER = "stop order"


class Book(StrEnum):
    """Where the bot's orders rest: at the exchange, or in the paper account's book."""

    GRID = "grid"
    PAPER = "paper"


@dataclass(frozen=True, slots=True)
class Cell:
    phase: Phase
    fault: Fault
    operation: Operation
    book: Book

    def __str__(self) -> str:
        return f"{self.book} · {self.operation} · {self.phase} · {self.fault}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """``complaints`` is empty when the cell held; ``safe_after`` seconds passed from the fault until it was mended."""

    cell: Cell
    complaints: tuple[str, ...]
    safe_after: float
    seconds: float


ALL = tuple(Cell(*combination) for combination in product(Phase, Fault, Operation, Book))


def choose(names: Sequence[str]) -> tuple[Cell, ...]:
    """The cells that have every one of ``names`` ("kill", "amend", "paper"…) in their description."""
    return tuple(cell for cell in ALL if all(name.lower() in str(cell).lower() for name in names))


# What the tests run: 6, 5 and 4 have no common measure but 2, so that sixteen steps along all three together meet every
# phase, fault and operation in ever other company, on both books.
SUBSET = tuple(
    Cell(
        list(Phase)[step % len(Phase)],
        list(Fault)[step % len(Fault)],
        list(Operation)[step % len(Operation)],
        list(Book)[step // 2 % len(Book)],
    )
    for step in range(16)
)


def lane(cells: Iterable[Cell], number: int, lanes: int) -> list[Cell]:
    """Every ``lanes``-th cell, mixed: a service that is killed time and again is started ever more slowly."""
    mixed = list(cells)
    random.Random(1).shuffle(mixed)
    return mixed[number::lanes]
