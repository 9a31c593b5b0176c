"""This machine's clock against the exchange's: measured, corrected, shared, and cried about above a second."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry
from structlog.typing import EventDict

from exchange.bybit_gateway import BybitGateway
from exchange.resilience import clock_skew
from exchange.resilience.clock_skew import MACHINE, VenueClock, clock_key
from exchange.resilience.shared_state import LOG_KEY
from exchange.venues import Venue
from tests.exchange.wire import LIVE, Wire

VENUE = "bybit-live"
TIME = "/v5/market/time"


class Exchange:
    """A ccxt client whose exchange is ``ahead`` of this machine, and takes ``slow`` ms each way to answer."""

    def __init__(self, ahead: int = 0, slow: int = 0) -> None:
        self.options: dict[str, int] = {}
        self.wall = 1_750_000_000_000
        self.seconds = 0.0
        self.ahead, self.slow, self.asked = ahead, slow, 0

    def fetch_time(self) -> int:
        self.asked += 1
        self.wall += self.slow
        answer = self.wall + self.ahead
        self.wall += self.slow
        return answer

    def clock(self, connection: redis.Redis) -> VenueClock:
        return VenueClock(VENUE, wall=lambda: self.wall, monotonic=lambda: self.seconds, connect=lambda: connection)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[EventDict]]:
    with structlog.testing.capture_logs() as entries:
        monkeypatch.setattr(clock_skew, "log", structlog.get_logger())
        yield entries


def test_the_offset_is_told_apart_from_the_way_there_and_back(connection: redis.Redis) -> None:
    exchange = Exchange(ahead=3_000, slow=40)
    skew = exchange.clock(connection).measure(exchange)

    assert (skew.offset, skew.round_trip) == (-3_000, 80)
    assert exchange.options["timeDifference"] == -3_000


def test_what_is_measured_is_written_for_all(connection: redis.Redis) -> None:
    exchange = Exchange(ahead=-250, slow=5)
    exchange.clock(connection).measure(exchange)

    written = json.loads(str(connection.hget(clock_key(VENUE), MACHINE)))
    assert written == {"offset": 250, "round_trip": 10, "at": exchange.wall}


def test_one_process_of_a_machine_measures_and_the_others_take_it_over(connection: redis.Redis) -> None:
    first, second = Exchange(ahead=700), Exchange(ahead=700)
    one, other = first.clock(connection), second.clock(connection)
    one.keep(first)
    other.keep(second)

    assert (first.asked, second.asked) == (1, 0)
    assert second.options["timeDifference"] == -700


def test_it_is_measured_anew_once_a_minute(connection: redis.Redis) -> None:
    exchange = Exchange()
    clock = exchange.clock(connection)
    clock.measure(exchange)
    exchange.ahead = 400
    exchange.seconds = 59.9
    clock.keep(exchange)
    assert exchange.options["timeDifference"] == 0

    exchange.seconds = 60.0
    clock.keep(exchange)
    assert exchange.options["timeDifference"] == -400


def test_without_redis_it_is_measured_all_the_same() -> None:
    exchange = Exchange(ahead=700)
    exchange.clock(redis.Redis(host="127.0.0.1", port=9, retry=Retry(NoBackoff(), 0))).keep(exchange)

    assert exchange.options["timeDifference"] == -700


@pytest.mark.parametrize(("ahead", "alarms"), [(1_000, 0), (1_001, 1), (-1_001, 1)])
def test_more_than_a_second_is_an_alarm(
    connection: redis.Redis, said: list[EventDict], ahead: int, alarms: int
) -> None:
    exchange = Exchange(ahead=ahead)
    exchange.clock(connection).measure(exchange)

    assert [entry["log_level"] for entry in said] == ["critical"] * alarms


def test_the_alarm_is_given_once_and_taken_back(connection: redis.Redis, said: list[EventDict]) -> None:
    exchange = Exchange(ahead=90_000)
    clock = exchange.clock(connection)
    for ahead in (90_000, 91_000, 92_000, 0, 0):
        exchange.ahead = ahead
        clock.measure(exchange)

    assert [entry["log_level"] for entry in said] == ["critical", "info"]
    kinds = [json.loads(entry)["kind"] for entry in connection.lrange(LOG_KEY, 0, -1)]
    assert kinds == ["clock right again", "clock wrong"]


def test_a_gateway_stamps_its_orders_with_the_exchanges_time(bybit_wire: Wire) -> None:
    bybit_wire.clock_ahead_ms = 120_000
    gateway = BybitGateway(LIVE, Venue(LIVE))
    gateway.markets()

    assert abs(gateway.client.options["timeDifference"] + 120_000) < 1_000
    assert len(bybit_wire.to(TIME)) == 1
