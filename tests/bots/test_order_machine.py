"""The life of orders against a model: whatever is lost, killed, filled or cancelled in between, the books come true."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bots.lifecycle import BotStatus
from bots.models import Event, EventKind, Fill, Order
from exchange.port import ReportedStatus
from exchange.traits import DuplicateIds
from strategies.contract import Side, WantedOrder
from tests.bots.model_exchange import KIND, LAG, Kept
from tests.bots.scripted import Bench, bench, limit, stop
from tests.properties import examples

D = Decimal
SLOTS = ["a", "b"]

slots = st.sampled_from(SLOTS)
amounts = st.sampled_from(["0.10", "0.30", "0.50"])
prices = st.sampled_from(["1900", "1950"])
FATES = ["well", "lose_before", "lose_after", "late", "refuse", "hold", "kill_before", "kill_after"]
fates = st.lists(st.sampled_from(FATES), max_size=3)


class OrderMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.wishes: dict[str, WantedOrder] = {}
        self.sequences = dict.fromkeys([*SLOTS, "stop"], -1)
        self.most_wanted: dict[tuple[str, int], Decimal] = {}
        # A wish that becomes larger when it was done already is done once more.
        self.raised: set[tuple[str, int]] = set()
        self.bench: Bench

    @initialize(
        lag=st.sampled_from([LAG * 0, LAG * 0.9]),
        untidy=st.booleans(),
        ids=st.sampled_from([DuplicateIds.REFUSED, DuplicateIds.FIRST_RETURNED, DuplicateIds.REFUSED_WHILE_OPEN]),
        amends=st.booleans(),
        named=st.booleans(),
        holds_stops=st.booleans(),
    )
    def begin(self, lag: Any, untidy: bool, ids: DuplicateIds, amends: bool, named: bool, holds_stops: bool) -> None:
        atomic = transaction.atomic()
        atomic.__enter__()
        self.stack.callback(self._roll_back, atomic)
        traits = replace(KIND, duplicate_ids=ids, fills_carry_client_id=named)
        if not amends:
            traits = replace(traits, amends=frozenset(), amends_stops=frozenset())
        if not holds_stops:
            traits = replace(traits, stop_orders=frozenset())
        self.bench = self.stack.enter_context(bench(traits=traits, lag=lag, untidy=untidy))

    @staticmethod
    def _roll_back(atomic: Any) -> None:
        transaction.set_rollback(True)
        atomic.__exit__(None, None, None)

    def teardown(self) -> None:
        try:
            if hasattr(self, "bench"):
                self._check_the_end()
        finally:
            self.stack.close()

    # --- What the strategy does -----------------------------------------------------------------------------------

    @rule(slot=slots, side=st.sampled_from(list(Side)), amount=amounts, price=prices)
    def want_something_new(self, slot: str, side: Side, amount: str, price: str) -> None:
        self.sequences[slot] += 1
        self._want(limit(slot, self.sequences[slot], side=side, amount=amount, price=price))

    @precondition(lambda self: self.wishes)
    @rule(amount=amounts, price=prices, pick=st.integers(0, 1))
    def want_it_otherwise(self, amount: str, price: str, pick: int) -> None:
        old = list(self.wishes.values())[pick % len(self.wishes)]
        if old.protective:
            self._want(stop(old.slot, old.sequence, amount=amount))
        else:
            self._want(limit(old.slot, old.sequence, side=old.side, amount=amount, price=price))

    @rule(amount=amounts)
    def want_a_stop(self, amount: str) -> None:
        self.sequences["stop"] += 1
        self._want(stop("stop", self.sequences["stop"], amount=amount))

    @rule(slot=st.sampled_from([*SLOTS, "stop"]))
    def want_it_no_more(self, slot: str) -> None:
        self.wishes.pop(slot, None)
        self.bench.want(*self.wishes.values())

    def _want(self, order: WantedOrder) -> None:
        self.wishes[order.slot] = order
        wish = (order.slot, order.sequence)
        if wish in self.most_wanted and self.most_wanted[wish] < D(str(order.amount)):
            self.raised.add(wish)
        self.most_wanted[wish] = max(self.most_wanted.get(wish, D(0)), D(str(order.amount)))
        self.bench.want(*self.wishes.values())

    @rule(slot=slots, fate=st.sampled_from(FATES), seconds=st.sampled_from([0.2, 2.0]))
    def want_something_new_that_goes_wrong(self, slot: str, fate: str, seconds: float) -> None:
        self.want_something_new(slot, Side.BUY, "0.50", "1900")
        self.bench.tick(*["well"] * len(self.bench.exchange.standing), fate, seconds=seconds)
        self.bench.tick(seconds=seconds)

    # --- What workers do ------------------------------------------------------------------------------------------

    @rule(fates=fates, seconds=st.sampled_from([0.2, 1.0, 4.0, 20.0]), audit=st.booleans())
    def tick(self, fates: list[str], seconds: float, audit: bool) -> None:
        if audit:
            type(self.bench.bot.account).objects.update(audited_at=None)
        self.bench.tick(*fates, seconds=seconds)

    @rule(after=st.integers(0, 4))
    def tick_while_reading_fails(self, after: int) -> None:
        self.bench.exchange.fails_reading = after
        self.bench.tick()
        self.bench.exchange.fails_reading = 0

    # --- What the market and the exchange do ------------------------------------------------------------------------

    @rule(price=st.sampled_from(["1790", "2000"]), stall=st.booleans())
    def the_price_moves(self, price: str, stall: bool) -> None:
        self.bench.exchange.move(D(price), stall=stall)

    @precondition(lambda self: self.bench.exchange.standing)
    @rule()
    def fill_all_that_stands(self) -> None:
        for kept in self.bench.exchange.standing:
            self.bench.exchange.execute(kept, kept.left)

    @precondition(lambda self: self.bench.exchange.standing)
    @rule(pick=st.integers(0, 9), part=st.sampled_from([D("0.3"), D(1)]))
    def fill(self, pick: int, part: Decimal) -> None:
        kept = self._pick(pick)
        amount = max((kept.left * part).quantize(D("0.01")), D("0.01"))
        self.bench.exchange.execute(kept, min(amount, kept.left))

    @precondition(lambda self: self.bench.exchange.standing)
    @rule(pick=st.integers(0, 9), forget=st.booleans(), partly=st.booleans())
    def the_exchange_cancels(self, pick: int, forget: bool, partly: bool) -> None:
        kept = self._pick(pick)
        if partly and kept.left > D("0.05"):
            self.bench.exchange.execute(kept, D("0.05"))
        self.bench.exchange.end(kept, ReportedStatus.CANCELED)
        # An execution that names no order of ours can only be told by its order.
        kept.forgotten = forget and (self.bench.exchange.traits.fills_carry_client_id or not kept.report.filled)

    def _pick(self, number: int) -> Kept:
        standing = self.bench.exchange.standing
        return standing[number % len(standing)]

    # --- What always holds ----------------------------------------------------------------------------------------

    def _wishes_at_the_exchange(self) -> dict[tuple[str, int], list[Kept]]:
        rows = {order.client_order_id: (order.slot, order.sequence) for order in Order.objects.all()}
        found: dict[tuple[str, int], list[Kept]] = {}
        for kept in self.bench.exchange.kept.values():
            found.setdefault(rows[kept.report.client_order_id], []).append(kept)
        return found

    @invariant()
    def no_wish_has_two_orders(self) -> None:
        if not hasattr(self, "bench"):
            return
        for wish, orders in self._wishes_at_the_exchange().items():
            assert sum(kept.stands for kept in orders) <= 1, f"two orders stand for {wish}"
            filled = sum((kept.report.filled or D(0) for kept in orders), D(0))
            assert filled <= self.most_wanted[wish], f"{wish} was filled beyond what was wanted"

    @invariant()
    def no_execution_is_booked_twice_and_nothing_of_ours_fails(self) -> None:
        if not hasattr(self, "bench"):
            return
        for order in Order.objects.all():
            booked = sum(order.fills.values_list("amount", flat=True), D(0))
            assert booked == order.filled <= order.amount
        assert not Event.objects.filter(kind__in=[EventKind.STRATEGY_ERROR, EventKind.BOOKS_DIFFER]).exists()
        assert not Event.objects.filter(message__startswith="The tick failed").exists()
        assert self.bench.bot.status == BotStatus.RUNNING

    def _check_the_end(self) -> None:
        self.bench.settle()
        self.no_wish_has_two_orders()
        self.no_execution_is_booked_twice_and_nothing_of_ours_fails()
        self.bench.assert_books_are_true()
        assert not Order.objects.filter(status__in=["intent", "sent", "unknown"]).exists()
        told = sum((D(str(round(amount, 8))) for _, _, amount, _ in self.bench.seen), D(0))
        assert told == sum(Fill.objects.values_list("amount", flat=True), D(0))
        finished = [(slot, sequence) for slot, sequence, _, done in self.bench.seen if done]
        finished = [wish for wish in finished if wish not in self.raised]
        assert len(set(finished)) == len(finished), "a wish was called done twice"


@pytest.mark.property
@pytest.mark.django_db
def test_whatever_happens_no_order_is_lost_and_none_doubled() -> None:
    run_state_machine_as_test(
        OrderMachine,
        settings=examples(
            40,
            stateful_step_count=25,
            suppress_health_check=list(HealthCheck),
            # A failing life is told as it was: to shrink it takes minutes.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
        ),
    )
