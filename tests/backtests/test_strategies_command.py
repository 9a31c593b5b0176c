"""``manage.py strategies``, and the recipe's example in a back-test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from backtests.engine import run
from backtests.features import history_features
from backtests.management.commands.strategies import _days_for, _steps_for
from backtests.points import candles_of, points_of
from exchange.candles.files import read_file
from strategies import registry
from tests.strategies.markets import SPOT
from tests.strategies.own_files import write_example

SLOW = '"slow": ema(close, config.slow)'
NEED = "(CandleNeed(config.timeframe, ema_warmup(config.slow)),)"
STEP = "    def step(self, config, market, state, point, position, fills):\n"
HOURS = "binance_ETHUSDT_spot_1h_202301-202401.csv.gz"


@pytest.fixture
def own(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    settings.STRATEGIES_DIR = tmp_path
    registry.use_folder(tmp_path)
    yield tmp_path
    registry.use_folder(None)


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("strategies", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def refused(*arguments: str) -> str:
    out = StringIO()
    with pytest.raises(CommandError) as raised:
        call_command("strategies", *arguments, stdout=out, stderr=out)
    return f"{out.getvalue()}{raised.value}"


def test_list_tells_name_version_title_regimes_and_source(own: Path) -> None:
    path = write_example(own)
    lines = said("list").splitlines()
    assert f"ema_cross  1  EMA cross  [bull_trend]  {path}" in lines
    assert any(line.startswith("grid  ") and line.endswith("built in") for line in lines)
    assert lines[-1] == f"Your own: {own}"


def test_list_tells_what_is_not_usable_and_fails(own: Path) -> None:
    (own / "broken.py").write_text("x = (\n")
    write_example(own)
    out = refused("list")
    assert f"not usable: {own / 'broken.py'}, line 1: SyntaxError" in out
    assert "ema_cross  1" in out


def test_show_tells_parameters_with_ranges_and_warm_up(own: Path) -> None:
    write_example(own)
    out = said("show", "ema_cross")
    assert "  fast (≥ 2, ≤ 100, default 5)\n      Its period, in candles.\n" in out
    assert "  amount (> 0, default 0.1)" in out
    assert "Closed candles it looks at, with the default parameters: 324 of 1h" in out
    grid = said("show", "grid")
    assert "  grids (" in grid
    assert "must be given" in grid


def test_an_unknown_strategy_is_told_the_known_ones(own: Path) -> None:
    assert "no strategy called 'gird'; known are:" in refused("show", "gird")


def test_the_example_passes_its_check_and_trades(own: Path, candles_dir: Path) -> None:
    path = write_example(own)
    for name in ("ema_cross", str(path)):
        out = said("check", name, "--candles", str(candles_dir / HOURS), "--cuts", "60", "--steps", "300")
        assert "ema_cross: 0 violation(s)" in out
        assert "wanted no order" not in out


def test_the_example_runs_in_a_back_test(own: Path, candles_dir: Path) -> None:
    write_example(own)
    strategy = registry.get_strategy("ema_cross")
    config, candles = strategy.Config(), read_file(candles_dir / HOURS)
    candles = candles.between(int(candles.timestamp[0]), int(candles.timestamp[900]))
    table = history_features(strategy, config, candles, "1h")
    points = points_of(candles_of(candles), 3_600_000)
    result = run(strategy, config, SPOT, points, quote=Decimal(1000), features=table)
    sides = [str(fill.side) for fill in result.fills]
    assert len(sides) > 10
    assert sides == ["buy", "sell"] * (len(sides) // 2) + ["buy"] * (len(sides) % 2)
    assert result.refused == []


# A cheat as (what stands in the example, what stands there instead), …
NEXT_CANDLE = [(SLOW, '"slow": __import__("numpy").roll(ema(close, config.slow), -1)')]
CENTRED = [(SLOW, '"slow": __import__("pandas").Series(close).rolling(9, center=True).mean().to_numpy()')]
FORMING = [
    (NEED, NEED.replace("),)", "), CandleNeed('4h', 1))")),
    (SLOW, '"slow": forming(candles[config.timeframe], candles["4h"])'),
    (
        "class EmaCross",
        "def forming(base, longer):\n"
        "    row = longer.timestamp.searchsorted(base.timestamp, side='right') - 1\n"
        "    return longer.close[row] if longer.close.size else base.close * float('nan')\n\n\n"
        "class EmaCross",
    ),
]
PEEKING = [
    ("        close = candles", "        self.seen = candles[config.timeframe]\n        close = candles"),
    (STEP, STEP + "        later = self.seen.close[self.seen.timestamp > point.timestamp][:1]\n"),
    ('point.features["slow"] and not is_long', "(later[0] if later.size else 0) and not is_long"),
]
LEAKING = [
    ("class EmaCross", "SEEN = {}\n\n\nclass EmaCross"),
    (STEP, STEP + "        SEEN[point.timestamp] = point.price\n"),
    ('point.features["slow"] and not is_long', "SEEN.get(point.timestamp + 1_200_000, 0) and not is_long"),
]
CANDLE = r"row \d+, candle of 2023-\d\d-\d\d \d\d:00 UTC: "
POINT = r"step \d+ at 2023-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC: "


@pytest.mark.parametrize(
    ("cheat", "caught"),
    [
        (
            NEXT_CANDLE,
            [f"look-ahead: slow, {CANDLE}", f"future changed: slow, {CANDLE}", f"decision: [a-z0-9 ]+, {POINT}"],
        ),
        (CENTRED, [f"look-ahead: slow, {CANDLE}", f"future changed: slow, {CANDLE}"]),
        (FORMING, [f"look-ahead: slow, {CANDLE}", f"future changed: slow, {CANDLE}"]),
        (PEEKING, [rf"decision: order position \d+, {POINT}"]),
        (LEAKING, [rf"state: order position \d+, {POINT}.*decided from the stored state"]),
    ],
    ids=["next candle", "centred window", "candle still forming", "step that peeks", "what a module remembers"],
)
def test_a_cheat_is_caught_with_column_row_and_candle(
    own: Path, candles_dir: Path, cheat: list[tuple[str, str]], caught: list[str]
) -> None:
    path = write_example(own)
    text = path.read_text()
    for honest, other in cheat:
        assert text.count(honest) == 1
        text = text.replace(honest, other)
    path.write_text(text)
    out = refused("check", str(path), "--candles", str(candles_dir / HOURS), "--cuts", "40", "--steps", "300")
    for line in caught:
        assert re.search(line, out), out
    assert ": fast, row" not in out
    assert out.endswith("Not what the contract asks for.")


def test_a_synthetic_market_serves_where_there_are_no_candles(own: Path) -> None:
    write_example(own)
    assert "0 violation(s)" in said(
        "check", "ema_cross", "--config", '{"timeframe": "5m"}', "--days", "3", "--cuts", "20", "--steps", "100"
    )


def test_too_few_candles_to_check_are_said(own: Path) -> None:
    write_example(own)
    assert "candles enough for the warm-up: 324 of 1h" in refused("check", "ema_cross", "--days", "2", "--steps", "10")


def test_parameters_without_a_default_are_asked_for(own: Path) -> None:
    assert "grids: Field required" in refused("check", "grid")
    out = said(
        "check", "grid", "--days", "1", "--steps", "50", "--config",
        '{"lower": 1700, "upper": 1900, "grids": 40, "investment": 10000}',
    )  # fmt: skip
    assert "grid: 0 violation(s)" in out
    assert "wanted no order" not in out


def test_a_file_that_is_no_strategy_is_told_with_its_line(own: Path) -> None:
    path = own / "broken.py"
    path.write_text("\nx = 1 / 0\n")
    assert f"{path}, line 2: ZeroDivisionError" in refused("check", str(path))


@pytest.mark.parametrize(
    ("honest", "wrong", "said"),
    [
        ("        close = candles", "        close = candels", "NameError: name 'candels' is not defined"),
        ('point.features["slow"] and not is_long', 'point.features["slwo"] and not is_long', "KeyError: 'slwo'"),
        ("ema(close, config.fast)", "ema(close, -1)", "ValueError: "),
    ],
)
def test_an_error_of_a_strategy_is_told_with_file_and_line(own: Path, honest: str, wrong: str, said: str) -> None:
    path = write_example(own)
    text = path.read_text()
    path.write_text(text.replace(honest, wrong))
    line = text[: text.index(honest)].count("\n") + 1
    for name in (str(path), "ema_cross"):
        out = refused("check", name, "--config", '{"timeframe": "5m"}', "--days", "3", "--cuts", "5", "--steps", "50")
        assert f"ema_cross: {path}, line {line}: {said}" in out


def test_as_many_candles_are_checked_as_the_warm_up_asks_for(own: Path) -> None:
    """324 candles of 5m are 1,620 minutes; a market of 60 days is made where 2 × 324 hours are shorter."""
    path = write_example(own)
    out = said("check", str(path), "--config", '{"timeframe": "5m"}', "--days", "4", "--cuts", "5")
    assert f" {4 * 1620} steps, " in out
    assert _days_for(324 * 3_600_000) == 60
    assert _days_for(218 * 86_400_000) == 437
    assert [_steps_for(minutes * 60_000, "1m") for minutes in (0, 1620, 48_420)] == [1000, 1620, 10_000]
