"""Searches of a strategy whose optimum is known: found by both methods, limits kept, nothing run twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backtests.preset import Preset
from backtests.search.definition import SearchDefinition, search_of
from backtests.search.running import best_of, identity_of, run_search
from backtests.search.store import StoreMismatch, Trial, TrialStore
from backtests.search.workers import Workers
from exchange.candles.files import Candles

GRID: dict[str, Any] = {
    "preset": "hill.yaml",
    "parameters": {
        "config.x": {"from": 0, "to": 1, "step": 0.1},
        "config.y": {"from": 0, "to": 1, "step": 0.1},
    },
    "objectives": ["roi"],
}


def searched(
    said: dict[str, Any], preset: Preset, candles: Candles, path: Path, *, workers: int = 1, folder: Path | None = None
) -> tuple[SearchDefinition, list[Trial], list[Trial]]:
    """The definition, the best trials, and all of them by number."""
    definition = search_of(said)
    identity, parts = identity_of(definition, preset, candles)
    with (
        TrialStore(path, identity=identity, definition=parts) as store,
        Workers(preset, candles, workers, folder) as running,
    ):
        run_search(definition, running, store)
        return definition, best_of(definition, store), list(store.trials(repeated=True))


def test_a_grid_finds_the_known_optimum_and_has_tried_everything(
    preset: Preset, rising: Candles, tmp_path: Path
) -> None:
    definition, best, trials = searched(GRID, preset, rising, tmp_path / "s.sqlite")
    assert definition.trials == len(trials) == 121
    assert [trial.number for trial in trials] == list(range(121))
    assert len({trial.key for trial in trials}) == 121
    assert dict(best[0].parameters) == {"config.x": 0.3, "config.y": 0.7}
    # All of 900 of the 1,000 bought at the first open, sold never: worth 900 × last close / first open.
    growth = float(rising.close[-1] / rising.open[0])
    assert best[0].measures is not None
    assert best[0].measures["roi"] == pytest.approx(0.9 * (growth - 1.0), abs=1e-5)


def test_a_sampler_comes_near_the_known_optimum(preset: Preset, rising: Candles, tmp_path: Path) -> None:
    space = {
        "config.x": {"from": 0, "to": 1},
        "config.y": {"from": 0, "to": 1},
        "config.word": {"choice": ["bad", "good"]},
    }
    said = {**GRID, "parameters": space, "method": "tpe", "trials": 80, "seed": 3}
    _, best, _ = searched(said, preset, rising, tmp_path / "s.sqlite")
    found = best[0].parameters
    assert found["config.word"] == "good"
    assert abs(float(found["config.x"]) - 0.3) < 0.12
    assert abs(float(found["config.y"]) - 0.7) < 0.12


def test_a_limit_moves_the_optimum_to_its_edge(preset: Preset, rising: Candles, tmp_path: Path) -> None:
    # Earns at most what x = 0.3, y = 0.5 earns: a share of 0.96.
    growth = float(rising.close[-1] / rising.open[0]) - 1.0
    said = {**GRID, "constraints": [f"roi <= {0.9 * 0.9601 * growth}"]}
    definition, best, _ = searched(said, preset, rising, tmp_path / "s.sqlite")
    assert definition.constraints[0].metric == "roi"
    found = best[0].parameters
    distance = (float(found["config.x"]) - 0.3) ** 2 + (float(found["config.y"]) - 0.7) ** 2
    assert distance == pytest.approx(0.04)


def test_a_sampler_learns_of_limits(preset: Preset, rising: Candles, tmp_path: Path) -> None:
    growth = float(rising.close[-1] / rising.open[0]) - 1.0
    limit = 0.9 * 0.9 * growth
    said = {**GRID, "method": "tpe", "trials": 48, "constraints": [f"roi <= {limit}"]}
    _, best, trials = searched(said, preset, rising, tmp_path / "s.sqlite")
    assert best[0].measures is not None
    assert limit * 0.9 < (best[0].measures["roi"] or 0.0) <= limit
    assert sum(1 for trial in trials if trial.measures and (trial.measures["roi"] or 0.0) <= limit) > 24


def test_several_objectives_leave_a_front_that_nothing_dominates(
    preset: Preset, rising: Candles, tmp_path: Path
) -> None:
    said = {**GRID, "objectives": [{"maximise": "roi"}, {"minimise": "final_equity"}]}
    _, front, trials = searched(said, preset, rising, tmp_path / "s.sqlite")
    # The two are opposed, so of each value of the share one trial stays.
    assert len(front) == len({trial.measures["roi"] for trial in trials if trial.measures})
    rois = [trial.measures["roi"] or 0.0 for trial in front if trial.measures]
    assert rois == sorted(rois, reverse=True)


def test_values_that_the_strategy_refuses_are_a_result_too(preset: Preset, rising: Candles, tmp_path: Path) -> None:
    said = {**GRID, "parameters": {"config.x": [0.3, 7]}}
    _, best, trials = searched(said, preset, rising, tmp_path / "s.sqlite")
    assert [trial.measures is None for trial in trials] == [False, True]
    assert "config.x" in trials[1].error
    assert best[0].number == 0


def test_a_search_of_nothing_but_refused_values_says_why(preset: Preset, rising: Candles, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"not one of 2 trials could be run; the first one: .*config\.x"):
        searched({**GRID, "parameters": {"config.x": [7, 8]}}, preset, rising, tmp_path / "s.sqlite")


@pytest.mark.parametrize("method", ["grid", "tpe"])
def test_the_number_of_workers_changes_nothing(
    method: str, preset: Preset, rising: Candles, tmp_path: Path, folder: Path
) -> None:
    said = {**GRID, "method": method, "seed": 5, "returns": True}
    said |= {"parameters": {"config.x": {"from": 0, "to": 1, "step": 0.1}, "config.y": [0.2, 0.7]}}
    if method == "tpe":
        said["trials"] = 20
    _, _, alone = searched(said, preset, rising, tmp_path / "one.sqlite")
    _, _, together = searched(said, preset, rising, tmp_path / "two.sqlite", workers=2, folder=folder)
    assert together == alone


@pytest.mark.parametrize("stopped_after", [3, 8, 13])
def test_a_sampler_that_was_stopped_goes_on_as_if_it_had_not_been(
    stopped_after: int, preset: Preset, rising: Candles, tmp_path: Path
) -> None:
    said = {**GRID, "method": "tpe", "trials": 24, "seed": 1}
    _, _, whole = searched(said, preset, rising, tmp_path / "whole.sqlite")
    searched({**said, "trials": stopped_after}, preset, rising, tmp_path / "parts.sqlite")
    _, _, parts = searched(said, preset, rising, tmp_path / "parts.sqlite")
    assert parts == whole


def test_another_search_does_not_go_on_in_the_same_file(preset: Preset, rising: Candles, tmp_path: Path) -> None:
    searched({**GRID, "parameters": {"config.x": [0.1]}}, preset, rising, tmp_path / "s.sqlite")
    with pytest.raises(StoreMismatch, match=r"holds the results of another search: parameters changed since"):
        searched({**GRID, "parameters": {"config.x": [0.2]}}, preset, rising, tmp_path / "s.sqlite")
    other = rising.between(int(rising.timestamp[1]), int(rising.timestamp[-1]))
    with pytest.raises(StoreMismatch, match=r"another search: data changed since"):
        searched({**GRID, "parameters": {"config.x": [0.1]}}, preset, other, tmp_path / "s.sqlite")
