"""Makes what the loop works on: numpy records for the compiled loop, objects and lists for the one in Python."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from backtests.loop.records import (
    ACCOUNT,
    FILL,
    MET,
    MOST_FILLS,
    MOST_REFUSED,
    MOST_SENT,
    REFUSED,
    SEEN,
    STANDING,
    WANTED,
)
from strategies.kernel import FOREVER, NOTE_NUMBERS

# Before every sequence that a strategy counts from.
NO_SEQUENCE = -(1 << 62)
# How many orders a strategy of one's own may want at once, and for how many there is room at first.
MOST_ORDERS = 500
FEW_ORDERS = 8
_TYPES: Mapping[type, Any] = {int: np.int64, float: np.float64, bool: np.bool_}


def record_type(fields: Mapping[str, type]) -> np.dtype[Any]:
    return np.dtype([(name, _TYPES[kind]) for name, kind in fields.items()], align=True)


def tables(*, orders: int, slots: int, columns: int) -> Any:
    """``orders`` is the most that can be wanted at once, ``columns`` how many values a feature row has."""
    # All that stands can be filled on the way to a point and be replaced by as many market orders there.
    met, seen = orders + 1, 2 * orders + 2
    fields = [
        ("standing", record_type(STANDING), (slots,)),
        ("active", np.int64, (slots,)),
        ("wanted", record_type(WANTED), ((1 + MOST_SENT) * (orders + 1),)),
        ("block", np.int64),
        ("due", np.int64, (MOST_SENT,)),
        ("counts", np.int64, (MOST_SENT,)),
        ("seen", record_type(SEEN), (seen,)),
        ("met", record_type(MET), (met,)),
        ("fills", record_type(FILL), (MOST_FILLS,)),
        ("refused", record_type(REFUSED), (MOST_REFUSED,)),
        ("notes", np.float64, (1, NOTE_NUMBERS + 1)),
        ("row", np.float64, (max(1, columns),)),
        ("full_at", np.int64),
    ]
    if 4 * seen > MOST_FILLS:  # within a candle
        raise ValueError(f"{orders} orders at once could fill more often within a candle than there is room for")
    made = np.zeros(1, np.dtype(fields, align=True)).view(np.recarray)[0]
    for name in ("done", "part", "refused", "denied"):
        made["standing"][name] = NO_SEQUENCE
    made["full_at"] = MOST_FILLS - 4 * seen
    made["block"] = orders + 1
    made["row"] = np.nan
    return made


def account(quote: float) -> Any:
    made = np.zeros(1, record_type(ACCOUNT)).view(np.recarray)[0]
    made.quote, made.row, made.points, made.retry_at = quote, -2, FOREVER, FOREVER
    return made


def unnamed(record: np.record) -> Any:
    """The same memory without names as attributes, which Python reads, and hands to machine code, many times as fast."""
    return record.view(np.dtype((np.void, record.dtype)))


def memory_of(record: Any) -> Any:
    """The same memory as bytes, to be called with where machine code is found already (``Compiled.entry``).

    That code takes of a record the address of its ``data``. Of a record numpy tells with it what each field is, which
    takes as long as several steps; of bytes there is nothing to tell.
    """
    return np.ndarray(record.dtype.itemsize, np.uint8, record)


def plain_tables(*, latency: int) -> Any:
    """The same as objects and lists, for the loop in Python; they grow with what a strategy wants.

    With latency there is room for each set of orders that can be on its way. There is no row: a strategy looks its row up
    itself.
    """
    made = SimpleNamespace(
        standing=[],
        active=[],
        wanted=[],
        block=0,
        due=[0] * MOST_SENT,
        counts=[0] * MOST_SENT,
        seen=[],
        met=[],
        fills=[],
        refused=_objects(REFUSED, MOST_REFUSED),
        notes=None,
        row=[],
        full_at=0,
        sets=1 + MOST_SENT if latency else 1,
    )
    make_room(made, MOST_ORDERS if latency else FEW_ORDERS)
    return made


def make_room(table: Any, orders: int) -> None:
    """Room for so many orders at once. Raises ``ValueError`` for more than are allowed."""
    if orders > MOST_ORDERS:
        raise ValueError(f"the strategy wants {orders} orders at once: {MOST_ORDERS} are the most")
    seen = 2 * orders + 2
    table.block = orders + 1
    lists = ((table.wanted, WANTED, table.sets * table.block), (table.seen, SEEN, seen), (table.met, MET, orders + 1))
    for rows, fields, count in (*lists, (table.fills, FILL, 8 * seen)):
        rows.extend(_objects(fields, count - len(rows)))
    table.full_at = 4 * seen


def add_slot(table: Any) -> None:
    """Makes room for one slot more in the tables of a loop in Python."""
    (order,) = _objects(STANDING, 1)
    order.done = order.part = order.refused = order.denied = NO_SEQUENCE
    table.standing.append(order)
    table.active.append(0)


def plain_account(quote: float) -> Any:
    (made,) = _objects(ACCOUNT, 1)
    made.quote, made.row, made.points, made.retry_at = quote, -2, FOREVER, FOREVER
    return made


def _objects(fields: Mapping[str, type], count: int) -> list[Any]:
    kind = _object_type(tuple(fields.items()))
    return [kind() for _ in range(count)]


@cache
def _object_type(fields: tuple[tuple[str, type], ...]) -> type:
    """A class with these attributes, each 0 at first; slots are quicker to read and write than a dictionary."""
    zeros = [(name, kind()) for name, kind in fields]

    def begin(self: Any) -> None:
        for name, zero in zeros:
            setattr(self, name, zero)

    return type("Record", (), {"__slots__": tuple(name for name, _ in fields), "__init__": begin})
