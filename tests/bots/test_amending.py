"""Changing an order in place: written down before it is sent, and never two orders for one wish."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from bots.models import EventKind, JournalEntry, Order
from strategies.contract import Side
from tests.bots.model_exchange import KIND
from tests.bots.scripted import Bench, bench, limit

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture
def one() -> Iterator[Bench]:
    """An order of 0.5 at 1900 stands, and 0.4 at 1950 is wanted."""
    with bench() as made:
        made.want(limit())
        made.tick()
        made.want(limit(amount="0.40", price="1950"))
        yield made


def terms(one: Bench) -> list[tuple[Decimal | None, Decimal | None]]:
    return [(kept.report.amount, kept.report.price) for kept in one.exchange.standing]


def test_it_is_changed_in_place_and_the_journal_says_to_what(one: Bench) -> None:
    one.tick()
    assert terms(one) == [(D("0.4"), D(1950))]
    assert Order.objects.count() == 1
    assert (one.order().amount, one.order().price, one.order().amend_requested_at) == (D("0.4"), D(1950), None)
    entry = JournalEntry.objects.get(action="amend")
    assert entry.sentence == "The strategy wants this order as 0.4 at 1950: it is changed in place."
    assert one.events(EventKind.ORDER_AMENDED) == [
        "Amended: buy 0.5 ETH/USDT:USDT at 1900 is now buy 0.4 ETH/USDT:USDT at 1950."
    ]


@pytest.mark.parametrize("fate", ["lose_before", "lose_after", "kill_before", "kill_after", "hold"])
def test_whatever_becomes_of_the_answer_the_next_ticks_see_it_through(one: Bench, fate: str) -> None:
    one.tick(fate)
    assert one.order().amend_amount == D("0.4")
    one.tick()
    assert terms(one) == [(D("0.4"), D(1950))]
    assert one.order().amend_amount is None
    one.assert_books_are_true()


def test_changing_the_mind_while_an_answer_is_out_ends_at_the_last_wish(one: Bench) -> None:
    one.tick("lose_after")
    one.want(limit())
    one.tick()
    one.tick()
    assert terms(one) == [(D("0.5"), D(1900))]
    one.assert_books_are_true()


def test_a_refused_change_is_made_by_cancelling_and_placing_anew(one: Bench) -> None:
    one.tick("refuse")
    assert terms(one) == [(D("0.5"), D(1900))]
    assert one.order().amend_refused
    one.tick()
    assert terms(one) == []
    one.tick()
    assert terms(one) == [(D("0.4"), D(1950))]
    assert one.order(attempt=1).amount == D("0.4")
    assert "refused to change" in one.events(EventKind.ORDER_FAILED)[0]


def test_one_that_filled_meanwhile_is_booked_and_nothing_takes_its_place(one: Bench) -> None:
    one.exchange.lag = one.exchange.traits.fills_lag / 2
    one.exchange.execute(one.exchange.standing[0], D("0.5"))
    one.tick()
    one.settle()
    assert Order.objects.count() == 1
    assert one.order().status == "filled"
    assert one.seen == [["a", 0, 0.5, True]]


def test_a_fill_of_the_new_amount_completes_the_order_though_the_answer_was_lost(one: Bench) -> None:
    one.tick("kill_after")
    one.exchange.execute(one.exchange.standing[0], D("0.4"))
    one.tick()
    assert (one.order().status, one.order().amount) == ("filled", D("0.4"))
    assert one.seen == [["a", 0, 0.4, True]]


def test_a_fill_of_the_old_amount_does_not_complete_an_order_that_became_larger(one: Bench) -> None:
    one.want(limit(amount="0.80"))
    one.tick("kill_after")
    one.exchange.execute(one.exchange.standing[0], D("0.5"))
    one.tick()
    assert (one.order().status, one.order().amount) == ("partially_filled", D("0.8"))
    assert one.seen == [["a", 0, 0.5, False]]
    one.assert_books_are_true()


def test_the_amount_counts_what_is_filled_already_and_never_goes_below(one: Bench) -> None:
    one.exchange.execute(one.exchange.standing[0], D("0.3"))
    one.tick()
    assert terms(one) == [(D("0.4"), D(1950))]
    one.want(limit(amount="0.20", price="1950"))
    one.tick()
    one.tick()
    # 0.3 of 0.2 are filled: the rest is withdrawn, and the strategy hears that it is done
    assert terms(one) == []
    one.tick()
    assert one.seen == [["a", 0, 0.3, False], ["a", 0, 0.0, True]]
    assert Order.objects.count() == 1


def test_another_side_is_another_order(one: Bench) -> None:
    one.want(limit(side=Side.SELL, price="2100"))
    one.tick()
    one.tick()
    assert [kept.report.side for kept in one.exchange.standing] == [Side.SELL]
    assert Order.objects.count() == 2


def test_where_the_exchange_cannot_it_is_cancelled_first() -> None:
    with bench(traits=replace(KIND, amends=frozenset())) as one:
        one.want(limit())
        one.tick()
        one.want(limit(price="1950"))
        one.tick()
        assert terms(one) == []
        one.tick()
        assert terms(one) == [(D("0.5"), D(1950))]


def test_what_somebody_changed_by_hand_is_told_and_put_right(one: Bench) -> None:
    one.tick()
    (kept,) = one.exchange.standing
    kept.report = replace(kept.report, price=D(1000))
    one.tick(seconds=20)
    one.tick()
    assert terms(one) == [(D("0.4"), D(1950))]
    assert one.events(EventKind.ORDER_AMENDED)[1].startswith("Somebody changed an order of this bot")
