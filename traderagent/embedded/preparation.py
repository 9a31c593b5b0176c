"""What a stack needs before its processes start: the database's tables and, once the simulator answers, the demo.

One interpreter for all of it, started together with the services it waits for: importing costs more than the work.
"""

from __future__ import annotations

import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import django
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

_PATIENCE = 60.0


def prepare() -> None:
    django.setup()
    _wait(_database_answers, "PostgreSQL")
    pending = MigrationExecutor(connection).migration_plan(MigrationExecutor(connection).loader.graph.leaf_nodes())
    if pending:
        print(f"Bringing the database up to date: {len(pending)} migrations.", flush=True)
        call_command("migrate", interactive=False, verbosity=0)
    _wait(_simulator_answers, "The exchange simulator")
    call_command("demo_setup")


def _database_answers() -> str:
    try:
        connection.ensure_connection()
    except OperationalError as error:
        return str(error)
    return ""


def _simulator_answers() -> str:
    try:
        with urllib.request.urlopen(f"{os.environ['SIMULATOR_URL']}/simulator/status", timeout=2):  # noqa: S310
            return ""
    except (urllib.error.URLError, OSError) as error:
        return str(error)


def _wait(problem: Callable[[], str], what: str) -> None:
    """Until ``problem`` returns nothing. Exits with its last answer when that takes a minute."""
    end = time.monotonic() + _PATIENCE
    while message := problem():
        if time.monotonic() > end:
            sys.exit(f"{what} did not answer within {_PATIENCE:.0f} s: {message.strip()}")
        time.sleep(0.1)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "traderagent.settings")
    prepare()
