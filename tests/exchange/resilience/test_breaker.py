"""Closed → open after failures in a row → one probe → closed, or open for longer."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from exchange.resilience.shared_state import LOG_KEY, BreakerPolicy, SharedState
from exchange.translation import Intent
from tests.exchange.resilience.conftest import FakeClock
from tests.properties import examples

_numbers = itertools.count()
POLICY = BreakerPolicy(failures=3, within=60, first_pause=1, longest_pause=8, probe_lease=15)


@pytest.fixture
def host() -> str:
    return f"host-{next(_numbers)}"


@pytest.fixture
def state(new_state: Callable[..., SharedState]) -> SharedState:
    return new_state(POLICY)


def ask(state: SharedState, host: str, intent: Intent = Intent.READ) -> str:
    """The role of an admitted request, or why it was not admitted."""
    admission = state.admit(host, intent, [])
    return admission.role if admission.verdict == "ok" else admission.verdict


def fail(state: SharedState, host: str, times: int = 1, role: str = "normal") -> None:
    for _ in range(times):
        state.settle(host, role, failure="no answer")


def test_two_failures_do_not_open_it(state: SharedState, host: str) -> None:
    fail(state, host, 2)

    assert ask(state, host) == "normal"


def test_three_in_a_row_do(state: SharedState, host: str) -> None:
    fail(state, host, 3)

    assert ask(state, host) == ask(state, host, Intent.PLACE) == "open"


def test_an_answer_in_between_begins_the_row_anew(state: SharedState, host: str) -> None:
    fail(state, host, 2)
    state.settle(host, "normal")
    fail(state, host, 2)

    assert ask(state, host) == "normal"


def test_failures_long_apart_are_no_row(state: SharedState, host: str, clock: FakeClock) -> None:
    fail(state, host, 2)
    clock.now += 60_001
    fail(state, host)

    assert ask(state, host) == "normal"


def test_cancels_go_through_while_it_is_open(state: SharedState, host: str) -> None:
    fail(state, host, 3)

    assert ask(state, host, Intent.CANCEL) == "cancel"


def test_a_cancel_that_is_answered_closes_it(state: SharedState, host: str) -> None:
    fail(state, host, 3)
    state.settle(host, "cancel")

    assert ask(state, host) == "normal"


def test_after_the_pause_one_request_probes_and_the_rest_waits(state: SharedState, host: str, clock: FakeClock) -> None:
    fail(state, host, 3)
    clock.now += 999
    assert ask(state, host) == "open"
    clock.now += 1

    assert [ask(state, host) for _ in range(3)] == ["probe", "open", "open"]


def test_a_good_probe_closes_it(state: SharedState, host: str, clock: FakeClock) -> None:
    fail(state, host, 3)
    clock.now += 1_000
    ask(state, host)
    assert state.settle(host, "probe") == ("closed", 0.0)

    assert ask(state, host) == "normal"


def test_each_bad_probe_doubles_the_pause_up_to_the_longest(state: SharedState, host: str, clock: FakeClock) -> None:
    fail(state, host, 3)
    pauses = []
    for pause in (1, 2, 4, 8, 8):
        clock.now += pause * 1000 - 1
        assert ask(state, host) == "open"
        clock.now += 1
        assert ask(state, host) == "probe"
        pauses.append(state.settle(host, "probe", failure="no answer")[1])

    assert pauses == [2, 4, 8, 8, 8]


def test_answers_to_what_was_sent_before_it_opened_change_nothing(
    state: SharedState, host: str, clock: FakeClock
) -> None:
    fail(state, host, 3)
    state.settle(host, "normal")
    fail(state, host, 5)
    clock.now += 1_000

    assert ask(state, host) == "probe"


def test_a_probe_whose_worker_died_is_made_again_by_another(state: SharedState, host: str, clock: FakeClock) -> None:
    fail(state, host, 3)
    clock.now += 1_000
    assert ask(state, host) == "probe"
    clock.now += 14_999
    assert ask(state, host) == "open"
    clock.now += 1

    assert ask(state, host) == "probe"


def test_an_operator_can_close_it(state: SharedState, host: str) -> None:
    fail(state, host, 3)
    assert state.close_breaker(host, by="alice")

    assert ask(state, host) == "normal"


def test_among_many_threads_exactly_one_probes(connection: redis.Redis, host: str) -> None:
    state = SharedState(connection, BreakerPolicy(failures=3, first_pause=0.05))
    fail(state, host, 3)
    with ThreadPoolExecutor(16) as pool:
        seen: list[str] = []
        while "probe" not in seen:
            seen += pool.map(lambda _: ask(state, host), range(200))

    assert seen.count("probe") == 1
    assert set(seen) == {"open", "probe"}


def test_what_happened_is_on_record(state: SharedState, host: str, connection: redis.Redis, clock: FakeClock) -> None:
    connection.delete(LOG_KEY)
    fail(state, host, 3)
    clock.now += 1_000
    ask(state, host)
    state.settle(host, "probe")

    entries = [json.loads(entry) for entry in connection.lrange(LOG_KEY, 0, -1)]
    assert [entry["kind"] for entry in entries if entry["host"] == host] == ["breaker closed", "breaker opened"]


events = st.lists(st.tuples(st.integers(0, 5_000), st.booleans(), st.sampled_from([Intent.READ, Intent.CANCEL])))


@examples(50)
@given(events=events)
def test_it_behaves_like_its_table(events: list[tuple[int, bool, Intent]]) -> None:
    """One caller, whose every request is answered before the next; ``(pause, answered, intent)``."""
    from django.conf import settings

    clock = FakeClock()
    connection = redis.Redis.from_url(settings.REDIS_URL, decode_responses=True)
    state = SharedState(connection, POLICY, clock=clock)
    host = f"host-{next(_numbers)}"
    is_open, row, first, pause, until = False, 0, 0, 1_000, 0
    for wait, answered, intent in events:
        clock.now += wait
        held = is_open and intent is not Intent.CANCEL and clock.now < until
        role = ask(state, host, intent)
        assert (role == "open") == held
        if held:
            continue
        state.settle(host, role, failure="" if answered else "no answer")
        if answered:
            is_open, row, pause = False, 0, 1_000
        elif is_open and intent is not Intent.CANCEL:
            pause = min(8_000, pause * 2)
            until = clock.now + pause
        elif not is_open:
            if row and clock.now - first > 60_000:
                row = 0
            first = first if row else clock.now
            row += 1
            if row == 3:
                is_open, until = True, clock.now + pause
