"""How things stand with each exchange, read from what all processes have left in Redis. For pages, API and metrics."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import redis

from exchange.prices import price_key, services_key, symbols_key
from exchange.resilience.clock_skew import Skew, clock_key, parse_skew
from exchange.resilience.counters import HOSTS_KEY, errors_key
from exchange.resilience.shared_state import LOG_KEY, SLOTS, ban_key, breaker_key, budget_key

# A host that nobody has called for a day is no news; a machine that has not measured for ten minutes is not running.
_HOST_KEPT = timedelta(days=1)
_CLOCK_KEPT = timedelta(minutes=10)
_SHOWN_ERRORS, _SHOWN_LOG = 5, 20


class BreakerState(StrEnum):
    CLOSED = "closed"
    HALF_OPEN = "half-open"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Breaker:
    """``until`` is when the next probe may be sent."""

    state: BreakerState
    failures: int = 0
    since: datetime | None = None
    until: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ban:
    since: datetime | None
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Trouble:
    at: datetime
    kind: str
    text: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class Host:
    """``used`` of ``limit`` requests (or weights) in the last ``seconds``."""

    name: str
    exchange: str
    environment: str
    venue: str
    breaker: Breaker
    ban: Ban | None
    used: int
    limit: int
    seconds: float
    seen: datetime
    errors: tuple[Trouble, ...] = ()


@dataclass(frozen=True, slots=True)
class MachineClock:
    """Seconds; ``offset`` is positive when the machine is ahead of the exchange."""

    venue: str
    machine: str
    offset: float
    round_trip: float
    at: datetime
    is_alarming: bool


@dataclass(frozen=True, slots=True)
class Feed:
    """How the price of a symbol comes: ``service`` is socket, polling, silent, or unknown without a streaming process."""

    venue: str
    symbol: str
    service: str
    since: datetime | None
    age: float | None


def read_hosts(connection: redis.Redis, *, now: datetime) -> list[Host]:
    """Those that were called in the last day, by name."""
    known = {}
    for name, text in sorted(_hash(connection, HOSTS_KEY).items()):
        place = json.loads(text)
        if now - _moment(place["seen"]) <= _HOST_KEPT:
            known[name] = place
    pipeline: Any = connection.pipeline(transaction=False)
    for name in known:
        pipeline.hgetall(breaker_key(name))
        pipeline.hgetall(ban_key(name))
        pipeline.hgetall(budget_key(f"host:{name}"))
        pipeline.lrange(errors_key(name), 0, _SHOWN_ERRORS - 1)
    answers = iter(pipeline.execute())
    hosts = []
    for name, place in known.items():
        breaker, ban, budget, errors = (next(answers) for _ in range(4))
        hosts.append(
            Host(
                name=name,
                exchange=place["exchange"],
                environment=place["environment"],
                venue=place["venue"],
                breaker=_breaker(breaker, now),
                ban=_ban(ban, now),
                used=_used(budget, place["seconds"], now),
                limit=place["limit"],
                seconds=place["seconds"],
                seen=_moment(place["seen"]),
                errors=tuple(_trouble(json.loads(entry)) for entry in errors),
            )
        )
    return hosts


def read_clocks(connection: redis.Redis, venues: Iterable[str], *, now: datetime) -> list[MachineClock]:
    """The worst first."""
    wanted = sorted(venues)
    pipeline: Any = connection.pipeline(transaction=False)
    for venue in wanted:
        pipeline.hgetall(clock_key(venue))
    clocks = []
    for venue, machines in zip(wanted, pipeline.execute(), strict=True):
        for machine, text in machines.items():
            skew: Skew = parse_skew(text)
            at = _moment(skew.at)
            # A clock that was set since may have been ahead by any amount.
            if abs(now - at) <= _CLOCK_KEPT:
                seconds, trip = skew.offset / 1000, skew.round_trip / 1000
                clocks.append(MachineClock(venue, machine, seconds, trip, at, skew.is_alarming))
    return sorted(clocks, key=lambda clock: -abs(clock.offset))


def read_feeds(connection: redis.Redis, venues: Iterable[str], *, now: datetime) -> list[Feed]:
    """The prices that are wanted there, by symbol."""
    wanted = sorted(venues)
    pipeline: Any = connection.pipeline(transaction=False)
    for venue in wanted:
        pipeline.smembers(symbols_key(venue))
        pipeline.hgetall(services_key(venue))
    answers = iter(pipeline.execute())
    named = [(venue, sorted(next(answers)), next(answers)) for venue in wanted]
    for venue, symbols, _ in named:
        for symbol in symbols:
            pipeline.hget(price_key(venue, symbol), "received")
    received = iter(pipeline.execute())
    feeds = []
    for venue, symbols, states in named:
        for symbol in symbols:
            service, _, since = states.get(symbol, "unknown").partition(" ")
            written = next(received)
            age = None if written is None else max(0.0, (now - _moment(written)).total_seconds())
            feeds.append(Feed(venue, symbol, service, _moment(since) if since else None, age))
    return feeds


def read_log(connection: redis.Redis) -> list[Trouble]:
    """What happened to hosts and clocks, newest first."""
    entries: Any = connection.lrange(LOG_KEY, 0, _SHOWN_LOG - 1)
    return [_trouble(json.loads(entry)) for entry in entries]


def _breaker(fields: Mapping[str, str], now: datetime) -> Breaker:
    failures = int(fields.get("failures", 0))
    if fields.get("state") != "open":
        return Breaker(BreakerState.CLOSED, failures)
    until = _moment(fields["until"])
    # Once the pause is over the next request probes, and while it is under way nobody else goes.
    state = BreakerState.OPEN if now < until else BreakerState.HALF_OPEN
    return Breaker(state, failures, _moment(fields["since"]), until, fields.get("reason", ""))


def _ban(fields: Mapping[str, str], now: datetime) -> Ban | None:
    if not fields or _moment(fields["until"]) <= now:
        return None
    since = fields.get("since")
    return Ban(_moment(since) if since else None, _moment(fields["until"]), fields.get("reason", ""))


def _used(fields: Mapping[str, str], seconds: float, now: datetime) -> int:
    present = int(now.timestamp() / (seconds / SLOTS))
    return sum(int(amount) for slot, amount in fields.items() if slot != "blocked" and int(slot) >= present - SLOTS)


def _trouble(entry: Mapping[str, Any]) -> Trouble:
    return Trouble(_moment(entry["at"]), entry["kind"], entry.get("text", ""), entry.get("host", ""))


def _moment(milliseconds: str | float) -> datetime:
    return datetime.fromtimestamp(float(milliseconds) / 1000, UTC)


def _hash(connection: redis.Redis, key: str) -> dict[str, str]:
    found: Any = connection.hgetall(key)
    return dict(found)
