"""What differs is told with its cause. Two runs are written down here, as no database and no engine would have them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from strategies.contract import OrderType, Side
from traderagent.parity.comparing import Cause, differences
from traderagent.parity.records import Opinion, Run, Traded, Wanted

BUY = Traded(
    20_000, "grid:1", 3, Side.BUY, Decimal("99.5"), Decimal(2), Decimal("0.0398"), "USDT", Decimal("0.0398"), True
)
SELL = replace(BUY, timestamp=40_000, slot="grid:2", side=Side.SELL, price=Decimal(101))
OF_BUY = Wanted(0, "grid:1", 3, Side.BUY, OrderType.LIMIT, Decimal(2), Decimal("99.5"), None)
OF_SELL = Wanted(0, "grid:2", 3, Side.SELL, OrderType.LIMIT, Decimal(2), Decimal(101), None)
SIGNAL = Opinion(60_000, "long", 100.0, 98.0, 104.0)
RUN = Run(
    [BUY, SELL], {OF_BUY.key: OF_BUY, OF_SELL.key: OF_SELL}, [SIGNAL], Decimal(0), {"centre": 100.0, "filled": [1, 2]}
)


def test_a_run_is_equal_to_itself_and_to_one_whose_floats_are_a_hair_off() -> None:
    assert differences(RUN, RUN) == []
    fee = BUY.fee * (1 + Decimal("1e-12"))
    near = replace(RUN, fills=[replace(BUY, fee=fee), SELL], state={"centre": 100.0 + 1e-9, "filled": [1, 2]})
    assert differences(RUN, near) == []


@pytest.mark.parametrize(
    ("changes", "cause", "what"),
    [
        ({"wanted": {OF_SELL.key: OF_SELL}, "fills": [SELL]}, Cause.SIGNAL, "order wanted on one side only"),
        ({"wanted": {**RUN.wanted, OF_BUY.key: replace(OF_BUY, since=20_000)}}, Cause.SIGNAL, "first wanted"),
        ({"wanted": {**RUN.wanted, OF_BUY.key: replace(OF_BUY, side=Side.SELL)}}, Cause.SIGNAL, "kind of order"),
        (
            {"wanted": {**RUN.wanted, OF_BUY.key: replace(OF_BUY, price=Decimal("99.4"))}},
            Cause.PRICE,
            "price of the order",
        ),
        ({"wanted": {**RUN.wanted, OF_BUY.key: replace(OF_BUY, amount=Decimal(3))}}, Cause.SIZE, "amount of the order"),
        ({"fills": [SELL]}, Cause.FILL, "traded on one side only"),
        ({"fills": [replace(BUY, timestamp=19_999), SELL]}, Cause.FILL, "traded at another point"),
        ({"fills": [replace(BUY, price=Decimal("99.4")), SELL]}, Cause.PRICE, "price of the fill"),
        ({"fills": [replace(BUY, amount=Decimal(1)), SELL]}, Cause.SIZE, "amount of the fill"),
        ({"fills": [replace(BUY, fee=Decimal("0.05")), SELL]}, Cause.FEE, "fee"),
        ({"fills": [replace(BUY, fee_coin="ETH"), SELL]}, Cause.FEE, "fee"),
        ({"fills": [replace(BUY, is_maker=False), SELL]}, Cause.FILL, "maker or taker"),
        ({"opinions": [replace(SIGNAL, stop_loss=97.0)]}, Cause.SIGNAL, "signal"),
        ({"opinions": []}, Cause.SIGNAL, "signal"),
        ({"amount": Decimal("0.01")}, Cause.SIZE, "position in the end"),
        ({"state": {"centre": 100.0, "filled": [1, 3]}}, Cause.SIGNAL, "strategy's state in the end"),
    ],
)
@pytest.mark.parametrize("live_is_the_other", [False, True])
def test_a_difference_is_told_with_its_cause(
    changes: dict[str, Any], cause: Cause, what: str, live_is_the_other: bool
) -> None:
    other = replace(RUN, **changes)
    found = differences(other, RUN) if live_is_the_other else differences(RUN, other)
    assert (found[0].cause, found[0].what) == (cause, what)


def test_two_fills_of_one_point_in_another_order_are_a_difference() -> None:
    """The strategy sees them in this order."""
    at_once = replace(SELL, timestamp=BUY.timestamp)
    found = differences(replace(RUN, fills=[BUY, at_once]), replace(RUN, fills=[at_once, BUY]))
    assert [(each.cause, each.what) for each in found] == [(Cause.FILL, "order of the fills")]


def test_the_first_difference_in_time_comes_first() -> None:
    later = replace(SELL, price=Decimal(102))
    found = differences(RUN, replace(RUN, fills=[replace(BUY, amount=Decimal(1)), later]))
    assert [each.cause for each in found] == [Cause.SIZE, Cause.PRICE]
    assert [each.timestamp for each in found] == [20_000, 40_000]
