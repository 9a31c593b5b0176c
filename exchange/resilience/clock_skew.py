"""How far this machine's clock is from each exchange's: measured, corrected for, and told when it is too far.

Signed requests carry the time. ccxt subtracts its ``timeDifference`` from this machine's clock; that is set here. Each
machine has a clock of its own, so Redis keeps one entry for each.

Keys:

* ``guard:clock:{venue}`` — hash: machine → JSON of ``offset`` (ms, positive when this machine is ahead), ``round_trip``
  (ms), ``at`` (this machine's clock, ms)
* ``guard:clock-turn:{venue}:{machine}`` — who measures this minute
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import redis
import structlog
from redis.exceptions import RedisError

from exchange.resilience.shared_state import LOG_KEY, shared_state

log = structlog.get_logger(__name__)

MACHINE = socket.gethostname()
EVERY_S = 60.0
# Bybit refuses requests stamped more than a second ahead of its clock.
ALARM_MS = 1_000


def clock_key(venue: str) -> str:
    return f"guard:clock:{venue}"


@dataclass(frozen=True, slots=True)
class Skew:
    """Milliseconds. The true offset is within half a round trip of ``offset``."""

    offset: int
    round_trip: int
    at: int

    @property
    def is_alarming(self) -> bool:
        return abs(self.offset) > ALARM_MS


def parse_skew(text: str) -> Skew:
    return Skew(**json.loads(text))


class VenueClock:
    """One venue's clock as seen from this process; for any number of threads and clients.

    ``wall`` is this machine's clock in milliseconds.
    """

    def __init__(
        self,
        venue: str,
        *,
        wall: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        monotonic: Callable[[], float] = time.monotonic,
        connect: Callable[[], redis.Redis] = lambda: shared_state().connection,
    ) -> None:
        self.venue = venue
        self.skew: Skew | None = None
        self._wall = wall
        self._monotonic = monotonic
        self._connect = connect
        self._lock = threading.Lock()
        self._due = 0.0

    def correct(self, client: Any) -> None:
        """Gives the client the newest difference that this process knows."""
        if self.skew is not None:
            client.options["timeDifference"] = self.skew.offset

    def measure(self, client: Any) -> Skew:
        """Asks the exchange for its time. Raises what ccxt raises."""
        before = self._wall()
        answered = int(client.fetch_time())
        after = self._wall()
        skew = Skew(round((before + after) / 2) - answered, after - before, after)
        self._due = self._monotonic() + EVERY_S
        self._take(skew)
        self.correct(client)
        return skew

    def keep(self, client: Any) -> None:
        """Once a minute, one process of this machine measures, and the others take over what it found."""
        if self._monotonic() >= self._due and self._lock.acquire(blocking=False):
            try:
                self._due = self._monotonic() + EVERY_S
                self._renew(client)
            finally:
                self._lock.release()
        self.correct(client)

    def _renew(self, client: Any) -> None:
        try:
            connection = self._connect()
            turn = f"guard:clock-turn:{self.venue}:{MACHINE}"
            if connection.set(turn, 1, nx=True, px=int(EVERY_S * 1000)):
                self.measure(client)
            elif found := connection.hget(clock_key(self.venue), MACHINE):
                self.skew = parse_skew(str(found))
        except RedisError:
            self.measure(client)

    def _take(self, skew: Skew) -> None:
        """Remembers it, tells the others, and raises an alarm when the clock has just gone wrong."""
        known, self.skew = self.skew, skew
        try:
            connection = self._connect()
            if found := connection.hget(clock_key(self.venue), MACHINE):
                known = parse_skew(str(found))
            connection.hset(clock_key(self.venue), MACHINE, json.dumps(asdict(skew)))
            changed = skew.is_alarming != (known is not None and known.is_alarming)
            if changed:
                kind = "clock wrong" if skew.is_alarming else "clock right again"
                text = f"the clock of {MACHINE} is {skew.offset / 1000:+.3f} s off"
                entry = {"at": skew.at, "host": self.venue, "kind": kind, "text": text}
                connection.lpush(LOG_KEY, json.dumps(entry))
        except RedisError as error:
            changed = skew.is_alarming
            log.debug("clock not shared", error=str(error))
        if changed and skew.is_alarming:
            log.critical(
                "this machine's clock is wrong: set it (NTP)",
                venue=self.venue,
                seconds_ahead=skew.offset / 1000,
                round_trip=skew.round_trip / 1000,
            )
        elif changed:
            log.info("this machine's clock is right again", venue=self.venue)
