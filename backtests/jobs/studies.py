"""Studies in chunks: prepared once, led from question to question, run by any number of workers in any order, told once.

A chunk is claimed, done and answered as ``backtests.jobs.leases`` says. What a chunk's end makes possible (the next step, the
runs that a step asks for) is made in the transaction that ends it, under a lock on the study: it happens once, and it is
never forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import orjson
import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from backtests.analysis.examinations import Examined
from backtests.analysis.ranking import Ranked
from backtests.jobs import files, pieces, tidying
from backtests.jobs.asking import QueuedRuns, Unanswered, Wanted
from backtests.jobs.leases import Lease, LeaseLost, claim
from backtests.jobs.subjects import (
    candles_of,
    data_of,
    expected_runs,
    identity_of,
    kind_of,
    options_of,
    require_same,
    subject_of,
)
from backtests.models import ACTIVE, Chunk, JobStatus, Stage, Study
from backtests.preset import preset_of
from backtests.search.evaluation import Evaluator
from backtests.search.scratch import Scratch
from backtests.search.workers import nothing

log = structlog.get_logger(__name__)

# What is left for the report when all runs are done.
RUNS_SHARE: Final = 0.98


def run_chunk(key: int) -> list[int]:
    """Does nothing for a chunk that is done, or of a study that is cancelled, or that another worker has.

    Returns the keys of the chunks that can be run now because this one is done.
    """
    lease = claim(Chunk.objects.filter(pk=key, study__status__in=ACTIVE))
    if lease is None:
        return []
    chunk = Chunk.objects.select_related("study").get(pk=key)
    study = chunk.study
    try:
        with lease.kept_alive():
            match chunk.stage:
                case Stage.PREPARE:
                    return _prepare(study, lease)
                case Stage.LEAD:
                    return _lead(study, lease)
                case _:
                    return _work(study, chunk, lease)
    except LeaseLost:
        log.info("a chunk is no longer this worker's", id=key)
    except ValueError as error:
        fail(study, lease, str(error))
    except Exception as error:
        fail(study, lease, f"A fault of the program: {error!r}")
        raise
    return []


def fail(study: Study, lease: Lease, error: str) -> None:
    """One chunk that cannot be run fails the study: its answer would lack something."""
    try:
        with transaction.atomic():
            lease.write(status=JobStatus.FAILED)
            Study.objects.filter(pk=study.pk, status__in=ACTIVE).update(
                status=JobStatus.FAILED, error=error, finished_at=timezone.now()
            )
    except LeaseLost:
        log.info("a failure of a chunk that nobody waits for", study=study.pk, error=error)
    tidying.drop_candles_of(Study.objects.filter(pk=study.pk))


def _prepare(study: Study, lease: Lease) -> list[int]:
    data = data_of(study)
    identity = identity_of(study, data)
    before = Study.objects.filter(hash=identity, status=JobStatus.DONE, same_as=None).first()
    lease.check()
    with transaction.atomic():
        _locked(study)
        lease.write(status=JobStatus.DONE, done_at=timezone.now())
        now = timezone.now()
        rows = Study.objects.filter(pk=study.pk)
        if before is None:
            total = expected_runs(study)
            rows.update(status=JobStatus.RUNNING, hash=identity, data=data, total=total, started_at=now)
            return _queue_lead(study)
        rows.update(
            status=JobStatus.DONE, same_as=before, hash=identity, data=data, summary=before.summary,
            result=before.result, total=before.total, finished=before.finished, progress=1.0, started_at=now,
            finished_at=now,
        )  # fmt: skip
    tidying.drop_candles_of(rows)
    return []


def _lead(study: Study, lease: Lease) -> list[int]:
    """Begins the analysis anew, with all answers so far: it ends, or asks for more."""
    with Scratch("study") as scratch:
        runs = QueuedRuns(study, lease, scratch.path)
        try:
            examined = kind_of(study).examine(subject_of(study), options_of(study), runs)
        except Unanswered:
            return _queue_wanted(study, lease, runs.wanted)
    _finish(study, lease, examined)
    return []


def _queue_wanted(study: Study, lease: Lease, wanted: Sequence[Wanted]) -> list[int]:
    with transaction.atomic():
        locked = _locked(study)
        lease.write(status=JobStatus.DONE, done_at=timezone.now())
        known = locked.finished + sum(each.end - each.first for each in wanted)
        if known > locked.total:
            Study.objects.filter(pk=study.pk).update(total=known)
        first = study.chunks.count()
        made = Chunk.objects.bulk_create(
            Chunk(
                study=study, number=first + place, stage=Stage.WORK, ask=each.ask, first=each.first, end=each.end,
                work=each.work,
            )
            for place, each in enumerate(wanted)
        )  # fmt: skip
    return [chunk.pk for chunk in made]


def _queue_lead(study: Study) -> list[int]:
    return [Chunk.objects.create(study=study, number=study.chunks.count(), stage=Stage.LEAD).pk]


def _work(study: Study, chunk: Chunk, lease: Lease) -> list[int]:
    work: dict[str, Any] = chunk.work or {}
    answers = []
    evaluator = _evaluator_of(study, work)
    for piece in pieces.pieces_of(work, chunk.first, chunk.end):
        lease.check()
        answer = piece.done_by(evaluator)
        if isinstance(answer, Ranked) and answer.data:
            require_same(study, answer.source, answer.data)
        answers.append(pieces.FORMATS[work["format"]].write_answer(answer))
    with transaction.atomic():
        locked = _locked(study)
        lease.write(status=JobStatus.DONE, answer=answers, done_at=timezone.now())
        finished = locked.finished + len(answers)
        progress = RUNS_SHARE * min(1.0, finished / max(1, locked.total))
        Study.objects.filter(pk=study.pk).update(finished=F("finished") + len(answers), progress=progress)
        if study.chunks.filter(stage=Stage.WORK).exclude(status=JobStatus.DONE).exists():
            return []
        return _queue_lead(study)


def _finish(study: Study, lease: Lease, examined: Examined[Any]) -> None:
    contents = {
        "study": {
            "kind": study.kind,
            "preset": study.preset,
            "search": study.search,
            "options": options_of(study),
            "source": study.source,
        },
        **examined.contents,
        "hash": study.hash,
    }
    name = files.result_name(study.hash, "study.json.gz")
    files.keep_bytes(name, orjson.dumps(contents))
    rows = Study.objects.filter(pk=study.pk)
    with transaction.atomic():
        lease.write(status=JobStatus.DONE, done_at=timezone.now())
        # The same, said in another way, may have run at the same time.
        before = Study.objects.filter(hash=study.hash, status=JobStatus.DONE, same_as=None).first()
        summary = kind_of(study).summary(examined.contents) | {"verdict": examined.contents.get("verdict")}
        rows.filter(status__in=ACTIVE).update(
            status=JobStatus.DONE,
            same_as=before,
            summary=summary,
            result=name,
            progress=1.0,
            finished_at=timezone.now(),
        )
    tidying.drop_candles_of(rows)


def _locked(study: Study) -> Study:
    """Until the transaction's end. Raises :class:`LeaseLost` when the study is over."""
    found: Study | None = Study.objects.select_for_update().filter(pk=study.pk, status__in=ACTIVE).first()
    if found is None:
        raise LeaseLost
    return found


def _evaluator_of(study: Study, work: dict[str, Any]) -> Evaluator:
    """Of the last two presets and markets only: their chunks follow each other, and features are kept between them."""
    return _evaluator(study.pk, work["source"], json.dumps(work["preset"], sort_keys=True))


@lru_cache(maxsize=2)
def _evaluator(key: int, source: str | None, said: str) -> Evaluator:
    preset = preset_of(json.loads(said))
    if source is None:
        return Evaluator(preset, nothing())
    return Evaluator(preset, candles_of(Study.objects.get(pk=key), source, preset))
