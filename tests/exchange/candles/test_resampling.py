"""Longer candles out of shorter ones, against pandas, against an exchange's own, and by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from exchange.candles.files import COLUMNS, Candles, read_file
from exchange.candles.merging import Merged, taken
from exchange.candles.resampling import resample_series
from exchange.candles.series import SeriesKey
from exchange.candles.store import CandleStore
from tests.exchange.candles.making import MINUTE, START, candles, flat

M1 = SeriesKey("bybit", "linear", "ETHUSDT", "1m")
M5 = replace(M1, timeframe="5m")


@pytest.fixture
def store(tmp_path: Path) -> CandleStore:
    return CandleStore(tmp_path / "store")


def as_rows(one: Candles) -> list[tuple[float, ...]]:
    return list(zip(*(getattr(one, name).tolist() for name in COLUMNS), strict=True))


def test_by_hand(store: CandleStore) -> None:
    store.merge(M1, candles([(10, 12, 9, 11), (11, 15, 10, 14), (14, 14, 7, 8), (8, 9, 8, 9), (9, 10, 9, 10)] * 2))
    done = resample_series(store, M1, M5)
    assert as_rows(store.read(M5)) == [(START, 10, 15, 7, 10, 5), (START + 5 * MINUTE, 10, 15, 7, 10, 5)]
    assert (done.made, done.incomplete, done.merged) == (2, 0, Merged(added=2))


def test_the_edges_that_are_not_covered_are_left_out(store: CandleStore) -> None:
    """From minute 2 to minute 13: only 5 … 9 is whole."""
    store.merge(M1, flat(12, start=START + 2 * MINUTE))
    assert resample_series(store, M1, M5).made == 1
    assert store.read(M5).timestamp.tolist() == [START + 5 * MINUTE]


def test_gaps_inside_are_flagged_and_empty_periods_are_not_invented(store: CandleStore) -> None:
    whole = flat(25)
    # one minute of the second period, and all of the third
    store.merge(M1, taken(whole, np.setdiff1d(np.arange(25), [7, 10, 11, 12, 13, 14])))
    done = resample_series(store, M1, M5)
    assert [(stamp - START) // MINUTE for stamp in store.read(M5).timestamp] == [0, 5, 15, 20]
    assert (done.made, done.incomplete, done.told) == (4, 1, (START + 5 * MINUTE,))
    assert store.read(M5).volume.tolist() == [5, 4, 5, 5]


def test_incomplete_ones_may_be_left_out(store: CandleStore) -> None:
    store.merge(M1, taken(flat(25), np.setdiff1d(np.arange(25), [7])))
    done = resample_series(store, M1, M5, only_complete=True)
    assert (done.made, done.incomplete) == (4, 1)
    assert START + 5 * MINUTE not in store.read(M5).timestamp


def test_again_changes_nothing(store: CandleStore) -> None:
    store.merge(M1, flat(3 * 1440))
    first = resample_series(store, M1, replace(M1, timeframe="1h"))
    assert first.merged == Merged(added=72)
    assert resample_series(store, M1, replace(M1, timeframe="1h")).merged == Merged(same=72)


@pytest.mark.parametrize(("source", "target"), [("5m", "1m"), ("5m", "5m"), ("15m", "40m"), ("1d", "36h")])
def test_what_does_not_fit_is_refused(store: CandleStore, source: str, target: str) -> None:
    with pytest.raises(ValueError, match=f"{target} candles cannot be made of {source} candles"):
        resample_series(store, replace(M1, timeframe=source), replace(M1, timeframe=target))


@pytest.mark.parametrize(
    ("target", "rule"), [("5m", "5min"), ("1h", "1h"), ("4h", "4h"), ("1d", "1D"), ("1w", "W-MON")]
)
def test_as_pandas_does_it(store: CandleStore, candles_dir: Path, target: str, rule: str) -> None:
    """On 43,199 real minutes from two months, whose first and last hours are not whole."""
    source = read_file(candles_dir / "binance_BTCUSDT_spot_1m_202506.parquet")
    store.merge(M1, source)
    resample_series(store, M1, replace(M1, timeframe=target))
    read = store.read(replace(M1, timeframe=target))

    frame = pd.DataFrame({name: getattr(source, name) for name in COLUMNS})
    frame.index = pd.to_datetime(frame["timestamp"], unit="ms")
    groups = frame.resample(rule, closed="left", label="left")
    expected = groups.agg({"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"})
    per_period = {"5m": 5, "1h": 60, "4h": 240, "1d": 1440, "1w": 10080}[target]
    expected = expected[groups["open"].count() == per_period]
    assert len(expected) > 2
    stamps = expected.index.as_unit("ms").astype("int64").tolist()
    assert read.timestamp.tolist() == stamps
    for name in ("open", "high", "low", "close"):
        assert getattr(read, name).tolist() == expected[name].tolist()
    assert read.volume == pytest.approx(expected["volume"].to_numpy(), rel=1e-12)


def test_as_the_exchange_does_it(store: CandleStore, candles_dir: Path) -> None:
    """Bybit's own hours out of its own quarters of an hour; the last hour of the one file was still forming."""
    quarters = SeriesKey("bybit", "linear", "BTCUSDT", "15m")
    store.merge(quarters, read_file(candles_dir / "bybit_BTCUSDT_linear_15m.parquet"))
    resample_series(store, quarters, replace(quarters, timeframe="1h"))
    made = store.read(replace(quarters, timeframe="1h"))
    own = read_file(candles_dir / "bybit_BTCUSDT_linear_1h.csv.gz")
    assert made.timestamp.tolist() == own.timestamp.tolist()
    for name in ("open", "high", "low", "close"):
        assert getattr(made, name)[:-1].tolist() == getattr(own, name)[:-1].tolist()
