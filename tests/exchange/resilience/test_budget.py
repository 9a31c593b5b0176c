"""The budget in Redis against the plainest model of it: a list of what was sent when."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import redis
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from exchange.resilience.limits import Charge, Limit
from exchange.resilience.shared_state import SLOTS, SharedState
from exchange.translation import Intent
from tests.exchange.resilience.conftest import FakeClock
from tests.properties import examples

_names = itertools.count()


def charge(limit: Limit, cost: int = 1, *, shared: bool = False, name: str = "") -> Charge:
    return Charge(name or f"test:{next(_names)}", limit, cost, shared)


def admit(state: SharedState, *charges: Charge, intent: Intent = Intent.READ, host: str = "x") -> str:
    return state.admit(host, intent, charges).verdict


def weight_within(sent: list[tuple[int, int]], start: int, milliseconds: int) -> int:
    return sum(cost for at, cost in sent if start <= at < start + milliseconds)


steps = st.lists(st.tuples(st.integers(0, 700), st.integers(1, 4)), min_size=1, max_size=60)


@examples(60)
@given(steps=steps, limit=st.integers(4, 12), seconds=st.sampled_from([0.2, 1.0, 5.0]))
def test_no_window_ever_holds_more_than_the_limit(steps: list[tuple[int, int]], limit: int, seconds: float) -> None:
    clock = FakeClock()
    state = SharedState(redis.Redis.from_url(settings.REDIS_URL, decode_responses=True), clock=clock)
    bucket, window = f"model:{next(_names)}", int(seconds * 1000)
    sent: list[tuple[int, int]] = []
    for pause, cost in steps:
        clock.now += pause
        answer = state.admit("model", Intent.CANCEL, [Charge(bucket, Limit(limit, seconds), cost, False)])
        if answer.verdict == "ok":
            sent.append((clock.now, cost))
        else:
            # Never refused without need: it would not fit into a window one slot longer than the limit's.
            slack = window + 2 * window // SLOTS
            assert weight_within(sent, clock.now - slack, slack + 1) + cost > limit
            # And when it says how long to wait, that is enough.
            clock.now += round(answer.wait * 1000)
            again = state.admit("model", Intent.CANCEL, [Charge(bucket, Limit(limit, seconds), cost, False)])
            assert again.verdict == "ok"
            sent.append((clock.now, cost))
    for start, _ in sent:
        assert weight_within(sent, start, window) <= limit


def test_the_budget_is_there_again_after_its_window(state: SharedState, clock: FakeClock) -> None:
    ten = charge(Limit(10, 1))
    assert [admit(state, ten) for _ in range(11)] == ["ok"] * 10 + ["full"]

    clock.now += 1_100

    assert [admit(state, ten) for _ in range(11)] == ["ok"] * 10 + ["full"]


def test_what_one_budget_refuses_is_not_taken_from_the_other(state: SharedState) -> None:
    host, account = charge(Limit(10, 1)), charge(Limit(2, 1))
    assert [admit(state, host, account) for _ in range(5)] == ["ok", "ok", "full", "full", "full"]

    assert [admit(state, host) for _ in range(9)] == ["ok"] * 8 + ["full"]


def test_a_cancel_goes_out_when_reads_and_orders_have_used_up_theirs(state: SharedState) -> None:
    hundred = charge(Limit(100, 5), shared=True)
    assert [admit(state, hundred) for _ in range(100)].count("ok") == 80
    assert [admit(state, hundred, intent=Intent.PLACE) for _ in range(100)].count("ok") == 15
    assert admit(state, hundred) == "full"
    assert admit(state, hundred, intent=Intent.AMEND) == "full"

    assert [admit(state, hundred, intent=Intent.CANCEL) for _ in range(6)] == ["ok"] * 5 + ["full"]


def test_a_heavy_request_takes_its_weight(state: SharedState) -> None:
    bucket = charge(Limit(10, 1), cost=4)

    assert [admit(state, bucket) for _ in range(3)] == ["ok", "ok", "full"]


def test_what_the_exchange_counts_more_is_believed(state: SharedState) -> None:
    ten = charge(Limit(10, 1))
    admit(state, ten)

    state.correct(ten, used=8)

    assert [admit(state, ten) for _ in range(3)] == ["ok", "ok", "full"]


def test_what_the_exchange_counts_less_is_not(state: SharedState) -> None:
    ten = charge(Limit(10, 1))
    for _ in range(9):
        admit(state, ten)

    state.correct(ten, used=1)

    assert [admit(state, ten) for _ in range(2)] == ["ok", "full"]


def test_a_budget_that_was_closed_opens_when_told(state: SharedState, clock: FakeClock) -> None:
    ten = charge(Limit(10, 1))
    state.correct(ten, closed=7.5)

    clock.now += 7_499
    assert state.admit("x", Intent.CANCEL, [ten]).wait == 0.001
    clock.now += 1
    assert admit(state, ten) == "ok"


def test_a_ban_stops_everything_until_it_ends(state: SharedState, clock: FakeClock) -> None:
    ten = charge(Limit(10, 1))
    assert state.ban("banned.example", 600, "403 access too frequent")
    assert not state.ban("banned.example", 30, "a shorter one does not shorten it")

    for intent in Intent:
        assert admit(state, ten, intent=intent, host="banned.example") == "banned"
    assert admit(state, ten, host="other.example") == "ok"
    clock.now += 599_999
    assert admit(state, ten, host="banned.example") == "banned"
    clock.now += 1
    assert admit(state, ten, host="banned.example") == "ok"


def test_threads_together_get_no_more_than_one_would(connection: redis.Redis) -> None:
    state = SharedState(connection)
    fifty = charge(Limit(50, 60))

    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda _: admit(state, fifty), range(400)))

    assert verdicts.count("ok") == 50


def test_nothing_is_left_in_redis_when_nobody_asks(connection: redis.Redis, state: SharedState) -> None:
    one = charge(Limit(10, 1))
    admit(state, one)

    assert 0 < connection.pttl(f"guard:budget:{one.bucket}") <= 2_000
