"""One back-test, of a bot or of a portfolio, as a worker runs it."""

from __future__ import annotations

import time
from collections.abc import Callable
from io import BytesIO

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from backtests.jobs import files
from backtests.jobs.leases import Lease, LeaseLost, claim
from backtests.jobs.runs import Made, run_of
from backtests.models import BackTest, JobStatus
from strategies import registry
from strategies.user_files import FileProblem, problem_of

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
        own = own_problem(job, error)
        fail(lease, str(own) if own is not None else f"A fault of the program: {error!r}")
        if own is None:
            raise


def own_problem(job: BackTest, error: Exception) -> FileProblem | None:
    """Where some strategies are files of the user's own: in the one that the error came through, else in the first."""
    paths = [path for each in job.strategies if (path := registry.source_of(each)) is not None]
    problems = [problem_of(path, error) for path in paths]
    return next((each for each in problems if each.line), problems[0] if problems else None)


def fail(lease: Lease, error: str) -> None:
    try:
        lease.write(status=JobStatus.FAILED, error=error, finished_at=timezone.now())
    except LeaseLost:
        log.info("a failure of a job that nobody waits for", error=error)


def _run(job: BackTest, lease: Lease) -> None:
    run = run_of(job)
    lease.write(progress=LOADED)
    before = BackTest.objects.filter(identity=run.identity, status=JobStatus.DONE, same_as=None).first()
    if before is not None:
        return _is_same(lease, before, run.identity)
    made = run.made(_progress(lease))
    lease.check()
    lease.write(progress=RUN)
    keep(made)
    try:
        with transaction.atomic():
            lease.write(
                status=JobStatus.DONE,
                hash=made.hash,
                identity=run.identity,
                summary=made.summary,
                result=files.result_name(made.hash, "json.gz"),
                progress=1.0,
                finished_at=timezone.now(),
            )
    except IntegrityError:
        # Asked for twice, and both ran at the same time.
        _is_same(lease, BackTest.objects.get(hash=made.hash, same_as=None), run.identity)


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


def keep(made: Made) -> None:
    """The documented JSON and the report, by their hash."""
    whole = BytesIO()
    made.write_json(whole)
    files.keep_bytes(files.result_name(made.hash, "json.gz"), whole.getvalue())
    files.keep_bytes(files.result_name(made.hash, "html.gz"), made.page().encode())


def _progress(lease: Lease) -> Callable[[float], None]:
    last = time.monotonic()

    def told(share: float) -> None:
        nonlocal last
        lease.check()
        if time.monotonic() - last >= SECONDS_BETWEEN_WRITES:
            last = time.monotonic()
            lease.write(progress=LOADED + (RUN - LOADED) * share)

    return told
