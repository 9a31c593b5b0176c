"""A search in a process of its own that is killed with -9, and goes on with what is left."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from backtests.preset import Preset
from backtests.search.definition import search_of
from backtests.search.evaluation import Evaluator
from backtests.search.running import identity_of, run_search
from backtests.search.store import Trial, TrialStore
from backtests.search.workers import Workers
from exchange.candles.files import Candles
from tests.backtests.search.hill_market import HILL

SAID: dict[str, Any] = {
    "preset": "hill.yaml",
    "parameters": {
        "config.x": {"from": 0, "to": 1, "step": 0.05},
        "config.y": {"from": 0, "to": 1, "step": 0.1},
    },
}
PROGRAM = """
import sys
from pathlib import Path
from backtests.preset import preset_of
from backtests.search.definition import search_of
from backtests.search.running import identity_of, run_search
from backtests.search.store import TrialStore
from backtests.search.workers import Workers
from backtests.synthetic import Layout, trend
from strategies import registry

folder, path = Path(sys.argv[1]), Path(sys.argv[2])
registry.use_folder(folder)
preset, candles = preset_of({hill!r}), trend(Layout(72, timeframe=3_600_000), 0, drift=0.001)
definition = search_of({said!r})
identity, parts = identity_of(definition, preset, candles)
with TrialStore(path, identity=identity, definition=parts) as store, Workers(preset, candles, 2, folder) as running:
    run_search(definition, running, store)
"""


def rows(path: Path) -> list[tuple[Any, ...]]:
    if not path.exists():
        return []
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        try:
            return database.execute("SELECT number, key, parameters, measures FROM trial ORDER BY number").fetchall()
        except sqlite3.OperationalError:  # not yet made
            return []


def test_a_killed_search_goes_on_without_running_anything_twice(
    folder: Path, preset: Preset, rising: Candles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "trials.sqlite"
    program = PROGRAM.format(hill=HILL, said=SAID)
    process = subprocess.Popen([sys.executable, "-c", program, str(folder), str(path)])
    deadline = time.monotonic() + 60
    while len(rows(path)) < 4 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    children = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    kept = rows(path)
    assert 4 <= len(kept) < 231

    run: list[int] = []
    ask = Evaluator.trial

    def counted(self: Evaluator, number: int, *arguments: Any) -> Trial:
        run.append(number)
        return ask(self, number, *arguments)

    monkeypatch.setattr(Evaluator, "trial", counted)
    definition = search_of(SAID)
    identity, parts = identity_of(definition, preset, rising)
    with (
        TrialStore(path, identity=identity, definition=parts) as store,
        Workers(preset, rising, 1) as running,
    ):
        run_search(definition, running, store)
    after = rows(path)
    assert len(after) == 231
    assert [row for row in after if row[0] not in run] == kept
    assert len(run) == len(set(run)) == 231 - len(kept)
    # Nobody is left behind to wait for work that does not come.
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


def test_results_are_not_changed_and_not_deleted(tmp_path: Path) -> None:
    path = tmp_path / "trials.sqlite"
    with TrialStore(path, identity="a", definition={}) as store:
        store.add([Trial(0, {"x": 1}, {"roi": 0.5})])
        with pytest.raises(sqlite3.IntegrityError):
            store.add([Trial(1, {"x": 2}, {"roi": 0.1}), Trial(0, {"x": 3}, {"roi": 0.9})])
        with pytest.raises(sqlite3.IntegrityError):
            store.add([Trial(5, {"x": 1.0}, {"roi": 0.9})])
        assert [trial.number for trial in store.trials()] == [0]
    with sqlite3.connect(path) as database:
        for change in ("UPDATE trial SET measures = NULL", "DELETE FROM trial", "UPDATE search SET hash = 'b'"):
            with pytest.raises(sqlite3.IntegrityError, match="is not"):
                database.execute(change)
