"""Trying again, for calls that may be made twice: reads, and cancels (a second one finds nothing left to cancel)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception

from exchange.errors import NothingSent, OutcomeUnknown, RateLimited, TemporaryError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Seconds. Pauses are drawn from 0 to ``first_pause`` × 2ⁿ, at most ``longest_pause`` ("full jitter", see
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), or are as long as the exchange asked for.

    Nothing is tried again when that would be later than ``total`` after the first try: a tick must not hang.
    """

    attempts: int = 4
    first_pause: float = 0.1
    longest_pause: float = 1.0
    total: float = 2.0


class Retrier:
    """``sleep``, ``monotonic`` and ``chance`` are the world's unless a test says otherwise."""

    def __init__(
        self,
        policy: RetryPolicy | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        chance: random.Random | None = None,
    ) -> None:
        self._policy = policy or RetryPolicy()
        self._sleep = sleep
        self._monotonic = monotonic
        self._chance = chance or random.Random()  # noqa: S311 - spreads workers, keeps no secret

    def call(self, ask: Callable[[], T], *, repeatable_when_unknown: bool = False) -> T:
        """The answer, or the last error. ``repeatable_when_unknown`` is true of cancels: sending another is safe."""
        worth_it = (TemporaryError, OutcomeUnknown) if repeatable_when_unknown else (TemporaryError,)
        end = self._monotonic() + self._policy.total

        def is_over(state: RetryCallState) -> bool:
            late = self._monotonic() + state.upcoming_sleep > end
            return late or state.attempt_number >= self._policy.attempts

        retrying = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, worth_it)),
            wait=self._pause,
            stop=is_over,
            sleep=self._sleep,
            reraise=True,
        )
        return retrying(ask)

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, (RateLimited, NothingSent)) and error.retry_after is not None:
            return error.retry_after
        ceiling = min(self._policy.longest_pause, self._policy.first_pause * 2 ** (state.attempt_number - 1))
        return self._chance.uniform(0.0, ceiling)
