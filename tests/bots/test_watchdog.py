"""The stop watchdog: the stop stands, or is carried out at market, or somebody hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal

import pytest

from bots.lifecycle import BotStatus
from bots.models import EventKind, JournalEntry, Position, Severity
from bots.watchdog import ALARM_EVERY, PATIENCE, UNPROTECTED_FOR
from exchange.port import ReportedStatus
from strategies.contract import OrderType, Side
from tests.bots.model_exchange import KIND, Kept
from tests.bots.scripted import Bench, bench, limit, stop

pytestmark = pytest.mark.django_db

D = Decimal


@contextmanager
def holding(**traits: object) -> Iterator[Bench]:
    """0.5 were bought at 1900, and a stop for them at 1800 is wanted but not placed yet."""
    with bench(traits=replace(KIND, **traits)) as made:  # type: ignore[arg-type]
        made.want(limit())
        made.tick()
        made.exchange.execute(made.exchange.standing[0], D("0.5"))
        made.tick()
        made.want(stop())
        yield made


@pytest.fixture
def one() -> Iterator[Bench]:
    with holding() as made:
        made.tick()
        assert made.exchange.standing != []
        yield made


def standing(one: Bench) -> Kept:
    (kept,) = one.exchange.standing
    return kept


def alarms(one: Bench) -> list[str]:
    found = one.bot.events.filter(kind=EventKind.POSITION_UNPROTECTED, severity=Severity.CRITICAL).order_by("id")
    return list(found.values_list("message", flat=True))


def test_one_that_went_missing_is_placed_again_in_the_same_tick(one: Bench) -> None:
    one.exchange.end(standing(one))
    one.tick()
    assert standing(one).report.trigger_price == D(1800)
    assert one.order("stop", attempt=1).status == "open"
    assert alarms(one) == []


def test_it_follows_the_position_by_being_amended(one: Bench) -> None:
    first = standing(one)
    one.want(stop(amount="0.30", price="1850"))
    one.tick()
    assert standing(one) is first
    assert (first.report.amount, first.report.trigger_price) == (D("0.3"), D(1850))


def test_one_that_somebody_moved_is_put_back_in_the_same_tick(one: Bench) -> None:
    kept = standing(one)
    kept.report = replace(kept.report, trigger_price=D(1500))
    one.tick(seconds=5)
    assert kept.report.trigger_price == D(1800)


def test_triggered_and_not_filled_it_is_withdrawn_and_closed_at_market(one: Bench) -> None:
    kept = standing(one)
    kept.report = replace(kept.report, triggered=True)
    one.exchange.last = D(1790)
    one.tick()
    one.tick(seconds=PATIENCE.total_seconds())
    assert kept.stands
    one.tick(seconds=0.1)
    assert kept.report.status is ReportedStatus.CANCELED
    one.tick()
    one.tick()
    closing = one.order("stop", attempt=1)
    assert (closing.type, closing.side, closing.reduce_only, closing.filled) == ("market", "sell", True, D("0.5"))
    assert Position.objects.get().amount == 0
    assert one.seen[-1] == ["stop", 0, 0.5, True]
    assert JournalEntry.objects.filter(code="watchdog.escalated").count() == 1


def test_what_filled_while_it_was_withdrawn_is_not_closed_again(one: Bench) -> None:
    kept = standing(one)
    kept.report = replace(kept.report, triggered=True)
    one.exchange.last = D(1790)
    one.tick()
    one.exchange.lag = KIND.fills_lag / 2
    one.exchange.execute(kept, D("0.5"))
    for _ in range(5):
        one.tick(seconds=PATIENCE.total_seconds() + 1)
    assert len(one.exchange.kept) == 2
    assert Position.objects.get().amount == 0


def test_a_stop_that_fills_as_it_should_is_left_alone(one: Bench) -> None:
    one.exchange.last = D(1790)
    one.exchange.execute(standing(one), D("0.5"), price=D(1800))
    one.tick()
    one.tick(seconds=10)
    assert one.seen[-1] == ["stop", 0, 0.5, True]
    assert len(one.exchange.kept) == 2
    assert one.events(EventKind.POSITION_UNPROTECTED) == []


def test_where_the_exchange_holds_none_the_price_is_watched_and_it_says_so() -> None:
    with holding(stop_orders=frozenset()) as one:
        one.tick()
        one.tick()
        assert one.exchange.standing == []
        assert JournalEntry.objects.filter(code="watchdog.software").count() == 1
        one.exchange.last = D(1801)
        one.tick()
        assert len(one.exchange.kept) == 1
        one.exchange.last = D(1800)
        one.tick()
        # It is met once and for all: the price that comes back changes nothing.
        one.exchange.last = D(1900)
        one.tick()
        one.tick()
        assert Position.objects.get().amount == 0
        assert one.seen[-1] == ["stop", 0, 0.5, True]


def test_a_price_beyond_a_stop_that_does_not_stand_closes_at_once() -> None:
    with holding() as one:
        one.exchange.last = D(1700)
        one.tick()
        (sold,) = [kept.report for kept in one.exchange.kept.values() if kept.report.side is Side.SELL]
        assert sold.type is OrderType.MARKET


def test_refused_twice_is_an_alarm_that_is_repeated_and_taken_back() -> None:
    with holding() as one:
        one.tick("refuse")
        assert alarms(one) == []
        one.tick("refuse")
        one.tick()
        (alarm,) = alarms(one)
        assert alarm.endswith("the exchange refused the stop.")
        assert alarm.startswith("Position without a stop since 12:00:0")
        one.exchange.fates = []
        assert standing(one).report.type is OrderType.STOP
        one.tick()
        assert one.events(EventKind.POSITION_PROTECTED) == ["The position is guarded again, or closed."]
        assert one.bot.watchdog == {}


def test_an_alarm_is_repeated_while_nothing_changes() -> None:
    with holding() as one:
        one.tick("refuse")
        for _ in range(3):
            one.tick("refuse", seconds=31)
        assert len(alarms(one)) == 1
        one.tick("refuse", seconds=ALARM_EVERY.total_seconds())
        assert len(alarms(one)) == 2


def test_an_exchange_that_cannot_be_reached_while_the_stop_is_not_placed_is_an_alarm() -> None:
    with holding() as one:
        one.tick("refuse")
        one.exchange.fails_reading = 9
        one.tick(seconds=UNPROTECTED_FOR.total_seconds() - 1)
        assert alarms(one) == []
        one.tick(seconds=1)
        assert alarms(one) == ["Position without a stop since 12:00:03 UTC: Try again later."]


def test_a_platform_that_cannot_watch_the_price_says_so_too() -> None:
    with holding(stop_orders=frozenset()) as one:
        one.tick()
        one.exchange.fails_reading = 9
        one.tick(seconds=UNPROTECTED_FOR.total_seconds())
        assert len(alarms(one)) == 1


def test_an_emergency_keeps_the_position_and_its_stop(one: Bench) -> None:
    one.want(stop(), limit("b"))
    one.tick()
    one.bot.change_status(BotStatus.EMERGENCY, "Looks wrong.")
    one.bot.save()
    one.tick()
    one.tick()
    assert standing(one).report.type is OrderType.STOP
    one.exchange.end(standing(one))
    one.tick()
    one.tick(seconds=UNPROTECTED_FOR.total_seconds())
    assert alarms(one)[0].endswith("the bot is emergency and no stop stands.")


def test_a_market_close_waits_until_the_stop_is_certainly_gone(one: Bench) -> None:
    close = replace(stop(slot="close"), type=OrderType.MARKET, trigger_price=None, protective=False)
    one.want(close)
    one.tick()
    assert [kept.report.type for kept in one.exchange.kept.values()] == [OrderType.LIMIT, OrderType.STOP]
    one.tick()
    assert [kept.report.type for kept in one.exchange.kept.values()][-1] is OrderType.MARKET


def test_a_close_that_is_refused_is_an_alarm() -> None:
    with holding() as one:
        one.exchange.last = D(1700)
        one.tick("refuse")
        one.tick("refuse")
        one.tick("refuse", seconds=3)
        assert [alarm.split(": ")[1] for alarm in alarms(one)] == ["the exchange refused to close it."]
        one.settle()
        assert Position.objects.get().amount == 0
        assert one.events(EventKind.POSITION_PROTECTED) != []
