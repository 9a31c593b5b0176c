"""Who asked for what and when: the proof of request budgets, and the list on the simulator's page.

Arrival times are the monotonic clock's, so that nothing that happens to a clock can hide a burst.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web

KEPT = 50_000


@dataclass(slots=True)
class Arrival:
    """One request. ``at`` in seconds of the monotonic clock, ``wall`` in ms; status 0 when it was not answered (yet)."""

    number: int
    at: float
    wall: int
    method: str
    path: str
    account: str
    ip: str
    status: int = 0
    code: int | None = None
    faults: tuple[str, ...] = ()
    refused_by: str = ""

    def describe(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "at": self.at,
            "time": self.wall,
            "method": self.method,
            "path": self.path,
            "account": self.account,
            "ip": self.ip,
            "status": self.status,
            "code": self.code,
            "faults": list(self.faults),
            "refused_by": self.refused_by,
        }


class Traffic:
    """The newest ``kept`` requests; of older ones only the counts."""

    def __init__(self, kept: int = KEPT, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._arrivals: deque[Arrival] = deque(maxlen=kept)
        self._monotonic = monotonic
        self._numbers = 0
        self.by_path: Counter[str] = Counter()

    def arrived(self, method: str, path: str, account: str, ip: str) -> Arrival:
        self._numbers += 1
        wall = time.time_ns() // 1_000_000
        arrival = Arrival(self._numbers, self._monotonic(), wall, method, path, account, ip)
        self._arrivals.append(arrival)
        self.by_path[path] += 1
        return arrival

    def since(self, number: int, *, account: str | None = None, path: str | None = None) -> list[Arrival]:
        """Requests after the one with this number, oldest first."""
        newest_first = []
        for arrival in reversed(self._arrivals):
            if arrival.number <= number:
                break
            if (account is None or arrival.account == account) and (path is None or arrival.path == path):
                newest_first.append(arrival)
        return newest_first[::-1]

    def latest(self, count: int) -> Iterator[Arrival]:
        """Newest first."""
        for _, arrival in zip(range(count), reversed(self._arrivals), strict=False):
            yield arrival

    @property
    def newest(self) -> int:
        """The number of the last request that came; 0 before the first."""
        return self._numbers

    @property
    def forgotten(self) -> int:
        """How many of the oldest requests are only counted."""
        return self._numbers - len(self._arrivals)


def busiest(arrivals: list[Arrival], window_s: float) -> int:
    """The most requests that came within any window of this length (half-open)."""
    times: deque[float] = deque()
    most = 0
    for arrival in arrivals:
        times.append(arrival.at)
        while arrival.at - times[0] >= window_s:
            times.popleft()
        most = max(most, len(times))
    return most


TRAFFIC: web.AppKey[Traffic] = web.AppKey("traffic", Traffic)
