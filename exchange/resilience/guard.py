"""Every HTTP request to an exchange passes here: before it is sent, and once it was answered.

Before: a ban of the host stops everything; an open circuit breaker stops everything but cancels, and lets one probe
through when its pause is over; the budgets of host and account are charged, after a short wait where they are used up.
What is stopped raises :class:`NothingSent`. All that is one question to Redis.

Without Redis nobody can say what the other workers are sending: orders are held back, reads and cancels go out with
ccxt's own pauses between them.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import ccxt
import structlog
from redis.exceptions import RedisError

from exchange.errors import ExchangeError, NothingSent, OrderNotFound, OrderRejected
from exchange.gateway_config import GatewayConfig
from exchange.resilience import answers
from exchange.resilience.answers import Answer
from exchange.resilience.counters import Counters, Place, counters
from exchange.resilience.limits import Charge, Limits
from exchange.resilience.shared_state import Admission, SharedState, shared_state
from exchange.translation import Intent, answer_code

log = structlog.get_logger(__name__)

# How long a request may wait for its budget: a tick has other things to do.
PATIENCE_S = 1.5
_SERVER_ERROR = 500
_NEED_PROOF = frozenset({Intent.PLACE, Intent.AMEND})


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to send one request. ``left`` is what remained of each charge's budget."""

    place: Place
    intent: Intent
    charges: tuple[Charge, ...]
    admission: Admission
    sent_at: float


