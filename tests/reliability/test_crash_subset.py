"""The part of the crash matrix that the tests run; ``make crash-matrix`` runs all of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reliability.crash.cells import ALL, SUBSET, Book, Fault, Operation, Phase
from traderagent.embedded.home import PROJECT

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("crash")]


def test_the_subset_meets_every_phase_fault_operation_and_book() -> None:
    assert len(set(SUBSET)) == len(SUBSET)
    assert set(SUBSET) <= set(ALL)
    assert {cell.phase for cell in SUBSET} == set(Phase)
    assert {cell.fault for cell in SUBSET} == set(Fault)
    assert {cell.operation for cell in SUBSET} == set(Operation)
    assert {cell.book for cell in SUBSET} == set(Book)


def test_what_dies_at_any_stage_of_an_order_loses_and_doubles_nothing(tmp_path: Path) -> None:
    outcomes = tmp_path / "outcomes.json"
    command = [sys.executable, "-m", "tests.reliability.crash", "--subset", "--lanes", "1", "--json", str(outcomes)]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=600)
    assert outcomes.exists(), result.stderr[-4000:]
    cells = json.loads(outcomes.read_text())
    assert len(cells) == len(SUBSET)
    assert {str(cell["cell"]): cell["complaints"] for cell in cells if cell["complaints"]} == {}, result.stderr[-4000:]
    assert result.returncode == 0
