"""A database and a Redis of a comparison's own, real ones, gone when it ends: no bot of anybody's is touched.

With ``--worker`` a Celery worker on them, which ticks the bot as it does everywhere.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from traderagent.embedded.environment import read_environment
from traderagent.embedded.home import PROJECT, Home
from traderagent.parity.errors import ParityError

_TIMEOUT_S = 120
# What a shell has set for another stack must not lead there.
_ANOTHERS = ("DATABASE_URL", "REDIS_URL", "TRADERAGENT_HOME", "SECRET_KEY", "FIELD_ENCRYPTION_KEY", "SIMULATOR_URL")


@contextmanager
def own_services() -> Iterator[dict[str, str]]:
    """The environment of processes that are to use them. Raises :class:`ParityError` when they do not start."""
    with tempfile.TemporaryDirectory(prefix="traderagent-parity-") as folder:
        home = Home(Path(folder).resolve() / "home")
        home.root.mkdir(mode=0o700)
        inherited = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in _ANOTHERS}
        environment = {**inherited, "TRADERAGENT_HOME": str(home.root)}
        log = Path(folder) / "services.log"
        command = [sys.executable, "-m", "traderagent.embedded.supervisor", "--only", "services", "--throwaway"]
        with (
            log.open("w") as told,
            _ended(
                subprocess.Popen(
                    [*command, "--end-with-parent"],
                    env=environment,
                    cwd=PROJECT,
                    stdin=subprocess.DEVNULL,
                    stdout=told,
                    stderr=told,
                )
            ) as supervisor,
        ):
            _wait_until_ready(home, supervisor, log)
            quiet = {"LOG_LEVEL": os.environ.get("LOG_LEVEL", "ERROR")}
            yield {**environment, **read_environment(home.environment), **quiet}


@contextmanager
def own_worker(environment: Mapping[str, str], folder: Path) -> Iterator[None]:
    """A tick worker with one thread: the points come one after the other."""
    command = [
        sys.executable, "-m", "celery", "--app", "traderagent", "worker", "--queues", "ticks", "--pool", "threads",
        "--concurrency", "1", "--loglevel", "ERROR", "--without-gossip", "--without-mingle", "--hostname", "parity@%h",
    ]  # fmt: skip
    with (
        (folder / "worker.log").open("w") as told,
        _ended(
            subprocess.Popen(
                command, env=dict(environment), cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=told, stderr=told
            )
        ),
    ):
        yield


def _wait_until_ready(home: Home, supervisor: subprocess.Popen[Any], log: Path) -> None:
    end = time.monotonic() + _TIMEOUT_S
    while True:
        record = home.read_record()
        if record is not None and record.pid == supervisor.pid and record.ready:
            return
        if supervisor.poll() is not None or time.monotonic() > end:
            raise ParityError(f"PostgreSQL and Redis did not start: {log.read_text()[-2000:].strip()}")
        time.sleep(0.05)


@contextmanager
def _ended(process: subprocess.Popen[Any]) -> Iterator[subprocess.Popen[Any]]:
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
