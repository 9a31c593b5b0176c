"""Funding files: real ones of Bybit, and what is wrong with others."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from backtests.funding import read_funding

HOUR = 3_600_000


def written(folder: Path, *lines: str) -> Path:
    path = folder / "funding.csv"
    path.write_text("\n".join(("timestamp,funding_rate", *lines)) + "\n")
    return path


def test_a_file_with_further_columns_gzipped(tmp_path: Path) -> None:
    path = tmp_path / "funding.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("symbol,funding_rate,timestamp\nETHUSDT,0.0001,28800000\nETHUSDT,-0.00005,57600000\n")
    funding = read_funding(path)
    assert funding.timestamp.tolist() == [28_800_000, 57_600_000]
    assert funding.rate.tolist() == [0.0001, -0.00005]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (("1,0.1", "1,0.1"), "line 3: the time 1 does not come after 1"),
        (("1,0.1", "x,0.1"), "line 3: invalid literal"),
        (("1,nan",), "line 2: the rate nan is no number"),
        (("1",), "line 2: float"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(tmp_path: Path, lines: tuple[str, ...], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_funding(written(tmp_path, *lines))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "funding.csv"
    path.write_text("time,funding_rate\n1,0.1\n")
    with pytest.raises(ValueError, match="no column timestamp"):
        read_funding(path)


def test_bybits_own_series() -> None:
    folder = os.environ.get("TRADERAGENT_CANDLES")
    path = Path(folder or ".") / "bybit_ETHUSDT_linear_funding.csv.gz"
    if folder is None or not path.exists():
        pytest.skip("TRADERAGENT_CANDLES names no folder with bybit_ETHUSDT_linear_funding.csv.gz")
    funding = read_funding(path)
    assert len(funding.timestamp) > 1000
    assert (funding.timestamp % HOUR == 0).all()
    assert abs(funding.rate).max() < 0.03
