"""Mapped candles go when the last study that needs them is over, and what killed workers left goes too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.utils import timezone

from backtests import services
from backtests.jobs import studies, tidying
from backtests.models import JobStatus, Study
from tests.backtests.jobs import cast

pytestmark = pytest.mark.django_db

Sent = list[tuple[str, int]]


def mapped(folder: Path) -> set[str]:
    return {path.name for path in (folder / "candles").glob("*")}


def prepared(study: Study) -> Study:
    studies.run_chunk(study.chunks.get().pk)
    return Study.objects.get(pk=study.pk)


@pytest.mark.parametrize("end", ["done", "cancelled", "failed", "given up"])
def test_however_a_study_ends_its_candles_go(end: str, sent: Sent, results_folder: Path) -> None:
    study = cast.study(search=cast.SEARCH | {"parameters": {"config.grids": [6]}})
    waiting = studies.run_chunk(study.chunks.get().pk)
    assert len(mapped(results_folder)) == 1
    match end:
        case "done":
            while waiting:
                waiting += studies.run_chunk(waiting.pop())
        case "cancelled":
            services.cancel(study)
        case "failed":
            Study.objects.filter(pk=study.pk).update(search={"parameters": {"config.grids": [-1]}})
            while waiting:
                waiting += studies.run_chunk(waiting.pop())
        case _:
            study.chunks.filter(pk__in=waiting).update(attempts=services.MOST_ATTEMPTS)
            _age(results_folder)
            services.resume_abandoned(now=timezone.now())
    expected = {"done": JobStatus.DONE, "cancelled": JobStatus.CANCELLED}.get(end, JobStatus.FAILED)
    assert Study.objects.get(pk=study.pk).status == expected
    assert mapped(results_folder) == set()


def test_candles_stay_while_another_study_needs_them(sent: Sent, results_folder: Path) -> None:
    one, other = prepared(cast.study(grids=5)), prepared(cast.study(grids=6))
    assert one.data == other.data
    services.cancel(one)
    assert mapped(results_folder) == set(other.data.values())
    services.cancel(other)
    assert mapped(results_folder) == set()


def test_a_sweep_removes_what_nobody_needs_unless_it_was_just_written(sent: Sent, results_folder: Path) -> None:
    needed = prepared(cast.study())
    for name in ("left", ".half-written"):
        (results_folder / "candles" / name).mkdir()
    _age(results_folder)
    (results_folder / "candles" / "just-written").mkdir()
    tidying.sweep()
    assert mapped(results_folder) == {*needed.data.values(), "just-written"}


def _age(results_folder: Path) -> None:
    for path in (results_folder / "candles").glob("*"):
        os.utime(path, (1.0, 1.0))
