"""The page and the address in the API that say how every exchange is doing, and the metrics."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from bots.lifecycle import BotStatus
from exchange.models import ExchangeAccount
from exchange.resilience.clock_skew import MACHINE, clock_key
from exchange.resilience.counters import Counters, Place
from exchange.resilience.shared_state import BreakerPolicy, SharedState, shared_state
from exchange.resilience.status import read_hosts
from exchange.translation import Intent
from tests.bots import cast
from tests.bots.cast import alice

HTMX = {"HX-Request": "true"}
HOST = "api.example.test"


def wall() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def state() -> SharedState:
    # Its breaker pauses for longer than any page takes: after the pause it would be half open.
    found = SharedState(shared_state().connection, BreakerPolicy(first_pause=600, longest_pause=600))
    for key in found.connection.scan_iter("guard:*", count=1000):
        found.connection.delete(key)
    return found


@pytest.fixture
def place(db: None, state: SharedState) -> Place:
    """A host that an account's workers have called twice, once in vain."""
    account = cast.account()
    called = Place(HOST, account.exchange_id, account.environment, account.venue, 540, 5.0)
    counted = Counters(lambda: state.connection, wall)
    counted.count_request(called, Intent.READ, "ok", 0.03)
    counted.count_request(called, Intent.PLACE, "failed", 2.0)
    counted.count_error(called, "OutcomeUnknown", "Bybit (placing ta1): no answer in time.")
    counted.flush()
    return called


def open_breaker(state: SharedState) -> None:
    for _ in range(state.policy.failures):
        state.settle(HOST, "normal", failure="HTTP status 502")


def test_a_house_without_accounts_is_told_what_this_page_is_for(person: Client) -> None:
    assert "No exchange account yet" in person.get("/exchanges/").text


def test_a_healthy_exchange_shows_breaker_budget_and_errors(person: Client, place: Place) -> None:
    page = person.get("/exchanges/").text

    assert HOST in page
    assert '<span class="status closed">Closed</span>' in page
    assert "of 540 in 5 s" in page
    assert "no answer in time" in page
    assert "Close the breaker" not in page


def test_an_open_breaker_says_why_and_can_be_closed(person: Client, place: Place, state: SharedState) -> None:
    open_breaker(state)
    page = person.get("/exchanges/").text
    assert '<span class="status open">Open</span>' in page
    assert "HTTP status 502" in page

    answer = person.post("/exchanges/close-breaker/", {"host": HOST}, follow=True)

    assert f"The circuit breaker of {HOST} is closed" in answer.text
    assert '<span class="status closed">Closed</span>' in answer.text
    assert "closed by hand" in answer.text
    assert state.admit(HOST, Intent.READ, []).verdict == "ok"


def test_after_its_pause_an_open_breaker_is_half_open(person: Client, place: Place, state: SharedState) -> None:
    open_breaker(state)
    state.connection.hset(f"guard:breaker:{HOST}", "until", wall() - 1)

    assert '<span class="status half-open">Half-open</span>' in person.get("/exchanges/").text


def test_a_ban_is_an_alarm_with_its_end(person: Client, place: Place, state: SharedState) -> None:
    state.ban(HOST, 600, "403, access too frequent")
    page = person.get("/exchanges/").text

    end = datetime.now(UTC) + timedelta(seconds=600)
    assert f"{HOST} has banned this platform until" in page
    assert end.strftime("%b %d, %H:%M") in page or (end - timedelta(seconds=5)).strftime("%b %d, %H:%M") in page
    assert "403, access too frequent" in page


def test_a_wrong_clock_is_an_alarm(person: Client, place: Place, state: SharedState) -> None:
    skew = {"offset": 2_500, "round_trip": 30, "at": wall()}
    state.connection.hset(clock_key(place.venue), MACHINE, json.dumps(skew))

    page = person.get("/exchanges/").text
    assert f"The clock of <strong>{MACHINE}</strong>" in page
    assert "2.5</span> s off" in page


