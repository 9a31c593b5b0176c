"""Where candles come from, on which timeframe, and what becomes of holes in them."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backtests.data import DataReport, load_candles, timeframe_of
from exchange.candles.files import COLUMNS, CandleFileError, Candles
from exchange.candles.merging import taken
from exchange.candles.series import SeriesKey
from exchange.candles.store import CandleStore
from tests.backtests.worked import MINUTE, START, candles_of, write_csv

HOUR = 60 * MINUTE
# Every minute is a little higher than the one before.
RISING = candles_of([(100 + i, 100.5 + i, 99.5 + i, 100.25 + i) for i in range(60)])


def load(path: Path | str, timeframe: str = "1m", **options: object) -> tuple[Candles, DataReport]:
    return load_candles(str(path), timeframe=timeframe, **options)  # type: ignore[arg-type]


def same(one: Candles, two: Candles) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(two, name)) for name in COLUMNS)


def without(*rows: int) -> Candles:
    return taken(RISING, np.setdiff1d(np.arange(60), rows))


def test_every_kind_of_file_gives_the_same(tmp_path: Path) -> None:
    plain = write_csv(tmp_path / "rising.csv", RISING)
    (tmp_path / "rising.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    with zipfile.ZipFile(tmp_path / "rising.zip", "w") as archive:
        archive.write(plain, "rising.csv")
    pq.write_table(pa.table({name: getattr(RISING, name) for name in COLUMNS}), tmp_path / "rising.parquet")
    newest_first = write_csv(tmp_path / "falling.csv", taken(RISING, np.arange(60)[::-1]))
    for path in sorted([*tmp_path.glob("rising*"), newest_first]):
        candles, report = load(path)
        assert same(candles, RISING), path
        assert candles.close.flags.writeable
        assert report == DataReport(
            str(path), "1m", "1m", START, START + HOUR, 60, "skip", gap_count=0, missing=0, longest_gap=None, gaps=()
        )


def test_longer_candles_are_made_of_the_files_own(tmp_path: Path) -> None:
    """From minute 7 on whole quarters of an hour are 15 – 29, 30 – 44 and 45 – 59."""
    path = write_csv(tmp_path / "c.csv", taken(RISING, np.arange(7, 60)))
    candles, report = load(path, "15m")
    assert candles.timestamp.tolist() == [START + minutes * MINUTE for minutes in (15, 30, 45)]
    assert candles.open.tolist() == [115.0, 130.0, 145.0]
    assert candles.high.tolist() == [129.5, 144.5, 159.5]
    assert candles.low.tolist() == [114.5, 129.5, 144.5]
    assert candles.close.tolist() == [129.25, 144.25, 159.25]
    assert candles.volume.tolist() == [15_000.0] * 3
    assert (report.timeframe, report.found_timeframe) == ("15m", "1m")


@pytest.mark.parametrize("timeframe", ["1m", "5m", "15m", "1h", "4h", "1d"])
def test_any_timeframe_may_be_the_base(timeframe: str, tmp_path: Path) -> None:
    step = {"1m": 1, "5m": 5, "15m": 15, "1h": 60, "4h": 240, "1d": 1440}[timeframe] * MINUTE
    path = write_csv(tmp_path / "c.csv", candles_of([(100, 101, 99, 100)] * 5, step=step))
    assert load(path, timeframe)[1].found_timeframe == timeframe


def test_shorter_candles_cannot_be_made(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "c.csv", candles_of([(100, 101, 99, 100)] * 5, step=HOUR))
    with pytest.raises(
        CandleFileError, match=r"timeframe is 15m, and .*c.csv holds candles of 1h.*set timeframe to 1h"
    ):
        load(path, "15m")
    with pytest.raises(CandleFileError, match="has no whole candle of 1d in this period"):
        load(path, "1d")


def test_the_period_is_what_opens_in_it(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "c.csv", RISING)
    candles, report = load(path, since=START + 10 * MINUTE, until=START + 20 * MINUTE)
    assert candles.open.tolist() == [110.0 + i for i in range(10)]
    assert (report.first, report.last) == (START + 10 * MINUTE, START + 20 * MINUTE)
    with pytest.raises(
        CandleFileError, match=r"no candles in 2025-05-01 02:00 – : it reaches from 2025-05-01 00:00 to"
    ):
        load(path, since=START + 2 * HOUR)


def test_gaps_are_passed_over_and_told(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "c.csv", without(10, 20, 21, 22))
    candles, report = load(path)
    assert len(candles) == 56
    assert (report.gap_count, report.missing) == (2, 4)
    assert report.longest_gap is not None
    assert str(report.longest_gap) == "2025-05-01 00:20 – 2025-05-01 00:23: 3 missing"
    assert [gap.count for gap in report.gaps] == [1, 3]


def test_gaps_are_filled_with_the_close_before_them(tmp_path: Path) -> None:
    candles, report = load(write_csv(tmp_path / "c.csv", without(20, 21)), gaps="fill")
    assert len(candles) == 60
    for row in (20, 21):
        filled = [getattr(candles, name)[row] for name in COLUMNS]
        assert filled == [START + row * MINUTE, 119.25, 119.25, 119.25, 119.25, 0.0]
    assert same(taken(candles, np.array([19, 22])), taken(RISING, np.array([19, 22])))
    assert (report.missing, report.gap_policy) == (2, "fill")


def test_gaps_are_refused_with_the_first_and_the_longest(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "c.csv", without(10, 20, 21))
    with pytest.raises(
        CandleFileError, match=r"lacks 3 candles of 1m in 2 places, the first at 2025-05-01 00:10.*00:20"
    ):
        load(path, gaps="refuse")
    assert len(load(path, gaps="refuse", since=START + 30 * MINUTE)[0]) == 30


def test_files_that_cannot_be_used_are_named_with_the_mend(tmp_path: Path) -> None:
    with pytest.raises(CandleFileError, match=r"there is no candle file .*nowhere.csv; a series of the candle store"):
        load(tmp_path / "nowhere.csv")
    (tmp_path / "c.txt").write_text("x")
    with pytest.raises(CandleFileError, match=r"c.txt does not end in \.csv"):
        load(tmp_path / "c.txt")
    twice = write_csv(tmp_path / "twice.csv", taken(RISING, np.array([0, 1, 1, 2])))
    with pytest.raises(CandleFileError, match="row 2 is not later than the one before; sort it and drop duplicates"):
        load(twice)
    single = write_csv(tmp_path / "one.csv", taken(RISING, np.array([0])))
    with pytest.raises(CandleFileError, match="holds one candle"):
        load(single)


def test_a_timeframe_is_the_usual_distance() -> None:
    assert timeframe_of(np.array([0, 1, 2, 10]) * 15 * MINUTE, "c") == "15m"
    with pytest.raises(CandleFileError, match="most candles are 30000 ms apart"):
        timeframe_of(np.array([0, 1, 2]) * 30_000, "c")
    with pytest.raises(CandleFileError, match=r"row 3: 1970-01-01 00:32 is not the open time of a 15m candle"):
        timeframe_of(np.array([0, 15, 30, 32, 45, 60]) * MINUTE, "c")


# --- The store -----------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> str:
    kept = CandleStore(tmp_path / "store")
    kept.merge(SeriesKey("bybit", "spot", "ETHUSDT", "1m"), RISING)
    kept.merge(SeriesKey("bybit", "spot", "ETHUSDT", "5m"), load(write_csv(tmp_path / "c.csv", RISING), "5m")[0])
    return str(tmp_path / "store")


def test_a_series_of_the_store(store: str) -> None:
    candles, report = load("bybit/spot/ETHUSDT/1m", store=store, since=START + MINUTE)
    assert same(candles, taken(RISING, np.arange(1, 60)))
    assert report.found_timeframe == "1m"


def test_the_longest_series_that_can_make_the_timeframe_is_taken(store: str) -> None:
    assert load("bybit/spot/ETHUSDT", "15m", store=store)[1].found_timeframe == "5m"
    assert load("bybit/spot/ETHUSDT", "3m", store=store)[1].found_timeframe == "1m"
    assert len(load("bybit/spot/ETHUSDT", "15m", store=store)[0]) == 4


def test_series_that_are_not_there(store: str) -> None:
    with pytest.raises(CandleFileError, match=r"has no bybit/spot/BTCUSDT.*manage.py candles list"):
        load("bybit/spot/BTCUSDT", store=store)
    with pytest.raises(
        CandleFileError, match="has bybit/spot/ETHUSDT of 1m, 5m: none that bybit/spot/ETHUSDT/5m names makes 1m"
    ):
        load("bybit/spot/ETHUSDT/5m", "1m", store=store)
    with pytest.raises(CandleFileError, match=r"they reach from 2025-05-01 00:00 to 2025-05-01 01:00"):
        load("bybit/spot/ETHUSDT", store=store, since=START + 2 * HOUR)
    with pytest.raises(CandleFileError, match="no candle store to look for it in"):
        load("bybit/spot/ETHUSDT")


# --- Made-up markets -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["random-walk", "trend", "mean-reverting", "sine", "regimes"])
def test_made_up_markets_by_name_and_seed(name: str) -> None:
    candles, report = load(f"synthetic:{name},days=2,price=50", "15m")
    assert len(candles) == 192
    assert candles.open[0] == pytest.approx(50, abs=0.02)
    assert report.found_timeframe == "15m"
    again, _ = load(f"synthetic:{name},days=2,price=50", "15m")
    assert same(candles, again)
    if name != "sine":
        assert not same(candles, load(f"synthetic:{name},days=2,price=50,seed=1", "15m")[0])


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("synthetic:walk", r"no synthetic market 'walk'; known are random-walk, trend"),
        ("synthetic:sine,amplitud=3", r"sine has no 'amplitud'; it has days, seed, price, tick, period, amplitude"),
        ("synthetic:sine,period=x", r"period is 'x', which is not a number"),
        ("synthetic:sine,amplitude=500", r"prices must stay above 0"),
        ("synthetic:random-walk,days=0", r"rows"),
    ],
)
def test_made_up_markets_that_are_not(source: str, told: str) -> None:
    with pytest.raises(CandleFileError, match=told):
        load(source)
