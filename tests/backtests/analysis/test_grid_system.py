"""Coins classified by hand, spaces from coarse to fine, the worst weeks found, and a preset at the end."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from backtests.analysis.grid_system.classification import CoinClass, classify
from backtests.analysis.grid_system.running import Settings, grid_system
from backtests.analysis.grid_system.spaces import LINES, RANGE, coarse_space, fine_space
from backtests.analysis.grid_system.stress import storms
from backtests.analysis.runs import Market, OwnRuns
from backtests.preset import preset_of, read_preset
from backtests.running import back_test
from backtests.synthetic import Layout, sine
from exchange.candles.files import Candles

HOUR = 3_600_000
PLENTY = 1e9


def steady(span: float, *, volume: float, rows: int = 200, jump: float = 0.0) -> Candles:
    """Four-hour candles that open and close at 100 and reach ``span`` / 2 to both sides, so that ATR / close is ``span``; in
    the middle they go on ``jump`` higher."""
    level = np.where(np.arange(rows) >= rows // 2, 100.0 * (1.0 + jump), 100.0)
    times = 4 * HOUR * np.arange(rows, dtype=np.int64)
    return Candles(times, level, level * (1 + span / 2), level * (1 - span / 2), level, np.full(rows, volume / 600.0))


@pytest.mark.parametrize(
    ("span", "volume", "jump", "expected"),
    [
        # ``volume`` is quote a day: six candles of volume × 100.
        (0.0049, 1.0, 0.0, CoinClass.STABLE),
        (0.0051, PLENTY, 0.0, CoinClass.BLUE_CHIPS),
        (0.0199, PLENTY, 0.0, CoinClass.BLUE_CHIPS),
        (0.0201, PLENTY, 0.0, CoinClass.MID_CAPS),
        (0.0499, PLENTY, 0.0, CoinClass.MID_CAPS),
        (0.0501, PLENTY, 0.0, CoinClass.MEMES),
        # A stable coin that once jumped is none, nor is one hardly traded a blue chip.
        (0.001, PLENTY, 0.021, CoinClass.BLUE_CHIPS),
        (0.001, PLENTY, 0.06, CoinClass.MID_CAPS),
        (0.001, PLENTY, 0.2, CoinClass.MEMES),
        (0.01, 4_900_000.0, 0.0, CoinClass.MID_CAPS),
        (0.01, 490_000.0, 0.0, CoinClass.MEMES),
    ],
)
def test_a_coin_is_of_the_calmest_class_whose_limits_it_keeps(
    span: float, volume: float, jump: float, expected: CoinClass
) -> None:
    found = classify(steady(span, volume=volume, jump=jump), "4h")
    assert found.coin_class is expected
    if not jump:
        assert found.movement == pytest.approx(span, rel=1e-6)
        assert found.turnover == pytest.approx(volume)
    assert found.gap == pytest.approx(jump)


def test_it_says_what_kept_a_coin_from_a_calmer_class() -> None:
    found = classify(steady(0.01, volume=4_900_000.0), "4h")
    assert found.because == "not BLUE_CHIPS: 4,900,000 of it are traded a day, 5,000,000 are the least"


def test_too_short_a_history_has_no_class() -> None:
    with pytest.raises(ValueError, match="told by 28 candles of 4h, there are 20"):
        classify(steady(0.01, volume=PLENTY, rows=20), "4h")


def test_the_fine_search_lies_between_the_neighbours_of_the_best() -> None:
    coarse = coarse_space(CoinClass.BLUE_CHIPS)
    assert coarse[0].values == (3, 6, 10, 16, 24)
    ranges, lines = fine_space(coarse, {RANGE: 10, LINES: 16})
    # Between 6 and 16 in sixths, and the best itself; whole lines between 8 and 32.
    assert ranges.values == (7.667, 9.333, 10.0, 11.0, 12.67, 14.33)
    assert lines.values == (12, 16, 20, 24, 28)
    edge, _ = fine_space(coarse, {RANGE: 3, LINES: 16})
    assert edge.values == (3.0, 3.5, 4.0, 4.5, 5.0, 5.5)


def test_the_widest_windows_are_found_and_do_not_overlap() -> None:
    rows = 24 * 60
    price = np.full(rows, 100.0)
    price[24 * 10 : 24 * 12] = 150.0
    price[24 * 40 : 24 * 41] = 80.0
    times = HOUR * np.arange(rows, dtype=np.int64)
    candles = Candles(times, price, price, price, price, np.ones(rows))
    first, second, third = storms(candles, "1h", days=7, count=3)
    assert (first.moved, second.moved, third.moved) == (0.5, 0.25, 0.0)
    assert first.period.begin < 24 * 10 * HOUR < 24 * 12 * HOUR < first.period.end
    assert second.period.begin < 24 * 40 * HOUR < 24 * 41 * HOUR < second.period.end
    assert {each.period.end - each.period.begin for each in (first, second, third)} == {7 * 24 * HOUR}
    spans = sorted((each.period.begin, each.period.end) for each in (first, second, third))
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert len(storms(candles, "1h", days=25, count=9)) == 2
    with pytest.raises(ValueError, match="90 days are 2160 candles of 1h, there are 1440"):
        storms(candles, "1h", days=90)


def test_a_wave_is_given_a_grid_that_earns_and_can_be_run_again(tmp_path: Path) -> None:
    # Five per cent up and down every two days: a grid within it earns, whatever its lines.
    candles = sine(Layout(24 * 60, timeframe=HOUR, volume=1e6), period=48, amplitude=5.0)
    preset = preset_of(
        {
            "symbol": "ETH/USDT",
            "market": "spot",
            "timeframe": "1h",
            "strategy": "grid",
            "config": {"range_percent": 10, "grids": 20, "investment": 1000},
            "initial_balance": 1000,
            "fees": {"maker": "0.001", "taker": "0.001"},
        }
    )
    market, asked = Market("made", candles), Settings(objective="roi", storms=2)
    with OwnRuns(tmp_path, 1) as runs:
        found = grid_system("wave", preset, market, asked, runs)
        again = grid_system("wave", preset, market, asked, runs)
    assert again.to_json() == found.to_json()
    assert found.classified.coin_class is CoinClass.BLUE_CHIPS
    assert found.coarse == 20
    assert found.best is not None
    assert found.preset is not None
    assert found.best.measures is not None
    assert (found.best.measures["roi"] or 0.0) > 0.05
    assert len(found.stressed) == 2
    assert all(each.trial.measures is not None for each in found.stressed)
    rerun = back_test(read_preset(found.preset.to_yaml()), candles)
    assert float(rerun.equity[-1]) / 1000.0 - 1.0 == pytest.approx(found.best.measures["roi"])
