"""Whatever is done to a paper book, its money adds up."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from exchange.errors import OrderNotFound, OrderRejected
from exchange.paper.models import PaperStatus
from exchange.paper.orders import BookOrder
from strategies.contract import MarketKind, MarketSpec, Side
from tests.exchange.paper.making import D, Desk
from tests.properties import examples
from tests.strategies.markets import LINEAR, SPOT

prices = st.integers(150_000, 250_000).map(lambda cents: f"{Decimal(cents) / 100}")
amounts = st.integers(1, 60).map(lambda steps: f"{Decimal(steps) / 100}")
moves = st.tuples(st.just("go"), prices)
orders = st.tuples(
    st.just("place"),
    st.sampled_from(list(Side)),
    amounts,
    st.one_of(st.just(""), prices),
    st.one_of(st.just(""), prices),
    st.booleans(),
    st.booleans(),
)

changes = st.tuples(st.sampled_from(["cancel", "amend"]), st.integers(0, 30), amounts, prices)


def run(desk: Desk, steps: list[tuple]) -> None:  # type: ignore[type-arg]
    placed: list[BookOrder] = []
    for step in steps:
        if step[0] in ("cancel", "amend") and not placed:
            continue
        try:
            match step:
                case "go", price:
                    desk.go(price)
                case "place", side, amount, price, stop, post_only, reduce_only:
                    flags = {"post_only": post_only, "reduce_only": reduce_only}
                    placed.append(desk.place(side, amount, "" if stop else price, stop=stop, **flags))
                case "cancel", which, _, _:
                    desk.book.cancel(placed[which % len(placed)])
                case "amend", which, amount, price:
                    order = placed[which % len(placed)]
                    limit = D(price) if order.price is not None else None
                    desk.book.amend(order, amount=D(amount), price=limit, trigger_price=None)
        except (OrderRejected, OrderNotFound):
            continue


def check(desk: Desk, spec: MarketSpec, start: dict[str, Decimal]) -> None:
    base, quote = D(0), D(0)
    fees = {spec.base: D(0), spec.quote: D(0)}
    for one in desk.book.executions:
        sign = 1 if one.order.is_buy else -1
        base += sign * one.amount
        quote -= sign * one.amount * one.price
        fees[one.fee_currency] += one.fee
    if spec.kind is MarketKind.SPOT:
        assert desk.purse.totals.get("ETH", D(0)) == start["ETH"] + base - fees["ETH"]
        assert desk.purse.totals["USDT"] == start["USDT"] + quote - fees["USDT"]
        assert all(total >= 0 for total in desk.purse.totals.values())
    else:
        assert desk.market.size == base
        # What was paid for the open position has not left the account.
        assert desk.purse.totals["USDT"] - desk.market.entry_value == start["USDT"] + quote - fees["USDT"]
    for order in desk.purse.orders.values():
        assert order.is_open
        if order.status == PaperStatus.OPEN and order.price is not None:
            # Nothing rests that the market has reached.
            assert order.price < desk.market.price if order.is_buy else order.price > desk.market.price
    for order in desk.book.changed.values():
        booked = sum((one.amount for one in desk.book.executions if one.order is order), D(0))
        assert order.filled == booked <= order.amount
    numbers = [one.number for one in desk.book.executions]
    assert numbers == sorted(set(numbers))


@examples(150)
@given(st.lists(st.one_of(moves, orders, changes), max_size=40))
def test_spot_balances_are_the_start_and_what_was_traded(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    desk = Desk(SPOT, USDT="2000", ETH="1")
    run(desk, steps)
    check(desk, SPOT, {"USDT": D(2000), "ETH": D(1)})


@examples(150)
@given(st.lists(st.one_of(moves, orders, changes), max_size=40))
def test_linear_money_is_never_moved_by_the_rounding_of_an_average(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    desk = Desk(LINEAR, USDT="2000")
    run(desk, steps)
    check(desk, LINEAR, {"USDT": D(2000), "ETH": D(0)})
