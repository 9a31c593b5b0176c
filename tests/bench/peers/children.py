"""One measurement is one process: started, watched, and asked for what it printed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psutil

from traderagent.embedded.home import PROJECT

# Nothing but the work itself may use a second core.
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA", "POLARS", "RAYON")}
LONGEST = 600.0
LOOK_EVERY = 0.1


class Failed(RuntimeError):
    """A process ended with an error; ``str()`` is the last line that it wrote."""


@dataclass(frozen=True, slots=True)
class Ended:
    """``seconds`` from its start to its end and ``processor`` seconds of it and its children; ``peak`` memory in MB.

    ``told`` is the JSON of its last line, empty when it printed none.
    """

    seconds: float
    processor: float
    peak: float
    told: dict[str, Any] = field(default_factory=dict)


def run(command: Sequence[str], *, cores: int = 1, environ: Mapping[str, str] | None = None) -> Ended:
    """``peak`` is the largest resident set of one core's process; of more cores' processes the sum at one moment, what
    they share counted once. ``processor`` of more cores is what was seen of each process. Raises :class:`Failed`."""
    pinned = _pinned(cores)
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        begin = time.perf_counter()
        child = subprocess.Popen(
            [*pinned, *command],
            cwd=PROJECT,
            env={**os.environ, **ONE_THREAD, **(environ or {})},
            stdout=out,
            stderr=errors,
        )
        stop = threading.Timer(LONGEST, child.kill)
        stop.start()
        try:
            together, seen = _watched(child.pid) if cores > 1 else (0.0, 0.0)
            _, status, used = os.wait4(child.pid, 0)
        finally:
            stop.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - begin
        out.seek(0)
        errors.seek(0)
        lines = out.read().splitlines()
        if child.returncode:
            said = errors.read().strip().splitlines()
            raise Failed(said[-1] if said else f"ended with {child.returncode}")
    peak = max(together, used.ru_maxrss / 1024)
    told = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    return Ended(seconds, max(seen, used.ru_utime + used.ru_stime), peak, told)


def _pinned(cores: int) -> list[str]:
    taskset = shutil.which("taskset")
    if cores > 1 or taskset is None:
        return []
    return [taskset, "--cpu-list", str(max(os.sched_getaffinity(0)))]


def _watched(pid: int) -> tuple[float, float]:
    """The most memory, MB, that a process and those below it had together until it ends, and their processor seconds:
    workers whose parent does not wait for them are missing from the system's own count."""
    most, processor = 0.0, dict[int, float]()
    process = psutil.Process(pid)
    while process.status() != psutil.STATUS_ZOMBIE:
        together = 0.0
        for each in (process, *process.children(recursive=True)):
            try:
                together += each.memory_full_info().pss / 1e6
                used = each.cpu_times()
            except psutil.Error:
                continue  # it ended meanwhile
            processor[each.pid] = used.user + used.system
        most = max(most, together)
        time.sleep(LOOK_EVERY)
    return most, sum(processor.values())
