"""The matching rules: tables worked out by hand, and properties against a reader that looks at every order."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.matching import (
    RestingOrders,
    crosses,
    four_points,
    limit_fills,
    path_order,
    slipped,
    stop_fill_price,
    trigger_met,
    trigger_price_met,
)

D = Decimal
NO_MARGIN = D(0)


@pytest.mark.parametrize(
    ("candle", "points"),
    [
        pytest.param((100, 103, 90, 95), (100, 103, 90, 95), id="the high is nearer to the open: high first"),
        pytest.param((100, 110, 97, 105), (100, 97, 110, 105), id="the low is nearer: low first"),
        pytest.param((100, 105, 95, 101), (100, 95, 105, 101), id="equally near: low first"),
        pytest.param((100, 100, 90, 92), (100, 100, 90, 92), id="opened at the high"),
        pytest.param((100, 110, 100, 108), (100, 100, 110, 108), id="opened at the low"),
        pytest.param((100, 100, 100, 100), (100, 100, 100, 100), id="nothing happened"),
    ],
)
def test_a_candle_is_four_points(candle: tuple[int, ...], points: tuple[int, ...]) -> None:
    opened, high, low, close = (D(price) for price in candle)
    assert four_points(opened, high, low, close) == tuple(D(price) for price in points)


@pytest.mark.parametrize(
    ("side", "limit", "start", "end", "margin", "fills"),
    [
        ("buy", 99, 100, 98, 0, True),
        ("buy", 98, 100, 98, 0, True),  # touched
        ("buy", 98, 100, 98, 1, False),  # touched, not passed by a tick
        ("buy", 98, 100, 97, 1, True),  # passed by exactly a tick
        ("buy", 97, 100, 98, 0, False),
        ("buy", 99, 98, 105, 0, True),  # the segment began below it
        ("sell", 101, 100, 102, 0, True),
        ("sell", 102, 100, 102, 0, True),
        ("sell", 102, 100, 102, 1, False),
        ("sell", 102, 100, 103, 1, True),
        ("sell", 103, 100, 102, 0, False),
        ("sell", 101, 102, 95, 0, True),
    ],
)
def test_a_resting_limit_fills_by_touch_or_through(
    side: str, limit: int, start: int, end: int, margin: int, fills: bool
) -> None:
    assert limit_fills(side == "buy", D(limit), D(start), D(end), D(margin)) is fills


@pytest.mark.parametrize(
    ("side", "limit", "taken"),
    [
        ("buy", 101, True),
        ("buy", 100, True),
        ("buy", 99, False),
        ("sell", 99, True),
        ("sell", 100, True),
        ("sell", 101, False),
    ],
)
def test_a_limit_at_or_beyond_the_price_trades_at_once(side: str, limit: int, taken: bool) -> None:
    assert crosses(side == "buy", D(limit), D(100)) is taken


@pytest.mark.parametrize(
    ("side", "trigger", "start", "end", "fill"),
    [
        pytest.param("sell", 95, 100, 90, "95", id="a stop loss fills at its price on the way down"),
        pytest.param("sell", 95, 100, 95, "95", id="a touch is enough"),
        pytest.param("sell", 95, 93, 90, "93", id="gapped below: the segment's start is worse"),
        pytest.param("sell", 95, 93, 99, "93", id="gapped below and rising again: still the start"),
        pytest.param("buy", 105, 100, 110, "105", id="a buy stop fills at its price on the way up"),
        pytest.param("buy", 105, 107, 110, "107", id="gapped above: the start is worse"),
        pytest.param("sell", 95, 100, 96, None, id="not reached on the way down"),
        pytest.param("buy", 105, 100, 104, None, id="not reached on the way up"),
    ],
)
def test_a_stop_fills_at_the_worse_of_its_price_and_the_segments_start(
    side: str, trigger: int, start: int, end: int, fill: str | None
) -> None:
    is_buy = side == "buy"
    met = trigger_met(is_buy, D(trigger), D(start), D(end))
    assert met is (fill is not None)
    if fill is not None:
        assert stop_fill_price(is_buy, D(trigger), D(start), D(0)) == D(fill)


def test_slippage_moves_the_price_against_the_order() -> None:
    assert slipped(True, D(200), D("0.001")) == D("200.2")
    assert slipped(False, D(200), D("0.001")) == D("199.8")
    assert stop_fill_price(False, D(95), D(93), D("0.01")) == D("92.07")


def test_a_take_profit_that_waits_for_a_rise_fills_where_the_price_stood_when_it_went_off() -> None:
    assert trigger_price_met(True, D(110), D(100)) == D(110)
    assert trigger_price_met(True, D(110), D(112)) == D(112)


def book(*orders: tuple[str, str, str]) -> RestingOrders[str]:
    """(id, kind, price) in the order of arrival; kinds: buy, sell, rising, falling."""
    resting: RestingOrders[str] = RestingOrders()
    for arrival, (order_id, kind, price) in enumerate(orders):
        if kind in ("buy", "sell"):
            resting.add_limit(order_id, is_buy=kind == "buy", price=D(price), arrival=arrival)
        else:
            resting.add_trigger(order_id, rising=kind == "rising", price=D(price), arrival=arrival)
    return resting


def met_by(resting: RestingOrders[str], start: str, end: str, margin: str = "0") -> list[tuple[str, Decimal]]:
    return [(met.order_id, met.price) for met in resting.take(D(start), D(end), D(margin))]


def test_orders_are_met_in_the_order_in_which_the_price_passes_them() -> None:
    resting = book(("far", "buy", "96"), ("near", "buy", "99"), ("stop", "falling", "97"), ("above", "sell", "101"))
    assert met_by(resting, "100", "95") == [("near", D(99)), ("stop", D(97)), ("far", D(96))]
    assert len(resting) == 1


def test_at_one_price_the_earlier_arrival_is_first_whatever_its_kind() -> None:
    resting = book(("stop", "falling", "98"), ("second", "buy", "98"), ("third", "buy", "98"))
    assert met_by(resting, "100", "98") == [("stop", D(98)), ("second", D(98)), ("third", D(98))]


def test_a_stop_and_a_target_in_one_candle_are_decided_by_the_path() -> None:
    """Open 100, low 94, high 106, close 105: the low comes first when it is nearer, and takes the stop."""
    for candle, first in [((100, 107, 94, 105), "stop"), ((100, 106, 93, 95), "target")]:
        resting = book(("target", "sell", "106"), ("stop", "falling", "94"))
        path = four_points(*(D(price) for price in candle))
        met = [name for one in range(3) for name, _ in met_by(resting, str(path[one]), str(path[one + 1]))]
        assert met[0] == first


def test_through_needs_one_tick_more_and_still_fills_at_the_limit() -> None:
    resting = book(("touched", "buy", "98"), ("passed", "buy", "98.1"))
    assert met_by(resting, "100", "98", margin="0.1") == [("passed", D("98.1"))]
    assert met_by(resting, "98", "97.9", margin="0.1") == [("touched", D(98))]


def test_a_trigger_that_lies_behind_the_price_goes_off_at_the_start_before_all_others() -> None:
    resting = book(("near", "buy", "99"), ("behind", "falling", "103"))
    assert met_by(resting, "100", "98") == [("behind", D(100)), ("near", D(99))]


@pytest.mark.parametrize(("kind", "price", "at"), [("falling", "103", "100"), ("buy", "102", "102")])
def test_what_lies_behind_the_price_is_met_at_the_start_too_when_the_price_turns_to_it(
    kind: str, price: str, at: str
) -> None:
    resting = book(("near", "sell", "101"), ("behind", kind, price))
    behind, near = resting.take(D(100), D(104), D(0))
    assert (behind.order_id, behind.price, behind.distance) == ("behind", D(at), D(0))
    assert (near.order_id, near.distance) == ("near", D(1))


def test_the_rest_of_a_segment_goes_on_where_the_first_part_ended() -> None:
    """A limit at 97 that a trigger at 98 brings to life is met after one at 97.5 that rested all the time."""
    resting = book(("trigger", "falling", "98"), ("resting", "buy", "97.5"))
    trigger, first = resting.take(D(100), D(95), D(0))
    resting.add_limit("woken", is_buy=True, price=D(97), arrival=0)
    [woken] = resting.take(trigger.price, D(95), D(0), travelled=trigger.distance)
    assert [met.order_id for met in sorted([woken, first], key=path_order)] == ["resting", "woken"]
    assert woken.distance == D(3)


def test_a_removed_order_is_met_no_more_and_an_unknown_one_is_told() -> None:
    resting = book(("one", "buy", "99"), ("two", "buy", "99"))
    assert resting.remove("one") is True
    assert resting.remove("one") is False
    assert met_by(resting, "100", "90") == [("two", D(99))]
    assert resting.remove("two") is False
    assert "two" not in resting


def test_an_order_cannot_rest_twice() -> None:
    resting = book(("one", "buy", "99"))
    with pytest.raises(ValueError, match="rests already"):
        resting.add_limit("one", is_buy=True, price=D(98), arrival=7)


prices = st.integers(min_value=1, max_value=40).map(lambda ticks: D(ticks) / 2)
kinds = st.sampled_from(["buy", "sell", "rising", "falling"])


@given(
    orders=st.lists(st.tuples(kinds, prices), max_size=25),
    removed=st.sets(st.integers(min_value=0, max_value=24)),
    path=st.lists(prices, min_size=2, max_size=12),
    margin=st.sampled_from([D(0), D("0.5")]),
)
def test_the_book_agrees_with_looking_at_every_order_at_every_segment(
    orders: list[tuple[str, Decimal]], removed: set[int], path: list[Decimal], margin: Decimal
) -> None:
    resting = book(*((str(number), kind, str(price)) for number, (kind, price) in enumerate(orders)))
    left = dict(enumerate(orders))
    for number in removed & left.keys():
        assert resting.remove(str(number))
        del left[number]
    for start, end in itertools.pairwise(path):
        expected: list[tuple[Decimal, int]] = []
        for number, (kind, price) in left.items():
            if kind in ("buy", "sell"):
                hit = limit_fills(kind == "buy", price, start, end, margin)
                travelled = start - (price - margin) if kind == "buy" else price + margin - start
            else:
                hit = trigger_met(kind == "rising", price, start, end)
                travelled = price - start if kind == "rising" else start - price
            if hit:
                expected.append((max(travelled, D(0)), number))
        met = resting.take(start, end, margin)
        assert [int(one.order_id) for one in met] == [number for _, number in sorted(expected)]
        for one in met:
            kind, price = left.pop(int(one.order_id))
            assert one.triggered is (kind in ("rising", "falling"))
            assert one.price == (trigger_price_met(kind == "rising", price, start) if one.triggered else price)
    assert len(resting) == len(left)


@given(
    start=prices,
    path=st.lists(prices, min_size=1, max_size=10),
    limits=st.lists(st.tuples(st.booleans(), prices), max_size=12),
)
def test_a_limit_order_never_fills_worse_than_the_price_that_met_it(
    start: Decimal, path: list[Decimal], limits: list[tuple[bool, Decimal]]
) -> None:
    resting: RestingOrders[int] = RestingOrders()
    for number, (is_buy, price) in enumerate(limits):
        if not crosses(is_buy, price, start):
            resting.add_limit(number, is_buy=is_buy, price=price, arrival=number)
    for end in path:
        for met in resting.take(start, end, NO_MARGIN):
            is_buy, limit = limits[met.order_id]
            assert (met.price, met.triggered) == (limit, False)
            assert min(start, end) <= limit <= max(start, end)
            assert met.distance == abs(limit - start)
        start = end


@given(candle=st.tuples(prices, prices, prices, prices))
def test_the_points_of_a_candle_are_its_own_prices_and_visit_both_extremes(candle: tuple[Decimal, ...]) -> None:
    opened, close = candle[0], candle[1]
    high, low = max(candle), min(candle)
    points = four_points(opened, high, low, close)
    assert points[0] == opened
    assert points[3] == close
    assert {points[1], points[2]} == {high, low}


@given(is_buy=st.booleans(), trigger=prices, start=prices, slippage=st.sampled_from([D(0), D("0.01")]))
def test_a_stop_is_a_trigger_that_goes_off_and_slips(
    is_buy: bool, trigger: Decimal, start: Decimal, slippage: Decimal
) -> None:
    met = trigger_price_met(is_buy, trigger, start)
    assert stop_fill_price(is_buy, trigger, start, slippage) == slipped(is_buy, met, slippage)


def test_every_rule_compiles_for_floats() -> None:
    numba = pytest.importorskip("numba", reason="numba is not installed")
    assert numba.njit(four_points)(100.0, 103.0, 90.0, 95.0) == (100.0, 103.0, 90.0, 95.0)
    assert numba.njit(crosses)(True, 100.0, 100.0)
    assert not numba.njit(limit_fills)(True, 98.0, 100.0, 98.0, 0.5)
    assert numba.njit(trigger_met)(False, 95.0, 100.0, 95.0)
    assert numba.njit(trigger_price_met)(False, 95.0, 93.0) == 93.0
    assert numba.njit(slipped)(False, 200.0, 0.25) == 150.0
    assert numba.njit(stop_fill_price)(False, 95.0, 92.0, 0.5) == 46.0
