"""One back-test, as a worker runs it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from io import BytesIO

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from backtests.identity import code_version, data_hash, parameters_hash
from backtests.jobs import files
from backtests.jobs.leases import Lease, LeaseLost, claim
from backtests.jobs.loading import load
from backtests.models import BackTest, JobStatus
from backtests.outcome import Outcome
from backtests.outcome_json import summary, write_json
from backtests.preset import Preset, preset_of
from backtests.reports.html import render
from backtests.running import back_test
from exchange.candles.files import Candles
from strategies import registry
from strategies.user_files import problem_of

log = structlog.get_logger(__name__)

# Of the whole: what comes before and after the run itself.
LOADED, RUN = 0.1, 0.9
SECONDS_BETWEEN_WRITES = 1.0


def run_back_test(key: int) -> None:
    """Does nothing when it is done, cancelled, or another worker's. What goes wrong is written to the row."""
    lease = claim(BackTest.objects.filter(pk=key))
    if lease is None:
        return
    job = BackTest.objects.get(pk=key)
    try:
        with lease.kept_alive():
            lease.write(started_at=job.started_at or timezone.now(), progress=0.0)
            _run(job, lease)
    except LeaseLost:
        log.info("a back-test is no longer this worker's", id=key)
    except ValueError as error:
        fail(lease, str(error))
    except Exception as error:
        own = registry.source_of(job.strategy)
        fail(lease, str(problem_of(own, error)) if own is not None else f"A fault of the program: {error!r}")
        if own is None:
            raise


def fail(lease: Lease, error: str) -> None:
    try:
        lease.write(status=JobStatus.FAILED, error=error, finished_at=timezone.now())
    except LeaseLost:
        log.info("a failure of a job that nobody waits for", error=error)


def _run(job: BackTest, lease: Lease) -> None:
    preset = preset_of(job.preset)
    candles, report = load(preset, job.source, job.since, job.until)
    lease.write(progress=LOADED)
    identity = identity_of(preset, candles, job.since)
    before = BackTest.objects.filter(identity=identity, status=JobStatus.DONE, same_as=None).first()
    if before is not None:
        return _is_same(lease, before, identity)
    outcome = back_test(preset, candles, begin=job.since, data_report=report, progress=_progress(lease, len(candles)))
    lease.check()
    lease.write(progress=RUN)
    keep(outcome)
    try:
        with transaction.atomic():
            lease.write(
                status=JobStatus.DONE,
                hash=outcome.hash,
                identity=identity,
                summary=summary(outcome),
                result=files.result_name(outcome.hash, "json.gz"),
                progress=1.0,
                finished_at=timezone.now(),
            )
    except IntegrityError:
        # Asked for twice, and both ran at the same time.
        _is_same(lease, BackTest.objects.get(hash=outcome.hash, same_as=None), identity)


def _is_same(lease: Lease, before: BackTest, identity: str) -> None:
    lease.write(
        status=JobStatus.DONE,
        same_as=before,
        hash=before.hash,
        identity=identity,
        summary=before.summary,
        result=before.result,
        progress=1.0,
        finished_at=timezone.now(),
    )


def keep(outcome: Outcome) -> None:
    """The documented JSON and the report, by their hash."""
    whole = BytesIO()
    write_json(outcome, whole)
    files.keep_bytes(files.result_name(outcome.hash, "json.gz"), whole.getvalue())
    files.keep_bytes(files.result_name(outcome.hash, "html.gz"), render(outcome).encode())


def identity_of(preset: Preset, candles: Candles, since: int | None) -> str:
    """Known before the run: of the code, the candles, the parameters and the begin that was asked for."""
    parts = (code_version(preset.strategy), data_hash(candles), parameters_hash(preset), str(since))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _progress(lease: Lease, candles: int) -> Callable[[int], None]:
    last = time.monotonic()

    def told(done: int) -> None:
        nonlocal last
        lease.check()
        if time.monotonic() - last >= SECONDS_BETWEEN_WRITES:
            last = time.monotonic()
            lease.write(progress=LOADED + (RUN - LOADED) * done / max(1, candles))

    return told
