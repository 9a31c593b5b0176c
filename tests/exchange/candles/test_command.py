"""``manage.py candles``, as a person calls it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from exchange.models import ExchangeAccount
from tests.exchange.candles.making import MINUTE, START, candles, flat, write
from tests.exchange.simulator.process import SimulatorProcess


class Candles:
    """The command on a store of its own."""

    def __init__(self, store: Path) -> None:
        self.store = str(store)

    def say(self, *words: str) -> str:
        output = StringIO()
        call_command("candles", "--store", self.store, *words, stdout=output)
        return output.getvalue()

    def ask(self, *words: str) -> Any:
        return json.loads(self.say("--json", *words))


@pytest.fixture
def command(tmp_path: Path) -> Candles:
    return Candles(tmp_path / "store")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    write(folder, "binance_ETHUSDT_linear_1m_1.csv.gz", flat(100))
    write(folder, "binance_ETHUSDT_linear_1m_2.parquet", flat(100, start=START + 110 * MINUTE))
    return folder


def test_import_list_gaps(command: Candles, files: Path) -> None:
    assert "No candles in" in command.say("list")
    assert "2 files imported, 0 skipped (imported before): 200 new candles" in command.say("import", str(files))
    assert "0 files imported, 2 skipped" in command.say("import", str(files))
    assert command.say("list") == "binance/linear/ETHUSDT/1m: 2025-01-01 00:00 – 2025-01-01 03:29, 200 candles\n"
    assert command.say("gaps") == (
        "binance/linear/ETHUSDT/1m: 1 gap, 10 candles missing\n  2025-01-01 01:40 – 2025-01-01 01:50: 10 missing\n"
    )


def test_answers_as_json(command: Candles, files: Path) -> None:
    imported = command.ask("import", str(files))
    assert (imported["added"], imported["skipped"], len(imported["files"])) == (200, 0, 2)
    assert command.ask("list") == [
        {"series": "binance/linear/ETHUSDT/1m", "first": START, "last": START + 209 * MINUTE, "count": 200, "files": 1}
    ]
    gap = {"start": START + 100 * MINUTE, "end": START + 110 * MINUTE, "count": 10}
    assert command.ask("gaps", "binance/linear/ETHUSDT/1m") == [{"series": "binance/linear/ETHUSDT/1m", "gaps": [gap]}]


def test_replaced_numbers_are_told_by_file(command: Candles, files: Path) -> None:
    command.say("import", str(files))
    write(files, "binance_ETHUSDT_linear_1m_3.csv.gz", candles([(101.0, 101, 101, 101)]))
    said = command.say("import", str(files))
    assert "1 replaced by other numbers" in said
    assert "binance_ETHUSDT_linear_1m_3.csv.gz: 1 candles had other numbers in the store before" in said


def test_resample(command: Candles, files: Path) -> None:
    command.say("import", str(files))
    said = command.say("resample", "binance/linear/ETHUSDT/1m", "--to", "15m", "1h")
    assert "binance/linear/ETHUSDT/15m: 14 candles; 2 with gaps inside, made of what there is" in said
    assert "binance/linear/ETHUSDT/1h: 3 candles; 1 with gaps inside" in said
    assert "  2025-01-01 01:00 lacks 1m candles" in said


def test_synthetic_is_the_same_for_the_same_seed(command: Candles) -> None:
    assert "2,880 candles, 2,880 of them new" in command.say("synthetic", "ETHUSDT", "--days", "2", "--seed", "3")
    assert "2,880 candles, 0 of them new" in command.say("synthetic", "ETHUSDT", "--days", "2", "--seed", "3")
    assert command.ask("synthetic", "ETHUSDT", "--days", "2", "--seed", "4")[0]["changed"] > 2000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["import", "nowhere"], "nowhere names no candle files"),
        (["gaps", "bybit"], "'bybit' is no series; write exchange/kind/SYMBOL/timeframe"),
        (["gaps", "bybit/linear/ETHUSDT/1m"], "there are no candles of bybit/linear/ETHUSDT/1m"),
        (["resample", "bybit/linear/ETHUSDT/1m", "--to", "soon"], "'soon' is no timeframe of candles"),
        (["download", "ETH/USDT", "--since", "yesterday"], "--since: 'yesterday' is no time: write 2025-05-01"),
        (
            ["download", "ETH/USDT", "--since", "2025-01-01", "--until", "2025-13-01"],
            "--until: '2025-13-01' is no time",
        ),
        (["synthetic", "ETHUSDT", "--since", "soon"], "--since: 'soon' is no time: write 2025-05-01"),
    ],
)
def test_mistakes_are_sentences(command: Candles, words: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        command.say(*words)


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[SimulatorProcess]:
    with SimulatorProcess(tmp_path / "state", symbols="ETHUSDT,BTCUSDT", offset=300) as process:
        yield process


@pytest.mark.django_db
def test_download_from_an_account(command: Candles, simulator: SimulatorProcess, django_user_model: Any) -> None:
    ExchangeAccount.objects.create(
        name="practice", owner=django_user_model.objects.create_user("ada", password="x"), environment="simulator",
        base_url=simulator.url, api_key="k", api_secret="s", options={"enableRateLimit": False},
    )  # fmt: skip
    since = str(simulator.status()["time"] - 200 * MINUTE)
    words = ["download", "ETH/USDT", "BTC/USDT:USDT", "--account", "practice", "--since", "2025-01-01"]
    first, second = command.ask(*words)
    assert (first["series"], second["series"]) == (
        "bybitsimulator/spot/ETHUSDT/1m", "bybitsimulator/linear/BTCUSDT/1m"
    )  # fmt: skip
    assert first["added"] == second["added"] == 300
    assert "0 new candles" in command.say(*words)
    assert "0 new candles" in command.say("download", "ETH/USDT", "--account", "practice", "--since", since)
    with pytest.raises(CommandError, match="no exchange account 'other'; there are: practice"):
        command.say("download", "ETH/USDT", "--account", "other", "--since", "2025-01-01")
