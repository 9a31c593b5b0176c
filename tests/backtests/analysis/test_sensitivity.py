"""A map of a known hill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backtests.analysis.runs import OwnRuns
from backtests.analysis.sensitivity import Sensitivity, axes_around, axes_of, map_around, sensitivity
from backtests.analysis.subject import Subject
from backtests.preset import Preset
from backtests.search.definition import search_of
from backtests.search.parameters import parameter
from exchange.candles.files import Candles

SAID: dict[str, Any] = {
    "preset": "hill.yaml",
    "parameters": {
        "config.word": ["good", "bad"],
        "config.x": [0.1, 0.3, 0.5, 7],
        "config.y": [0.5, 0.7, 0.9],
    },
    "objectives": ["roi"],
    "method": "tpe",
}


def mapped(paths: list[str], preset: Preset, candles: Candles, folder: Path, **options: Any) -> Sensitivity:
    subject = Subject("hill", preset, "made", candles, search_of(SAID))
    with OwnRuns(folder, 1) as runs:
        return sensitivity(subject, axes_of(subject.searched(), paths), runs, **options)


def test_a_map_is_the_hill_itself_and_refused_values_are_holes(preset: Preset, rising: Candles, tmp_path: Path) -> None:
    found = mapped(["config.x", "config.y"], preset, rising, tmp_path)
    growth = float(rising.close[-1] / rising.open[0]) - 1.0
    expected = [
        [0.9 * growth * (1.0 - (x - 0.3) ** 2 - (y - 0.7) ** 2) for y in (0.5, 0.7, 0.9)] for x in (0.1, 0.3, 0.5)
    ]
    assert found.surface.scores[:3] == pytest.approx(np.array(expected), abs=1e-5)
    assert np.isnan(found.surface.scores[3]).all()
    assert found.at == (1, 1)
    # All eight around the top keep more than 70 % of it.
    assert found.plateau.share == 1.0
    told = found.to_json()
    assert told["axes"][0] == {"parameter": "config.x", "values": [0.1, 0.3, 0.5, 7]}
    assert told["values"][3] == [None, None, None]
    assert told["at"]["parameters"] == {"config.x": 0.3, "config.y": 0.7}


def test_one_axis_is_a_line_and_a_point_may_be_asked_about(preset: Preset, rising: Candles, tmp_path: Path) -> None:
    found = mapped(["config.x"], preset, rising, tmp_path, at={"config.x": 0.5})
    assert found.surface.scores.shape == (4,)
    assert found.at == (2,)
    # Of its two neighbours one was refused.
    assert found.plateau.share == 0.5
    with pytest.raises(ValueError, match=r"config\.x is 0\.4, which the map does not try"):
        mapped(["config.x"], preset, rising, tmp_path, at={"config.x": 0.4})


def test_an_axis_must_be_one_that_the_search_tries() -> None:
    with pytest.raises(ValueError, match=r"--parameter config\.z: the search tries config\.word, config\.x, config\.y"):
        axes_of(search_of(SAID), ["config.z"])
    assert [each.path for each in axes_of(search_of(SAID))] == ["config.word", "config.x"]


def test_around_a_chosen_value_lie_its_neighbours() -> None:
    listed = parameter("x", {"from": 1, "to": 9, "step": 1})
    assert map_around(listed, 4).values == (2, 3, 4, 5, 6)
    assert map_around(listed, 1).values == (1, 2, 3)
    assert map_around(parameter("x", {"from": 0, "to": 1}), 0.95).values == pytest.approx((0.76, 0.855, 0.95))


def test_around_a_trial_the_map_has_the_first_two_parameters_that_have_neighbours() -> None:
    said = {
        "config.word": ["good", "bad"],
        "config.one": [5],
        "config.x": [1, 2],
        "config.y": [3, 4],
        "config.z": [5, 6],
    }
    chosen: dict[str, Any] = {"config.word": "bad", "config.one": 5, "config.x": 1, "config.y": 4, "config.z": 6}
    found = axes_around(search_of({"preset": "hill.yaml", "parameters": said}), chosen)
    assert [(each.path, each.values) for each in found] == [("config.x", (1, 2)), ("config.y", (3, 4))]
