"""Signs of life of the background processes, in Redis, for ``/health``.

Each is a key ``heartbeat:NAME`` that holds the wall clock in milliseconds and expires by itself; a process that stops
turning stops writing.

* A worker writes from the consumer's own timer, in the loop that takes tasks from the broker. It is not a task: a
  queue that is busy with a long back-test is alive. That bots are really ticked shows in the age of the last tick.
* Beat writes from inside its scheduler's ``tick``: a thread beside it would go on while the scheduler hangs.
* The price stream writes its own (``exchange/stream/process.py``).
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import structlog
from celery import current_app
from celery.signals import beat_init, heartbeat_sent
from django.conf import settings
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

WORKER_TICKS = "worker-ticks"
WORKER_RESEARCH = "worker-research"
BEAT = "beat"
STREAM = "stream"
PROCESSES = (WORKER_TICKS, WORKER_RESEARCH, BEAT, STREAM)

_QUEUES = {"ticks": WORKER_TICKS, "research": WORKER_RESEARCH}
# Celery's worker sends every 2 s, beat turns at least every 5 s: two missed turns are not a death.
EXPIRY_SECONDS = 15
_BEAT_WRITES_EVERY_SECONDS = 1.0


@cache
def connection() -> Redis:
    """One per process, with short waits: neither a worker's loop nor ``/health`` may hang on Redis."""
    # One retry is for a pooled connection that a restarted server has closed.
    return Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 1))


def key(name: str) -> str:
    return f"heartbeat:{name}"


def write(name: str, *, now_ms: int) -> None:
    """Never raises for a Redis that is away: the process has better things to do, and its silence is the message."""
    try:
        connection().set(key(name), now_ms, ex=EXPIRY_SECONDS)
    except RedisError as error:
        log.warning("heartbeat not written", process=name, error=str(error))


def read() -> dict[str, int | None]:
    """Milliseconds of each process's last sign of life; ``None`` when it expired. Raises ``RedisError``."""
    values = connection().mget([key(name) for name in PROCESSES])
    return {name: None if value is None else int(value) for name, value in zip(PROCESSES, values, strict=True)}


def _worker_turned(**_: Any) -> None:
    for queue in current_app.amqp.queues.consume_from:
        if queue in _QUEUES:
            write(_QUEUES[queue], now_ms=time.time_ns() // 1_000_000)


def _watch_beat(sender: Any, **_: Any) -> None:
    """``sender`` is Celery's beat service."""
    scheduler = sender.scheduler
    tick = scheduler.tick
    last = float("-inf")

    def tick_and_tell(*arguments: Any, **options: Any) -> Any:
        nonlocal last
        delay = tick(*arguments, **options)
        if (now := time.monotonic()) - last >= _BEAT_WRITES_EVERY_SECONDS:
            last = now
            write(BEAT, now_ms=time.time_ns() // 1_000_000)
        return delay

    scheduler.tick = tick_and_tell


def connect() -> None:
    """Called once by the Celery application; has effect in workers and in beat only."""
    heartbeat_sent.connect(_worker_turned)
    beat_init.connect(_watch_beat)
