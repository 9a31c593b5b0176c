"""Other histories of a run: the same by the same seed, whatever the number of workers, and of known markets known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backtests.analysis.monte_carlo import NOISY, REORDERED, MonteCarlo, Settings, monte_carlo
from backtests.analysis.robustness import verdict
from backtests.analysis.runs import OwnRuns
from backtests.analysis.subject import Subject
from backtests.preset import Preset
from exchange.candles.files import Candles


def run(
    preset: Preset, candles: Candles, settings: Settings, *, workers: int = 1, folder: Path | None = None
) -> MonteCarlo:
    with OwnRuns(Path(), workers, folder) as runs:  # nothing is searched, so nothing is kept
        return monte_carlo(Subject("hill", preset, "made", candles), settings, runs)


def test_the_seed_alone_decides(preset: Preset, rising: Candles, folder: Path) -> None:
    settings = Settings(runs=50, reruns=6, noise=0.5, seed=9)
    first = run(preset, rising, settings)
    again = run(preset, rising, settings, workers=2, folder=folder)
    other = run(preset, rising, Settings(runs=50, reruns=6, noise=0.5, seed=10))
    assert again.to_json() == first.to_json()
    for kind in (NOISY, REORDERED):
        assert len(set(first.perturbed[kind].final.tolist())) == 6
        assert not np.array_equal(first.perturbed[kind].final, other.perturbed[kind].final)


def test_noise_without_size_leaves_the_run_as_it_was(preset: Preset, rising: Candles) -> None:
    found = run(preset, rising, Settings(runs=5, reruns=2, noise=0.0))
    assert found.perturbed[NOISY].final == pytest.approx([found.final] * 2, abs=0.02)


def test_a_run_without_round_trips_has_none_to_shuffle(preset: Preset, rising: Candles) -> None:
    found = run(preset, rising, Settings(runs=5, reruns=0))
    assert found.shuffled is None
    assert found.drawn is None
    assert found.trades == 0
    assert found.perturbed == {}
    # 72 hours are three days: each of them earned, so no order of them loses.
    assert found.returns is not None
    assert found.returns.probability_of_loss() == 0.0
    judged = verdict(monte_carlo=found)
    assert {finding.topic for finding in judged.findings} == {
        "trades", "monte_carlo_final", "monte_carlo_drawdown", "risk_of_ruin",
    }  # fmt: skip
    assert "0 trades are too few" in judged.findings[0].sentence


@pytest.mark.parametrize("settings", [Settings(runs=0), Settings(reruns=-1), Settings(noise=-0.1)])
def test_settings_that_make_no_run_are_refused(settings: Settings, preset: Preset, rising: Candles) -> None:
    with pytest.raises(ValueError, match="one run at least, and none below 0"):
        run(preset, rising, settings)