class Guard:
    """One client's. The clocks count seconds; ``exchange_time`` is the exchange's, in milliseconds."""

    def __init__(
        self,
        config: GatewayConfig,
        *,
        with_keys: bool,
        exchange_time: Callable[[], int],
        state: SharedState | None = None,
        counted: Counters | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        chance: random.Random | None = None,
    ) -> None:
        self.intent = Intent.READ
        # Seconds that the last answer asked for, whatever way it said so.
        self.told_to_wait: float | None = None
        self.limits = Limits(config, with_keys=with_keys)
        self._config = config
        self._exchange_time = exchange_time
        self._state = state
        self._counted = counted or counters()
        self._sleep = sleep
        self._monotonic = monotonic
        self._chance = chance or random.Random()  # noqa: S311 - spreads waiting workers, keeps no secret
        self._place: Place | None = None

    @property
    def state(self) -> SharedState:
        return self._state or shared_state()

    @contextmanager
    def meaning(self, intent: Intent) -> Iterator[None]:
        """What the requests within are for: it decides what they may use and what stops them."""
        before, self.intent = self.intent, intent
        try:
            yield
        finally:
            self.intent = before

    # --- Before ----------------------------------------------------------------------------------------------------

    def admit(self, method: str, url: str, body: str | None = None) -> Ticket:
        """Raises ``NothingSent``."""
        charges = self.limits.charges(method, url, body)
        place = self._place_of(url, charges)
        give_up_at = self._monotonic() + PATIENCE_S
        while True:
            try:
                admission = self.state.admit(place.host, self.intent, charges)
            except RedisError as error:
                return self._without_redis(place, error)
            if admission.verdict == "ok":
                return Ticket(place, self.intent, tuple(charges), admission, self._monotonic())
            # A moment more than told, and not the same for all who wait.
            wait = admission.wait + self._chance.uniform(0.001, 0.02)
            if admission.verdict != "full" or self._monotonic() + wait > give_up_at:
                raise self._held(place, admission)
            self._sleep(wait)

    def _without_redis(self, place: Place, error: RedisError) -> Ticket:
        if (left := self.state.remembered_ban(place.host)) > 0:
            raise self._held(place, Admission("banned", left, "", 0, ())) from error
        if self.intent in _NEED_PROOF:
            self._counted.count_request(place, self.intent, "held_no_redis")
            raise NothingSent(
                f"Nothing was sent to {place.host}: Redis does not answer, so nobody knows what the other workers are "
                "sending there. It is tried again.",
                1.0,
            ) from error
        return Ticket(place, self.intent, (), Admission("ok", 0.0, "normal", 0, ()), self._monotonic())

    def _held(self, place: Place, admission: Admission) -> NothingSent:
        self._counted.count_request(place, self.intent, f"held_{admission.verdict}")
        because = {
            "banned": "the exchange has banned this platform",
            "open": "it has failed several times in a row, and the circuit breaker is open",
            "full": f"the budget of requests for {self.intent} calls is used up",
        }[admission.verdict]
        return NothingSent(
            f"Nothing was sent to {place.host}: {because}; {admission.wait:.1f} s left.", retry_after=admission.wait
        )

    def _place_of(self, url: str, charges: list[Charge]) -> Place:
        host = url.split("://", 1)[-1].split("/", 1)[0].split("?", 1)[0]
        if self._place is None or self._place.host != host:
            limit = self.limits.host_limit(host)
            self._place = Place(
                host,
                self._config.exchange_id,
                self._config.environment,
                self._config.venue,
                limit.weight,
                limit.seconds,
            )
        return self._place

    # --- After -----------------------------------------------------------------------------------------------------

    def settle(self, ticket: Ticket, answer: Answer | None, error: Exception | None) -> None:
        """``error`` is what ccxt made of the answer, or of its absence."""
        seconds = self._monotonic() - ticket.sent_at
        failure = _failure(answer, error)
        reading = answers.Reading()
        if answer is not None:
            reading = answers.read(
                answer,
                forbidden_ban=self.limits.published.forbidden_ban,
                now_ms=self._exchange_time(),
                code=answer_code(error) if error else "",
                too_many=isinstance(error, (ccxt.RateLimitExceeded, ccxt.DDoSProtection)),
            )
        self.told_to_wait = reading.ban if reading.ban is not None else reading.closed
        self._counted.count_request(ticket.place, ticket.intent, _outcome(reading, failure, error), seconds)
        try:
            self._tell_the_others(ticket, reading, failure, error)
        except RedisError:
            return  # told by the state; the next request fares no better

    def _tell_the_others(self, ticket: Ticket, reading: answers.Reading, failure: str, error: Exception | None) -> None:
        host, admission = ticket.place.host, ticket.admission
        if failure or admission.failures or admission.role != "normal":
            change, pause = self.state.settle(host, admission.role, failure=failure)
            if change:
                log.warning("circuit breaker", host=host, change=change, pause=pause, reason=failure)
        if reading.ban is not None:
            reason = _words(error)
            if self.state.ban(host, reading.ban, reason):
                log.error("exchange banned us", host=host, seconds=reading.ban, reason=reason)
        if not ticket.charges:
            return
        if reading.closed is not None:
            self.state.correct(ticket.charges[-1], closed=reading.closed)
        self._believe(ticket, reading)

    def _believe(self, ticket: Ticket, reading: answers.Reading) -> None:
        """The exchange may have counted more than we did: other programs use the same key or address."""
        first, last = ticket.charges[0], ticket.charges[-1]
        counted = first.limit.weight - ticket.admission.left[0]
        if reading.host_used is not None and reading.host_used > counted and first.bucket.startswith("host:"):
            self.state.correct(first, used=reading.host_used)
        if reading.account_limit and reading.account_left is not None and last.bucket.startswith("account:"):
            used = reading.account_limit - reading.account_left
            if used > last.limit.weight - ticket.admission.left[-1]:
                self.state.correct(last, used=used)
            self.limits.learn(last, reading.account_limit)

    def count_error(self, error: ExchangeError) -> None:
        """What a call ended with, for the metrics and, if it is no matter of a single order, for the page."""
        if self._place is not None:
            listed = not isinstance(error, (OrderRejected, OrderNotFound))
            self._counted.count_error(self._place, type(error).__name__, error.detail, listed=listed)


def _failure(answer: Answer | None, error: Exception | None) -> str:
    """Why the host counts as down, or nothing."""
    if answer is None:
        return f"no answer: {_words(error)}" if error is not None else ""
    return f"HTTP status {answer.status}" if answer.status >= _SERVER_ERROR else ""


def _words(error: Exception | None) -> str:
    return re.sub(r"\?\S+", "", str(error or ""))[:300]  # a query string may carry a signature


def _outcome(reading: answers.Reading, failure: str, error: Exception | None) -> str:
    if reading.ban is not None:
        return "banned"
    if reading.closed is not None:
        return "rate_limited"
    if failure:
        return "failed" if failure.startswith("HTTP") else "no_answer"
    return "refused" if error is not None else "ok"
