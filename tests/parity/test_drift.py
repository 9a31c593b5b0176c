"""A bot that traded, against the back-test of the same time: what a fault did to it is told as that fault.

Every bot runs through the whole live stack on a stepped exchange, as in ``test_live_equals_back_test``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from backtests.engine_terms import market_spec
from backtests.preset import preset_of
from bots.models import Bot
from bots.tick import TickOutcome
from exchange.candles.files import Candles
from strategies.contract import Side
from tests.bots.candle_files import MINUTE_MS
from tests.parity.presets import PRESETS, WINDOWS
from tests.parity.test_live_equals_back_test import DAY_MS, candles_of, ms_of
from traderagent.parity.drift import Drift, drift_of, paired
from traderagent.parity.drift_candles import candles_for
from traderagent.parity.errors import ParityError
from traderagent.parity.exchange import stepped_exchange
from traderagent.parity.live import drive, started_bot, tick_here
from traderagent.parity.reasons import Why
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
    points: int | None = None,
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
        drive(bot, exchange, points or 4 * candles, tick=tick)
        yield bot, known


def drifted(*args: Any, **options: Any) -> Drift:
    with a_run(*args, **options) as (bot, known):
        return drift_of(bot, known, "1m")


def command(bot: Bot, *arguments: str) -> tuple[int, list[str]]:
    """The exit code and the lines of ``manage.py drift``."""
    out = StringIO()
    try:
        call_command("drift", bot.name, *arguments, stdout=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue().splitlines()
    return 0, out.getvalue().splitlines()


def test_an_undisturbed_bot_has_not_drifted(candles_dir: Path, tmp_path: Path) -> None:
    """With candles from a file, and with those that its own exchange is asked for. It last ticks 20 s into the last
    candle, in which the back-test trades twice after that."""
    window, out = WINDOWS["grid"], tmp_path / "drift.json"
    since = ms_of(window.since)
    with a_run("grid", candles_dir, tmp_path, candles=15, points=58) as (bot, known):
        asked = candles_for(bot, "1m", None)
        told = command(bot, "--json", str(out))
        from_file = command(bot, "--candles", str(candles_dir / window.file))
        with pytest.raises(ParityError, match="has no candles of '7m'"):
            candles_for(bot, "7m", None)
        with pytest.raises(ParityError, match="there is no candle file"):
            candles_for(bot, "1m", str(tmp_path / "none.parquet"))
        with pytest.raises(ParityError, match="The candles do not reach to the bot's last tick"):
            drift_of(bot, known.between(since - DAY_MS, since + 10 * MINUTE_MS), "1m")
    # The last one is still forming.
    run, same = (candles.between(since, since + 14 * MINUTE_MS) for candles in (known, asked))
    assert asked.timestamp[-1] == since + 14 * MINUTE_MS
    for column in ("timestamp", "open", "high", "low", "close"):
        assert getattr(same, column).tolist() == getattr(run, column).tolist()
    found = json.loads(out.read_text())
    fills = found["fills"]["live"]
    assert found["fills"] == {"live": fills, "tested": fills, "paired": fills}
    assert fills > 10
    assert found["profit"]["live"] == found["profit"]["tested"]
    assert (found["deviations"], found["reasons"], found["silences"]) == ([], {}, [])
    assert found["cost"] == {"price": "0", "timing": "0", "fee": "0"}
    assert (found["since"], found["until"]) == (since, since + 14 * MINUTE_MS + 20_000)
    profit = f"{Decimal(found['profit']['live']):.2f}"
    assert told == (
        0,
        [
            f"{bot.name}, 2025-05-09 08:48:00 – 2025-05-09 09:02:20 UTC: {fills} fills live, {fills} in the back-test, "
            f"{fills} of them the same ones; profit {profit} live, {profit} in the back-test.",
            "No drift.",
        ],
    )
    assert from_file == told


def test_what_the_command_cannot_do_is_told_without_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"There is no bot nobody\. Known: none\."):
        call_command("drift", "nobody")
    with pytest.raises(CommandError, match="cannot be written: there is no folder"):
        call_command("drift", "nobody", "--json", str(tmp_path / "none" / "drift.json"))


def test_what_a_dead_worker_missed_is_told_as_missed_ticks(candles_dir: Path, tmp_path: Path) -> None:
    """No tick for five minutes: the orders that stood still trade, their counter-orders are not placed."""
    ticks = iter(range(1_000_000))

    def dies_for_a_while(bot_id: int, now_ms: int) -> str:
        return TickOutcome.DONE if 12 <= next(ticks) < 32 else tick_here(bot_id, now_ms)

    with a_run("grid", candles_dir, tmp_path, candles=15, tick=dies_for_a_while) as (bot, known):
        found = drift_of(bot, known, "1m")
        code, lines = command(bot)
    assert code == 1
    assert lines[0].startswith("2025-05-09 08:5")
    assert "  missed tick  grid:" in lines[0]
    assert lines[-3] == "No tick from 2025-05-09 08:50:59 to 2025-05-09 08:56:00 UTC."
    assert lines[-1].startswith(f"DRIFTED: {found.reasons()['missed tick']} missed tick")
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
