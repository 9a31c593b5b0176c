"""The path of prices: points, time, the way back, candles as they are seen on the way."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.candles.files import Candles, decimals_of, read_file
from exchange.matching import four_points
from exchange.simulator.instruments import Fees, instruments_for
from exchange.simulator.replay import Replay, Track, points_of, series_from_candles
from tests.exchange.candles.making import MINUTE, START, candles
from tests.exchange.simulator.markets import POINTS, ROWS

prices = st.integers(min_value=1, max_value=1000)


def track(rows: list[tuple[float, float, float, float]] = ROWS) -> Track:
    return Track(series_from_candles("ETHUSDT", candles(rows), MINUTE))


def test_the_path_goes_there_and_back_without_a_jump() -> None:
    """The way back plays each candle mirrored: its close is its open, its points are found by the same rule."""
    path = track()
    there = [path.price(point) for point in range(12)]
    back = [path.price(point) for point in range(12, 24)]
    again = [path.price(point) for point in range(24, 36)]
    assert there == POINTS
    # 105 106 104 105 mirrored is itself: low first; 95 110 94 105 mirrored opens at 105, the high is nearer;
    # 100 103 90 95 mirrored opens at 95, the low is nearer.
    assert back == [105, 104, 106, 105, 105, 110, 94, 95, 95, 90, 103, 100]
    assert again == there
    assert there[-1] == back[0]
    assert back[-1] == again[0]


def test_time_goes_on_along_the_grid() -> None:
    replay = Replay([track().series])
    times = [replay.time_of(point) - START for point in range(6)]
    assert times == [0, 20_000, 40_000, 59_999, 60_000, 80_000]
    assert replay.time_of(12) - START == 3 * MINUTE
    assert replay.time_of(12_000) - START == 3000 * MINUTE


@given(st.lists(st.tuples(prices, prices, prices, prices), min_size=1, max_size=6), st.integers(0, 200))
def test_every_point_is_that_of_the_rule_on_the_candle_or_its_mirror(
    rows: list[tuple[int, int, int, int]], point: int
) -> None:
    ordered = [(one[0], max(one), min(one), one[1]) for one in rows]
    path = track([tuple(map(float, row)) for row in ordered])  # type: ignore[misc]
    candle, phase = divmod(point, 4)
    around, count = candle % (2 * len(rows)), len(rows)
    if around < count:
        opened, high, low, close = ordered[around]
    else:
        close, high, low, opened = ordered[2 * count - 1 - around]
    expected = four_points(Decimal(opened), Decimal(high), Decimal(low), Decimal(close))
    assert path.price(point) == expected[phase]


def test_missing_minutes_are_filled_flat_at_the_last_close() -> None:
    one = candles([(100, 103, 90, 95), (97, 98, 96, 97)])
    one.timestamp[1] = START + 3 * MINUTE
    series = series_from_candles("ETHUSDT", one, MINUTE)
    assert series.ohlc.tolist() == [[100, 103, 90, 95], [95, 95, 95, 95], [95, 95, 95, 95], [97, 98, 96, 97]]
    assert series.volume.tolist() == [1.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("values", "decimals"),
    [([100.0, 95.0], 0), ([95505.4, 95478.1], 1), ([1827.29], 2), ([0.00001345], 8), ([146.78, 174.733], 3)],
)
def test_prices_keep_the_decimals_that_they_were_written_with(values: list[float], decimals: int) -> None:
    assert decimals_of(np.array(values)) == decimals


def test_a_candle_is_seen_as_far_as_it_has_come() -> None:
    path = track()
    for point, expected in [
        (0, (100, 100, 100, 100)),
        (1, (100, 103, 100, 103)),
        (2, (100, 103, 90, 90)),
        (3, (100, 103, 90, 95)),
        (6, (95, 110, 94, 110)),
    ]:
        [seen] = path.klines(point, MINUTE, None, None, 1)
        assert (seen.open, seen.high, seen.low, seen.close) == expected
    assert path.klines(3, MINUTE, None, None, 1)[0].volume == 1.0
    assert path.klines(4, MINUTE, None, None, 1)[0].volume == 0.0


def test_candles_are_put_together_to_longer_ones() -> None:
    """START is on a five-minute boundary: three minutes there and three back make five and one."""
    path = track()
    seen = path.klines(23, 5 * MINUTE, None, None, 10)
    assert [(one.start - START, one.open, one.high, one.low, one.close, one.volume) for one in seen] == [
        (0, 100, 110, 90, 95, 5.0),
        (5 * MINUTE, 95, 103, 90, 100, 1.0),
    ]


def test_candles_are_asked_for_as_on_bybit() -> None:
    path = track()
    now = 23

    def starts(since: int | None, until: int | None, limit: int) -> list[int]:
        absolute = [None if one is None else START + one for one in (since, until)]
        return [(one.start - START) // MINUTE for one in path.klines(now, MINUTE, absolute[0], absolute[1], limit)]

    assert starts(None, None, 2) == [4, 5]
    assert starts(MINUTE, None, 2) == [1, 2]  # from the beginning on
    assert starts(MINUTE + 1, None, 2) == [1, 2]  # the candle that holds it
    assert starts(None, 3 * MINUTE, 2) == [2, 3]  # back from the end
    assert starts(MINUTE, 4 * MINUTE, 10) == [1, 2, 3, 4]
    assert starts(-MINUTE, None, 3) == [0, 1]
    assert starts(9 * MINUTE, None, 3) == []


def test_an_interval_that_cannot_be_made_is_an_error() -> None:
    with pytest.raises(ValueError, match="1 minutes cannot be made of 5-minute"):
        Track(series_from_candles("ETHUSDT", candles(ROWS, step=5 * MINUTE), 5 * MINUTE)).klines(
            0, MINUTE, None, None, 1
        )


def test_weeks_begin_on_monday() -> None:
    hour = 3_600_000
    rows = [(100.0, 100.0, 100.0, 100.0)] * (24 * 7)
    path = Track(series_from_candles("ETHUSDT", candles(rows, step=hour), hour))
    [first, second] = path.klines(24 * 7 * 4 - 1, 7 * 24 * hour, None, None, 5)
    monday = 1_735_516_800_000  # 2024-12-30, before Wednesday 2025-01-01
    assert (first.start, second.start) == (monday, monday + 7 * 24 * hour)


def test_series_of_different_minutes_cannot_be_replayed_together() -> None:
    one = series_from_candles("ETHUSDT", candles(ROWS), MINUTE)
    other = series_from_candles("BTCUSDT", candles(ROWS[:2]), MINUTE)
    with pytest.raises(ValueError, match="do not cover the same candles"):
        Replay([one, other])


def _instruments(symbol: str, price: float) -> dict[str, tuple[str, str, str]]:
    series = series_from_candles(symbol, candles([(price, price, price, price)]), MINUTE)
    return {
        one.category: (f"{one.tick:f}", f"{one.step:f}", f"{one.min_notional:f}")
        for one in instruments_for(series, Fees())
    }


def test_instruments_have_bybits_steps() -> None:
    assert _instruments("BTCUSDT", 95505.4) == {"spot": ("0.01", "0.000001", "5"), "linear": ("0.10", "0.001", "5")}
    assert _instruments("ETHUSDT", 1827.29) == {"spot": ("0.01", "0.00001", "5"), "linear": ("0.01", "0.01", "5")}
    assert _instruments("SHIBUSDT", 0.00001345)["spot"] == ("0.00000001", "0.1", "5")


def test_candles_finer_than_bybits_tick_set_the_tick() -> None:
    assert _instruments("SOLUSDT", 174.733)["linear"][0] == "0.001"
    assert _instruments("SOLUSDT", 174.73)["linear"][0] == "0.010"


def test_other_coins_get_steps_that_fit_their_price() -> None:
    """A step is worth about a tenth of a cent on spot, ten cents on linear."""
    assert _instruments("WIFUSDT", 0.8123) == {"spot": ("0.0001", "0.001", "5"), "linear": ("0.0001", "0.1", "5")}


def test_the_real_candles_replay_their_own_prices(candles_dir: Path) -> None:
    real: Candles = read_file(candles_dir / "binance_ETHUSDT_linear_1m_202505.parquet")
    series = series_from_candles("ETHUSDT", real, MINUTE)
    assert series.decimals == 2
    points = points_of(series.ohlc).reshape(-1, 4)
    for row in (0, 1, 777, len(real) - 1):
        candle = [Decimal(repr(float(column[row]))) for column in (real.open, real.high, real.low, real.close)]
        assert [Decimal(int(one)) / 100 for one in points[row]] == list(four_points(*candle))
