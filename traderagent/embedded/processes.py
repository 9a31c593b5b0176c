"""The one list of processes: what the supervisor starts here and what a container runs elsewhere.

``python -m traderagent.embedded.processes NAME`` becomes that process.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from traderagent.embedded.home import PROJECT, StackError

Environment = Mapping[str, str]

# The name of one of several processes of a kind on one machine.
_COPY = "PROCESS_NAME"


@dataclass(frozen=True)
class Process:
    """``arguments`` follow the Python interpreter. ``embedded_only`` ones have no place in a deployment.

    ``copies`` is how many of it the supervisor runs; a deployment scales as it likes.
    """

    name: str
    purpose: str
    arguments: Callable[[Environment], list[str]]
    embedded_only: bool = False
    copies: Callable[[Environment], int] = lambda _: 1

    def command(self, environ: Environment) -> list[str]:
        return [sys.executable, *self.arguments(environ)]

    def commands(self, environ: Environment) -> dict[str, list[str]]:
        """One for each copy, by the copy's name: ``worker-ticks``, ``worker-ticks-2`` …"""
        names = [self.name, *(f"{self.name}-{number}" for number in range(2, self.copies(environ) + 1))]
        return {name: self.command({**environ, _COPY: name}) for name in names}


def _celery(*arguments: str) -> list[str]:
    # Said to root at every start, over six lines; containers run as an ordinary user.
    hush = "ignore:You're running the worker with superuser privileges:UserWarning"
    return ["-W", hush, "-m", "celery", "--quiet", "-A", "traderagent", *arguments]


def _worker(environ: Environment, queue: str, pool: str, concurrency: int) -> list[str]:
    # Gossip and mingle let workers talk to each other at start; nothing here listens, and it costs seconds.
    quiet = ["--without-gossip", "--without-mingle"]
    node = f"{environ.get(_COPY) or queue}@%h"
    return _celery("worker", "-Q", queue, "-P", pool, "-c", str(concurrency), "-n", node, *quiet)


def _web(environ: Environment) -> list[str]:
    host, port = environ.get("WEB_HOST") or "127.0.0.1", environ.get("PORT") or "8000"
    proxy = ["--proxy-headers"] if environ.get("BEHIND_PROXY") == "1" else []
    return ["-m", "traderagent.web", "-b", host, "-p", port, "-v", "0", *proxy, "traderagent.asgi:application"]


def _count(environ: Environment, name: str, default: int) -> int:
    value = environ.get(name) or str(default)
    if not value.isdigit() or int(value) < 1:
        raise StackError(f"{name}={value} is not a count of workers: use a whole number from 1 up.")
    return int(value)


PROCESSES: tuple[Process, ...] = (
    Process("simulator", "the exchange to practise on", lambda _: ["-m", "exchange.simulator"], embedded_only=True),
    Process("web", "pages, API and sockets", _web),
    Process(
        "worker-ticks",
        "ticks the bots; threads, since a tick mostly waits for an exchange",
        lambda environ: _worker(environ, "ticks", "threads", _count(environ, "TICK_WORKERS", 8)),
        # When one dies, the other goes on at the next tick instead of after a start.
        copies=lambda environ: _count(environ, "TICK_PROCESSES", 2),
    ),
    Process(
        "worker-research",
        "back-tests; one process for each core but one",
        lambda environ: _worker(
            environ, "research", "prefork", _count(environ, "RESEARCH_WORKERS", max(1, (os.cpu_count() or 1) - 1))
        ),
    ),
    Process(
        "beat",
        "enqueues each bot's ticks on time",
        # An empty pid file name: beat would leave one in the working directory.
        lambda _: _celery(
            "beat", "-S", "django_celery_beat.schedulers:DatabaseScheduler", "--max-interval", "1", "--pidfile="
        ),
    ),
    Process("stream", "live prices from the exchanges", lambda _: [str(PROJECT / "manage.py"), "stream"]),
)


def find(name: str) -> Process:
    """Raises ``StackError`` for a name that is not in the list."""
    for process in PROCESSES:
        if process.name == name:
            return process
    raise StackError(f"There is no process {name!r}. Choose one of: {', '.join(p.name for p in PROCESSES)}.")


def main(arguments: list[str]) -> None:
    if len(arguments) != 1:
        raise StackError(f"Name one process: {', '.join(p.name for p in PROCESSES)}.")
    command = find(arguments[0]).command(os.environ)
    os.chdir(PROJECT)
    os.execv(command[0], command)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except StackError as error:
        sys.exit(str(error))
