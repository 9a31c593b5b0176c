"""Search files: every mistake is told at once, by line, field, value and mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from backtests.analysis.subject import load_subject
from backtests.search.definition import Method, SearchInvalid, load_search
from backtests.search.goals import Constraint, Objective, constraint

WHOLE = """\
preset: hill.yaml
candles: synthetic:random-walk
parameters:
  config.x: {from: 0.1, to: 0.3, step: 0.1}
  config.word: {choice: [good, bad]}
objectives:
  - maximise: roi
  - max_drawdown
constraints: ["trades >= 30", "max_drawdown < 0.3"]
figures: [fees]
method: tpe
trials: 40
seed: 7
returns: false
"""
WRONG = """\
preset: hill.yaml
parameters:
  config.x: {from: 3, to: 1}
  config.y: []
objectives: [beauty, {maximize: roi}]
constraints: ["trades > many", "luck >= 1"]
figures: [hope]
method: guess
trials: 0
seed: -1
returns: maybe
colour: red
"""


def test_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "search.yaml"
    path.write_text(WHOLE)
    found = load_search(path)
    assert [each.values for each in found.parameters] == [(0.1, 0.2, 0.3), ("good", "bad")]
    assert found.objectives == (Objective("roi", maximise=True), Objective("max_drawdown", maximise=False))
    assert found.constraints == (Constraint("trades", ">=", 30.0), Constraint("max_drawdown", "<", 0.3))
    assert found.metrics == ("roi", "max_drawdown", "trades", "fees")
    assert (found.method, found.trials, found.seed, found.returns) == (Method.TPE, 40, 7, False)


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "search.yaml"
    path.write_text(WRONG)
    with pytest.raises(SearchInvalid) as refused:
        load_search(path)
    told = str(refused.value)
    for line, part in (
        (12, "colour: is not known; a search has preset, candles, parameters"),
        (3, "parameters.config.x: from 3 to 1 is no range: to must be above from"),
        (4, "parameters.config.y: [] must be a list of one value or more"),
        (5, "objectives.0: 'beauty' is no objective: maximise or minimise one of roi,"),
        (5, "objectives.1: {'maximize': 'roi'} is no objective: maximise or minimise one of roi,"),
        (6, "constraints.0: 'trades > many' is no limit: write a figure, one of >= <= > <, and a number"),
        (6, "constraints.1: 'luck' is no figure of a trial; there are roi,"),
        (7, "figures: 'hope' is no figure of a trial; there are roi,"),
        (8, "method: 'guess' is not known; there are grid, tpe"),
        (9, "trials: 0 must be a whole number from 1 on"),
        (10, "seed: -1 must be a whole number from 0 on"),
        (11, "returns: 'maybe' is neither true nor false"),
    ):
        assert f"{path}: line {line}: {part}" in told


def test_a_grid_larger_than_its_trials_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "search.yaml"
    path.write_text("preset: a.yaml\nparameters: {config.x: [1, 2, 3]}\ntrials: 2\n")
    with pytest.raises(SearchInvalid, match=r"line 3: trials: the grid has 3 combinations, 2 are allowed"):
        load_search(path)
    path.write_text("preset: a.yaml\nparameters: {config.x: {from: 1, to: 2}}\n")
    with pytest.raises(SearchInvalid, match=r"config\.x: .* is no grid: give step or count, or take method: tpe"):
        load_search(path)


def test_a_preset_without_candles_says_where_to_name_them(tmp_path: Path) -> None:
    path = tmp_path / "search.yaml"
    path.write_text("preset: {symbol: BTC/USDT}\nparameters: {config.x: [1]}\n")
    with pytest.raises(SearchInvalid, match=r"preset\.timeframe: timeframe is missing"):
        load_subject(path)
    preset = tmp_path / "preset.yaml"
    preset.write_text(
        "symbol: BTC/USDT\ntimeframe: 1h\nstrategy: grid\ninitial_balance: 1\nfees: {maker: 0, taker: 0}\n"
        "config: {range_percent: 5, grids: 5, investment: 100}\n"
    )
    with pytest.raises(SearchInvalid, match="no candles: give --candles, or candles in a search file"):
        load_subject(preset)


@pytest.mark.parametrize(
    ("text", "value", "missed"),
    [
        ("trades >= 30", 30.0, 0.0),
        ("trades > 30", 30.0, 1e-12),
        ("trades >= 30", 20.0, 10.0),
        ("max_drawdown <= 0.25", 0.5, 0.25),
        ("max_drawdown < 0.25", 0.1, 0.0),
        ("roi >= -1e-2", None, float("inf")),
    ],
)
def test_by_how_much_a_limit_is_missed(text: str, value: float | None, missed: float) -> None:
    limit = constraint(text)
    assert limit.missed_by({limit.metric: value}) == pytest.approx(missed)
