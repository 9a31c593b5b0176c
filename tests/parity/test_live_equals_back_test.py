"""Each strategy over real one-minute candles, once through the whole live stack and once through the back-test.

The same fills at the same points: order, price, amount, fee; the same orders wanted; the same position and state left.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backtests.data import load_candles
from backtests.preset import preset_of
from bots.lifecycle import OrderStatus
from bots.models import Order
from exchange.candles.files import Candles
from tests.bots.candle_files import MINUTE_MS
from tests.parity.presets import PRESETS, WINDOWS, Window
from traderagent.parity.errors import ParityError
from traderagent.parity.history import with_history
from traderagent.parity.running import compare

pytestmark = pytest.mark.django_db(transaction=True)

DAY_MS = 86_400_000
PAST_DAYS = 75  # Smart Money Concepts look back 48


def ms_of(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def candles_of(folder: Path, window: Window) -> Candles:
    candles, _ = load_candles(folder / window.file, timeframe="1m", gaps="fill")
    if not window.past:
        since = ms_of(window.since)
        return candles.between(since - DAY_MS, since + window.candles * MINUTE_MS)
    longer, _ = load_candles(folder / window.past, timeframe="15m", since=ms_of(window.since) - PAST_DAYS * DAY_MS)
    return with_history(candles, "1m", longer, "15m")


@pytest.mark.parametrize("strategy", sorted(PRESETS))
def test_a_strategy_trades_live_exactly_what_it_trades_in_the_back_test(strategy: str, candles_dir: Path) -> None:
    window = WINDOWS[strategy]
    since = ms_of(window.since)
    found = compare(
        preset_of(PRESETS[strategy]),
        candles_of(candles_dir, window),
        since=since,
        until=since + window.candles * MINUTE_MS,
    )
    assert [str(each) for each in found.differences] == []
    assert found.points == 4 * window.candles
    traded = {fill.slot.rpartition("/")[2].split(":")[0] for fill in found.live.fills}
    assert len(found.live.fills) >= window.fewest_fills
    assert window.slots <= traded


# What the five windows do not have: slippage, a limit that the price has to pass, a market that rounds nothing, fees that
# are nobody's published ones, and less money than all orders need, so that the exchange refuses some and takes them later.
OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "slipping": (
        "dca",
        {"slippage": "0.0003", "fill": "through", "fees": {"maker": "0.0001", "taker": "0.0003"}},
    ),
    "poor": ("grid", {"initial_balance": "11950", "leverage": "1"}),
    "unrounded": (
        "grid",
        {
            "symbol": "ETH/USDT",
            "market": "spot",
            "fees": {"maker": "0.0008", "taker": "0.0012"},
            "precision": {},
            "limits": {},
            "slippage": "0.0003",
            "config": {"lower": "2330", "upper": "2450", "grids": 15, "investment": "12000"},
        },
    ),
}


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_costs_and_precision_are_the_same_on_both_sides(name: str, candles_dir: Path) -> None:
    strategy, changes = OTHERS[name]
    window = WINDOWS[strategy]
    since = ms_of(window.since)
    found = compare(
        preset_of({**PRESETS[strategy], **changes}),
        candles_of(candles_dir, window),
        since=since,
        until=since + 12 * MINUTE_MS,
    )
    assert [str(each) for each in found.differences] == []
    assert {fill.is_maker for fill in found.live.fills} == {True, False}
    assert Order.objects.filter(status=OrderStatus.REJECTED).exists() is (name == "poor")


def test_a_close_waits_on_both_sides_until_the_stop_is_withdrawn(candles_dir: Path) -> None:
    """The hybrid closes a trend follower's position, whose stop stands at the exchange."""
    changes = {name: PRESETS["trend"][name] for name in ("symbol", "market", "fees", "precision", "limits")}
    window = replace(WINDOWS["hybrid"], since="2025-05-06T18:59", candles=10)
    since = ms_of(window.since)
    found = compare(
        preset_of({**PRESETS["hybrid"], **changes}),
        candles_of(candles_dir, window),
        since=since,
        until=since + window.candles * MINUTE_MS,
    )
    assert [str(each) for each in found.differences] == []
    stop = Order.objects.get(protective=True)
    close = Order.objects.get(slot__startswith="trend", slot__endswith="hybrid:close")
    assert stop.cancel_requested_at is not None
    assert close.created_at - stop.cancel_requested_at == timedelta(seconds=20)
    assert close.status == OrderStatus.FILLED


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"latency": 300}, "latency is 300"),
        ({"spread": "0.001"}, "spread is 0.001"),
        ({"leverage": "5"}, "leverage is 5, the strategy's own 3"),
        ({"fees": {"maker": "-0.0001", "taker": "0.0005"}}, "fees.maker is -0.0001"),
        ({"precision": {"price": "10", "amount": "0.001"}}, "precision.price is 10, the exchange's 0.1"),
    ],
)
def test_what_the_simulated_exchange_cannot_be_is_refused(
    changes: dict[str, Any], problem: str, candles_dir: Path
) -> None:
    """Before a difference is told that is none of the two sides'."""
    window = WINDOWS["trend"]
    since = ms_of(window.since)
    preset = preset_of({**PRESETS["trend"], **changes})
    with pytest.raises(ParityError, match=re.escape(problem)):
        compare(preset, candles_of(candles_dir, window), since=since, until=since + MINUTE_MS)
