"""``manage.py backtest`` of a portfolio: figures, the documented JSON, the page, and what is refused."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
from pytest_django.fixtures import Settings

from backtests.result_schemas import schema_of
from exchange.candles.series import SeriesKey
from exchange.candles.store import CandleStore
from tests.backtests.backtest_command import refused, result, said
from tests.backtests.worked import MINUTE, START, SWING, candles_of, write_csv

SCHEMA = schema_of("portfolio")
# Two of the grid that is worked out in tests/backtests/test_running.py: it makes 39.16 of 1,000.
TEXT = """\
initial_balance: 1000
market: spot
timeframe: 1m
strategy: grid
config: {lower: 80, upper: 120, grids: 4, investment: 380, amount_mode: base}
fees: {maker: 0.001, taker: 0.002, buyer_pays_in: quote}
precision: {price: 0.01, amount: 0.01}
bots:
  - {name: one, symbol: ETH/USDT}
  - {name: two, symbol: BTC/USDT, precision: {price: 0.1, amount: 0.01}}
"""


@pytest.fixture
def swing(tmp_path: Path) -> list[str]:
    (tmp_path / "both.yaml").write_text(TEXT)
    source = write_csv(tmp_path / "swing.csv", candles_of(SWING))
    return [str(tmp_path / "both.yaml"), "--candles", f"ETHUSDT={source}", "--candles", f"BTCUSDT={source}"]


def test_the_figures_are_told_in_words(swing: list[str]) -> None:
    lines = said(*swing).splitlines()
    assert lines[0] == "2 bots on ETH/USDT, BTC/USDT (spot)"
    assert "balance          1,000.00 → 1,078.32 USDT" in lines
    assert [line.split()[:2] for line in lines if line.startswith(("one ", "two "))] == [
        ["one", "39.16"],
        ["two", "39.16"],
    ]
    # What both rest on is said once, what only one does with its name.
    assert sum(line.startswith("* Within a candle") for line in lines) == 1
    assert any(line.startswith("* two: Prices are multiples of 0.1,") for line in lines)


def test_the_json_is_the_documented_one(swing: list[str], tmp_path: Path) -> None:
    found = result(*swing, out=tmp_path / "out.json")
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    assert found["summary"]["final_equity"] == pytest.approx(1078.32)
    assert found["summary"]["fees"] == pytest.approx(1.68)
    assert (found["summary"]["fills"], found["summary"]["trades"]) == (10, 4)
    # One of the two makes −0.40, 14.49, 7.39 and 39.16 at the candles' ends.
    assert found["equity"] == [
        [START + MINUTE, 999.2], [START + 2 * MINUTE, 1028.98], [START + 3 * MINUTE, 1014.78], [START + 4 * MINUTE, 1078.32]
    ]  # fmt: skip
    assert [bot["name"] for bot in found["bots"]] == ["one", "two"]
    assert found["bots"][0]["profit"] == [[START + 4 * MINUTE, 39.16]]
    assert found["bots"][0]["summary"]["final_equity"] == pytest.approx(1039.16)
    assert found["bots"][1]["fills"][1]["slot"] == "grid:2"


def test_the_fields_of_the_json_stay() -> None:
    """What may be added needs no new version; what is taken away or renamed does."""
    assert set(SCHEMA["properties"]) == {
        "version", "hash", "preset", "period", "assumptions", "summary", "bots", "correlation", "equity"
    }  # fmt: skip
    assert {"name", "started", "problems", "summary", "fills", "trades", "profit"} <= set(
        SCHEMA["properties"]["bots"]["items"]["required"]
    )


def test_equal_hashes_are_equal_results(swing: list[str], tmp_path: Path) -> None:
    one, two = (result(*swing, out=tmp_path / name) for name in ("one.json", "two.json"))
    assert one == two
    Path(swing[0]).write_text(TEXT.replace("initial_balance: 1000", "initial_balance: 1001"))
    assert result(*swing, out=tmp_path / "three.json")["hash"] != one["hash"]


def test_candles_of_the_store(swing: list[str], tmp_path: Path, settings: Settings) -> None:
    settings.CANDLE_STORE = str(tmp_path / "store")
    for symbol in ("ETHUSDT", "BTCUSDT"):
        CandleStore(settings.CANDLE_STORE).merge(SeriesKey("bybit", "spot", symbol, "1m"), candles_of(SWING))
    assert "1,078.32" in said(swing[0], "--candles", "bybit")


def test_a_report_to_look_at(swing: list[str], tmp_path: Path) -> None:
    said(*swing, "--html", str(tmp_path / "report.html"))
    page = (tmp_path / "report.html").read_text()
    assert "1,078.32" in page
    assert "+39.16" in page
    assert "Do they earn on the same days?" in page


def test_a_bot_that_live_would_refuse_does_not_start_and_the_others_do(swing: list[str], tmp_path: Path) -> None:
    """Four coins at 80 and above are 380 and their fees; the first bot's orders and coins leave less than the second needs."""
    Path(swing[0]).write_text(TEXT.replace("initial_balance: 1000", "initial_balance: 500"))
    found = result(*swing, out=tmp_path / "out.json")
    one, two = found["bots"]
    assert (one["started"], two["started"]) == (True, False)
    assert "USDT" in two["problems"][0]["message"]
    assert (two["fills"], two["summary"]["final_equity"]) == ([], 500.0)
    assert found["summary"]["final_equity"] == pytest.approx(539.16)
    told = said(*swing)
    assert f"* two did not start: {two['problems'][0]['message']}" in told.splitlines()


def test_where_no_bot_may_start_there_is_no_result(swing: list[str]) -> None:
    Path(swing[0]).write_text(TEXT.replace("initial_balance: 1000", "initial_balance: 50"))
    first, *lines = refused(*swing).splitlines()
    assert first == "no bot may start:"
    assert [line.partition(":")[0] for line in lines] == ["one", "two"]


def test_what_is_wrong_is_told_in_a_line(swing: list[str], tmp_path: Path) -> None:
    assert "--candles names none of BTC/USDT" in refused(*swing[:3])
    Path(swing[0]).write_text(TEXT.replace("grids: 4", "grids: 0"))
    assert refused(*swing).startswith(f"{swing[0]}, line 5: config.grids: grids: ")
    late = write_csv(tmp_path / "late.csv", candles_of(SWING, start=START + 60 * MINUTE))
    Path(swing[0]).write_text(TEXT)
    assert "have no time in common" in refused(*swing[:3], "--candles", f"BTCUSDT={late}")


def test_a_preset_of_one_bot_takes_one_source(tmp_path: Path, swing: list[str]) -> None:
    (tmp_path / "one.yaml").write_text(TEXT.partition("bots:")[0] + "symbol: ETH/USDT\n")
    assert "--candles stands once" in refused(str(tmp_path / "one.yaml"), *swing[1:])
