from __future__ import annotations

from collections.abc import Callable

import pytest
import redis
from django.conf import settings

from exchange.resilience.shared_state import BreakerPolicy, SharedState


class FakeClock:
    """Milliseconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_750_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def connection() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, decode_responses=True)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def new_state(connection: redis.Redis, clock: FakeClock) -> Callable[..., SharedState]:
    def make(policy: BreakerPolicy | None = None) -> SharedState:
        return SharedState(connection, policy, clock=clock)

    return make


@pytest.fixture
def state(new_state: Callable[..., SharedState]) -> SharedState:
    return new_state()
