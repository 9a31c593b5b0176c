"""The gate before every order: what it lets through, what it refuses, and what of both stands in the journal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bots import gate
from bots.gate import Proposal, examine
from bots.models import EventKind, JournalEntry, Order
from bots.plan import Check, Placement
from strategies.contract import Side, WantedOrder
from tests.bots.cast import ETH_LINEAR
from tests.bots.scripted import Bench, bench, limit, stop

D = Decimal


def proposal(wanted: WantedOrder, *, recent: int = 0, last: str = "2000") -> Proposal:
    price = None if wanted.price is None else D(str(wanted.price))
    trigger = None if wanted.trigger_price is None else D(str(wanted.trigger_price))
    placement = Placement(wanted, wanted.side, wanted.type, D(str(wanted.amount)), price, trigger, 0)
    return Proposal(placement, ETH_LINEAR, D(last), recent, 10, D(25))


def failed(checks: tuple[Check, ...]) -> list[str]:
    return [check.name for check in checks if not check.passed]


@pytest.mark.parametrize(
    ("side", "price", "passes"),
    [
        (Side.BUY, "2500", True),  # exactly 25 % above
        (Side.BUY, "2500.01", False),
        (Side.BUY, "20", True),  # rests far below: a deep grid
        (Side.SELL, "1500", True),
        (Side.SELL, "1499.99", False),
        (Side.SELL, "99999", True),
    ],
)
def test_only_a_limit_that_would_trade_at_once_far_from_the_price_is_refused(
    side: Side, price: str, passes: bool
) -> None:
    checks = examine(proposal(limit(side=side, price=price)))
    assert failed(checks) == ([] if passes else ["price deviation"])


def test_the_refusal_names_value_and_limit() -> None:
    check = examine(proposal(limit(price="3000")))[-1]
    assert (check.value, check.limit) == ("50.00 %", "25 %")
    assert check.sentence == "a buy at 3000 is 50.0 % above the last price of 2000; at most 25 % are allowed"


def test_what_makes_a_position_smaller_is_held_up_by_nothing() -> None:
    close = replace(limit(side=Side.SELL, price="1000"), reduce_only=True)
    assert failed(examine(proposal(close, recent=99))) == []


def test_what_closes_a_stopping_bot_is_held_up_by_nothing() -> None:
    """On spot no order is reduce-only; a bot must not stop with its position open because it was busy before."""
    sale = limit(side=Side.SELL, price="1990")
    assert failed(examine(proposal(sale, recent=99))) == ["orders per minute"]
    assert failed(examine(replace(proposal(sale, recent=99), winding_down=True))) == []
    assert failed(examine(proposal(stop(), recent=99))) == []


def test_the_rate_is_that_of_the_last_minute() -> None:
    assert failed(examine(proposal(limit(), recent=9))) == []
    assert failed(examine(proposal(limit(), recent=10))) == ["orders per minute"]


def test_the_first_check_that_fails_ends_the_examination() -> None:
    checks = examine(proposal(limit(amount="0.001", price="9999"), recent=99))
    assert failed(checks) == ["minimum amount"]


@pytest.mark.django_db
class TestInATick:
    @pytest.fixture
    def one(self, settings: Any) -> Iterator[Bench]:
        settings.BOT_ORDERS_PER_MINUTE = 2
        with bench() as made:
            yield made

    def test_what_passed_stands_with_the_order(self, one: Bench) -> None:
        one.want(limit())
        one.tick()
        entry = JournalEntry.objects.get(action="place")
        assert [check["check"] for check in entry.checks] == [
            "minimum amount", "minimum value", "price deviation", "orders per minute",
        ]  # fmt: skip
        assert (D(entry.checks[1]["value"]), entry.checks[1]["limit"], entry.checks[1]["passed"]) == (950, "5", True)

    def test_what_is_refused_is_told_once_and_never_an_order(self, one: Bench) -> None:
        one.want(limit(price="2600"))
        for _ in range(3):
            one.tick()
        assert not Order.objects.exists()
        assert one.exchange.placed == []
        entry = JournalEntry.objects.get(action="refuse")
        assert entry.sentence.startswith("Not placed: a buy at 2600 is 30.0 % above the last price")
        assert [check["passed"] for check in entry.checks] == [True, True, False]
        assert len(one.events(EventKind.ORDER_FAILED)) == 1

    def test_orders_beyond_the_rate_wait_for_the_minute_to_pass(self, one: Bench) -> None:
        one.want(limit("a"), limit("b"), limit("c"))
        one.tick()
        assert Order.objects.count() == 2
        one.tick(seconds=30)
        assert Order.objects.count() == 2
        one.tick(seconds=31)
        assert Order.objects.count() == 3

    def test_a_check_that_is_added_is_asked(self, one: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        def no_selling(proposed: Proposal) -> Check:
            selling = proposed.placement.side is Side.SELL
            return Check("direction", proposed.placement.side, "buy", not selling, "this bot only buys")

        monkeypatch.setattr(gate, "CHECKS", (*gate.CHECKS, no_selling))
        one.want(limit("a"), limit("b", side=Side.SELL, price="2100"))
        one.tick()
        assert [kept.report.side for kept in one.exchange.standing] == [Side.BUY]
        assert JournalEntry.objects.get(action="refuse").sentence == "Not placed: this bot only buys."


@pytest.mark.django_db
class TestRests:
    """What is left of an order that the market takes no order for."""

    def test_a_rest_below_the_minimum_is_dropped_and_the_strategy_hears_that_it_is_done(self) -> None:
        with bench(spec=replace(ETH_LINEAR, min_amount=D("0.05"))) as one:
            one.want(limit())
            one.tick()
            (kept,) = one.exchange.standing
            one.exchange.execute(kept, D("0.48"))
            one.exchange.end(kept)
            one.bot.account.__class__.objects.update(audited_at=None)
            for _ in range(4):
                one.tick(seconds=20)
            assert one.seen == [["a", 0, 0.48, False], ["a", 0, 0.0, True]]
            assert len(one.exchange.placed) == 1
            assert JournalEntry.objects.filter(code="plan.rest_dropped").count() == 1

    def test_a_rest_that_is_large_enough_is_ordered_again(self) -> None:
        with bench() as one:
            one.want(limit())
            one.tick()
            (kept,) = one.exchange.standing
            one.exchange.execute(kept, D("0.30"))
            one.exchange.end(kept)
            one.settle()
            assert [kept.left for kept in one.exchange.standing] == [D("0.20")]
