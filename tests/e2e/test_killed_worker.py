"""The tick worker is killed, ten times, in the middle of trading: no order doubled, none lost, the books equal."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections import Counter
from functools import partial
from typing import Any

import psycopg
import pytest

from tests.stack import DemoStack, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("killed-worker")]

KILLS = 10


def test_ten_kills_of_the_worker_double_nothing_and_lose_nothing() -> None:
    dice = random.Random(20250504)
    with DemoStack(speed=120) as stack:
        wait_for(lambda: fills(stack) >= 10, timeout=90, what="ten fills")
        for number in range(KILLS):
            time.sleep(dice.uniform(0.2, 3.0))
            before = fills(stack)
            killed = stack.kill("worker-ticks")
            stack.wait_restarted("worker-ticks", killed, timeout=30)
            wait_for(partial(traded_since, stack, before), timeout=60, what=f"trading after kill {number + 1}")
        wait_for(lambda: not unanswered(stack), timeout=30, what="an answer for every order")
        result = stack.manage("reconcile", check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        stack.manage("rebuild_ledger")
        assert_one_order_per_wish(stack)


def fills(stack: DemoStack) -> int:
    (count,) = rows(stack, "SELECT count(*) FROM bots_fill")[0]
    return int(count)


def traded_since(stack: DemoStack, before: int) -> bool:
    return fills(stack) > before


def unanswered(stack: DemoStack) -> list[Any]:
    """Stale ones only: while bots trade, some order is always on its way."""
    return rows(
        stack,
        "SELECT client_order_id FROM bots_order"
        " WHERE status IN ('intent', 'sent', 'unknown') AND created_at < now() - interval '10 seconds'",
    )


def rows(stack: DemoStack, query: str) -> list[Any]:
    with psycopg.connect(stack.own_environ["DATABASE_URL"]) as connection:
        return connection.execute(query).fetchall()


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
