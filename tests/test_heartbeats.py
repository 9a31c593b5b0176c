"""Heartbeats come from the real processes, out of the loop that does their work, and end with it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from django.db import connection
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.stack import wait_for
from traderagent import heartbeats
from traderagent.embedded.home import PROJECT
from traderagent.embedded.processes import find


@pytest.fixture(autouse=True)
def no_heartbeats() -> Iterator[None]:
    redis = heartbeats.connection()
    redis.delete(*map(heartbeats.key, heartbeats.PROCESSES))
    yield
    redis.delete(*map(heartbeats.key, heartbeats.PROCESSES))


@contextmanager
def running(name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the stack on the test's own database and Redis."""
    server, _, rest = os.environ["DATABASE_URL"].rpartition("/")
    query = f"?{rest.partition('?')[2]}" if "?" in rest else ""
    environ = {**os.environ, "DATABASE_URL": f"{server}/{connection.settings_dict['NAME']}{query}"}
    process = subprocess.Popen(
        find(name).command({"RESEARCH_WORKERS": "1", "TICK_WORKERS": "1"}),
        cwd=PROJECT,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGCONT)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def written(name: str) -> int | None:
    return heartbeats.read()[name]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", [heartbeats.WORKER_TICKS, heartbeats.WORKER_RESEARCH, heartbeats.BEAT])
def test_a_process_beats_while_it_turns_and_only_then(name: str) -> None:
    with running(name) as process:
        first = wait_for(lambda: written(name) or 0, timeout=30, what=f"{name}'s first heartbeat")
        others = [other for other in heartbeats.PROCESSES if other != name]
        assert [written(other) for other in others] == [None, None, None]
        assert 0 < heartbeats.connection().ttl(heartbeats.key(name)) <= heartbeats.EXPIRY_SECONDS
        wait_for(lambda: (written(name) or 0) > first, timeout=60, what=f"{name}'s next heartbeat")
        # Frozen, not dead: its connections stay open, but it does nothing any more.
        os.killpg(process.pid, signal.SIGSTOP)
        wait_for(
            lambda: heartbeats.connection().ttl(heartbeats.key(name)) <= heartbeats.EXPIRY_SECONDS - 4,
            timeout=10,
            what="the heartbeat growing old",
        )


class Scheduler:
    def __init__(self, *results: float | Exception) -> None:
        self.results = list(results)

    def tick(self) -> float:
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


def test_beat_beats_only_when_its_scheduler_got_through() -> None:
    scheduler = Scheduler(RuntimeError("broker away"), 0.5)
    heartbeats._watch_beat(sender=SimpleNamespace(scheduler=scheduler))
    with pytest.raises(RuntimeError):
        scheduler.tick()
    assert written(heartbeats.BEAT) is None
    assert scheduler.tick() == 0.5
    assert written(heartbeats.BEAT) is not None


def test_a_redis_that_is_away_does_not_stop_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "connection", lambda: Redis(port=9, retry=Retry(NoBackoff(), 0)))
    heartbeats.write(heartbeats.BEAT, now_ms=1)
