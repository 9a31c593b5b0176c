"""Celery's doors. Thin: take an id, call a service."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from bots.models import EquityPoint, Event
from bots.tick import tick_bot as run_tick
from bots.watchlist import publish_watchlist

# How long the fine grain of curves and events is kept. Orders, fills and trades are kept for good.
KEEP_RECORDS = timedelta(days=90)


@shared_task(name="bots.tasks.tick_bot", ignore_result=True)
def tick_bot(bot_id: int) -> None:
    run_tick(bot_id, clock=timezone.now)


@shared_task(name="bots.tasks.renew_watchlist")
def renew_watchlist() -> None:
    """Redis may have been emptied, and bots stop by themselves."""
    publish_watchlist()


@shared_task(name="bots.tasks.prune_records")
def prune_records() -> None:
    before = timezone.now() - KEEP_RECORDS
    EquityPoint.objects.filter(at__lt=before).delete()
    Event.objects.filter(created_at__lt=before).delete()
