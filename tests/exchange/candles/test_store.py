"""The candle store: what goes in comes out, merging is idempotent, and gaps stay gaps."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from exchange.candles.files import CandleFileError, Candles, read_file
from exchange.candles.merging import Merged, taken
from exchange.candles.series import Coverage, Gap, SeriesKey
from exchange.candles.store import CandleStore, as_port_candles, exact
from tests.exchange.candles.making import MINUTE, START, candles, flat

KEY = SeriesKey("bybit", "linear", "ETHUSDT", "1m")
DAY = 1440


@pytest.fixture
def store(tmp_path: Path) -> CandleStore:
    return CandleStore(tmp_path / "store")


def digests(store: CandleStore) -> dict[str, str]:
    root = Path(store.address)
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in root.rglob("*.parquet")
    }


def rows(candles: Candles) -> list[tuple[int, float]]:
    return list(zip(candles.timestamp.tolist(), candles.close.tolist(), strict=True))


def without(candles: Candles, *gone: int) -> Candles:
    return taken(candles, np.setdiff1d(np.arange(len(candles)), gone))


def test_minutes_lie_in_months_and_hours_in_years(store: CandleStore) -> None:
    store.merge(KEY, flat(40 * DAY))  # January and nine days of February
    store.merge(replace(KEY, timeframe="1h"), candles([(1.0, 1.0, 1.0, 1.0)] * 24 * 400, step=60 * MINUTE))
    assert set(digests(store)) == {
        "bybit/linear/ETHUSDT/1m/2025-01.parquet",
        "bybit/linear/ETHUSDT/1m/2025-02.parquet",
        "bybit/linear/ETHUSDT/1h/2025.parquet",
        "bybit/linear/ETHUSDT/1h/2026.parquet",
    }
    assert store.series() == [replace(KEY, timeframe="1h"), KEY]
    assert store.coverage(KEY) == Coverage(START, START + (40 * DAY - 1) * MINUTE, 40 * DAY, 2)


def test_a_stretch_is_read_across_files(store: CandleStore) -> None:
    february = START + 31 * DAY * MINUTE
    store.merge(KEY, flat(40 * DAY))
    read = store.read(KEY, february - 2 * MINUTE, february + 3 * MINUTE)
    assert read.timestamp.tolist() == [february + minute * MINUTE for minute in (-2, -1, 0, 1, 2)]
    assert len(store.read(KEY)) == 40 * DAY
    assert len(store.read(KEY, february + 100 * DAY * MINUTE)) == 0
    assert len(store.read(replace(KEY, symbol="NONE"))) == 0


def test_the_same_candles_again_change_nothing_on_disk(store: CandleStore) -> None:
    assert store.merge(KEY, flat(40 * DAY)) == Merged(added=40 * DAY)
    before = digests(store)
    stamps = {path: path.stat().st_mtime_ns for path in Path(store.address).rglob("*.parquet")}
    assert store.merge(KEY, flat(40 * DAY)) == Merged(same=40 * DAY)
    assert digests(store) == before
    assert {path: path.stat().st_mtime_ns for path in Path(store.address).rglob("*.parquet")} == stamps


def test_the_order_of_merging_does_not_matter(tmp_path: Path) -> None:
    market = candles([(100 + n % 7, 110, 90, 100 + n % 5) for n in range(3000)])
    forwards, backwards = CandleStore(tmp_path / "one"), CandleStore(tmp_path / "two")
    forwards.merge(KEY, market)
    shuffled = taken(market, np.random.default_rng(5).permutation(len(market)))
    for part in (taken(shuffled, np.arange(1500, 3000)), taken(shuffled, np.arange(0, 1700))):
        backwards.merge(KEY, part)
    assert digests(backwards) == digests(forwards)


def test_other_numbers_win_and_are_counted(store: CandleStore) -> None:
    store.merge(KEY, flat(5, 100.0))
    corrected = flat(2, 101.0, start=START + 4 * MINUTE)
    assert store.merge(KEY, corrected) == Merged(added=1, changed=1)
    assert rows(store.read(KEY))[3:] == [
        (START + 3 * MINUTE, 100.0), (START + 4 * MINUTE, 101.0), (START + 5 * MINUTE, 101.0)
    ]  # fmt: skip


def test_the_last_word_within_one_import_counts(store: CandleStore) -> None:
    twice = Candles(*(np.concatenate(pair) for pair in zip(*(
        [getattr(one, name) for name in ("timestamp", "open", "high", "low", "close", "volume")]
        for one in (flat(1, 100.0), flat(1, 102.0))
    ), strict=True)))  # fmt: skip
    assert store.merge(KEY, twice) == Merged(added=1, changed=1)
    assert rows(store.read(KEY)) == [(START, 102.0)]


def test_only_the_months_that_are_touched_are_rewritten(store: CandleStore) -> None:
    store.merge(KEY, flat(40 * DAY))
    before = digests(store)
    store.merge(KEY, flat(1, 200.0, start=START + 39 * DAY * MINUTE))
    after = digests(store)
    assert [path for path in after if after[path] != before[path]] == ["bybit/linear/ETHUSDT/1m/2025-02.parquet"]


def test_gaps_are_told_across_files_and_not_filled(store: CandleStore) -> None:
    market = without(flat(40 * DAY), 10, 11, 12, *range(31 * DAY - 5, 31 * DAY + 5), 35 * DAY)
    store.merge(KEY, market)
    at = [START + minute * MINUTE for minute in (10, 13, 31 * DAY - 5, 31 * DAY + 5, 35 * DAY, 35 * DAY + 1)]
    assert store.gaps(KEY) == [Gap(at[0], at[1], 3), Gap(at[2], at[3], 10), Gap(at[4], at[5], 1)]
    assert len(store.read(KEY)) == 40 * DAY - 14


def test_what_is_missing_includes_both_ends(store: CandleStore) -> None:
    store.merge(KEY, without(flat(10), 4))
    at = [START + minute * MINUTE for minute in range(-3, 15)]
    assert store.missing(KEY, at[0], at[-1]) == [
        Gap(at[0], at[3], 3), Gap(at[7], at[8], 1), Gap(at[13], at[-1], 4)
    ]  # fmt: skip
    assert store.missing(KEY, at[3], at[7]) == []
    assert store.missing(replace(KEY, symbol="NONE"), at[0], at[2]) == [Gap(at[0], at[2], 2)]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (candles([(100, 99, 90, 95)]), "2025-01-01 00:00 cannot be: open 100.0, high 99.0"),
        (candles([(100, 101, 0, 95)]), "cannot be"),
        (candles([(100, float("nan"), 90, 95)]), "cannot be"),
        (candles([(1, 1, 1, 1)], start=START + 1), "is not the open time of a 1m candle"),
    ],
)
def test_what_is_no_candle_is_refused_before_anything_is_written(
    store: CandleStore, bad: Candles, message: str
) -> None:
    with pytest.raises(CandleFileError, match=message):
        store.merge(KEY, bad)
    assert store.series() == []


def test_weeks_begin_on_mondays(store: CandleStore) -> None:
    monday = int(pd.Timestamp("2025-01-06", tz="UTC").timestamp() * 1000)
    weekly = replace(KEY, timeframe="1w")
    store.merge(weekly, flat(1, start=monday))
    assert weekly.floor(monday + 5 * DAY * MINUTE) == monday
    with pytest.raises(CandleFileError, match="not the open time of a 1w candle"):
        store.merge(weekly, flat(1, start=START))


def test_a_write_that_fails_leaves_the_old_file(store: CandleStore) -> None:
    store.merge(KEY, flat(5))
    before = digests(store)
    # Something that is in the way of the new file, as a full disk would be.
    (Path(store.address) / str(KEY) / f".2025-01.parquet.{os.getpid()}.part").mkdir()
    with pytest.raises(OSError, match=r"2025-01\.parquet"):
        store.merge(KEY, flat(10))
    assert digests(store) == before
    assert len(store.read(KEY)) == 5


def test_an_object_store_holds_the_same(store: CandleStore) -> None:
    """Arrow's file system in memory, which like those of object stores is no directory of this machine."""
    objects = CandleStore("mock://candles")
    market = without(flat(40 * DAY), 7, 8)
    with objects.claimed():
        assert objects.merge(KEY, market) == Merged(added=40 * DAY - 2)
    assert objects.merge(KEY, market) == Merged(same=40 * DAY - 2)
    store.merge(KEY, market)
    assert objects.series() == [KEY]
    assert objects.coverage(KEY) == store.coverage(KEY)
    assert objects.gaps(KEY) == store.gaps(KEY)
    assert rows(objects.read(KEY)) == rows(market)
    objects.write_note("_imported/x.json", b"{}")
    assert (objects.note("_imported/x.json"), objects.note("_imported/y.json")) == (b"{}", None)


