"""A back-test's wishes, told as a bot's orders tell them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from backtests.loop.records import TOO_POOR, TOO_SMALL
from strategies.contract import OrderType, Side
from traderagent.parity.comparing import differences
from traderagent.parity.records import Run, Traded, Wanted
from traderagent.parity.tested import as_placed

ONE = Decimal(1)
CLOSE = Wanted(20_000, "close", 1, Side.SELL, OrderType.MARKET, ONE, None, None)
LIMIT = Wanted(20_000, "target", 1, Side.SELL, OrderType.LIMIT, ONE, Decimal(99), None)


def filled(order: Wanted, at: int) -> Traded:
    zero = Decimal(0)
    return Traded(at, order.slot, order.sequence, order.side, Decimal(99), ONE, zero, "USDT", zero, False)


def test_a_market_order_is_one_from_when_it_was_sent() -> None:
    placed = as_placed({CLOSE.key: CLOSE}, [filled(CLOSE, 40_000), filled(CLOSE, 60_000)], {})
    assert placed == {CLOSE.key: replace(CLOSE, since=40_000)}


def test_one_that_was_refused_was_sent_before_it_was_filled() -> None:
    assert as_placed({CLOSE.key: CLOSE}, [filled(CLOSE, 60_000)], {CLOSE.key: TOO_POOR})[CLOSE.key].since == 20_000


def test_a_limit_order_stands_before_it_is_filled() -> None:
    assert as_placed({LIMIT.key: LIMIT}, [filled(LIMIT, 60_000)], {}) == {LIMIT.key: LIMIT}


def test_what_no_market_takes_is_no_difference_to_a_bot_that_did_not_send_it() -> None:
    wished = {LIMIT.key: LIMIT}
    assert differences(Run([], {}), Run([], as_placed(wished, [], {LIMIT.key: TOO_SMALL}))) == []
    assert len(differences(Run([], {}), Run([], as_placed(wished, [], {})))) == 1
