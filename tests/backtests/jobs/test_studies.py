"""A study in chunks: whoever runs them, in whatever order, each trial counts once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backtests import services
from backtests.data import load_candles
from backtests.errors import BackTestRefused
from backtests.jobs import leases, studies
from backtests.models import Chunk, JobStatus, Stage, Study
from backtests.preset import preset_of
from backtests.running import back_test
from tests.backtests.jobs import cast

pytestmark = pytest.mark.django_db

Sent = list[tuple[str, int]]


def told(study: Study) -> Any:
    return json.loads(services.result_of(study))


def test_every_combination_is_tried_once_and_the_best_is_that_of_separate_runs(sent: Sent) -> None:
    done = cast.drive(cast.study())
    assert done.status == JobStatus.DONE, done.error
    # Twelve trials, the map of eight around the best (at most 25 were expected), two runs on each kind of candles.
    assert (done.total, done.progress) == (12 + 25 + 4, 1.0)
    assert done.finished <= done.total
    trials = list(cast.trials_of(done))
    assert [trial.number for trial in trials] == list(range(12))
    candles, _ = load_candles(cast.SOURCE, timeframe="1m")
    for trial in trials:
        values = {name.removeprefix("config."): value for name, value in trial.parameters.items()}
        alone = back_test(preset_of(cast.preset(**values)), candles)
        assert trial.measures is not None
        assert trial.measures["roi"] == pytest.approx(alone.summary.total_return, abs=1e-12)
    best = max(trials, key=lambda trial: (trial.measures or {})["roi"] or 0.0)
    result = told(done)
    assert result["chosen"]["best"]["parameters"] == best.parameters
    assert len(result["ranking"]) == 12
    assert {finding["topic"] for finding in result["verdict"]["findings"]} >= {"trades", "risk_of_ruin", "sensitivity"}


def test_the_order_of_chunks_changes_nothing(sent: Sent) -> None:
    first = cast.drive(cast.study(), seed=1)
    again = cast.study()
    same = cast.drive(again, seed=2)
    assert same.same_as == first
    assert services.result_of(same) == services.result_of(first)


def test_two_equal_studies_that_ran_at_once_leave_one_result(sent: Sent) -> None:
    one, other = cast.study(), cast.study(spacing="arithmetic")
    assert one.pk != other.pk
    waiting = [each.chunks.get().pk for each in (one, other)]
    while waiting:
        waiting += studies.run_chunk(waiting.pop(0))
    assert ended(one).same_as is None
    assert ended(other).same_as == one


def ended(study: Study) -> Study:
    found = Study.objects.get(pk=study.pk)
    assert found.status == JobStatus.DONE, found.error
    return found


def test_a_sampler_learns_in_batches_and_ends_at_its_number_of_trials(sent: Sent) -> None:
    search = {**cast.SEARCH, "method": "tpe", "trials": 11, "seed": 4}
    done = cast.drive(cast.study(search=search))
    assert done.status == JobStatus.DONE, done.error
    assert [trial.number for trial in cast.trials_of(done)] == list(range(11))
    first = done.chunks.filter(stage=Stage.WORK).order_by("number")[0]
    assert done.chunks.filter(ask=first.ask).count() == 11


def test_cancelled_in_the_middle_nothing_more_is_begun(sent: Sent) -> None:
    study = cast.study()
    waiting = cast.begun(study)
    studies.run_chunk(waiting[0])
    assert services.cancel(study)
    for key in waiting[1:]:
        assert studies.run_chunk(key) == []
    found = Study.objects.get(pk=study.pk)
    assert (found.status, found.finished) == (JobStatus.CANCELLED, 4)
    assert not services.cancel(study)


def test_a_chunk_whose_worker_died_is_done_by_another_and_the_late_answer_is_not_taken(sent: Sent) -> None:
    study = cast.study()
    waiting = cast.begun(study)
    dead = leases.claim(Chunk.objects.filter(pk=waiting[0]))
    assert dead is not None
    Chunk.objects.filter(pk=waiting[0]).update(beat_at="2020-01-01T00:00:00Z")
    from django.utils import timezone

    services.resume_abandoned(now=timezone.now())
    assert sent == [("chunk", waiting[0])]
    studies.run_chunk(waiting[0])
    with pytest.raises(leases.LeaseLost):
        dead.write(answer=[])
    assert Study.objects.get(pk=study.pk).finished == 4


def test_a_search_that_cannot_be_is_refused_with_its_fields() -> None:
    with pytest.raises(BackTestRefused) as refused:
        cast.study(search={"parameters": {"config.grids": []}, "objectives": ["luck"]})
    assert {problem.field for problem in refused.value.problems} == {
        "search.parameters.config.grids",
        "search.objectives.0",
    }
    assert not Study.objects.exists()
