"""Each bot's beat entry: made, changed and removed with the bot."""

from __future__ import annotations

import json

from django_celery_beat.models import IntervalSchedule, PeriodicTask

from bots.models import Bot

TASK = "bots.tasks.tick_bot"


def enable_ticks(bot: Bot) -> None:
    """A tick that is late by a whole interval expires: there is never a backlog."""
    interval, _ = IntervalSchedule.objects.get_or_create(every=bot.tick_interval, period=IntervalSchedule.SECONDS)
    task, _ = PeriodicTask.objects.update_or_create(
        name=f"tick {bot.name}",
        defaults={
            "task": TASK,
            "interval": interval,
            "args": json.dumps([bot.pk]),
            "queue": "ticks",
            "expire_seconds": bot.tick_interval,
            "enabled": True,
            "description": f"One tick of bot {bot.name}.",
        },
    )
    if bot.periodic_task_id != task.pk:
        bot.periodic_task = task
        bot.save(update_fields=["periodic_task"])


def disable_ticks(bot: Bot) -> None:
    for task in PeriodicTask.objects.filter(pk=bot.periodic_task_id, enabled=True):
        # Through save(), so that beat is told that its schedule changed.
        task.enabled = False
        task.save()


def remove_ticks(bot: Bot) -> None:
    for task in PeriodicTask.objects.filter(pk=bot.periodic_task_id):
        task.delete()
