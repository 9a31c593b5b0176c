"""Files into the store: formats, mistakes told by line and value, and going on after a break."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from exchange.candles import importing
from exchange.candles.csv_files import blocks
from exchange.candles.files import CandleFileError, Candles
from exchange.candles.importing import find_files, import_file, key_of
from exchange.candles.merging import Merged
from exchange.candles.series import Gap, SeriesKey
from exchange.candles.store import CandleStore
from tests.exchange.candles.making import MINUTE, START, flat, write

KEY = SeriesKey("binance", "spot", "BTCUSDT", "1m")
NOTHING_GIVEN: dict[str, str | None] = {}
# As https://data.binance.vision gives them.
KLINE = "{},93576.00,93610.93,93537.50,93610.93,8.21827,{},768978.50522470,2631,3.95157,369757.34,0"
HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)


@pytest.fixture
def store(tmp_path: Path) -> CandleStore:
    return CandleStore(tmp_path / "store")


def imported(store: CandleStore, path: Path, text: str, key: SeriesKey = KEY) -> list[tuple[int, float, float]]:
    """Each stored candle's time, open and volume."""
    path.write_text(text)
    import_file(store, path, key)
    read = store.read(key)
    return list(zip(read.timestamp.tolist(), read.open.tolist(), read.volume.tolist(), strict=True))


TWO_MINUTES = [(START, 93576.0, 8.21827), (START + MINUTE, 93576.0, 8.21827)]


