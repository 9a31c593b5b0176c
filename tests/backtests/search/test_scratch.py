"""Temporary folders of living processes stay; those of killed ones are cleared away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from backtests.search import scratch
from backtests.search.scratch import Scratch

_HOLDER = """
from backtests.search.scratch import Scratch
import sys, time
held = Scratch("candles")
print(held.path, flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def aged(folder: Path) -> Path:
    os.utime(folder, (1.0, 1.0))
    return folder


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_uses_is_not(tmp_path: Path) -> None:
    living = Scratch("study")
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER], stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    assert process.stdout is not None
    held = aged(Path(process.stdout.readline().strip()))
    aged(living.path)
    assert scratch.sweep() == []
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    aged(held)
    assert scratch.sweep() == [held]
    assert living.path.is_dir()
    living.drop()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_just_being_made_is_left_alone_and_one_without_a_lock_is_not(tmp_path: Path) -> None:
    young, old, foreign = (tmp_path / name for name in ("traderagent-candles-a", "traderagent-candles-b", "else-c"))
    for folder in (young, old, foreign):
        folder.mkdir()
    aged(old)
    aged(foreign)
    assert scratch.sweep() == [old]
    assert young.is_dir()
    assert foreign.is_dir()