def test_prices_say_how_they_come_and_how_old_they_are(person: Client, place: Place, state: SharedState) -> None:
    state.connection.sadd(f"stream:symbols:{place.venue}", "ETH/USDT", "BTC/USDT")
    state.connection.hset(f"stream:state:{place.venue}", "ETH/USDT", f"polling {wall()}")
    state.connection.hset(f"price:{place.venue}:ETH/USDT", mapping={"received": wall() - 4_000})
    try:
        page = person.get("/exchanges/").text
    finally:
        state.connection.delete(f"stream:symbols:{place.venue}", f"stream:state:{place.venue}")

    assert '<span class="status polling">polling</span>' in page
    assert "4.0 s" in page or "4.1 s" in page
    assert '<span class="status unknown">unknown</span>' in page
    assert "never came" in page


def test_the_part_refreshes_alone(person: Client, place: Place) -> None:
    part = person.get("/exchanges/?part=venues", headers=HTMX).text

    assert HOST in part
    assert "<html" not in part


def test_a_refused_key_shows_up_in_the_connection_check(person: Client, state: SharedState) -> None:
    # Nothing listens there: the check has to say so instead of failing.
    account = ExchangeAccount.objects.create(
        name="nowhere", owner=alice(), exchange_id="bybit", environment="simulator", base_url="http://127.0.0.1:9"
    )
    answer = person.post("/exchanges/accounts/nowhere/check/", follow=True)

    assert "nowhere cannot trade" in answer.text
    assert "cannot connect to 127.0.0.1:9" in answer.text
    account.delete()


@pytest.mark.parametrize("address", ["/exchanges/", "/exchanges/?part=venues"])
def test_strangers_see_nothing(db: None, address: str) -> None:
    assert Client().get(address).status_code == 302


def test_the_buttons_are_for_the_signed_in_and_for_posting(person: Client, place: Place) -> None:
    assert Client().post("/exchanges/close-breaker/", {"host": HOST}).status_code == 302
    assert person.get("/exchanges/close-breaker/").status_code == 405


def test_the_api_tells_the_same(person: Client, place: Place, state: SharedState) -> None:
    open_breaker(state)
    state.ban(HOST, 600, "403")
    venue = person.get("/api/v1/exchanges/").json()["venues"][0]

    assert venue["name"] == place.venue
    assert venue["hosts"][0]["breaker"]["state"] == "open"
    assert venue["hosts"][0]["ban"]["reason"] == "403"
    assert venue["hosts"][0]["limit"] == 540
    assert venue["accounts"] == ["practice"]
    assert person.post("/api/v1/exchanges/close-breaker/", {"host": HOST}).json() == {"closed": True}
    assert person.post("/api/v1/exchanges/close-breaker/", {"host": HOST}).json() == {"closed": False}


# --- Metrics -------------------------------------------------------------------------------------------------------


Samples = dict[tuple[str, frozenset[str]], float]


def samples(text: str) -> Samples:
    """(name, values of the labels) → value."""
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_are_what_prometheus_reads(client: Client, place: Place, state: SharedState) -> None:
    open_breaker(state)
    state.ban(HOST, 600, "403")
    found = samples(client.get("/metrics").text)

    def value(name: str, *labels: str) -> float:
        return found[f"traderagent_{name}", frozenset({place.exchange, place.environment, *labels})]

    assert value("exchange_requests_total", "read", "ok") == 1
    assert value("exchange_requests_total", "place", "failed") == 1
    assert value("exchange_errors_total", "OutcomeUnknown") == 1
    assert value("exchange_request_seconds_bucket", "read", "0.025") == 0
    assert value("exchange_request_seconds_bucket", "read", "0.05") == 1
    assert value("exchange_request_seconds_count", "place") == 1
    assert value("exchange_request_seconds_sum", "place") == 2.0
    assert value("breaker_state", HOST) == 2
    assert value("rate_budget_remaining", HOST) == 540
    assert 590 < value("banned_seconds", HOST) <= 600
    for store in ("redis", "database"):
        assert found["traderagent_up", frozenset({store})] == 1


