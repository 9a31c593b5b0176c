"""Trials on several processes. Results come back in any order; how many there are changes nothing about them.

Workers are forked off a server process that has loaded the libraries once, so that they begin quickly and share its
memory. Each maps the candles, and loads a strategy's machine code when it first runs it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np

from backtests.preset import Preset, preset_of
from backtests.search.evaluation import Evaluator
from backtests.search.kept_memory import keep_memory
from backtests.search.memory_map import map_columns, write_columns
from backtests.search.scratch import Scratch
from exchange.candles.files import COLUMNS, Candles
from strategies import registry

T = TypeVar("T")
Job = Callable[[Evaluator], T]
# Per worker: one that it works on, one that waits for it.
AHEAD = 2

_evaluator: Evaluator | None = None


def usual_workers() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass
class Workers:
    """``folder`` is where strategies of one's own lie. With one worker, trials run in this process. ``candles`` are
    :func:`nothing` for jobs that bring their own.

    Raises ``concurrent.futures.process.BrokenProcessPool`` out of :meth:`run` when a worker was killed.
    """

    preset: Preset
    candles: Candles
    count: int = field(default_factory=usual_workers)
    folder: Path | None = None
    _pool: ProcessPoolExecutor | None = None
    _here: Evaluator | None = None
    _columns: Scratch | None = None

    def __enter__(self) -> Self:
        if self.count == 1:
            keep_memory()
            self._here = Evaluator(self.preset, self.candles)
            return self
        try:
            self._open()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _open(self) -> None:
        self._columns = Scratch("candles")
        write_columns(self.candles, self._columns.path)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["backtests.search.preloaded"])
        # An interrupt in the middle of starting a process would leave one behind that nobody knows of.
        with later_interrupt():
            self._pool = ProcessPoolExecutor(
                self.count,
                context,
                initializer=_begin,
                initargs=(self.preset.model_dump(exclude_unset=True), self._columns.path, self.folder),
            )
            for _ in range(self.count):
                self._pool.submit(os.getpid)

    def _close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        if self._columns is not None:
            self._columns.drop()

    def run(self, jobs: Iterable[Job[T]]) -> Iterator[tuple[T, float]]:
        """What each job returned and how many seconds it took, as they end. Jobs are drawn as there is room for them."""
        if self._pool is None:
            assert self._here is not None
            for job in jobs:
                yield timed(job, self._here)
            return
        waiting: set[Future[tuple[T, float]]] = set()
        for job in jobs:
            waiting.add(self._pool.submit(_run, job))
            if len(waiting) >= AHEAD * self.count:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (each.result() for each in done)
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (each.result() for each in done)


@contextmanager
def later_interrupt() -> Iterator[None]:
    """Ctrl-C within it is felt at its end. Other threads than the main one never feel it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def nothing() -> Candles:
    return Candles(np.empty(0, np.int64), *(np.empty(0) for _ in COLUMNS[1:]))


def timed(job: Job[T], evaluator: Evaluator) -> tuple[T, float]:
    began = time.perf_counter()
    answer = job(evaluator)
    return answer, time.perf_counter() - began


def _begin(preset: dict[str, Any], columns: Path, folder: Path | None) -> None:
    global _evaluator  # noqa: PLW0603 (one per process, as the pool's initializer has to)
    # Ctrl-C reaches all processes of a terminal; the one that drives decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    keep_memory()
    registry.use_folder(folder)
    # Made here: a configuration of a strategy of one's own cannot be sent, its class is not to be imported by name.
    _evaluator = Evaluator(preset_of(preset), map_columns(columns))


def _end_with_parent() -> None:
    """A worker waits for work on a pipe that it holds the other end of too: it would not see that nobody is there."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _run(job: Job[Any]) -> tuple[Any, float]:
    assert _evaluator is not None
    return timed(job, _evaluator)