def test_a_second_writer_is_turned_away(store: CandleStore) -> None:
    with store.claimed():
        other = CandleStore(store.address)
        with pytest.raises(CandleFileError, match="another process is writing"), other.claimed():
            pass
    with CandleStore(store.address).claimed():
        pass


def test_a_broken_file_is_named_with_its_mend(store: CandleStore) -> None:
    store.merge(KEY, flat(5))
    path = Path(store.address) / str(KEY) / "2025-01.parquet"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CandleFileError, match=r"2025-01\.parquet of the candle store cannot be read.*Delete it"):
        store.read(KEY)


def test_a_store_may_be_a_url(tmp_path: Path) -> None:
    store = CandleStore(f"file://{tmp_path}/by-url")
    store.merge(KEY, flat(5))
    assert len(CandleStore(tmp_path / "by-url").read(KEY)) == 5
    with pytest.raises(CandleFileError, match="cannot be opened"):
        CandleStore("nowhere://candles")


@pytest.mark.parametrize(
    ("unified", "key"),
    [
        ("ETH/USDT", "bybit/spot/ETHUSDT/1m"),
        ("ETH/USDT:USDT", "bybit/linear/ETHUSDT/1m"),
        ("BTC/USDT:USDT-251226", "bybit/linear/BTCUSDT-251226/1m"),
    ],
)
def test_a_unified_symbol_has_its_series(unified: str, key: str) -> None:
    assert str(SeriesKey.of_unified("bybit", unified, "1m")) == key


# --- Exactness -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["0.00000703", "95000.1", "999999999999.999", "0.000000000000001", "123456.789012345", "1E+15"]
)
def test_decimals_of_fifteen_digits_come_back(text: str) -> None:
    assert exact(float(text)) == Decimal(text)


def test_a_sixteenth_digit_may_be_lost() -> None:
    """Why the promise ends at fifteen."""
    assert exact(float("9007199254740993")) != Decimal("9007199254740993")


def test_real_prices_come_back_digit_by_digit(store: CandleStore, candles_dir: Path) -> None:
    """Against the text of the file itself."""
    file = candles_dir / "bybit_WIFUSDT_linear_4h.csv.gz"
    key = SeriesKey("bybit", "linear", "WIFUSDT", "4h")
    store.merge(key, read_file(file))
    written = pd.read_csv(file, dtype=str)
    read = as_port_candles(store.read(key))
    assert len(read) == len(written) == 3771
    for row, candle in zip(written.itertuples(), read, strict=True):
        assert candle.timestamp == int(row.timestamp)
        for name in ("open", "high", "low", "close", "volume"):
            assert getattr(candle, name) == Decimal(getattr(row, name))
