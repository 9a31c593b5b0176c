"""Candle files: names, both formats, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from exchange.candles.files import (
    CandleFileError,
    Candles,
    describe_file,
    list_files,
    read_file,
)
from tests.exchange.candles.making import START, candles, flat, write


@pytest.mark.parametrize(
    ("name", "described"),
    [
        ("binance_ETHUSDT_linear_1m_202505.parquet", ("binance", "ETHUSDT", "linear", "1m")),
        ("bybit_BTCUSDT_spot_15m.csv.gz", ("bybit", "BTCUSDT", "spot", "15m")),
        ("binance_SOLUSDT_spot_5m_202501-202509.parquet", ("binance", "SOLUSDT", "spot", "5m")),
        ("bybit_BTCUSDT_linear_mark_1h.csv.gz", None),
        ("bybit_BTCUSDT_linear_funding.csv.gz", None),
        ("README.md", None),
        ("binance_ETHUSDT_linear_1m.csv", None),
    ],
)
def test_a_name_tells_exchange_symbol_kind_and_timeframe(name: str, described: tuple[str, ...] | None) -> None:
    file = describe_file(Path(name))
    assert (file and (file.exchange, file.symbol, file.kind, file.timeframe)) == described


@pytest.mark.parametrize("ending", [".parquet", ".csv.gz"])
def test_a_file_gives_back_what_was_written(tmp_path: Path, ending: str) -> None:
    written = candles([(100.1, 103.0, 99.5, 101.25), (101.25, 101.25, 90.0, 95.5)])
    read = read_file(write(tmp_path, f"binance_ETHUSDT_linear_1m{ending}", written))
    assert read.timestamp.tolist() == [START, START + 60_000]
    assert read.timestamp.dtype == np.int64
    assert read.open.tolist() == [100.1, 101.25]
    assert read.high.tolist() == [103.0, 101.25]
    assert read.low.tolist() == [99.5, 90.0]
    assert read.close.tolist() == [101.25, 95.5]
    assert read.volume.tolist() == [1.0, 1.0]


def test_only_candle_files_are_listed(tmp_path: Path) -> None:
    write(tmp_path, "binance_ETHUSDT_linear_1m.parquet", flat(2))
    write(tmp_path, "bybit_ETHUSDT_linear_mark_1h.csv.gz", flat(2))
    (tmp_path / "README.md").write_text("about the candles")
    assert [file.stem for file in list_files(tmp_path)] == ["binance_ETHUSDT_linear_1m"]


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CandleFileError, match="nowhere does not exist"):
        list_files(tmp_path / "nowhere")


def _with(column: str, row: int, value: float) -> Candles:
    one = candles([(100, 103, 99, 101), (101, 102, 90, 95), (95, 96, 94, 95)])
    getattr(one, column)[row] = value
    return one


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (_with("high", 1, 100.5), "row 1 is no candle"),
        (_with("low", 2, 94.5 + 1), "row 2 is no candle"),
        (_with("low", 0, 0.0), "row 0 is no candle"),
        (_with("volume", 1, -1.0), "row 1 is no candle"),
        (_with("close", 2, float("nan")), "row 2 is no candle"),
        (_with("timestamp", 2, START), "row 2 is not later"),
    ],
)
def test_an_impossible_candle_is_refused_with_its_row(tmp_path: Path, broken: Candles, problem: str) -> None:
    path = write(tmp_path, "binance_ETHUSDT_linear_1m.parquet", broken)
    with pytest.raises(CandleFileError, match=problem):
        read_file(path)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "binance_ETHUSDT_linear_1m.csv.gz"
    path.write_bytes(b"")
    with pytest.raises(CandleFileError, match="cannot be read"):
        read_file(path)
    import pandas as pd

    pd.DataFrame({"timestamp": [1], "open": [1.0]}).to_csv(path)
    with pytest.raises(CandleFileError, match="lacks the column high"):
        read_file(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CandleFileError, match=r"binance_X_linear_1m\.parquet does not exist"):
        read_file(tmp_path / "binance_X_linear_1m.parquet")
