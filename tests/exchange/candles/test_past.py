"""The months before a replay: one-minute candles drawn through longer ones."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exchange.candles import download
from exchange.candles.files import Candles, read_file
from exchange.candles.past import refined
from exchange.candles.source import choose, from_directory
from exchange.simulator.replay import Replay, series_from_candles
from tests.exchange.candles.making import MINUTE, START, candles, flat, write
from tests.exchange.simulator.process import SimulatorProcess

DAY = 1440
WANTED = ["BTCUSDT", "ETHUSDT", "SOLUSDT"]


def rows_of(one: Candles) -> list[tuple[float, ...]]:
    return list(zip(one.open.tolist(), one.high.tolist(), one.low.tolist(), one.close.tolist(), strict=True))


def test_a_candle_goes_straight_along_its_four_points() -> None:
    """The low is nearer to the open: 100 → 97 → 109 → 106.2, two minutes each, drawn by hand."""
    one = refined(candles([(100, 109, 97, 106.2)], step=6 * MINUTE), 6)
    assert rows_of(one) == [
        (100, 100, 98.5, 98.5),
        (98.5, 98.5, 97, 97),
        (97, 103, 97, 103),
        (103, 109, 103, 109),
        (109, 109, 107.6, 107.6),
        (107.6, 107.6, 106.2, 106.2),
    ]
    assert one.timestamp.tolist() == [START + minute * MINUTE for minute in range(6)]
    assert one.volume.tolist() == [1 / 6] * 6


def test_an_extreme_within_a_minute_is_its_high_or_low() -> None:
    """Five minutes and three legs: the high comes after 1⅔ minutes, the low after 3⅓.

    In between 101.8, 100.6, 93.4 and 93.4, in whole numbers as the candle has them.
    """
    one = refined(candles([(100, 103, 91, 97)], step=5 * MINUTE), 5)
    assert one.high.tolist() == [102, 103, 101, 93, 97]
    assert one.low.tolist() == [100, 101, 93, 91, 93]
    assert (one.open[0], one.close[-1]) == (100, 97)


@pytest.mark.parametrize(
    ("name", "minutes"), [("bybit_SOLUSDT_linear_15m.parquet", 15), ("bybit_SOLUSDT_linear_15m.parquet", 3)]
)
def test_real_candles_come_out_again_when_the_minutes_are_put_together(
    candles_dir: Path, name: str, minutes: int
) -> None:
    given = read_file(candles_dir / name)
    given = given.between(int(given.timestamp[0]), int(given.timestamp[3000]))
    one = refined(given, minutes)
    shape = (len(given), minutes)
    np.testing.assert_array_equal(one.open.reshape(shape)[:, 0], given.open)
    np.testing.assert_array_equal(one.high.reshape(shape).max(axis=1), given.high)
    np.testing.assert_array_equal(one.low.reshape(shape).min(axis=1), given.low)
    np.testing.assert_array_equal(one.close.reshape(shape)[:, -1], given.close)
    np.testing.assert_allclose(one.volume.reshape(shape).sum(axis=1), given.volume, rtol=1e-12)
    # Each minute begins where the one before ended, but where the longer candles themselves leave a gap.
    np.testing.assert_array_equal(one.open.reshape(shape)[:, 1:], one.close.reshape(shape)[:, :-1])
    assert max(-int(Decimal(repr(price)).as_tuple().exponent) for price in one.close[:3000].tolist()) <= 3


def test_the_days_before_a_window_come_from_longer_candles_as_far_back_as_every_symbol_has_them(tmp_path: Path) -> None:
    window = START + 20 * DAY * MINUTE
    for symbol in WANTED[:2]:
        write(tmp_path, f"binance_{symbol}_linear_1m.parquet", flat(7 * DAY, start=window))
    step = 15 * MINUTE
    write(tmp_path, "bybit_BTCUSDT_linear_15m.parquet", candles([(90.0, 90.0, 90.0, 90.0)] * 96 * 25, step=step))
    write(
        tmp_path,
        "bybit_ETHUSDT_spot_15m.parquet",
        candles([(95.0, 95.0, 95.0, 95.0)] * 96 * 25, start=START + 4 * DAY * MINUTE, step=step),
    )
    found = from_directory(tmp_path, WANTED, history=30)
    assert found.past == 16 * DAY
    assert found.names[2:] == ["before that drawn through bybit_BTCUSDT_linear_15m, bybit_ETHUSDT_spot_15m"]
    for symbol, before in (("BTCUSDT", 90), ("ETHUSDT", 95)):
        close = found.candles[symbol].close
        assert len(close) == 23 * DAY
        assert set(close[: found.past]) == {before}
        assert set(close[found.past :]) == {100}
    assert from_directory(tmp_path, WANTED).past == 0


def test_without_longer_candles_of_every_symbol_there_is_no_past(tmp_path: Path) -> None:
    window = START + 20 * DAY * MINUTE
    for symbol in WANTED[:2]:
        write(tmp_path, f"binance_{symbol}_linear_1m.parquet", flat(7 * DAY, start=window))
    write(tmp_path, "bybit_BTCUSDT_linear_15m.parquet", candles([(90.0, 90.0, 90.0, 90.0)] * 96 * 25, step=15 * MINUTE))
    # Ends before the window begins.
    write(tmp_path, "bybit_ETHUSDT_linear_15m.parquet", candles([(90.0, 90.0, 90.0, 90.0)] * 96 * 5, step=15 * MINUTE))
    found = from_directory(tmp_path, WANTED, history=30)
    assert (found.past, len(found.candles["BTCUSDT"])) == (0, 7 * DAY)


def test_a_synthetic_market_is_longer_by_its_past() -> None:
    found = choose(files=[], directory=None, symbols=["BTCUSDT"], seed=3, cache=None, network=False, history=4)
    assert (found.past, len(found.candles["BTCUSDT"])) == (4 * DAY, 34 * DAY)


def test_a_download_is_continued_into_the_past(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def prepare(timeout_ms: int, minutes: int) -> download.Fetch:
        def fetch(symbol: str, end: int) -> list[list[Any]]:
            asked.append(minutes)
            step = minutes * MINUTE
            newest = (end - 1) // step * step
            price = str(100 + minutes)
            return [[str(newest - n * step), price, price, price, price, "2"] for n in range(1000)]

        return fetch

    monkeypatch.setattr(download, "_bybit", prepare)
    found = choose(files=[], directory=None, symbols=["BTCUSDT"], seed=1, cache=None, network=True, history=40)
    assert set(asked) == {1, 15}
    assert 40 * DAY <= found.past < 40 * DAY + 1000 * 15  # whole pages
    one = found.candles["BTCUSDT"]
    begin = int(one.timestamp[0]) + found.past * MINUTE
    assert set(one.close[one.timestamp < begin]) == {115}
    assert set(one.close[one.timestamp >= begin]) == {101}


def test_the_simulator_begins_after_the_past_and_lists_its_days(tmp_path: Path) -> None:
    with SimulatorProcess(tmp_path / "state", symbols="BTCUSDT", history=40) as simulator:
        status = simulator.status()
        assert status["point"] == 40 * DAY * 4
        days = simulator._call("/v5/market/kline?category=linear&symbol=BTCUSDT&interval=D&limit=200")
    assert len(days["result"]["list"]) == 41
    made = choose(files=[], directory=None, symbols=["BTCUSDT"], seed=7, cache=None, network=False, history=40)
    replay = Replay([series_from_candles("BTCUSDT", made.candles["BTCUSDT"], MINUTE)])
    assert replay.time_of(status["point"]) == status["time"]
