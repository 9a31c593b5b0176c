"""``manage.py backtest`` as a person calls it: figures, the documented JSON, and errors that say what to mend."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from pytest_django.fixtures import Settings

from backtests.result_schemas import schema_of
from exchange.candles.series import SeriesKey
from exchange.candles.store import CandleStore
from exchange.management.times import moment
from strategies import registry
from tests.backtests.backtest_command import refused, result, said
from tests.backtests.worked import MINUTE, START, SWING, candles_of, preset, write_csv
from tests.strategies.own_files import write_example

PROJECT = Path(__file__).resolve().parents[2]
SCHEMA = schema_of("result")


@pytest.fixture
def swing(tmp_path: Path) -> list[str]:
    """The arguments of the grid's run that is worked out in ``test_running``."""
    path = tmp_path / "preset.yaml"
    path.write_text(preset().to_yaml())
    return [str(path), "--candles", str(write_csv(tmp_path / "swing.csv", candles_of(SWING)))]


def test_the_figures_are_told_in_words(swing: list[str]) -> None:
    lines = said(*swing).splitlines()
    assert lines[0] == "grid on ETH/USDT (spot), 1m"
    assert "2025-05-01 00:00 – 2025-05-01 00:04, 4 candles" in lines[1]
    assert "balance          1,000.00 → 1,039.16 USDT" in lines
    assert "return           3.92 % (buy and hold 14.77 %)" in lines  # 0.998 × 115 / 100
    assert any(line.startswith("* A limit order fills when the price touches it") for line in lines)


def test_the_json_is_the_documented_one(swing: list[str], tmp_path: Path) -> None:
    found = result(*swing, out=tmp_path / "out.json")
    jsonschema.validate(found, SCHEMA)
    assert found["summary"]["initial_balance"] == 1000.0
    assert found["summary"]["final_equity"] == pytest.approx(1039.16)
    assert found["summary"]["roi"] == pytest.approx(0.03916)
    assert found["summary"]["fees"] == pytest.approx(0.84)
    assert (found["summary"]["fills"], found["summary"]["trades"]) == (5, 2)
    assert found["equity"] == [
        [START + MINUTE, 999.6], [START + 2 * MINUTE, 1014.49], [START + 3 * MINUTE, 1007.39], [START + 4 * MINUTE, 1039.16]
    ]  # fmt: skip
    assert found["fills"][1] == {
        # The second point of the second candle is its low, the third its high of 112.
        "timestamp": START + MINUTE + 40_000, "side": "sell", "price": 110.0, "amount": 1.0, "fee": 0.11, "maker": True,
        "slot": "grid:2", "trade": "grid/entry",
    }  # fmt: skip
    assert found["data"]["source"].endswith("swing.csv")


def test_the_fields_of_the_json_stay() -> None:
    """What may be added needs no new version; what is taken away or renamed does."""
    fields = SCHEMA["properties"]
    assert set(fields) == {
        "version", "hash", "preset", "period", "data", "assumptions", "summary", "fills", "trades", "equity"
    }  # fmt: skip
    assert {"initial_balance", "final_equity", "roi", "max_drawdown", "sharpe", "fees", "trades", "fills"} <= set(
        fields["summary"]["required"]
    )
    assert {"timestamp", "side", "price", "amount", "fee", "slot"} <= set(fields["fills"]["items"]["required"])


def test_a_period_and_its_warm_up(swing: list[str], tmp_path: Path) -> None:
    begin = str(START + MINUTE)
    found = result(*swing, "--from", begin, "--to", "2025-05-01T00:03", out=tmp_path / "out.json")
    assert found["period"] == {"first": START + MINUTE, "last": START + 3 * MINUTE, "candles": 2}
    jsonschema.validate(found, SCHEMA)
    assert found["summary"]["sharpe"] is None


def test_candles_of_the_store(swing: list[str], tmp_path: Path, settings: Settings) -> None:
    settings.CANDLE_STORE = str(tmp_path / "store")
    CandleStore(settings.CANDLE_STORE).merge(SeriesKey("bybit", "spot", "ETHUSDT", "1m"), candles_of(SWING))
    assert "1,039.16" in said(swing[0], "--candles", "bybit/spot/ETHUSDT")


def test_the_same_command_gives_the_same_bytes(swing: list[str], tmp_path: Path) -> None:
    for name in ("one.json", "two.json"):
        said(*swing, "--json", str(tmp_path / name))
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_a_report_to_look_at(swing: list[str], tmp_path: Path) -> None:
    said(*swing, "--html", str(tmp_path / "report.html"))
    assert "1,039.16" in (tmp_path / "report.html").read_text()


def test_from_the_shell_without_settings_or_services(swing: list[str], tmp_path: Path) -> None:
    """No database, no Redis, no secret; the JSON alone goes to standard output."""
    environment = {"PATH": os.environ["PATH"], "TRADERAGENT_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, str(PROJECT / "manage.py"), "backtest", *swing, "--json", "-"],
        capture_output=True, env=environment, cwd=PROJECT, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["summary"]["final_equity"] == pytest.approx(1039.16)
    failed = subprocess.run(
        [sys.executable, str(PROJECT / "manage.py"), "backtest", "nowhere.yaml", "--candles", "x"],
        capture_output=True, env=environment, cwd=PROJECT, timeout=120,
    )  # fmt: skip
    assert failed.returncode == 1
    assert failed.stderr.decode().startswith("CommandError: the preset nowhere.yaml cannot be read")


def test_what_is_wrong_is_told_with_the_mend(swing: list[str], tmp_path: Path) -> None:
    path, _, candles = swing
    assert "there is no candle file nowhere.csv" in refused(path, "--candles", "nowhere.csv")
    assert "no candles in 2026-01-01" in refused(*swing, "--from", "2026-01-01")
    assert "'yesterday' is no time: write 2025-05-01" in refused(*swing, "--from", "yesterday")
    assert "--to must be later than --from" in refused(*swing, "--from", "2025-05-02", "--to", "2025-05-01")
    assert "there is no folder" in refused(*swing, "--json", str(tmp_path / "nowhere" / "out.json"))
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(preset().to_yaml().replace("grids: 4", "grids: 0").replace("1m", "30s"))
    told = refused(str(wrong), "--candles", candles).splitlines()
    assert any("config.grids: " in line and "given: 0" in line for line in told)
    assert any("timeframe '30s' is not understood" in line for line in told)
    wrong.write_text(preset(timeframe="1h").to_yaml())
    assert "has no whole candle of 1h in this period" in refused(str(wrong), "--candles", candles)


def test_a_strategy_of_ones_own_that_fails_is_told_by_file_and_line(swing: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    path = write_example(folder)
    path.write_text(path.read_text().replace("def step(self, config", "def step(self, wrong, config"))
    registry.use_folder(folder)
    try:
        chosen = tmp_path / "own.yaml"
        chosen.write_text(
            preset().to_yaml().replace("strategy: grid", "strategy: ema_cross").split("config:")[0]
            + "initial_balance: 1000\nfees: {maker: 0.001, taker: 0.001}\n"
        )
        assert str(path) in refused(str(chosen), "--candles", "synthetic:random-walk,days=30")
    finally:
        registry.use_folder(None)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2025-05-01", START),
        ("2025-05-01T00:01", START + MINUTE),
        ("2025-05-01T02:00+02:00", START),
        (str(START), START),
    ],
)
def test_moments(text: str, found: int) -> None:
    assert moment(text) == found
