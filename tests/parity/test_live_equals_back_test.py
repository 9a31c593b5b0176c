"""Each strategy over real one-minute candles, once through the whole live stack and once through the back-test.

The same fills at the same points: order, price, amount, fee; the same orders wanted; the same position and state left.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from backtests.data import load_candles
from backtests.preset import preset_of
from exchange.candles.files import Candles
from tests.bots.candle_files import MINUTE_MS
from tests.parity.presets import PRESETS, WINDOWS, Window
from traderagent.parity.history import with_history
from traderagent.parity.running import compare

pytestmark = pytest.mark.django_db(transaction=True)

DAY_MS = 86_400_000


def ms_of(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def candles_of(folder: Path, window: Window) -> Candles:
    candles, _ = load_candles(folder / window.file, timeframe="1m", gaps="fill")
    if not window.past:
        since = ms_of(window.since)
        return candles.between(since - DAY_MS, since + window.candles * MINUTE_MS)
    longer, _ = load_candles(folder / window.past, timeframe="15m")
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
