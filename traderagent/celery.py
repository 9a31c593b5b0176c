"""The Celery application: queue ``ticks`` (threads) and queue ``research`` (prefork)."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init

from traderagent import heartbeats

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "traderagent.settings")

app = Celery("traderagent")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def use_django_logging(**_: Any) -> None:
    """Celery would install its own handlers; ours are already there."""


@worker_init.connect
@beat_init.connect
def refuse_a_wrong_encryption_key(**_: Any) -> None:
    # Models can be imported only now; and a connection must not be inherited by the pool's processes.
    from django.db import connections

    from exchange.encryption import require_encryption_key

    require_encryption_key()
    connections.close_all()


heartbeats.connect()
