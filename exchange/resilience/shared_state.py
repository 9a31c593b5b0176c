"""Budgets, bans and breakers in Redis, one atomic script per question.

Keys:

* ``guard:budget:{bucket}`` — hash: slot → what was taken in it; ``blocked`` → until when nothing goes out (ms)
* ``guard:ban:{host}`` — hash: ``since, until, reason``; expires with the ban
* ``guard:breaker:{host}`` — hash: ``state, failures, first, since, until, probe, opened, reason``; gone when closed
* ``guard:log`` — list, newest first, the last 200: JSON of ``at`` (ms), ``host``, ``kind``, ``text``
"""

from __future__ import annotations

import functools
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
import structlog
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from exchange.resilience.limits import SHARES, Charge
from exchange.translation import Intent

log = structlog.get_logger(__name__)

LOG_KEY = "guard:log"
KEPT_LOG = 200
# The finer, the sooner a budget is given back, and the longer a question takes.
SLOTS = 20
# A guard must not be slower than what it guards: Redis is beside the workers or it is as good as gone.
TIMEOUT_S = 0.5
# How long a Redis that did not answer is not asked again, so that calls do not queue up before it.
DOWN_S = 1.0


def ban_key(host: str) -> str:
    return f"guard:ban:{host}"


def breaker_key(host: str) -> str:
    return f"guard:breaker:{host}"


def budget_key(bucket: str) -> str:
    return f"guard:budget:{bucket}"


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """``failures`` in a row within ``within`` seconds open it, for ``first_pause``, doubled up to ``longest_pause``."""

    failures: int = 5
    within: float = 60.0
    first_pause: float = 1.0
    longest_pause: float = 30.0
    # Longer than a request can take: a probe whose worker died must not keep the breaker open for ever.
    probe_lease: float = 15.0


@dataclass(frozen=True, slots=True)
class Admission:
    """``verdict``: ok, banned, open or full. ``wait`` seconds; ``role``: normal, probe or cancel; ``left`` by charge."""

    verdict: str
    wait: float
    role: str
    failures: int
    left: tuple[int, ...]


class SharedState:
    """All of it, for any number of threads. Every method raises ``RedisError`` when Redis does not answer.

    The time is Redis's own, so that the clocks of workers need not agree; ``clock`` (milliseconds) takes its place.
    """

    def __init__(
        self,
        connection: redis.Redis,
        policy: BreakerPolicy | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self.connection = connection
        self.policy = policy or BreakerPolicy()
        self._monotonic = monotonic
        self._clock = clock
        self._admit = _script(connection, "admit")
        self._settle = _script(connection, "settle")
        self._ban = _script(connection, "ban")
        self._correct = _script(connection, "correct")
        self._down_until = 0.0
        self._bans: dict[str, float] = {}  # host → until when, as far as this process was told

    def _run(self, script: Any, keys: Sequence[str], args: Sequence[Any]) -> Any:
        if self._monotonic() < self._down_until:
            raise redis.ConnectionError("Redis did not answer a moment ago.")
        try:
            return script(keys=keys, args=["" if self._clock is None else self._clock(), *args])
        except RedisError as error:
            self._down_until = self._monotonic() + DOWN_S
            log.warning("no Redis: orders are held back, reads and cancels go out unguarded", error=str(error))
            raise

    def admit(self, host: str, intent: Intent, charges: Sequence[Charge]) -> Admission:
        keys = [ban_key(host), breaker_key(host), *(budget_key(charge.bucket) for charge in charges)]
        args: list[Any] = [intent.value, int(self.policy.probe_lease * 1000)]
        for charge in charges:
            share = SHARES[intent] if charge.shared else 1.0
            allowed = max(charge.cost, int(charge.limit.weight * share))
            args += [charge.limit.weight, int(charge.limit.seconds * 1000), SLOTS, charge.cost, allowed]
        verdict, wait, role, failures, *left = self._run(self._admit, keys, args)
        if verdict == "banned":
            self._bans[host] = self._monotonic() + int(wait) / 1000
        return Admission(verdict, int(wait) / 1000, role, int(failures), tuple(int(number) for number in left))

    def settle(self, host: str, role: str, *, failure: str = "") -> tuple[str, float]:
        """Tells the breaker that the host answered, or why not. Returns what became of it and the pause in seconds."""
        policy = self.policy
        milliseconds = (policy.within, policy.first_pause, policy.longest_pause)
        within, first, longest = (int(seconds * 1000) for seconds in milliseconds)
        outcome = "failed" if failure else "ok"
        args = [outcome, role, policy.failures, within, first, longest, host, failure]
        change, pause = self._run(self._settle, [breaker_key(host), LOG_KEY], args)
        return str(change), float(pause) / 1000

    def ban(self, host: str, seconds: float, reason: str) -> bool:
        """True when the host was not banned before."""
        self._bans[host] = max(self._bans.get(host, 0.0), self._monotonic() + seconds)
        return bool(self._run(self._ban, [ban_key(host), LOG_KEY], [max(1, int(seconds * 1000)), host, reason]))

    def remembered_ban(self, host: str) -> float:
        """Seconds left, out of this process's own memory: for when Redis cannot be asked."""
        return max(0.0, self._bans.get(host, 0.0) - self._monotonic())

    def correct(self, charge: Charge, *, used: int | None = None, closed: float = 0.0) -> None:
        """``used`` is what the exchange counted in its window; ``closed`` seconds is when it may be asked again."""
        said = -1 if used is None else used
        args = [int(charge.limit.seconds * 1000), SLOTS, said, int(closed * 1000)]
        self._run(self._correct, [budget_key(charge.bucket)], args)

    def close_breaker(self, host: str, *, by: str) -> bool:
        """By hand. The next request finds out whether that was right. False when it was not open."""
        if self.connection.hget(breaker_key(host), "state") != "open":
            return False
        self.connection.delete(breaker_key(host))
        entry = {"at": time.time_ns() // 1_000_000, "host": host, "kind": "breaker closed by hand", "text": by}
        self.connection.lpush(LOG_KEY, json.dumps(entry))
        self.connection.ltrim(LOG_KEY, 0, KEPT_LOG - 1)
        log.warning("circuit breaker", host=host, change="closed by hand", by=by)
        return True


def _script(connection: redis.Redis, name: str) -> Any:
    return connection.register_script((Path(__file__).parent / f"{name}.lua").read_text(encoding="utf-8"))


_lock = threading.Lock()


@functools.cache
def _connection(url: str) -> redis.Redis:
    # One more try at once: a connection from before a restart of Redis is found dead by using it.
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )


@functools.cache
def _shared_state(url: str) -> SharedState:
    return SharedState(_connection(url))


def shared_state() -> SharedState:
    """The process's own, on ``REDIS_URL``; it connects on first use and survives a fork."""
    from django.conf import settings

    with _lock:
        return _shared_state(settings.REDIS_URL)
