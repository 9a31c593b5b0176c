"""Matching on paper. Every figure is worked out by hand: 0.1 % on spot, 0.02 % and 0.055 % on linear."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from exchange.errors import InsufficientFunds, OrderNotFound, OrderRejected
from exchange.paper.models import PaperStatus
from exchange.paper.orders import PricePoint
from tests.exchange.paper.making import BUY, SELL, D, Desk
from tests.strategies.markets import LINEAR, SPOT


def test_a_resting_buy_fills_at_its_own_price_as_maker_and_pays_its_fee_in_base() -> None:
    desk = Desk(USDT="1000")
    desk.place(BUY, "0.1", "1990")
    desk.go("1995", "1980")
    # 0.1 × 0.1 % = 0.0001 ETH; 1000 − 0.1 × 1990 = 801.
    assert desk.fills == [(1, D(1990), D("0.1"), D("0.0001"), "ETH", True)]
    assert desk.purse.totals == {"USDT": D(801), "ETH": D("0.0999")}


def test_where_a_buyer_pays_in_quote_the_fee_is_held_and_taken_there() -> None:
    """As at Kraken and Coinbase."""
    desk = Desk(replace(SPOT, buyer_pays_in_quote=True), USDT="200")
    # 0.1 × 1990 = 199, and 0.1 % of it, 0.199.
    desk.place(BUY, "0.1", "1990")
    assert desk.purse.used("USDT") == D("199.199")
    desk.go("1990")
    assert desk.fills == [(1, D(1990), D("0.1"), D("0.199"), "USDT", True)]
    assert desk.purse.totals == {"USDT": D("0.801"), "ETH": D("0.1")}
    with pytest.raises(InsufficientFunds):
        Desk(replace(SPOT, buyer_pays_in_quote=True), USDT="199.1").place(BUY, "0.1", "1990")


def test_a_touch_is_enough() -> None:
    desk = Desk(USDT="1000")
    desk.place(BUY, "0.1", "1990")
    desk.go("1990.01")
    assert desk.fills == []
    desk.go("1990")
    assert len(desk.fills) == 1


def test_a_crossing_limit_trades_at_the_last_price_as_taker() -> None:
    desk = Desk(ETH="1")
    order = desk.place(SELL, "0.5", "1900")
    # 0.5 × 2000 × 0.1 % = 1 USDT.
    assert desk.fills == [(1, D(2000), D("0.5"), D(1), "USDT", False)]
    assert order.status == PaperStatus.FILLED
    assert desk.purse.totals == {"USDT": D(999), "ETH": D("0.5")}


def test_what_trades_at_once_is_slipped_against_it_and_rounded_to_the_tick() -> None:
    desk = Desk(slippage="0.000333", USDT="1000", ETH="1")
    desk.place(BUY, "0.1")
    desk.place(SELL, "0.1")
    # 2000 × 0.000333 = 0.666, up to 2000.67 and down to 1999.33.
    assert [fill[1] for fill in desk.fills] == [D("2000.67"), D("1999.33")]


def test_a_post_only_order_that_would_take_is_refused_and_holds_nothing() -> None:
    desk = Desk(USDT="1000")
    order = desk.place(BUY, "0.1", "2000", post_only=True)
    assert (order.status, order.reason) == (PaperStatus.REJECTED, "A post-only order would have taken liquidity.")
    assert desk.fills == []
    assert desk.purse.used("USDT") == 0


def test_orders_met_by_one_move_fill_in_the_order_in_which_the_price_meets_them() -> None:
    desk = Desk(USDT="1000")
    desk.place(BUY, "0.1", "1970")
    desk.place(BUY, "0.1", "1990")
    desk.place(BUY, "0.1", "1980")
    desk.go("1960")
    assert [fill[:2] for fill in desk.fills] == [(2, D(1990)), (3, D(1980)), (1, D(1970))]


@pytest.mark.parametrize(
    ("path", "price"),
    [
        (("1960",), D(1970)),  # met on the way
        (("1971", "1900"), D(1970)),
    ],
)
def test_a_sell_stop_fills_where_the_price_meets_it(path: tuple[str, ...], price: Decimal) -> None:
    desk = Desk(ETH="1")
    order = desk.place(SELL, "0.5", stop="1970")
    desk.go(*path)
    assert [(*fill[1:3], fill[5]) for fill in desk.fills] == [(price, D("0.5"), False)]
    assert order.triggered


def test_spot_orders_hold_what_they_would_pay_with() -> None:
    desk = Desk(USDT="1000")
    desk.place(BUY, "0.4", "1900")  # holds 760
    assert desk.purse.used("USDT") == D(760)
    with pytest.raises(InsufficientFunds, match=r"has 240 USDT free, and buying 0\.2 ETH/USDT takes 300\."):
        desk.place(BUY, "0.2", "1500")
    desk.place(BUY, "0.1", "1500")
    assert desk.purse.used("USDT") == D(910)


def test_linear_orders_are_margined_by_leverage() -> None:
    desk = Desk(LINEAR, leverage="5", USDT="100")
    # 0.25 × 1900 / 5 = 95, with a taker fee of 0.26125 in reserve: 100 is enough; a second one is not.
    desk.place(BUY, "0.25", "1900")
    assert desk.purse.used("USDT") == D(95)
    with pytest.raises(InsufficientFunds):
        desk.place(BUY, "0.02", "1900")


def test_a_linear_round_trip_pays_two_fees_and_takes_the_difference() -> None:
    desk = Desk(LINEAR, USDT="1000")
    desk.place(SELL, "0.5")  # taker at 2000: 0.5 × 2000 × 0.055 % = 0.55
    desk.place(BUY, "0.5", "1960", reduce_only=True)
    desk.go("1950")  # maker at 1960: 0.5 × 1960 × 0.02 % = 0.196
    assert (desk.market.size, desk.market.entry_value) == (0, 0)
    assert desk.purse.totals == {"USDT": D(1000) - D("0.55") + D(20) - D("0.196")}


def test_a_fill_through_zero_turns_the_position_at_the_fill_price() -> None:
    desk = Desk(LINEAR, USDT="1000")
    desk.place(BUY, "0.3")
    desk.go("2100")
    desk.place(SELL, "0.5")
    assert (desk.market.size, desk.market.entry_value) == (D("-0.2"), D(-420))
    # 0.3 × 100 earned; fees of 0.33 and 0.5775.
    assert desk.purse.totals["USDT"] == D(1030) - D("0.33") - D("0.5775")


def test_a_reduce_only_order_fills_no_more_than_the_position_and_goes() -> None:
    desk = Desk(LINEAR, USDT="1000")
    desk.place(BUY, "0.2")
    order = desk.place(SELL, "0.5", "2010", reduce_only=True)
    desk.go("2020")
    assert (order.filled, order.status) == (D("0.2"), PaperStatus.CANCELED)
    assert desk.market.size == 0


def test_what_was_to_reduce_a_position_goes_when_that_is_closed() -> None:
    desk = Desk(LINEAR, USDT="1000")
    desk.place(BUY, "0.2")
    other = desk.place(SELL, "0.2", "2050", reduce_only=True)
    desk.place(SELL, "0.2", "2010", reduce_only=True)
    desk.go("2020")
    assert other.status == PaperStatus.CANCELED


@pytest.mark.parametrize(
    ("order", "complaint"),
    [
        ({"side": SELL, "amount": "0.1", "price": "2100", "reduce_only": True}, "no position to reduce"),
        ({"side": BUY, "amount": "0.1", "stop": "1990"}, "has to be above 2000"),
        ({"side": SELL, "amount": "0.1", "stop": "2000"}, "has to be below 2000"),
        ({"side": BUY, "amount": "0.01", "price": "400"}, "below the minimum of 5 USDT"),
        ({"side": BUY, "amount": "9000", "price": "2"}, "above the maximum of 7240 ETH"),
    ],
)
def test_what_an_exchange_refuses_is_refused_and_changes_nothing(order: dict[str, Any], complaint: str) -> None:
    desk = Desk(LINEAR, USDT="1000")
    with pytest.raises(OrderRejected, match=complaint):
        desk.place(**order)
    assert (desk.purse.orders, desk.book.changed, desk.book.counters.orders) == ({}, {}, 0)


def test_an_amended_order_keeps_its_ids_and_loses_its_place_with_a_new_price() -> None:
    desk = Desk(USDT="1000")
    first = desk.place(BUY, "0.1", "1990")
    second = desk.place(BUY, "0.1", "1980")
    desk.book.amend(first, amount=D("0.2"), price=D(1980), trigger_price=None)
    desk.go("1980")
    assert [fill[:3] for fill in desk.fills] == [(2, D(1980), D("0.1")), (1, D(1980), D("0.2"))]
    assert second.status == first.status == PaperStatus.FILLED


def test_an_amendment_that_changes_nothing_is_no_error_and_keeps_the_place() -> None:
    desk = Desk(USDT="1000")
    first = desk.place(BUY, "0.1", "1990")
    before = first.arrival
    assert desk.book.amend(first, amount=D("0.1"), price=D(1990), trigger_price=None).arrival == before


def test_an_amendment_that_cannot_be_paid_leaves_the_old_order() -> None:
    desk = Desk(USDT="1000")
    order = desk.place(BUY, "0.1", "1990")
    with pytest.raises(InsufficientFunds):
        desk.book.amend(order, amount=D(1), price=D(1990), trigger_price=None)
    desk.go("1980")
    assert desk.fills == [(1, D(1990), D("0.1"), D("0.0001"), "ETH", True)]


def test_what_is_over_is_neither_cancelled_nor_amended() -> None:
    desk = Desk(USDT="1000")
    order = desk.place(BUY, "0.1", "1990")
    desk.go("1980")
    with pytest.raises(OrderNotFound, match="is filled"):
        desk.book.cancel(order)
    with pytest.raises(OrderNotFound, match="is filled"):
        desk.book.amend(order, amount=D("0.2"), price=None, trigger_price=None)


def test_a_path_that_was_followed_before_changes_nothing() -> None:
    desk = Desk(USDT="1000", ETH="1")
    path = [PricePoint(1000, D(1980)), PricePoint(2000, D(2020))]
    desk.book.follow(path)
    desk.place(BUY, "0.1", "1990")
    # The same prices again, from a worker that was slower: they lie behind the book's last look.
    desk.book.follow(path[:1])
    assert desk.fills == []
    assert (desk.market.price, desk.market.seen_at) == (D(2020), 2000)
