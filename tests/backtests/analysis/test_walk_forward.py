"""Windows never train on what they are tested on, asserted by the times of all that was seen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backtests.analysis.runs import OwnRuns
from backtests.analysis.subject import Subject
from backtests.analysis.walk_forward import Plan, WalkForward, planned, walk_forward
from backtests.preset import Preset, preset_of
from backtests.search.definition import search_of
from backtests.search.evaluation import Evaluator
from backtests.synthetic import Layout, random_walk, trend
from exchange.candles.files import Candles
from strategies import registry
from strategies.contract import CandleSeries
from tests.backtests.ema_cross import CrossConfig, CrossStrategy

HOUR = 3_600_000
SAID: dict[str, Any] = {
    "preset": "cross.yaml",
    "parameters": {"config.fast": [2, 3], "config.slow": [4, 6]},
    "objectives": ["roi"],
}


class Watched(CrossStrategy):
    """Keeps the last open time of every series that its features were made of."""

    seen: list[tuple[int, int]]

    def features(self, config: CrossConfig, candles: Mapping[str, CandleSeries]) -> Mapping[str, Any]:
        times = candles[config.timeframe].timestamp
        self.seen.append((int(times[0]), int(times[-1])))
        return super().features(config, candles)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    strategy = Watched()
    strategy.seen = []
    monkeypatch.setitem(registry._BUILT_IN, "cross", "")
    built_in = registry._built_in
    monkeypatch.setattr(registry, "_built_in", lambda name: strategy if name == "cross" else built_in(name))
    return strategy


def subject_of(candles: Candles, preset: Preset) -> Subject:
    return Subject("cross", preset, "made", candles, search_of(SAID))


def cross_preset() -> Preset:
    return preset_of(
        {
            "symbol": "BTC/USDT",
            "market": "spot",
            "timeframe": "1h",
            "strategy": "cross",
            "config": {"timeframe": "1h"},
            "initial_balance": 10_000,
            "fees": {"maker": 0, "taker": 0},
        }
    )


def walked(subject: Subject, plan: Plan, folder: Path) -> WalkForward:
    with OwnRuns(folder, 1) as runs:
        return walk_forward(subject, plan, runs)


@pytest.mark.parametrize("anchored", [False, True])
@pytest.mark.parametrize("embargo", [0, 5 * HOUR])
def test_no_training_sees_its_test_or_the_embargo_before_it(
    anchored: bool, embargo: int, watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    candles = random_walk(Layout(400, timeframe=HOUR), 4)
    subject = subject_of(candles, cross_preset())
    traded: list[tuple[int, int]] = []
    ask = Evaluator.outcome

    def outcome(self: Evaluator, values: Any, period: Any = None) -> Any:
        watched.seen.clear()
        found = ask(self, values, period)
        latest = max((last for _, last in watched.seen), default=0)
        assert latest + HOUR <= period.end, "features saw what came after the period"
        assert int(found.candles.timestamp[0]) >= period.begin
        assert int(found.candles.timestamp[-1]) < period.end
        traded.append(found.period)
        return found

    monkeypatch.setattr(Evaluator, "outcome", outcome)
    plan = Plan(3, 0.75, embargo, anchored)
    found = walked(subject, plan, tmp_path)
    cut = planned(subject, plan)
    assert len(found.windows) == len(cut) == 3
    for window in cut:
        assert window.train_end + embargo == window.test_start
        assert window.train_start % HOUR == window.test_end % HOUR == 0
        assert [traded.pop(0) for _ in range(4)] == [(window.train_start, window.train_end)] * 4
    # All are searched; then each one's best again, and its test.
    for window in cut:
        assert traded.pop(0) == (window.train_start, window.train_end)
        assert traded.pop(0) == (window.test_start, window.test_end)
    assert not traded
    assert [before.test_end for before in cut[:-1]] == [after.test_start for after in cut[1:]]
    starts = {window.train_start for window in cut}
    assert len(starts) == (1 if anchored else 3)


def test_a_trend_that_goes_on_keeps_what_it_earned(watched: Watched, tmp_path: Path) -> None:
    # It only rises by 0.1 % an hour: in and out of sample the money is in from the first cross on.
    candles = trend(Layout(600, timeframe=HOUR), 0, drift=0.001)
    found = walked(subject_of(candles, cross_preset()), Plan(4), tmp_path)
    assert found.efficiency.consistency == 1.0
    assert found.efficiency.ratio == pytest.approx(1.0, abs=0.25)
    lengths = [window.window.test_end - window.window.test_start for window in found.windows]
    expected = np.prod([1.0 + 0.99 * (np.exp(0.001 * length / HOUR) - 1.0) for length in lengths]) - 1.0
    # A test begins warmed up, and is in at its first hour.
    assert found.compounded == pytest.approx(expected, rel=0.02)
    assert float(np.prod(1.0 + found.returns)) - 1.0 == pytest.approx(found.compounded, rel=1e-6)


def test_what_was_searched_is_not_searched_again(
    watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = subject_of(random_walk(Layout(400, timeframe=HOUR), 4), cross_preset())
    first = walked(subject, Plan(2), tmp_path)
    runs: list[Any] = []
    ask = Evaluator.outcome

    def outcome(self: Evaluator, *arguments: Any) -> Any:
        runs.append(arguments)
        return ask(self, *arguments)

    monkeypatch.setattr(Evaluator, "outcome", outcome)
    again = walked(subject, Plan(2), tmp_path)
    assert len(runs) == 4  # each window's best in sample and out of sample, for what the report tells of it
    assert again.to_json() == first.to_json()