@pytest.mark.parametrize(
    ("unit", "header"),
    [("ms", False), ("ms", True), ("us", False), ("us", True), ("s", False), ("ns", True)],
)
def test_binance_klines_in_any_unit_with_and_without_header(
    store: CandleStore, tmp_path: Path, unit: str, header: bool
) -> None:
    def at(time_ms: int) -> int:
        return {"s": time_ms // 1000, "ms": time_ms, "us": time_ms * 1000, "ns": time_ms * 10**6}[unit]

    lines = [KLINE.format(at(opened), at(opened + MINUTE - 1)) for opened in (START, START + MINUTE)]
    text = "\n".join([HEADER, *lines] if header else lines)
    assert imported(store, tmp_path / "BTCUSDT-1m-2025-01.csv", text) == TWO_MINUTES


def test_a_file_may_change_its_unit_midway(store: CandleStore, tmp_path: Path) -> None:
    """Two of Binance's months put together: milliseconds until 2024, microseconds since."""
    before, after = START - MINUTE, START
    text = f"{KLINE.format(before, before)}\n{KLINE.format(after * 1000, after * 1000)}\n"
    assert [row[0] for row in imported(store, tmp_path / "x.csv", text)] == [before, after]


@pytest.mark.parametrize(
    "text",
    [
        # Bybit's answer as it stands: newest first, with turnover
        f"startTime,openPrice,highPrice,lowPrice,closePrice,volume,turnover\n"
        f"{START + MINUTE},93576,93610,93537,93600,8.21827,1\n{START},93576,93610,93537,93600,8.21827,1\n",
        f"{START},93576,93610,93537,93600,8.21827,769000\n{START + MINUTE},93576,93610,93537,93600,8.21827,769000\n",
        "date,open,high,low,close,volume\n2025-01-01 00:00:00,93576,93610,93537,93600,8.21827\n"
        "2025-01-01 00:01:00,93576,93610,93537,93600,8.21827\n",
        "Date,Open,High,Low,Close,Volume\n2025-01-01T03:00:00+03:00,93576,93610,93537,93600,8.21827\n"
        "2025-01-01T03:01:00+03:00,93576,93610,93537,93600,8.21827\n",
        # MetaTrader's way, without a header, as Bybit publishes it
        "2025.01.01 00:00,93576,93610,93537,93600,8.21827\n2025.01.01 00:01,93576,93610,93537,93600,8.21827\n",
        # columns in another order, others among them, a byte order mark, Windows' line ends
        "\ufeffvolume,symbol,close,open,low,high,unix\r\n8.21827,BTC,93600,93576,93537,93610,1735689600\r\n"
        "8.21827,BTC,93600,93576,93537,93610,1735689660\r\n",
    ],
)
def test_other_layouts(store: CandleStore, tmp_path: Path, text: str) -> None:
    assert imported(store, tmp_path / "x.csv", text) == TWO_MINUTES


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".zip", ".parquet"])
def test_packings(store: CandleStore, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"binance_BTCUSDT_spot_1m{ending}"
    text = "timestamp,open,high,low,close,volume\n" + "".join(
        f"{START + n * MINUTE},100.5,101,100,100.5,2\n" for n in range(1000)
    )
    if ending == ".csv":
        path.write_text(text)
    elif ending == ".csv.gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif ending == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            lines = text.splitlines(keepends=True)
            archive.writestr("one.csv", "".join(lines[:501]))
            archive.writestr("two.csv", "".join([lines[0], *lines[501:]]))
            archive.writestr("README.txt", "two halves")
    else:
        write(tmp_path, path.name, flat(1000))
    assert import_file(store, path, KEY).merged == Merged(added=1000)


def line(opened: int, **changes: str) -> str:
    values = {"open": "100", "high": "101", "low": "99", "close": "100", "volume": "1", **changes}
    return ",".join(
        [changes.get("timestamp", str(opened)), *(values[n] for n in ("open", "high", "low", "close", "volume"))]
    )


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (line(START + 2 * MINUTE, close="1OO"), r"x\.csv, line 4: close is '1OO', which is not a number; mend or"),
        (line(0, timestamp="noon"), r"x\.csv, line 4: timestamp is 'noon', which is not a whole number"),
        (line(START + 2 * MINUTE, low=""), r"x\.csv, line 4: low is empty; take the line out"),
        (
            line(START + 2 * MINUTE, high="98"),
            r"x\.csv, line 4: 2025-01-01 00:02 is no candle: open 100\.0, high 98\.0",
        ),
        (line(START + 2 * MINUTE, volume="-1"), r"line 4: .* is no candle"),
        (
            line(START + 2 * MINUTE + 7),
            r"line 4: 1735689720007 .* is not the open time of a 1m candle; give the timeframe",
        ),
        (
            f"{START + 2 * MINUTE},100,101",
            r"x\.csv, line 4: 3 values where there are 6 columns; the file may be cut off",
        ),
    ],
)
def test_a_mistake_is_told_by_file_line_and_value(store: CandleStore, tmp_path: Path, bad: str, message: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(
        "\n".join(
            ["timestamp,open,high,low,close,volume", line(START), line(START + MINUTE), bad, line(START + 3 * MINUTE)]
        )
    )
    with pytest.raises(CandleFileError, match=message):
        import_file(store, path, KEY)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x.csv is empty"),
        ("timestamp,open,high,low,close,volume\n", "has a header and no candles"),
        ("timestamp,open,high,low,close\n1,1,1,1,1\n", "line 1: no column for volume among timestamp, open"),
        ("1,2,3,4,5,6,7,8\n", "line 1: 8 columns without a header are not understood; give it a header line"),
        ("date,open,high,low,close,volume\nsoon,1,1,1,1,1\n", r"line 2: 'soon' is not a time; write milliseconds"),
    ],
)
def test_a_file_that_is_not_understood_says_what_it_needs(
    store: CandleStore, tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(CandleFileError, match=message):
        import_file(store, path, KEY)


def test_a_cut_off_archive_is_named(store: CandleStore, tmp_path: Path) -> None:
    path = tmp_path / "x.csv.gz"
    text = "\n".join(line(START + n * MINUTE) for n in range(1000))
    path.write_bytes(gzip.compress(text.encode())[:-20])
    with pytest.raises(CandleFileError, match=r"x\.csv\.gz cannot be read.*Fetch it again"):
        import_file(store, path, KEY)


# --- Names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "given", "key"),
    [
        ("binance_ETHUSDT_linear_1m_202505.parquet", {}, "binance/linear/ETHUSDT/1m"),
        ("bybit_BTCUSDT_spot_15m.csv.gz", {"timeframe": None}, "bybit/spot/BTCUSDT/15m"),
        ("BTCUSDT-1h-2025-05.zip", {"kind": "spot"}, "binance/spot/BTCUSDT/1h"),
        ("BTCUSDT_240_2025-05-01_2025-05-31.csv.gz", {"kind": "linear"}, "bybit/linear/BTCUSDT/4h"),
        (
            "mine.csv",
            {"exchange": "kraken", "kind": "spot", "symbol": "XBTUSD", "timeframe": "5m"},
            "kraken/spot/XBTUSD/5m",
        ),
    ],
)
def test_names_and_options_tell_the_series(name: str, given: dict[str, str | None], key: str) -> None:
    assert str(key_of(Path(name), given)) == key


def test_what_neither_tells_is_asked_for() -> None:
    with pytest.raises(CandleFileError, match=r"BTCUSDT-1h-2025-05\.zip: its name does not tell the kind.*give --kind"):
        key_of(Path("BTCUSDT-1h-2025-05.zip"), NOTHING_GIVEN)
    with pytest.raises(CandleFileError, match="'future' is no kind of candles: give spot or linear"):
        key_of(Path("BTCUSDT-1h-2025-05.zip"), {"kind": "future"})


def test_files_directories_and_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "below").mkdir()
    for name in ("a.csv", "b.txt", "below/c.csv.gz", "below/d.zip"):
        (tmp_path / name).touch()
    assert [path.name for path in find_files([str(tmp_path)])] == ["a.csv", "c.csv.gz", "d.zip"]
    assert [path.name for path in find_files([f"{tmp_path}/*/*.zip", f"{tmp_path}/a.csv"])] == ["a.csv", "d.zip"]
    monkeypatch.chdir(tmp_path)
    assert find_files(["*.csv"]) == [Path("a.csv")]
    with pytest.raises(CandleFileError, match=r"nowhere names no candle files; they end in \.csv"):
        find_files(["nowhere"])


