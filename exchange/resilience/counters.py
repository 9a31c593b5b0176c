"""What happened to requests, counted for all processes.

A process adds up what it sees and writes it to Redis about once a second, so that counting costs a call nothing. What a
killed process had not written yet is lost; no decision rests on these figures.

Keys:

* ``guard:counts`` — hash: name and labels, joined by ``|`` → a number that only grows
* ``guard:errors:{host}`` — list, newest first, the last 20: JSON of ``at`` (ms), ``kind``, ``text``
* ``guard:hosts`` — hash: host → JSON of ``exchange, environment, venue, limit, seconds, seen`` (ms)
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import redis
import structlog
from redis.exceptions import RedisError

from exchange.resilience.shared_state import shared_state

log = structlog.get_logger(__name__)

COUNTS_KEY = "guard:counts"
HOSTS_KEY = "guard:hosts"
KEPT_ERRORS = 20
FLUSH_S = 1.0
# Seconds. An exchange on another continent answers in 0.2; a request is given up after 10.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def errors_key(host: str) -> str:
    return f"guard:errors:{host}"


@dataclass(frozen=True, slots=True)
class Place:
    """A host and what it is; ``limit`` in ``seconds`` is its budget for all of us."""

    host: str
    exchange: str
    environment: str
    venue: str
    limit: int
    seconds: float


class Counters:
    """Thread-safe. ``wall`` is the wall clock in milliseconds."""

    def __init__(self, connect: Callable[[], redis.Redis], wall: Callable[[], int]) -> None:
        self._connect = connect
        self._wall = wall
        self._lock = threading.Lock()
        self._counts: dict[str, float] = defaultdict(float)
        self._errors: list[tuple[str, str]] = []
        self._places: dict[str, Place] = {}
        self._wake = threading.Event()
        self._writer_pid = 0

    def count_request(self, place: Place, group: str, outcome: str, seconds: float | None = None) -> None:
        """``seconds`` from sending to the answer; ``None`` when nothing was sent."""
        labels = f"{place.exchange}|{place.environment}|{group}"
        with self._lock:
            self._counts[f"requests|{labels}|{outcome}"] += 1
            self._places[place.host] = place
            if seconds is not None:
                at = bisect_left(BUCKETS, seconds)
                le = str(BUCKETS[at]) if at < len(BUCKETS) else "+Inf"
                self._counts[f"seconds|{labels}|{le}"] += 1
                self._counts[f"seconds_sum|{labels}"] += seconds
        self._write_soon()

    def count_error(self, place: Place, kind: str, text: str, *, listed: bool = True) -> None:
        entry = json.dumps({"at": self._wall(), "kind": kind, "text": text[:500]})
        with self._lock:
            self._counts[f"errors|{place.exchange}|{place.environment}|{kind}"] += 1
            if listed:
                self._errors.append((place.host, entry))
            del self._errors[:-200]  # an outage of Redis must not fill the memory
        self._write_soon()

    def flush(self) -> None:
        """Writes what has gathered. What cannot be written is kept for the next time."""
        with self._lock:
            counts, self._counts = self._counts, defaultdict(float)
            errors, self._errors = self._errors, []
            places, self._places = self._places, {}
        if not counts and not errors and not places:
            return
        try:
            self._write(counts, errors, places)
        except RedisError as error:
            log.debug("counts not written", error=str(error))
            with self._lock:
                for name, amount in counts.items():
                    self._counts[name] += amount
                self._errors = errors + self._errors
                self._places = places | self._places

    def _write(self, counts: dict[str, float], errors: list[tuple[str, str]], places: dict[str, Place]) -> None:
        pipeline: Any = self._connect().pipeline(transaction=True)
        for name, amount in counts.items():
            pipeline.hincrbyfloat(COUNTS_KEY, name, amount)
        for host, entry in errors:
            pipeline.lpush(errors_key(host), entry)
            pipeline.ltrim(errors_key(host), 0, KEPT_ERRORS - 1)
        for host, place in places.items():
            pipeline.hset(HOSTS_KEY, host, json.dumps({**asdict(place), "seen": self._wall()}))
        pipeline.execute()

    def _write_soon(self) -> None:
        if self._writer_pid != os.getpid():  # also in a worker that was forked from one that counted
            with self._lock:
                if self._writer_pid != os.getpid():
                    self._writer_pid = os.getpid()
                    self._wake = threading.Event()
                    threading.Thread(target=self._keep_writing, name="counts", daemon=True).start()
        self._wake.set()

    def _keep_writing(self) -> None:
        while True:
            self._wake.wait()
            time.sleep(FLUSH_S)
            self._wake.clear()
            self.flush()


@functools.cache
def counters() -> Counters:
    """The process's own; what it has left is written when the process ends in order."""
    made = Counters(lambda: shared_state().connection, lambda: time.time_ns() // 1_000_000)
    atexit.register(made.flush)
    return made
