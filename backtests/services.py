"""Asking for back-tests and studies, and taking that back. Whoever asks: page, API or program."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from celery import group
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from backtests.analysis.kinds import KINDS
from backtests.errors import NotDone
from backtests.jobs import files, tidying
from backtests.jobs.leases import hand_back, lease_length
from backtests.jobs.requests import back_test_request, study_request
from backtests.models import ACTIVE, BackTest, Chunk, JobStatus, Stage, Study, StudyKind

# A worker that dies of the same work again and again is not given it a fourth time.
MOST_ATTEMPTS = 3
MOST_SENT_ANEW = 100


def request_back_test(
    *,
    preset: Mapping[str, Any],
    source: str,
    requested_by: str,
    since: int | None = None,
    until: int | None = None,
) -> BackTest:
    """Queues it. The same request that still waits or runs is told instead of a second one. A result that is there
    already is found by the worker, which knows the candles: nothing is run twice.

    Raises :class:`BackTestRefused`.
    """
    asked = {**back_test_request(preset, source, since, until), "since": since, "until": until}
    with transaction.atomic():
        before: BackTest | None = BackTest.objects.filter(**asked, status__in=ACTIVE).first()
        if before is not None:
            return before
        made: BackTest = BackTest.objects.create(**asked, requested_by=requested_by)
        transaction.on_commit(lambda: _send_back_tests([made.pk]))
    return made


def request_study(
    *,
    preset: Mapping[str, Any],
    source: str,
    requested_by: str,
    kind: str = StudyKind.OPTIMISE,
    search: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    since: int | None = None,
    until: int | None = None,
) -> Study:
    """As :func:`request_back_test`. ``search`` is a search file's content without ``preset`` and ``candles``, ``options``
    what the kind can be told (``backtests.analysis.kinds``); ``source`` of a kind with many coins holds several, a space
    between them. An empty ``preset`` is the usual one where the kind has one."""
    asked = {
        **study_request(KINDS[kind], preset, search or {}, options or {}, source, since, until),
        "since": since,
        "until": until,
    }
    with transaction.atomic():
        before: Study | None = Study.objects.filter(**asked, status__in=ACTIVE).first()
        if before is not None:
            return before
        study: Study = Study.objects.create(**asked, requested_by=requested_by)
        first = Chunk.objects.create(study=study, number=0, stage=Stage.PREPARE)
        transaction.on_commit(lambda: send_chunks([first.pk]))
    return study


def cancel(job: BackTest | Study) -> bool:
    """Whether there was anything to cancel. A run notices within seconds, and what it finds is thrown away; of a study
    chunks that run stop after their present trial, and the rest is never begun."""
    over = {"status": JobStatus.CANCELLED, "finished_at": timezone.now()}
    with transaction.atomic():
        rows = type(job).objects.filter(pk=job.pk, status__in=ACTIVE)
        is_cancelled = bool(rows.update(**over))
        if is_cancelled and isinstance(job, Study):
            job.chunks.filter(status__in=ACTIVE).update(status=JobStatus.CANCELLED)
    if is_cancelled and isinstance(job, Study):
        tidying.drop_candles_of(Study.objects.filter(pk=job.pk))
    return is_cancelled


def result_of(job: BackTest | Study) -> bytes:
    """The documented JSON. Raises :class:`NotDone`."""
    return _contents(job, job.result)


def report_of(back_test: BackTest) -> bytes:
    """The page that stands alone. Raises :class:`NotDone`."""
    return _contents(back_test, files.result_name(back_test.hash, "html.gz"))


def resume_abandoned(*, now: datetime) -> None:
    """Hands on what dead workers left, and sends anew what is queued and was perhaps never taken (Redis may have been
    emptied). A message too many does no harm: work is claimed."""
    back_tests = set(hand_back(BackTest.objects.all(), now))
    chunks = set(hand_back(Chunk.objects.filter(study__status__in=ACTIVE), now))
    _give_up(now)
    before = now - lease_length()
    waiting = BackTest.objects.filter(status=JobStatus.QUEUED, created_at__lt=before).order_by("pk")
    back_tests.update(waiting.values_list("pk", flat=True)[:MOST_SENT_ANEW])
    # A study of which nothing moves: no chunk is in hands, and none was done of late.
    moving = Chunk.objects.filter(Q(status=JobStatus.RUNNING) | Q(done_at__gte=before)).values("study")
    still = Study.objects.filter(status__in=ACTIVE, created_at__lt=before).exclude(pk__in=moving)
    chunks.update(Chunk.objects.filter(study__in=still, status=JobStatus.QUEUED).values_list("pk", flat=True))
    _send_back_tests(sorted(back_tests))
    send_chunks(sorted(chunks))
    tidying.sweep()


def send_chunks(keys: list[int]) -> None:
    from backtests.tasks import run_chunk

    if keys:
        group(run_chunk.si(key) for key in keys).apply_async()


def _send_back_tests(keys: list[int]) -> None:
    from backtests.tasks import run_back_test

    for key in keys:
        run_back_test.delay(key)


def _give_up(now: datetime) -> None:
    dead = f"Its worker died {MOST_ATTEMPTS} times, probably for want of memory."
    failed = {"status": JobStatus.FAILED, "error": dead, "finished_at": now}
    BackTest.objects.filter(status=JobStatus.QUEUED, attempts__gte=MOST_ATTEMPTS).update(**failed)
    deadly = Chunk.objects.filter(status=JobStatus.QUEUED, attempts__gte=MOST_ATTEMPTS)
    Study.objects.filter(pk__in=deadly.values("study"), status__in=ACTIVE).update(**failed)


def _contents(job: BackTest | Study, name: str) -> bytes:
    if job.status != JobStatus.DONE:
        raise NotDone(f"{job} is {job.status}: it has no result{' yet' if job.is_active else ''}.")
    try:
        return files.read_bytes(name)
    except FileNotFoundError as error:
        raise NotDone(
            f"The file of {job}'s result is not on this machine; workers and web share BACKTESTS_DIR."
        ) from error
