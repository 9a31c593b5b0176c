"""Who works on what. A worker claims a row by a conditional update, tells every few seconds that it lives, and gives its
answer only while the row is still its own. A row whose worker was not heard of for a while is anybody's again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

import structlog
from django.conf import settings
from django.db import Error, connections
from django.db.models import F, QuerySet
from django.utils import timezone

from backtests.models import JobStatus, Leased

log = structlog.get_logger(__name__)


class LeaseLost(Exception):
    """The row was cancelled, or handed to somebody else. There is nothing to tell anybody."""


class Lease:
    """``rows`` is the query set that holds the row as long as it may be worked on."""

    def __init__(self, rows: QuerySet[Any], token: uuid.UUID) -> None:
        self._rows = rows.filter(token=token, status=JobStatus.RUNNING)
        self._lost = Event()
        self._over = Event()

    def check(self) -> None:
        """Raises :class:`LeaseLost`. Costs nothing: call it as often as you like."""
        if self._lost.is_set():
            raise LeaseLost

    def write(self, **values: Any) -> None:
        """Writes to the row while it is this worker's, else raises :class:`LeaseLost`."""
        if self._rows.update(**values) != 1:
            self._lost.set()
            raise LeaseLost

    @contextmanager
    def kept_alive(self) -> Iterator[None]:
        beat = Thread(target=self._beat, name="lease", daemon=True)
        beat.start()
        try:
            yield
        finally:
            self._over.set()
            beat.join()

    def _beat(self) -> None:
        """Its own connection, on its own thread: a run that computes for minutes does not stop it."""
        try:
            while not self._over.wait(lease_length().total_seconds() / 4):
                try:
                    if self._rows.update(beat_at=timezone.now()) != 1:
                        self._lost.set()
                        return
                except Error as error:
                    # The database may be back before the lease is over; if not, somebody else takes the row.
                    log.warning("a lease could not be renewed", error=str(error))
                    connections.close_all()
        finally:
            connections.close_all()


def lease_length() -> timedelta:
    return timedelta(seconds=settings.RESEARCH_LEASE_SECONDS)


def claim(rows: QuerySet[Any]) -> Lease | None:
    """``None`` when the row is not there to be had: done, cancelled, or in other hands."""
    token = uuid.uuid4()
    claimed = rows.filter(status=JobStatus.QUEUED).update(
        status=JobStatus.RUNNING, token=token, beat_at=timezone.now(), attempts=F("attempts") + 1
    )
    return Lease(rows, token) if claimed == 1 else None


def hand_back(rows: QuerySet[Any], now: datetime) -> list[int]:
    """Queues again what a worker left behind, and tells which ones. ``rows`` are all of a kind that may be worked on."""
    kind: type[Leased] = rows.model
    silent = rows.filter(status=JobStatus.RUNNING, beat_at__lt=now - lease_length())
    found = []
    for key, token in silent.values_list("pk", "token"):
        back = kind._default_manager.filter(pk=key, token=token, status=JobStatus.RUNNING)
        if back.update(status=JobStatus.QUEUED, token=None):
            log.warning("a worker was not heard of; its work is handed on", kind=kind.__name__, id=key)
            found.append(key)
    return found
