"""Locks that die with their holder.

A PostgreSQL advisory lock belongs to a database session: when a worker is killed, its connection closes and the
server frees the lock at once, with no lease to wait for. It needs a session of its own, so no transaction-pooling
proxy may stand between a worker and the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from django.db import connection


class LockKind(IntEnum):
    BOT_TICK = 7301
    ACCOUNT_SYNC = 7302


@contextmanager
def try_lock(kind: LockKind, key: int) -> Iterator[bool]:
    """Yields whether this session got the lock; never waits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [int(kind), key])
        (held,) = cursor.fetchone()
    try:
        yield held
    finally:
        if held:
            _unlock(kind, key)


@contextmanager
def wait_for_lock(kind: LockKind, key: int) -> Iterator[None]:
    """Waits until this session has the lock. A holder that waits for another lock would be a deadlock: none does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [int(kind), key])
    try:
        yield
    finally:
        _unlock(kind, key)


def _unlock(kind: LockKind, key: int) -> None:
    # After an error the session may be gone, and the lock with it.
    if connection.connection is not None and not connection.connection.closed:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [int(kind), key])
