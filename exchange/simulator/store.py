"""What survives the process: one SQLite file, written through before every answer.

With the write-ahead log a committed change is in the operating system's hands when the answer leaves, so it outlives
``kill -9`` of the process. It does not wait for the disk: a market that stood still for every flush would be worse than
one that has to begin anew after a power cut.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from exchange.simulator.accounts import Position
from exchange.simulator.orders import Execution, Order

_SCHEMA = """
create table if not exists meta (name text primary key, value text not null);
create table if not exists accounts (api_key text primary key, api_secret text not null);
create table if not exists balances (
    account text not null, coin text not null, wallet text not null, realised text not null,
    primary key (account, coin));
create table if not exists positions (
    account text not null, symbol text not null, size text not null, entry_value text not null,
    leverage text not null, realised text not null, created integer not null, updated integer not null,
    primary key (account, symbol));
create table if not exists orders (
    sequence integer primary key, order_id text not null, account text not null, category text not null,
    symbol text not null, link_id text not null, open integer not null, conditional integer not null,
    created integer not null, state blob not null);
create unique index if not exists orders_by_id on orders (account, order_id);
create unique index if not exists orders_by_link on orders (account, category, link_id) where link_id <> '';
create index if not exists orders_by_account on orders (account, category, sequence);
create index if not exists orders_by_time on orders (account, category, created, sequence);
create index if not exists open_orders on orders (open) where open = 1;
create table if not exists executions (
    sequence integer primary key, account text not null, category text not null, symbol text not null,
    order_id text not null, link_id text not null, time integer not null, payload blob not null);
create index if not exists executions_by_account on executions (account, category, sequence);
create index if not exists executions_by_time on executions (account, category, time, sequence);
create index if not exists executions_by_order on executions (account, order_id);
"""


class Store:
    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=off")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Not for nesting."""
        self._db.execute("begin")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def meta(self, name: str) -> str | None:
        row = self._db.execute("select value from meta where name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, name: str, value: str) -> None:
        self._db.execute("insert or replace into meta values (?, ?)", (name, value))

    def save_account(self, api_key: str, api_secret: str) -> None:
        self._db.execute("insert or replace into accounts values (?, ?)", (api_key, api_secret))

    def accounts(self) -> list[tuple[str, str]]:
        return self._db.execute("select api_key, api_secret from accounts").fetchall()

    def save_balance(self, account: str, coin: str, wallet: Decimal, realised: Decimal) -> None:
        self._db.execute(
            "insert or replace into balances values (?, ?, ?, ?)", (account, coin, str(wallet), str(realised))
        )

    def balances(self) -> list[tuple[str, str, str, str]]:
        return self._db.execute("select account, coin, wallet, realised from balances").fetchall()

    def save_position(self, account: str, one: Position) -> None:
        amounts = (str(one.size), str(one.entry_value), str(one.leverage), str(one.realised))
        row = (account, one.symbol, *amounts, one.created, one.updated)
        self._db.execute("insert or replace into positions values (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def positions(self) -> list[tuple[str, str, str, str, str, str, int, int]]:
        return self._db.execute("select * from positions").fetchall()

    def save_order(self, order: Order) -> None:
        self._db.execute(
            "insert or replace into orders values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                order.sequence,
                order.order_id,
                order.account,
                order.category,
                order.symbol,
                order.link_id,
                order.is_open,
                order.is_conditional,
                order.created,
                order.dump(),
            ),
        )

    def save_execution(self, execution: Execution, payload: bytes) -> None:
        order = execution.order
        self._db.execute(
            "insert into executions values (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                execution.sequence,
                order.account,
                order.category,
                order.symbol,
                order.order_id,
                order.link_id,
                execution.time,
                payload,
            ),
        )

    def open_orders(self) -> list[Order]:
        rows = self._db.execute("select state from orders where open = 1 order by sequence")
        return [Order.load(row[0]) for row in rows]

    def last_sequences(self) -> tuple[int, int]:
        """The highest order and execution numbers given out."""
        orders = self._db.execute("select coalesce(max(sequence), 0) from orders").fetchone()[0]
        executions = self._db.execute("select coalesce(max(sequence), 0) from executions").fetchone()[0]
        return int(orders), int(executions)

    def order_by_link(self, account: str, category: str, link_id: str) -> Order | None:
        row = self._db.execute(
            "select state from orders where account = ? and category = ? and link_id = ?", (account, category, link_id)
        ).fetchone()
        return None if row is None else Order.load(row[0])

    def order_by_id(self, account: str, order_id: str) -> Order | None:
        row = self._db.execute(
            "select state from orders where account = ? and order_id = ?", (account, order_id)
        ).fetchone()
        return None if row is None else Order.load(row[0])

    def closed_orders(
        self,
        account: str,
        category: str,
        *,
        limit: int,
        before: int | None = None,
        symbol: str | None = None,
        conditional: bool | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> list[Order]:
        """Newest first. ``before`` is the sequence of the last order of the page before."""
        conditions = _Conditions("open = 0 and account = ? and category = ?", account, category)
        conditions.add("sequence < ?", before)
        conditions.add("symbol = ?", symbol)
        conditions.add("conditional = ?", conditional)
        conditions.add("sequence >= ?", self._first_since("orders", "created", account, category, since))
        conditions.add("created <= ?", until)
        # The limit is a number of ours, never the request's text.
        query = f"select state from orders where {conditions.text} order by sequence desc limit {limit:d}"  # noqa: S608
        return [Order.load(row[0]) for row in self._db.execute(query, conditions.values)]

    def executions(
        self,
        account: str,
        category: str,
        *,
        limit: int,
        before: int | None = None,
        symbol: str | None = None,
        order_id: str | None = None,
        link_id: str | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> list[tuple[int, bytes]]:
        """(sequence, rendered execution), newest first."""
        conditions = _Conditions("account = ? and category = ?", account, category)
        conditions.add("sequence < ?", before)
        conditions.add("symbol = ?", symbol)
        conditions.add("order_id = ?", order_id)
        conditions.add("link_id = ?", link_id)
        conditions.add("sequence >= ?", self._first_since("executions", "time", account, category, since))
        conditions.add("time <= ?", until)
        query = (
            f"select sequence, payload from executions where {conditions.text} "  # noqa: S608
            f"order by sequence desc limit {limit:d}"
        )
        return self._db.execute(query, conditions.values).fetchall()

    def _first_since(self, table: str, column: str, account: str, category: str, since: int | None) -> int | None:
        """The sequence that a time begins at. Time rises with the sequence, and a scan by sequence stops there."""
        if since is None:
            return None
        query = (
            f"select sequence from {table} where account = ? and category = ? and {column} >= ? "  # noqa: S608
            f"order by {column}, sequence limit 1"
        )
        row = self._db.execute(query, (account, category, since)).fetchone()
        return _NONE_YET if row is None else int(row[0])


_NONE_YET = 1 << 62


class _Conditions:
    """A where clause with its values; conditions on ``None`` are left out."""

    def __init__(self, text: str, *values: object) -> None:
        self.text = text
        self.values: list[object] = list(values)

    def add(self, condition: str, value: object | None) -> None:
        if value is not None:
            self.text += f" and {condition}"
            self.values.append(value)
