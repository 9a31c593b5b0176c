"""Celery's doors. Thin: take an id, call a service. They are acknowledged late: a worker that dies gives its message back,
and when it cannot, ``resume_abandoned`` sends another one. Doing one twice does no harm."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_process_init, worker_ready
from django.utils import timezone

from backtests import services
from backtests.jobs import single, studies
from backtests.search import scratch
from backtests.search.kept_memory import keep_memory


@shared_task(name="backtests.tasks.run_back_test", acks_late=True, reject_on_worker_lost=True)
def run_back_test(back_test_id: int) -> None:
    single.run_back_test(back_test_id)


@shared_task(name="backtests.tasks.run_chunk", acks_late=True, reject_on_worker_lost=True)
def run_chunk(chunk_id: int) -> None:
    services.send_chunks(studies.run_chunk(chunk_id))


@shared_task(name="backtests.tasks.resume_abandoned")
def resume_abandoned() -> None:
    services.resume_abandoned(now=timezone.now())


@worker_process_init.connect
def keep_memory_between_trials(**_: Any) -> None:
    """In each process of a pool, which does one chunk after the other; bots are ticked by threads, and not asked."""
    keep_memory()


@worker_ready.connect
def sweep_scratch(**_: Any) -> None:
    """What a worker that was killed left on this machine. The database is left alone: its connection would be inherited."""
    scratch.sweep()
