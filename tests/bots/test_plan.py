"""What is wanted against what stands: who is placed, cancelled, left alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.lifecycle import OrderStatus
from bots.plan import NOT_WANTED, REPLACED, Plan, Standing, Wish, make_plan
from strategies.contract import OrderType, Reason, Side, WantedOrder
from tests.bots.cast import ETH_LINEAR, NOW

D = Decimal
PRICE = D(2000)


def wish(slot: str = "grid:1:buy", sequence: int = 1, *, amount: float = 0.5, price: float = 1900.0) -> WantedOrder:
    return WantedOrder(slot, sequence, Side.BUY, OrderType.LIMIT, amount, Reason("grid.open"), price=price)


STANDING = Standing(
    order_id=7,
    slot="grid:1:buy",
    sequence=1,
    attempt=0,
    status=OrderStatus.OPEN,
    settled=False,
    refused=False,
    cancel_requested=False,
    amount=D("0.5"),
    filled=D(0),
    price=D(1900),
    trigger_price=None,
    closed_at=None,
)
FILLED = replace(STANDING, status=OrderStatus.FILLED, settled=True, filled=D("0.5"), closed_at=NOW)
REJECTED = replace(STANDING, status=OrderStatus.REJECTED, settled=True, refused=True, closed_at=NOW)


def plan(
    wanted: list[WantedOrder],
    live: list[Standing] | None = None,
    earlier: dict[Wish, list[Standing]] | None = None,
    after: timedelta = timedelta(0),
) -> Plan:
    return make_plan(wanted, live or [], earlier or {}, ETH_LINEAR, PRICE, NOW + after)


def test_a_wish_without_an_order_is_placed() -> None:
    (placed,) = plan([wish()]).place
    assert (placed.amount, placed.price, placed.attempt) == (D("0.5"), D(1900), 0)


def test_a_wish_with_its_order_is_left_alone() -> None:
    assert plan([wish()], [STANDING]) == Plan((), (), ())


def test_a_half_filled_order_is_left_alone() -> None:
    assert plan([wish()], [replace(STANDING, filled=D("0.2"))]) == Plan((), (), ())


def test_what_nobody_wants_is_cancelled_once() -> None:
    assert plan([], [STANDING]).cancel == ((7, NOT_WANTED),)
    assert plan([], [replace(STANDING, cancel_requested=True)]).cancel == ()


def test_another_price_cancels_first_and_places_nothing_yet() -> None:
    made = plan([wish(price=1890.0)], [STANDING])
    assert made.cancel == ((7, REPLACED),)
    assert made.place == ()


def test_the_same_wish_is_never_placed_again_after_it_filled() -> None:
    assert plan([wish()], earlier={("grid:1:buy", 1): [FILLED]}) == Plan((), (), ())


def test_a_raised_sequence_is_a_new_wish() -> None:
    assert len(plan([wish(sequence=2)], earlier={("grid:1:buy", 1): [FILLED]}).place) == 1


def test_nothing_is_placed_while_executions_of_a_closed_order_are_missing() -> None:
    closed = replace(STANDING, status=OrderStatus.CANCELED, settled=False)
    assert plan([wish()], earlier={("grid:1:buy", 1): [closed]}) == Plan((), (), ())


def test_the_rest_of_a_cancelled_order_is_placed_as_the_next_attempt() -> None:
    cancelled = replace(STANDING, status=OrderStatus.CANCELED, settled=True, filled=D("0.2"), closed_at=NOW)
    (placed,) = plan([wish()], earlier={("grid:1:buy", 1): [cancelled]}).place
    assert (placed.amount, placed.attempt) == (D("0.3"), 1)


def test_the_next_attempt_for_the_rest_is_left_alone() -> None:
    cancelled = replace(STANDING, status=OrderStatus.CANCELED, settled=True, filled=D("0.2"), closed_at=NOW)
    second = replace(STANDING, order_id=8, attempt=1, amount=D("0.3"))
    assert plan([wish()], [second], {("grid:1:buy", 1): [cancelled]}) == Plan((), (), ())


@pytest.mark.parametrize(("refusals", "wait"), [(1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (40, 300)])
def test_a_refused_wish_is_tried_again_ever_more_slowly(refusals: int, wait: int) -> None:
    earlier = {("grid:1:buy", 1): [replace(REJECTED, attempt=number) for number in range(refusals)]}
    assert plan([wish()], earlier=earlier, after=timedelta(seconds=wait - 0.001)).place == ()
    (placed,) = plan([wish()], earlier=earlier, after=timedelta(seconds=wait)).place
    assert placed.attempt == refusals


@pytest.mark.parametrize(
    ("amount", "price", "complaint"),
    [
        (0.004, 1900.0, "amount 0.00 is below the market's minimum of 0.01 ETH"),
        (0.01, 400.0, "its value of 4.0000 USDT is below the market's minimum of 5"),
        (1000.01, 1900.0, "amount 1000.01 is above the market's maximum of 1000 ETH"),
    ],
)
def test_what_the_exchange_must_refuse_is_not_sent(amount: float, price: float, complaint: str) -> None:
    made = plan([wish(amount=amount, price=price)])
    assert made.place == ()
    assert made.refuse[0].reason == complaint


def test_a_closing_market_order_waits_for_the_stop_that_leaves_and_an_opening_one_does_not() -> None:
    """Both could close the position twice; a purchase beside a leaving sell stop cannot."""
    stop = replace(STANDING, slot="stop", side=Side.SELL, type=OrderType.STOP, protective=True)
    close = WantedOrder("close", 1, Side.SELL, OrderType.MARKET, 0.5, Reason("dca.close"))
    base = WantedOrder("base", 2, Side.BUY, OrderType.MARKET, 0.5, Reason("dca.base"))
    made = plan([close, base], [stop])
    assert made.cancel == ((7, NOT_WANTED),)
    assert [item.wanted.slot for item in made.place] == ["base"]


def test_prices_and_amounts_are_quantised_to_the_market() -> None:
    (placed,) = plan([wish(amount=0.1 + 0.2, price=1900.0000000000002)]).place
    assert (placed.amount, placed.price) == (D("0.30"), D("1900.00"))


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3)), unique=True, max_size=8),
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(1, 3), st.booleans()), max_size=8, unique_by=lambda item: item[:2]
    ),
)
def test_after_any_plan_each_wish_has_one_order_and_each_order_a_wish(
    wishes: list[tuple[int, int]], standing: list[tuple[int, int, bool]]
) -> None:
    wanted = [wish(f"s{slot}", sequence) for slot, sequence in wishes]
    live = [
        replace(STANDING, order_id=number, slot=f"s{slot}", sequence=sequence, price=D(1900) if same else D(1800))
        for number, (slot, sequence, same) in enumerate(standing)
    ]
    made = plan(wanted, live)
    cancelled = {order_id for order_id, _ in made.cancel}
    kept = [order.wish for order in live if order.order_id not in cancelled]
    placed = [(item.wanted.slot, item.wanted.sequence) for item in made.place]
    assert len(set(kept + placed)) == len(kept + placed)
    wanted_wishes = {(order.slot, order.sequence) for order in wanted}
    assert set(kept) <= wanted_wishes
    # what is neither kept nor placed waits for the cancel of an order that has the wrong price
    waiting = {order.wish for order in live if order.order_id in cancelled} & wanted_wishes
    assert set(kept) | set(placed) | waiting == wanted_wishes
