"""Which rates are due in a run, from one rate or from a file."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from backtests.funding_due import funding_of
from backtests.preset import Preset, load_preset
from exchange.candles.files import CandleFileError
from tests.backtests.worked import DEALS, START, preset

HOUR = 3_600_000
DAY = 24 * HOUR


def linear(funding: str | None) -> Preset:
    return preset(**DEALS, funding=funding)


def rates(path: Path, begin: int, count: int, rate: float = 0.0001) -> Path:
    rows = [f"{begin + 8 * HOUR * i},{rate * (i + 1)!r}" for i in range(count)]
    path.write_text("\n".join(["timestamp,funding_rate", *rows]) + "\n")
    return path


def test_one_rate_is_due_every_eight_hours() -> None:
    found = funding_of(linear("-0.0002"), START + 1, START + DAY)
    assert found.timestamp.tolist() == [START + 8 * HOUR, START + 16 * HOUR]
    assert found.rate.tolist() == [-0.0002, -0.0002]
    assert funding_of(linear("0.0001"), START, START + DAY).timestamp[0] == START
    assert not len(funding_of(linear(None), START, START + DAY).rate)


def test_rates_of_a_file_that_are_due_in_the_run(tmp_path: Path) -> None:
    path = rates(tmp_path / "rates.csv", START, 6)
    found = funding_of(linear(str(path)), START + 8 * HOUR, START + DAY)
    assert found.timestamp.tolist() == [START + 8 * HOUR, START + 16 * HOUR]
    assert found.rate.tolist() == pytest.approx([0.0002, 0.0003])
    (tmp_path / "rates.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    again = funding_of(linear(str(tmp_path / "rates.csv.gz")), START + 8 * HOUR, START + DAY)
    assert again.timestamp.tolist() == found.timestamp.tolist()
    assert again.rate.tolist() == found.rate.tolist()


def test_a_file_is_found_beside_its_preset(tmp_path: Path) -> None:
    rates(tmp_path / "rates.csv", START, 6)
    (tmp_path / "preset.yaml").write_text(linear("rates.csv").to_yaml())
    assert len(funding_of(load_preset(tmp_path / "preset.yaml"), START, START + DAY).rate) == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("timestamp,funding_rate\n", "is empty"),
        ("time,funding_rate\n1,2\n", "has no column timestamp"),
        (
            f"timestamp,funding_rate\n{START},0.01\n",
            r"reaches from 2025-05-01 00:00 to 2025-05-01 00:00, and the run goes from",
        ),
        (f"timestamp,funding_rate\n{START},1.0\n{START + DAY},1.0\n", "be fractions such as 0.0001"),
        (f"timestamp,funding_rate\n{START},0\n{START},0\n", "line 3: the time .* does not come after"),
    ],
)
def test_files_that_cannot_be_used(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "rates.csv").write_text(text)
    with pytest.raises(CandleFileError, match=told):
        funding_of(linear(str(tmp_path / "rates.csv")), START, START + DAY)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(CandleFileError, match=r"nowhere.csv cannot be read: .*then beside the preset"):
        funding_of(linear("nowhere.csv"), START, START + DAY)
