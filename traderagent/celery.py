"""The Celery application: queue ``ticks`` (threads) and queue ``research`` (prefork)."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "traderagent.settings")

app = Celery("traderagent")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def use_django_logging(**_: Any) -> None:
    """Celery would install its own handlers; ours are already there."""
