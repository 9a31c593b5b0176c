"""Which candles a replay gets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exchange.candles import download
from exchange.candles.files import CandleFileError
from exchange.candles.source import Source, choose, from_directory, from_files
from tests.exchange.candles.making import MINUTE, START, flat, write

WEEK = 7 * 1440
WANTED = ["BTCUSDT", "ETHUSDT", "SOLUSDT"]


def span(source: Source, symbol: str) -> tuple[int, int]:
    timestamp = source.candles[symbol].timestamp
    return int(timestamp[0] - START) // MINUTE, int(timestamp[-1] - START) // MINUTE


def test_the_window_that_has_every_symbol_goes_before_a_newer_one_that_lacks_some(tmp_path: Path) -> None:
    for symbol in WANTED:
        write(tmp_path, f"binance_{symbol}_linear_1m_old.parquet", flat(WEEK))
    write(tmp_path, "kraken_BTCUSDT_spot_1m_new.parquet", flat(WEEK, start=START + 3 * WEEK * MINUTE))
    chosen = from_directory(tmp_path, WANTED)
    assert chosen.names == [f"binance_{symbol}_linear_1m_old" for symbol in WANTED]
    assert chosen.timeframe_ms == MINUTE
    assert chosen.synthetic is False


def test_of_two_full_windows_the_newer_is_taken(tmp_path: Path) -> None:
    for symbol in WANTED:
        write(tmp_path, f"binance_{symbol}_linear_1m.parquet", flat(WEEK))
        write(tmp_path, f"bybit_{symbol}_linear_1m.parquet", flat(WEEK, start=START + MINUTE))
    assert from_directory(tmp_path, WANTED).names[0] == "bybit_BTCUSDT_linear_1m"


def test_a_week_goes_before_a_newer_day(tmp_path: Path) -> None:
    for symbol in WANTED:
        write(tmp_path, f"binance_{symbol}_linear_1m.parquet", flat(WEEK))
        write(tmp_path, f"bybit_{symbol}_linear_1m.parquet", flat(1440, start=START + 2 * WEEK * MINUTE))
    assert from_directory(tmp_path, WANTED).names[0] == "binance_BTCUSDT_linear_1m"


def test_the_symbols_are_cut_to_the_time_that_all_have(tmp_path: Path) -> None:
    write(tmp_path, "binance_BTCUSDT_linear_1m.parquet", flat(WEEK + 50))
    write(tmp_path, "binance_ETHUSDT_linear_1m.csv.gz", flat(WEEK + 50, start=START + 20 * MINUTE))
    chosen = from_directory(tmp_path, WANTED)
    assert set(chosen.candles) == {"BTCUSDT", "ETHUSDT"}
    assert span(chosen, "BTCUSDT") == span(chosen, "ETHUSDT") == (20, WEEK + 49)


def test_a_symbol_is_left_out_rather_than_the_window_lost(tmp_path: Path) -> None:
    """Two symbols overlap; the third has candles, but of another month."""
    write(tmp_path, "binance_BTCUSDT_linear_1m.parquet", flat(WEEK))
    write(tmp_path, "binance_ETHUSDT_linear_1m.parquet", flat(WEEK))
    write(tmp_path, "binance_SOLUSDT_linear_1m.parquet", flat(WEEK, start=START + 9 * WEEK * MINUTE))
    assert set(from_directory(tmp_path, WANTED).candles) == {"BTCUSDT", "ETHUSDT"}


def test_of_several_files_of_a_symbol_the_one_that_fits_is_taken(tmp_path: Path) -> None:
    later = START + 5 * WEEK * MINUTE
    write(tmp_path, "binance_BTCUSDT_linear_1m.parquet", flat(WEEK, start=later))
    write(tmp_path, "binance_ETHUSDT_linear_1m_a.parquet", flat(WEEK))
    write(tmp_path, "binance_ETHUSDT_linear_1m_b.parquet", flat(WEEK, start=later))
    assert from_directory(tmp_path, WANTED).names == ["binance_BTCUSDT_linear_1m", "binance_ETHUSDT_linear_1m_b"]


def test_a_directory_without_what_is_wanted_says_so_instead_of_something_else_being_replayed(tmp_path: Path) -> None:
    write(tmp_path, "binance_BTCUSDT_linear_5m.parquet", flat(10))
    with pytest.raises(CandleFileError, match="no 1m candles of BTCUSDT, ETHUSDT, SOLUSDT"):
        choose(files=[], directory=tmp_path, symbols=WANTED, seed=1, cache=None, network=False)


def test_named_files_are_taken_as_they_are(tmp_path: Path) -> None:
    path = write(tmp_path, "bybit_SOLUSDT_spot_5m.parquet", flat(3))
    chosen = from_files([path])
    assert (chosen.names, chosen.timeframe_ms, list(chosen.candles)) == (
        ["bybit_SOLUSDT_spot_5m"],
        300_000,
        ["SOLUSDT"],
    )


def test_files_that_cannot_be_played_together_are_refused(tmp_path: Path) -> None:
    minute = write(tmp_path, "a_BTCUSDT_spot_1m.parquet", flat(3))
    hour = write(tmp_path, "a_ETHUSDT_spot_1h.parquet", flat(3))
    other = write(tmp_path, "b_BTCUSDT_spot_1m.parquet", flat(3))
    later = write(tmp_path, "a_SOLUSDT_spot_1m.parquet", flat(3, start=START + WEEK * MINUTE))
    with pytest.raises(CandleFileError, match="different timeframes"):
        from_files([minute, hour])
    with pytest.raises(CandleFileError, match="two candle files of one symbol"):
        from_files([minute, other])
    with pytest.raises(CandleFileError, match="no time in common"):
        from_files([minute, later])
    with pytest.raises(CandleFileError, match="is not named"):
        from_files([tmp_path / "candles.parquet"])


def test_without_files_and_network_the_market_is_synthetic_and_says_so(tmp_path: Path) -> None:
    chosen = choose(files=[], directory=None, symbols=["BTCUSDT"], seed=3, cache=tmp_path, network=False)
    assert chosen.synthetic is True
    assert chosen.names == ["synthetic, seed 3"]
    assert len(chosen.candles["BTCUSDT"]) == 30 * 1440


class Wire:
    """A public API with a year of minutes, which counts its calls and can be dead."""

    def __init__(self, *, dead: bool = False) -> None:
        self.dead = dead
        self.calls = 0

    def __call__(self, timeout_ms: int, minutes: int) -> download.Fetch:
        import ccxt

        def fetch(symbol: str, end: int) -> list[list[Any]]:
            self.calls += 1
            if self.dead:
                raise ccxt.NetworkError("name or service not known")
            step = minutes * MINUTE
            newest = (end - 1) // step * step
            price = "100.5" if symbol == "BTCUSDT" else "7"
            return [[str(newest - n * step), price, price, price, price, "2"] for n in range(1000)]

        return fetch


def test_recent_candles_are_downloaded_kept_and_not_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire()
    monkeypatch.setattr(download, "_bybit", wire)
    chosen = choose(files=[], directory=None, symbols=["BTCUSDT", "ETHUSDT"], seed=1, cache=tmp_path, network=True)
    assert chosen.synthetic is False
    assert chosen.names == [f"bybit_{symbol}_linear_1m (downloaded)" for symbol in ("BTCUSDT", "ETHUSDT")]
    assert len(chosen.candles["ETHUSDT"]) >= WEEK
    assert set(chosen.candles["BTCUSDT"].close) == {100.5}
    calls = wire.calls
    again = choose(files=[], directory=None, symbols=["BTCUSDT", "ETHUSDT"], seed=1, cache=tmp_path, network=True)
    assert wire.calls == calls
    assert again.names == chosen.names


def test_the_second_exchange_is_asked_when_the_first_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_bybit", Wire(dead=True))
    monkeypatch.setattr(download, "_binance", Wire())
    found = download.download(["BTCUSDT"], cache=tmp_path, network=True)
    assert found is not None
    assert found[0] == "binance"


def test_without_a_network_an_older_download_is_better_than_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_bybit", Wire())
    assert download.download(["BTCUSDT"], cache=tmp_path, network=True) is not None
    monkeypatch.setattr(download, "FRESH_S", -1)
    dead = Wire(dead=True)
    monkeypatch.setattr(download, "_bybit", dead)
    monkeypatch.setattr(download, "_binance", dead)
    found = download.download(["BTCUSDT"], cache=tmp_path, network=True)
    assert dead.calls > 0
    assert found is not None
    assert found[0] == "bybit"


def test_a_dead_network_gives_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_bybit", Wire(dead=True))
    monkeypatch.setattr(download, "_binance", Wire(dead=True))
    assert download.download(["BTCUSDT"], cache=tmp_path, network=True) is None


def test_the_shared_candles_give_the_month_that_has_all_three(candles_dir: Path) -> None:
    chosen = from_directory(candles_dir, WANTED)
    assert chosen.names == [f"binance_{symbol}_linear_1m_202505" for symbol in WANTED]
