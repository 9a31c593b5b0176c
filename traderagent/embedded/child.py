"""One process that the supervisor owns: started in its own session, ended with everything it started."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from traderagent.embedded.home import ChildRecord

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Command:
    """How to start and end one process.

    ``owner`` is the (uid, gid) it runs as, ``None`` for ours. ``death_signal`` is what the kernel sends it should
    this process die without a chance to stop it (Linux only): application processes must survive a kill at any
    moment anyway, a database is better asked. Lines that hold one of ``noise`` are not worth showing.
    """

    name: str
    argv: Sequence[str]
    environ: Mapping[str, str]
    directory: Path
    owner: tuple[int, int] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    patience: float = 8.0
    noise: Sequence[str] = ()


def _end_with(parent: int, death_signal: signal.Signals) -> Callable[[], None] | None:
    if _libc is None:
        return None
    libc = _libc

    def before_exec() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died between the fork and the line above
            os._exit(1)

    return before_exec


class Child:
    """A started ``Command``. Start it from the main thread: the kernel ties the death signal to the thread."""

    def __init__(self, command: Command) -> None:
        self.command = command
        uid, gid = command.owner or (None, None)
        self._process = subprocess.Popen(
            list(command.argv),
            env=dict(command.environ),
            cwd=command.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=uid,
            group=gid,
            extra_groups=None if command.owner is None else [],
            # Safe here: the supervisor has a single thread. Runs after the change of user, which would clear it.
            preexec_fn=_end_with(os.getpid(), command.death_signal),  # noqa: PLW1509
        )
        self.pid = self._process.pid
        self.created = psutil.Process(self.pid).create_time()
        self._stopping = False

    @property
    def output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def record(self) -> ChildRecord:
        return ChildRecord(self.pid, self.created)

    def poll(self) -> int | None:
        """The exit code (negative: the signal that ended it), ``None`` while it runs."""
        return self._process.poll()

    def ask_to_stop(self) -> None:
        """Sends the stop signal, once."""
        if not self._stopping and self.poll() is None:
            self._stopping = True
            self._process.send_signal(self.command.stop_signal)

    def kill(self) -> None:
        """Ends the process and everything in its session, whether or not the process itself still runs."""
        # A pid is not given to another process while anything of its session is left: if it lives again, nothing is.
        if self.poll() is None or not psutil.pid_exists(self.pid):
            kill_group(self.pid)


def kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # Nothing is left; macOS says so with EPERM when only the unreaped leader is.
        return


def end_leftover(record: ChildRecord, *, ask: signal.Signals = signal.SIGKILL, patience: float = 10.0) -> bool:
    """Ends a process that an earlier supervisor left behind. Returns whether there was one."""
    try:
        process = psutil.Process(record.pid)
        if abs(process.create_time() - record.created) > 1 or process.status() == psutil.STATUS_ZOMBIE:
            return False
        process.send_signal(ask)
        process.wait(patience)
    except psutil.NoSuchProcess:
        return False
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(patience)
    kill_group(record.pid)
    return True