def test_metrics_count_bots_and_open_orders(client: Client, place: Place) -> None:
    bot = cast.bot("eth-grid", status="running")
    cast.order(bot, "buy", "0.5", "1900.50")
    found = samples(client.get("/metrics").text)

    assert found["traderagent_bots", frozenset({"running"})] == 1
    assert found["traderagent_open_orders", frozenset({"practice", "open"})] == 1


def test_metrics_are_not_for_everybody(db: None, state: SharedState) -> None:
    assert Client(REMOTE_ADDR="10.1.2.3").get("/metrics").status_code == 403
    # A proxy on this machine makes everybody look local.
    assert Client().get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 403
    assert Client().get("/metrics").status_code == 200


def test_a_token_opens_the_metrics_and_closes_them_to_the_machine(
    db: None, state: SharedState, settings: LazySettings
) -> None:
    settings.METRICS_TOKEN = "let-me-read"
    far = Client(REMOTE_ADDR="10.1.2.3")

    assert far.get("/metrics", headers={"Authorization": "Bearer let-me-read"}).status_code == 200
    assert far.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 403
    assert Client().get("/metrics").status_code == 403


# --- On the overview -----------------------------------------------------------------------------------------------


def test_the_overview_says_that_an_exchange_does_not_answer(person: Client, place: Place, state: SharedState) -> None:
    cast.bot("eth-grid", status=BotStatus.RUNNING)
    assert "does not answer" not in person.get("/").text
    open_breaker(state)
    page = person.get("/?part=bots", headers=HTMX).text
    assert f"({HOST}) does not answer (HTTP status 502)" in page
    assert 'href="/exchanges/"' in page


def test_each_host_has_its_own_state(place: Place, state: SharedState) -> None:
    """Redis tells the hosts in no order."""
    names = [f"{letter}.example.test" for letter in "abcdefgh"]
    counted = Counters(lambda: state.connection, wall)
    for name in names:
        called = Place(name, place.exchange, place.environment, place.venue, 540, 5.0)
        counted.count_request(called, Intent.READ, "failed", 0.03)
        counted.count_error(called, "TemporaryError", name)
        state.settle(name, "normal", failure=name)
    counted.flush()
    open_breaker(state)
    found = {host.name: host for host in read_hosts(state.connection, now=datetime.now(UTC))}
    assert [error.text for name in names for error in found[name].errors] == names
    assert [found[name].breaker.failures for name in names] == [1] * len(names)
    assert found[HOST].breaker.state == "open"


def test_the_overview_says_that_an_exchange_has_banned_us(person: Client, place: Place, state: SharedState) -> None:
    cast.bot("eth-grid", status=BotStatus.RUNNING)
    state.ban(HOST, 60, "403 access too frequent")
    assert f"({HOST}) has banned this platform until" in person.get("/").text


def test_an_exchange_that_no_bot_uses_is_no_news_on_the_overview(
    person: Client, place: Place, state: SharedState
) -> None:
    open_breaker(state)
    assert HOST not in person.get("/").text


def test_a_bot_whose_ticks_fail_says_why_in_its_row_and_on_its_page(person: Client, state: SharedState) -> None:
    bot = cast.bot("eth-grid", status=BotStatus.RUNNING)
    assert "troubled" not in person.get("/").text
    bot.errors_in_a_row, bot.last_error = 3, "The price of ETH/USDT is stale: the last one is 42 s old."
    bot.save()
    for address in ("/", "/bots/eth-grid/"):
        page = person.get(address).text
        assert '<span class="status running troubled"' in page
        assert "3 failed ticks" in page
        assert re.search(r">\s*[^<]*The price of ETH/USDT is stale: the last one is 42 s old\.", page)
