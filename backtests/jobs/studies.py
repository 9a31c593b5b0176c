"""Studies in chunks: prepared once, run by any number of workers in any order, told once.

A chunk is claimed, done and answered as ``backtests.jobs.leases`` says. What a chunk's end makes possible (the next batch of
a sampler, the report) is made in the transaction that ends it, under a lock on the study: it happens once, and it is never
forgotten.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from backtests.identity import data_hash
from backtests.jobs import files
from backtests.jobs.leases import Lease, LeaseLost, claim
from backtests.jobs.loading import load
from backtests.jobs.trials import answer_of, sampled, trials_of
from backtests.models import ACTIVE, Chunk, JobStatus, Stage, Study
from backtests.preset import Preset, preset_of
from backtests.search.definition import Method, SearchDefinition, search_of
from backtests.search.evaluation import Asked, Evaluator
from backtests.search.parameters import Values, combination
from backtests.search.running import identity_of
from exchange.candles.files import CandleFileError, Candles

log = structlog.get_logger(__name__)

# So many chunks at most wait in the queue for one study, and so few trials make none worth the message.
MOST_CHUNKS: Final = 400
FEWEST_TRIALS: Final = 4
MOST_TRIALS: Final = 1_000


def definition_of(study: Study) -> SearchDefinition:
    return search_of({**study.search, "preset": study.preset})


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
                case Stage.TRIALS:
                    return _try(study, chunk, lease)
                case _:
                    from backtests.jobs.study_report import report

                    report(study, lease)
                    return []
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


def _prepare(study: Study, lease: Lease) -> list[int]:
    preset, definition = preset_of(study.preset), definition_of(study)
    candles, _ = load(preset, study.source, study.since, study.until)
    identity = study_identity(study, definition, preset, candles)
    before = Study.objects.filter(hash=identity, status=JobStatus.DONE, same_as=None).first()
    name = "" if before else files.keep_candles(candles)
    lease.check()
    with transaction.atomic():
        _locked(study)
        lease.write(status=JobStatus.DONE, done_at=timezone.now())
        now = timezone.now()
        if before is not None:
            Study.objects.filter(pk=study.pk).update(
                status=JobStatus.DONE, same_as=before, hash=identity, summary=before.summary, result=before.result,
                total=before.total, finished=before.finished, progress=1.0, started_at=now, finished_at=now,
            )  # fmt: skip
            return []
        Study.objects.filter(pk=study.pk).update(
            status=JobStatus.RUNNING, hash=identity, data_hash=name, total=definition.trials, started_at=now
        )
        if definition.method is Method.GRID:
            return _queue(study, _ranges(definition.trials))
        return _queue_batch(study, definition, [])


def study_identity(study: Study, definition: SearchDefinition, preset: Preset, candles: Candles) -> str:
    whole, _ = identity_of(definition, preset, candles)
    return hashlib.sha256(f"{study.kind} {whole} {study.since}".encode()).hexdigest()


def _ranges(trials: int) -> list[dict[str, Any]]:
    size = min(MOST_TRIALS, max(FEWEST_TRIALS, math.ceil(trials / MOST_CHUNKS)))
    return [{"first": first, "end": min(first + size, trials)} for first in range(0, trials, size)]


def _queue(study: Study, ranges: Sequence[dict[str, Any]], stage: Stage = Stage.TRIALS) -> list[int]:
    first = study.chunks.count()
    made = Chunk.objects.bulk_create(
        [Chunk(study=study, number=first + place, stage=stage, **each) for place, each in enumerate(ranges)]
    )
    return [chunk.pk for chunk in made]


def _queue_batch(study: Study, definition: SearchDefinition, answers: Sequence[Any]) -> list[int]:
    """What the sampler proposes after these answers, one trial a chunk: a batch is as parallel as it can be."""
    proposed = sampled(definition, answers)
    return _queue(
        study, [{"first": number, "end": number + 1, "trials": [[number, dict(values)]]} for number, values in proposed]
    )


def _try(study: Study, chunk: Chunk, lease: Lease) -> list[int]:
    definition = definition_of(study)
    evaluator = evaluator_of(study)
    asked = Asked(definition.metrics, definition.returns)
    answers = []
    for number, values in _values_of(chunk, definition):
        lease.check()
        answers.append(answer_of(evaluator.trial(number, values, asked)))
    with transaction.atomic():
        _locked(study)
        lease.write(status=JobStatus.DONE, answer=answers, done_at=timezone.now())
        counted = {"finished": F("finished") + len(answers)}
        progress = (F("finished") + len(answers)) * 0.98 / definition.trials
        Study.objects.filter(pk=study.pk).update(**counted, progress=progress)
        if study.chunks.filter(stage=Stage.TRIALS).exclude(status=JobStatus.DONE).exists():
            return []
        if definition.method is Method.TPE and len(done := list(trials_of(study))) < definition.trials:
            return _queue_batch(study, definition, done)
        return _queue(study, [{}], Stage.REPORT)


def _values_of(chunk: Chunk, definition: SearchDefinition) -> list[tuple[int, Values]]:
    if chunk.trials is not None:
        return [(number, values) for number, values in chunk.trials]
    return [(number, combination(definition.parameters, number)) for number in range(chunk.first, chunk.end)]


def _locked(study: Study) -> None:
    """Until the transaction's end. Raises :class:`LeaseLost` when the study is over."""
    if not Study.objects.select_for_update().filter(pk=study.pk, status__in=ACTIVE).exists():
        raise LeaseLost


def evaluator_of(study: Study) -> Evaluator:
    """Of the last study only: its chunks follow each other, and features are kept between them."""
    return _evaluator(study.pk, json.dumps(study.preset, sort_keys=True))


@lru_cache(maxsize=1)
def _evaluator(key: int, preset: str) -> Evaluator:
    return Evaluator(preset_of(json.loads(preset)), candles_of(Study.objects.get(pk=key)))


def candles_of(study: Study) -> Candles:
    """Mapped where they were written; on a machine that does not share the folder loaded again, and kept there.

    Raises ``CandleFileError`` when they are not the same any more.
    """
    found = files.mapped_candles(study.data_hash)
    if found is not None:
        return found
    loaded, _ = load(preset_of(study.preset), study.source, study.since, study.until)
    if data_hash(loaded) != study.data_hash:
        raise CandleFileError(f"{study.source} holds other candles than when the study began: begin it again")
    files.keep_candles(loaded)
    return files.mapped_candles(study.data_hash) or loaded
