"""``manage.py stream`` as a process of its own, on the database and the Redis of the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection as database

ROOT = Path(__file__).resolve().parents[2]
ENDING_S = 30


@contextmanager
def stream_process() -> Iterator[None]:
    """Ended as a supervisor would; it must then say so and exit with 0. The test's data has to be committed."""
    server, _, _ = os.environ["DATABASE_URL"].partition("?")
    url = os.environ["DATABASE_URL"].replace(server, f"{server.rpartition('/')[0]}/{database.settings_dict['NAME']}", 1)
    process = subprocess.Popen(
        [sys.executable, "manage.py", "stream"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=ENDING_S)
    assert process.returncode == 0, output
    assert "price stream stopped" in output
