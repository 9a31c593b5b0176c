"""Are the books of a stack what the exchange itself remembers? Read from both databases, past all our own code."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from typing import Any

import psycopg

from tests.stack import DemoStack


def rows(stack: DemoStack, query: str, parameters: Sequence[Any] = ()) -> list[Any]:
    with psycopg.connect(stack.own_environ["DATABASE_URL"]) as connection:
        return connection.execute(query, parameters).fetchall()


def unanswered(stack: DemoStack, seconds: float = 10) -> list[str]:
    """Orders without an answer for that long: while bots trade, some order is always on its way."""
    found = rows(
        stack,
        "SELECT client_order_id FROM bots_order"
        " WHERE status IN ('intent', 'sent', 'unknown') AND created_at < now() - make_interval(secs => %s)",
        [seconds],
    )
    return [client_order_id for (client_order_id,) in found]


def assert_books(stack: DemoStack) -> None:
    """Reconciliation is equal, the ledger can be rebuilt to the same digits, and nothing is there twice."""
    result = stack.manage("reconcile", check=False, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    stack.manage("rebuild_ledger")
    assert_one_order_per_wish(stack)


def assert_one_order_per_wish(stack: DemoStack) -> None:
    """From the exchange's own file: which orders it ever accepted, and what of each it filled."""
    path = stack.home.root / "simulator" / "exchange.sqlite3"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as exchange:
        accepted = Counter(link for (link,) in exchange.execute("SELECT link_id FROM orders"))
        executed = Counter(
            json.loads(payload)["execId"] for (payload,) in exchange.execute("SELECT payload FROM executions")
        )
    assert max(accepted.values()) == 1
    assert max(executed.values()) == 1
    known = {link for (link,) in rows(stack, "SELECT client_order_id FROM bots_order")}
    assert set(accepted) <= known
    # A wish that needed several orders never had more filled than it asked for, and never two that stood.
    wishes = rows(
        stack,
        "SELECT slot, max(amount), sum(filled), count(*) FILTER (WHERE status IN ('open', 'partially_filled'))"
        " FROM bots_order GROUP BY bot_id, run, slot, sequence",
    )
    assert [wish for wish in wishes if wish[2] > wish[1] or wish[3] > 1] == []
