"""Reads and cancels are tried again, for a moment; nothing else is."""

from __future__ import annotations

import random

import pytest

from exchange.errors import (
    AuthenticationFailed,
    ExchangeError,
    NeedsOperator,
    NothingSent,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    TemporaryError,
)
from exchange.resilience.retry import Retrier, RetryPolicy


class World:
    """Time passes only while something sleeps or ``takes`` its seconds."""

    def __init__(self, takes: float = 0.0) -> None:
        self.now = 0.0
        self.takes = takes
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def retrier(self, policy: RetryPolicy | None = None, seed: int = 1) -> Retrier:
        return Retrier(policy, sleep=self.sleep, monotonic=lambda: self.now, chance=random.Random(seed))


class Call:
    """Raises what it was given, one after the other, then answers."""

    def __init__(self, world: World, *errors: ExchangeError) -> None:
        self.world, self.errors, self.made = world, list(errors), 0

    def __call__(self) -> str:
        self.made += 1
        self.world.now += self.world.takes
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def test_what_is_temporary_is_tried_again() -> None:
    world = World()
    call = Call(world, TemporaryError("reset"), TemporaryError("reset"))

    assert world.retrier().call(call) == "answer"
    assert call.made == 3


def test_the_last_error_is_told_when_nothing_helps() -> None:
    world = World()
    call = Call(world, *(TemporaryError(str(number)) for number in range(10)))

    with pytest.raises(TemporaryError, match="3"):
        world.retrier().call(call)
    assert call.made == 4


def test_pauses_are_drawn_below_a_doubling_ceiling() -> None:
    drawn = []
    for seed in range(300):
        world = World()
        policy = RetryPolicy(attempts=6, first_pause=0.1, longest_pause=0.5, total=100)
        with pytest.raises(TemporaryError):
            world.retrier(policy, seed).call(Call(world, *(TemporaryError("") for _ in range(6))))
        drawn.append(world.slept)

    for pauses, ceiling in zip(zip(*drawn, strict=True), (0.1, 0.2, 0.4, 0.5, 0.5), strict=True):
        assert 0 <= min(pauses) < 0.05 * ceiling
        assert 0.95 * ceiling < max(pauses) <= ceiling


def test_a_seed_makes_the_pauses_repeatable() -> None:
    first, second = World(), World()
    for world in (first, second):
        with pytest.raises(TemporaryError):
            world.retrier(seed=7).call(Call(world, *(TemporaryError("") for _ in range(9))))

    assert first.slept == second.slept


@pytest.mark.parametrize("error", [RateLimited("slow down", 0.7), NothingSent("no budget", 0.7)])
def test_the_exchanges_own_pause_is_kept(error: ExchangeError) -> None:
    world = World()

    assert world.retrier().call(Call(world, error)) == "answer"
    assert world.slept == [0.7]


@pytest.mark.parametrize("error", [RateLimited("slow down", 2.5), NothingSent("banned", 600)])
def test_a_tick_does_not_wait_longer_than_two_seconds(error: ExchangeError) -> None:
    world = World()
    call = Call(world, error)

    with pytest.raises(type(error)):
        world.retrier().call(call)
    assert (call.made, world.slept) == (1, [])


def test_a_call_that_took_its_time_to_fail_is_not_repeated() -> None:
    world = World(takes=10.0)
    call = Call(world, TemporaryError("no answer in time"))

    with pytest.raises(TemporaryError):
        world.retrier().call(call)
    assert call.made == 1


@pytest.mark.parametrize(
    "error",
    [OrderRejected(""), OrderNotFound(""), AuthenticationFailed(""), NeedsOperator(""), OutcomeUnknown("")],
    ids=lambda error: type(error).__name__,
)
def test_nothing_else_is_tried_again(error: ExchangeError) -> None:
    world = World()
    call = Call(world, error)

    with pytest.raises(type(error)):
        world.retrier().call(call)
    assert call.made == 1


def test_a_cancel_whose_outcome_is_unknown_is_sent_again() -> None:
    world = World()
    call = Call(world, OutcomeUnknown("dropped"), OrderNotFound("nothing to cancel"))

    with pytest.raises(OrderNotFound):
        world.retrier().call(call, repeatable_when_unknown=True)
    assert call.made == 2
