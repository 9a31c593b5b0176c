"""Sending, asking and sending again: what is done about an answer that does not come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from bots.lifecycle import BotStatus, OrderStatus
from bots.models import EventKind, Order
from exchange.traits import DuplicateIds, VenueTraits
from tests.bots.model_exchange import KIND, LAG
from tests.bots.scripted import Bench, bench, limit

pytestmark = pytest.mark.django_db

D = Decimal
NO_IDS = VenueTraits(client_order_ids=False, not_found_lag=LAG, fills_lag=LAG)


@pytest.fixture
def one() -> Iterator[Bench]:
    with bench() as made:
        made.want(limit())
        yield made


def statuses(one: Bench) -> list[str]:
    return list(Order.objects.filter(bot=one.bot).order_by("attempt").values_list("status", flat=True))


@pytest.mark.parametrize("fate", ["lose_after", "kill_after"])
def test_an_accepted_order_whose_answer_was_lost_is_found_by_its_id(one: Bench, fate: str) -> None:
    one.tick(fate)
    assert statuses(one) == ["unknown" if fate == "lose_after" else "sent"]
    one.tick()
    assert statuses(one) == ["open"]
    assert len(one.exchange.placed) == 1
    one.assert_books_are_true()


@pytest.mark.parametrize("fate", ["lose_before", "kill_before"])
def test_one_that_never_arrived_goes_out_again_under_the_same_id_after_the_lag(one: Bench, fate: str) -> None:
    one.tick(fate)
    one.tick(seconds=LAG.total_seconds() - 0.1)
    assert len(one.exchange.placed) == 1
    one.tick(seconds=0.1)
    assert one.exchange.placed == [one.order().client_order_id] * 2
    assert statuses(one) == ["open"]


def test_a_request_that_arrives_after_it_was_given_up_is_not_doubled(one: Bench) -> None:
    one.tick("late")
    one.settle()
    assert len(one.exchange.kept) == 1
    one.assert_books_are_true()


def test_what_was_held_back_on_this_side_is_an_intent_again_and_no_mystery(one: Bench) -> None:
    one.want(limit("a"), limit("b"))
    one.tick("hold")
    assert statuses(one) == ["intent", "intent"]
    assert len(one.exchange.placed) == 1  # nothing more was tried behind it
    one.tick()
    assert statuses(one) == ["open", "open"]


def test_where_an_id_may_be_used_again_the_wait_is_longer_and_executions_are_asked_for() -> None:
    with bench(traits=replace(KIND, duplicate_ids=DuplicateIds.REFUSED_WHILE_OPEN)) as one:
        one.want(limit())
        one.tick("lose_after")
        # It filled at once, and the exchange does not keep what is over.
        (kept,) = one.exchange.standing
        one.exchange.lag = LAG
        one.exchange.execute(kept, kept.left)
        kept.forgotten = True
        one.tick(seconds=LAG.total_seconds() - 1)
        assert statuses(one) == ["unknown"]
        one.settle()
        assert statuses(one) == ["filled"]
        assert len(one.exchange.placed) == 1


def test_an_unwanted_order_that_never_arrived_is_not_sent_again(one: Bench) -> None:
    one.tick("lose_before")
    one.want()
    one.tick()
    one.settle()
    assert statuses(one) == ["canceled"]
    assert len(one.exchange.placed) == 1
    assert "never reached the exchange" in one.events(EventKind.ORDER_CANCELED)[0]


def test_an_order_that_arrived_and_was_forgotten_is_over_after_a_while_and_placed_anew(one: Bench) -> None:
    one.tick("lose_after")
    (kept,) = one.exchange.standing
    kept.forgotten = True
    one.exchange.end(kept)
    one.tick(seconds=4)  # "used before", and no such order
    one.tick(seconds=56)
    assert statuses(one) == ["sent"]
    one.tick(seconds=5)
    assert statuses(one)[0] == "canceled"
    one.settle()
    assert statuses(one) == ["canceled", "open"]
    assert "knows nothing of it any more" in one.events(EventKind.ORDER_CANCELED)[0]


class TestWithoutClientIds:
    def test_the_one_order_that_is_alike_is_taken_for_ours(self) -> None:
        with bench(traits=NO_IDS) as one:
            one.want(limit())
            one.tick("lose_after")
            one.tick()
            assert statuses(one) == ["open"]
            assert one.order().exchange_order_id == "x0"
            one.exchange.execute(one.exchange.standing[0], D("0.2"))
            one.tick()
            assert one.order().filled == D("0.2")
            one.assert_books_are_true()

    def test_an_older_one_or_one_of_another_price_is_not(self) -> None:
        with bench(traits=NO_IDS) as one:
            one.want(limit("by hand", price="1890"), limit("old"))
            one.tick()
            Order.objects.all().delete()
            one.want(limit())
            one.tick("lose_before", seconds=3600)
            one.settle()
            assert one.order().exchange_order_id == "x2"

    def test_two_that_are_alike_need_the_operator_and_nothing_is_sent(self) -> None:
        with bench(traits=NO_IDS) as one:
            one.want(limit("a"), limit("b"))
            one.tick("lose_after", "lose_after")
            one.tick()
            assert one.bot.status == BotStatus.EMERGENCY
            assert "2 orders at the exchange could be" in one.bot.status_reason
            for _ in range(3):
                one.tick(seconds=20)
            assert len(one.exchange.placed) == 2
            # The operator cancels both by hand; what came to nothing is nobody's, and may be anybody's.
            for kept in one.exchange.standing:
                one.exchange.end(kept)
            one.tick(seconds=20)
            assert sorted(statuses(one)) == ["canceled", "canceled"]

    def test_none_after_the_wait_means_that_it_never_arrived(self) -> None:
        with bench(traits=NO_IDS) as one:
            one.want(limit())
            one.tick("lose_before")
            one.tick(seconds=17)
            assert len(one.exchange.placed) == 1
            one.tick(seconds=2)
            assert len(one.exchange.placed) == 2


def test_an_execution_that_may_be_of_a_lost_order_needs_the_operator() -> None:
    """Executions without ids of ours, and an exchange that forgot the order they are of."""
    with bench(traits=replace(KIND, fills_carry_client_id=False)) as one:
        one.want(limit())
        one.tick("lose_after")
        (kept,) = one.exchange.standing
        one.exchange.execute(kept, kept.left)
        kept.forgotten = True
        one.tick(seconds=4)
        one.tick(seconds=50)
        assert (one.bot.status, statuses(one)) == (BotStatus.RUNNING, ["unknown"])
        one.tick(seconds=7)
        assert one.bot.status == BotStatus.EMERGENCY
        assert "which may be the one whose answer was lost" in one.bot.status_reason
        assert len(one.exchange.placed) == 1


class TestMissing:
    def test_one_look_up_that_misses_a_standing_order_is_no_cancel(self, one: Bench) -> None:
        one.tick()
        (kept,) = one.exchange.standing
        shown = kept.visible_from
        kept.visible_from = one.now.replace(year=2099)
        one.tick(seconds=16)
        assert (statuses(one), one.order().missing_since) == (["open"], one.now)
        kept.visible_from = shown
        one.tick()
        assert (statuses(one), one.order().missing_since) == (["open"], None)
        assert len(one.exchange.placed) == 1

    def test_known_to_nobody_for_longer_than_the_lag_it_is_over_and_said_so(self, one: Bench) -> None:
        one.tick()
        (kept,) = one.exchange.standing
        one.exchange.end(kept)
        kept.forgotten = True
        one.tick(seconds=16)
        assert statuses(one) == ["open"]
        one.tick(seconds=LAG.total_seconds())
        assert statuses(one)[0] == "canceled"
        (told,) = one.events(EventKind.ORDER_CANCELED)
        assert told.startswith("Taken as canceled: buy 0.5 ETH/USDT:USDT at 1900. For 3 s the exchange has known")

    def test_forgotten_because_it_filled_it_is_found_by_its_execution(self, one: Bench) -> None:
        one.tick()
        (kept,) = one.exchange.standing
        one.exchange.lag = LAG * 0.9
        one.exchange.execute(kept, kept.left)
        kept.forgotten = True
        one.bot.account.__class__.objects.update(audited_at=None)
        one.tick(seconds=0.1)
        one.settle()
        assert statuses(one) == ["filled"]
        assert len(one.exchange.placed) == 1

    def test_an_execution_that_comes_after_all_is_booked(self, one: Bench) -> None:
        one.tick()
        (kept,) = one.exchange.standing
        one.exchange.end(kept)
        kept.forgotten = True
        one.tick(seconds=16)
        one.tick(seconds=4)
        assert one.order().status == OrderStatus.CANCELED
        one.want()
        one.exchange.execute(kept, D("0.5"))
        one.tick()
        assert (one.order().status, one.order().filled) == (OrderStatus.FILLED, D("0.5"))