# --- Once, and after a break ---------------------------------------------------------------------------------------


def test_a_file_is_imported_once_until_it_changes(store: CandleStore, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(line(START))
    assert import_file(store, path, KEY).merged == Merged(added=1)
    assert import_file(store, path, KEY).skipped
    assert import_file(store, path, KEY, again=True).merged == Merged(same=1)
    path.write_text(line(START, close="100.5"))
    assert import_file(store, path, KEY).merged == Merged(changed=1)


def test_progress_ends_at_the_files_size(store: CandleStore, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("\n".join(line(START + n * MINUTE) for n in range(500_000)))
    steps: list[int] = []
    import_file(store, path, KEY, progress=steps.append)
    assert sum(steps) == path.stat().st_size
    assert len(steps) > 2
    steps.clear()
    assert import_file(store, path, KEY, progress=steps.append).skipped
    assert steps == [path.stat().st_size]


def test_each_month_of_a_sorted_file_is_written_once(
    store: CandleStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.csv"
    path.write_text("\n".join(line(START + n * MINUTE) for n in range(200_000)))  # 138 days, several blocks
    written: list[str] = []
    write_file = CandleStore._write

    def writing(self: CandleStore, path: str, candles: Candles) -> None:
        written.append(path)
        write_file(self, path, candles)

    monkeypatch.setattr(CandleStore, "_write", writing)
    import_file(store, path, KEY)
    assert [name[-15:-8] for name in written] == ["2025-01", "2025-02", "2025-03", "2025-04", "2025-05"]


def test_unsorted_files_are_merged_in_portions(
    store: CandleStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "WAITING_ROWS", 50_000)
    minutes = np.random.default_rng(3).permutation(200_000)
    path = tmp_path / "x.csv"
    path.write_text("\n".join(line(START + int(n) * MINUTE) for n in minutes))
    assert max(len(part) for part, _ in importing._by_periods(path, KEY)) < 50_000 + max(
        len(block.candles) for block in blocks(path, KEY)
    )
    assert import_file(store, path, KEY).merged == Merged(added=200_000)
    assert store.gaps(KEY) == []


def test_a_killed_import_is_finished_by_the_next(store: CandleStore, tmp_path: Path) -> None:
    """``kill -9`` in the midst of it, several times; the end is that of an import that was left alone."""
    folder = tmp_path / "files"
    folder.mkdir()
    for month in range(12):
        first = START + month * 43_200 * MINUTE
        name = f"binance_BTCUSDT_spot_1m_{month:02}.csv"
        (folder / name).write_text("\n".join(line(first + n * MINUTE) for n in range(43_200)))
    undisturbed = CandleStore(tmp_path / "undisturbed")
    for path in find_files([str(folder)]):
        import_file(undisturbed, path, KEY)

    command = [sys.executable, "manage.py", "candles", "--store", store.address, "import", str(folder)]
    root = Path(__file__).resolve().parents[3]

    def files() -> int:
        return len(list(Path(store.address).rglob("*.parquet")))

    killed = 0
    for goal in (2, 5, 9):
        process = subprocess.Popen(command, cwd=root, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        while process.poll() is None and files() < goal:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        process.communicate()
    assert killed == 3
    done = subprocess.run(command, cwd=root, env=os.environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "skipped (imported before)" in done.stdout
    for attribute in ("timestamp", "open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(store.read(KEY), attribute), getattr(undisturbed.read(KEY), attribute))


# --- Real files ----------------------------------------------------------------------------------------------------


def test_real_gaps_stay_gaps(store: CandleStore, candles_dir: Path) -> None:
    """Binance's downtimes, as the data's README counts them: 6 gaps, 177 candles of five minutes."""
    path = candles_dir / "binance_BTCUSDT_spot_5m_202012-202107.parquet"
    key = key_of(path, NOTHING_GIVEN)
    assert import_file(store, path, key).merged == Merged(added=65_741)
    gaps = store.gaps(key)
    assert (len(gaps), sum(gap.count for gap in gaps)) == (6, 177)
    # Counted by hand: after the candle of 14:05 comes that of 18:00, 235 minutes later, so 46 are missing.
    opened = int(pd.Timestamp("2020-12-21 14:10", tz="UTC").timestamp() * 1000)
    resumed = int(pd.Timestamp("2020-12-21 18:00", tz="UTC").timestamp() * 1000)
    assert gaps[0] == Gap(opened, resumed, 46)


def test_a_real_file_again_is_known_already(store: CandleStore, candles_dir: Path) -> None:
    path = candles_dir / "bybit_BTCUSDT_spot_15m.csv.gz"
    key = key_of(path, NOTHING_GIVEN)
    assert import_file(store, path, key).merged == Merged(added=10_215)
    assert import_file(store, path, key, again=True).merged == Merged(same=10_215)
    assert (len(store.gaps(key)), sum(gap.count for gap in store.gaps(key))) == (10, 10)
