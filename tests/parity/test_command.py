"""``manage.py parity`` as a person calls it: no database configured, a real worker, an answer and an exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from backtests.preset import load_preset
from tests.exchange.simulator.process import ROOT
from tests.parity.presets import PRESETS, WINDOWS

# A configured database would only be in the way.
FOREIGN = (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "FIELD_ENCRYPTION_KEY",
    "TRADERAGENT_HOME",
    "DJANGO_SETTINGS_MODULE",
)


def parity(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    command = [sys.executable, str(ROOT / "manage.py"), "parity", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_a_worker_ticks_a_preset_through_the_whole_stack(candles_dir: Path, tmp_path: Path) -> None:
    preset, out = tmp_path / "grid.yaml", tmp_path / "out.json"
    preset.write_text(json.dumps(PRESETS["grid"]))  # JSON is YAML
    window = WINDOWS["grid"]
    found = parity(
        str(preset), "--candles", str(candles_dir / window.file), "--from", window.since, "--to", "2025-05-09T08:53",
        "--json", str(out),
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr
    told = json.loads(out.read_text())
    assert found.stdout.splitlines()[-1].startswith("EQUAL: grid on ETH/USDT:USDT 1m, 2025-05-09 08:48:00")
    assert (told["points"], told["differences"]) == (20, [])
    assert told["fills"]["live"] == told["fills"]["tested"] > 0


def test_a_preset_that_cannot_be_read_is_told_without_a_traceback(tmp_path: Path) -> None:
    preset = tmp_path / "grid.yaml"
    preset.write_text("symbol: ETH/USDT\n")
    found = parity(str(preset), "--candles", "synthetic:sine", "--in-process")
    assert found.returncode == 1
    assert "timeframe is missing" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_comparison_that_could_not_be_written_is_not_begun(tmp_path: Path) -> None:
    preset = tmp_path / "grid.yaml"
    preset.write_text(json.dumps(PRESETS["grid"]))
    found = parity(str(preset), "--candles", "synthetic:sine", "--json", str(tmp_path / "none" / "out.json"))
    assert found.returncode == 1
    assert f"there is no folder {tmp_path / 'none'}" in found.stderr


@pytest.mark.parametrize("strategy", sorted(PRESETS))
def test_the_presets_of_the_documented_runs_are_whole(strategy: str) -> None:
    assert load_preset(ROOT / "docs/backtesting/parity" / f"{strategy}.yaml").strategy == strategy
