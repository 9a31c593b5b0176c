"""One back-test as a job: run once, kept for good, told again."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError
from django.utils import timezone

from backtests import services
from backtests.data import load_candles
from backtests.errors import BackTestRefused, NotDone, ResultImmutable
from backtests.jobs import leases, runs, single
from backtests.models import BackTest, JobStatus
from backtests.outcome_json import as_json
from backtests.preset import preset_of
from backtests.running import back_test
from tests.backtests.jobs import cast

pytestmark = pytest.mark.django_db

Sent = list[tuple[str, int]]


def run(job: BackTest) -> BackTest:
    single.run_back_test(job.pk)
    return BackTest.objects.get(pk=job.pk)


def test_a_result_is_what_the_same_run_gives_elsewhere(sent: Sent) -> None:
    done = run(cast.back_test())
    candles, report = load_candles(cast.SOURCE, timeframe="1m")
    expected = as_json(back_test(preset_of(cast.PRESET), candles, data_report=report))
    assert done.status == JobStatus.DONE
    assert json.loads(services.result_of(done)) == json.loads(json.dumps(expected))
    assert done.hash == expected["hash"]
    assert done.summary["roi"] == expected["summary"]["roi"]
    assert done.hash in services.report_of(done).decode()


ONE_OR_MANY = pytest.mark.parametrize("ask", [cast.back_test, cast.portfolio])
Ask = Callable[[], BackTest]


@ONE_OR_MANY
def test_the_same_request_while_one_waits_is_that_one(
    ask: Ask, sent: Sent, django_capture_on_commit_callbacks: object
) -> None:
    assert ask() == ask()


def test_what_was_run_before_is_told_and_not_run_again(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(cast.back_test())
    monkeypatch.setattr(runs, "back_test", None)  # would be called
    again = run(cast.back_test())
    assert again.pk != first.pk
    assert again.same_as == first
    assert services.result_of(again) == services.result_of(first)


def test_two_that_ran_at_once_leave_one_result(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(cast.back_test())
    # The other one looked before this one was done.
    monkeypatch.setattr(runs.BotRun, "identity", "unknown so far")
    second = run(cast.back_test())
    assert (second.status, second.same_as) == (JobStatus.DONE, first)


def test_a_default_that_is_written_out_changes_nothing(sent: Sent) -> None:
    first = run(cast.back_test())
    assert run(cast.back_test(spacing="arithmetic")).same_as == first
    assert run(cast.back_test(grids=12)).same_as is None


@ONE_OR_MANY
def test_a_result_is_immutable_for_the_model_and_for_the_database(ask: Ask, sent: Sent) -> None:
    done = run(ask())
    done.summary = {"roi": 9}
    with pytest.raises(ResultImmutable):
        done.save()
    with pytest.raises(IntegrityError, match="never changed"):
        BackTest.objects.filter(pk=done.pk).update(summary={"roi": 9})


def test_the_file_of_a_result_is_never_written_over(sent: Sent, results_folder: Path) -> None:
    done = run(cast.back_test())
    before = services.result_of(done)
    from backtests.jobs import files

    files.keep_bytes(done.result, b"something else")
    assert services.result_of(done) == before
    assert not [path for path in results_folder.rglob("*") if path.name.startswith(".")]


def test_a_job_that_was_taken_is_not_taken_again(sent: Sent) -> None:
    job = cast.back_test()
    assert leases.claim(BackTest.objects.filter(pk=job.pk)) is not None
    assert leases.claim(BackTest.objects.filter(pk=job.pk)) is None


@ONE_OR_MANY
def test_a_cancelled_job_is_not_begun_and_an_answer_that_comes_late_is_not_taken(ask: Ask, sent: Sent) -> None:
    job = ask()
    lease = leases.claim(BackTest.objects.filter(pk=job.pk))
    assert lease is not None
    assert services.cancel(job)
    with pytest.raises(leases.LeaseLost):
        lease.write(status=JobStatus.DONE)
    assert run(job).status == JobStatus.CANCELLED
    assert not services.cancel(job)
    with pytest.raises(NotDone, match="cancelled"):
        services.result_of(run(job))


@ONE_OR_MANY
def test_what_a_dead_worker_left_is_handed_on_after_the_lease_and_not_before(ask: Ask, sent: Sent) -> None:
    job = ask()
    lease = leases.claim(BackTest.objects.filter(pk=job.pk))
    now = timezone.now()
    services.resume_abandoned(now=now + leases.lease_length() - timedelta(seconds=5))
    assert sent == []
    services.resume_abandoned(now=now + leases.lease_length() + timedelta(seconds=5))
    assert sent == [("back test", job.pk)]
    assert run(job).status == JobStatus.DONE
    assert lease is not None
    with pytest.raises(leases.LeaseLost):
        lease.write(progress=0.5)


def test_work_that_kills_its_workers_is_given_up(sent: Sent) -> None:
    job = cast.back_test()
    now = timezone.now()
    for _ in range(services.MOST_ATTEMPTS):
        assert leases.claim(BackTest.objects.filter(pk=job.pk)) is not None
        now += 2 * leases.lease_length()
        BackTest.objects.update(beat_at=now - 1.5 * leases.lease_length())
        services.resume_abandoned(now=now)
    found = BackTest.objects.get(pk=job.pk)
    assert found.status == JobStatus.FAILED
    assert "died 3 times" in found.error


def test_what_cannot_be_run_says_why(sent: Sent) -> None:
    failed = run(cast.back_test("bybit/linear/NONESUCH"))
    assert failed.status == JobStatus.FAILED
    assert "bybit/linear/NONESUCH" in failed.error


def test_a_refused_request_names_every_field() -> None:
    with pytest.raises(BackTestRefused) as refused:
        services.request_back_test(
            preset=cast.preset(grids=-1) | {"fees": {}}, source="/etc/passwd", requested_by="alice", since=5, until=5
        )
    fields = {problem.field for problem in refused.value.problems}
    assert {"source", "until", "preset.fees.maker", "preset.fees.taker", "preset.config.grids"} <= fields
    assert not BackTest.objects.exists()
