"""A bot that traded, against the back-test of the same time: what a fault did to it is told as that fault.

Every bot runs through the whole live stack on a stepped exchange, as in ``test_live_equals_back_test``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from backtests.preset import market_spec, preset_of
from bots.models import Bot
from bots.tick import TickOutcome
from exchange.candles.files import Candles
from strategies.contract import Side
from tests.bots.candle_files import MINUTE_MS
from tests.parity.presets import PRESETS, WINDOWS
from tests.parity.test_live_equals_back_test import DAY_MS, candles_of, ms_of
from traderagent.parity.drift import Drift, Why, drift_of, paired
from traderagent.parity.errors import ParityError
from traderagent.parity.exchange import stepped_exchange
from traderagent.parity.live import drive, started_bot, tick_here
from traderagent.parity.records import Traded

pytestmark = pytest.mark.django_db(transaction=True)

Tick = Callable[[int, int], str]


@contextmanager
def a_run(
    strategy: str,
    candles_dir: Path,
    folder: Path,
    *,
    candles: int,
    tick: Tick = tick_here,
    fault: str = "",
    **changes: Any,
) -> Iterator[tuple[Bot, Candles]]:
    """A bot that has traded over the first ``candles`` of the strategy's window; its exchange still answers."""
    window = WINDOWS[strategy]
    preset = preset_of({**PRESETS[strategy], **changes})
    since = ms_of(window.since)
    known = candles_of(candles_dir, window).between(since - DAY_MS, since + candles * MINUTE_MS)
    past = int(known.timestamp.searchsorted(since))
    market = market_spec(preset, price=float(known.open[past]))
    with stepped_exchange(preset, market, known, past=past, folder=folder) as exchange:
        bot = started_bot(preset, market, exchange)
        if fault:
            exchange.inject(fault)
        drive(bot, exchange, 4 * candles, tick=tick)
        yield bot, known


def drifted(*args: Any, **options: Any) -> Drift:
    with a_run(*args, **options) as (bot, known):
        return drift_of(bot, known, "1m")


def test_an_undisturbed_bot_has_not_drifted(candles_dir: Path, tmp_path: Path) -> None:
    found = drifted("grid", candles_dir, tmp_path, candles=15)
    assert found.deviations == []
    assert found.paired == found.live_fills == found.tested_fills > 10
    assert abs(found.live_profit - found.tested_profit) < Decimal("1e-6")


def test_what_a_dead_worker_missed_is_told_as_missed_ticks(candles_dir: Path, tmp_path: Path) -> None:
    """No tick for five minutes: the orders that stood still trade, their counter-orders are not placed."""
    ticks = iter(range(1_000_000))

    def dies_for_a_while(bot_id: int, now_ms: int) -> str:
        return TickOutcome.DONE if 12 <= next(ticks) < 32 else tick_here(bot_id, now_ms)

    found = drifted("grid", candles_dir, tmp_path, candles=15, tick=dies_for_a_while)
    since = ms_of(WINDOWS["grid"].since)
    assert [(first - since) // MINUTE_MS for silence in found.silences for first in silence] == [2, 8]
    assert found.deviations
    assert found.deviations[0].why is Why.MISSED_TICK
    assert found.deviations[0].timestamp - since < 9 * MINUTE_MS
    assert found.reasons()["missed tick"] >= 3


def test_slippage_is_told_with_what_it_cost(candles_dir: Path, tmp_path: Path) -> None:
    """The exchange gives market orders 0.05 % less; the back-test of a bot's run reckons with none."""
    found = drifted("dca", candles_dir, tmp_path, candles=6, slippage="0.0005")
    first = found.deviations[0]
    assert (first.why, first.slot) == (Why.PRICE, "base")
    live, tested = (Decimal(told.rpartition(" ")[2]) for told in (first.live, first.tested))
    amount = Decimal(first.live.split()[1])
    assert live == (tested * Decimal("1.0005")).quantize(Decimal("0.001"), rounding="ROUND_CEILING")
    assert first.cost == (live - tested) * amount
    assert set(found.reasons()) <= {"price", "size", "timing", "signal", "not traded"}


def test_an_order_that_came_late_is_told_as_late(candles_dir: Path, tmp_path: Path) -> None:
    """The exchange takes no order for two minutes: each comes when it does again."""

    def goes_on(bot_id: int, now_ms: int) -> str:
        tick_here(bot_id, now_ms)
        return TickOutcome.DONE

    found = drifted(
        "grid",
        candles_dir,
        tmp_path,
        candles=15,
        tick=goes_on,
        fault="from point +12 to +20: error 503 on order/create",
    )
    first = found.deviations[0]
    assert first.why is Why.TIMING
    assert "its order came when the price was there already" in first.live
    assert first.cost is not None
    assert first.cost < 0  # later was cheaper, this time


def test_a_bot_that_never_traded_is_refused(candles_dir: Path, tmp_path: Path) -> None:
    with (
        a_run("trend", candles_dir, tmp_path, candles=1) as (bot, known),
        pytest.raises(ParityError, match=f"Bot {bot.name} has not traded"),
    ):
        drift_of(bot, known, "1m")


def traded(slot: str, side: Side, minute: int) -> Traded:
    one = Decimal(1)
    return Traded(minute * MINUTE_MS, slot, 1, side, one, one, Decimal(0), "USDT", Decimal(0), True)


def test_fills_are_paired_by_slot_and_side_with_the_nearest_each_once() -> None:
    live = [traded("a", Side.BUY, 1), traded("a", Side.BUY, 5), traded("b", Side.SELL, 5)]
    tested = [traded("a", Side.BUY, 2), traded("a", Side.BUY, 1), traded("a", Side.SELL, 5), traded("b", Side.SELL, 9)]
    pairs, ours, theirs = paired(live, tested, 2 * MINUTE_MS)
    assert pairs == [(live[0], tested[1])]
    assert ours == live[1:]
    assert sorted(theirs, key=tested.index) == [tested[0], tested[2], tested[3]]
