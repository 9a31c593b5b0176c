"""The processes of one running stack: their output, their restarts and their orderly end."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from traderagent.embedded.child import Child, Command
from traderagent.embedded.console import Console, LineReader

_BACK_OFF = (0.1, 1.0, 2.0, 5.0)  # seconds before the first, second … restart in a row
_STEADY = 10.0  # seconds after which a process counts as having started well
_TICK = 0.1


@dataclass
class _Kept:
    """One process that is started again when it ends by itself."""

    make: Callable[[], Command]
    child: Child
    reader: LineReader
    started: float
    once: bool
    failures: int = 0
    restart_at: float | None = None
    ended: int | None = None


class Stack:
    """Single-threaded: everything happens inside ``run_for`` and ``run_until``, on the main thread."""

    def __init__(self, console: Console, on_change: Callable[[], None]) -> None:
        self._console = console
        self._on_change = on_change
        self._kept: dict[str, _Kept] = {}
        self._selector = selectors.DefaultSelector()

    @property
    def children(self) -> dict[str, Child]:
        """Those that run now, by name."""
        return {name: kept.child for name, kept in self._kept.items() if kept.child.poll() is None}

    def start(self, make: Callable[[], Command], *, once: bool = False) -> None:
        """Starts a process and keeps it running; with ``once`` it is left alone when it has ended.

        ``make`` is called for each start, so that a restart may look at the world again.
        """
        kept = self._spawn(make, once=once)
        self._kept[kept.child.command.name] = kept
        self._on_change()

    def exit_code(self, name: str) -> int | None:
        """Of a process started with ``once``; ``None`` while it runs."""
        return self._kept[name].ended

    def hopeless(self, ends: int) -> str:
        """The name of a process that ended so many times in a row without ever staying, else nothing."""
        return next((name for name, kept in self._kept.items() if kept.failures >= ends), "")

    def run_for(self, seconds: float) -> None:
        """Passes output on and restarts what crashed, for that long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._turn(min(left, _TICK), restart=True)

    def run_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """``run_for`` until the condition holds; whether it did within ``timeout`` seconds."""
        end = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > end:
                return False
            self._turn(_TICK / 2, restart=True)
        return True

    def stop(self, stages: Sequence[Sequence[str]], hurry: Callable[[], bool]) -> None:
        """Ends the processes stage by stage, what is in no stage first. ``hurry`` true: without patience."""
        named = {name for stage in stages for name in stage}
        first = [name for name in self._kept if name not in named]
        for stage in [first, *stages]:
            self._stop_together([self._kept[name].child for name in stage if name in self._kept], hurry)
        self._selector.close()

    def _stop_together(self, children: Sequence[Child], hurry: Callable[[], bool]) -> None:
        for child in children:
            child.ask_to_stop()
        began = time.monotonic()
        forced: set[int] = set()
        while waiting := [child for child in children if child.poll() is None]:
            self._turn(_TICK / 2, restart=False)
            for child in waiting:
                spent = time.monotonic() - began
                if child.pid in forced or not (hurry() or spent > child.command.patience):
                    continue
                forced.add(child.pid)
                self._console.say(f"{child.command.name} did not stop within {spent:.0f} s and is ended by force.")
                child.kill()
        for child in children:
            child.kill()  # what it left behind in its session
        self._turn(0, restart=False)

    def _spawn(self, make: Callable[[], Command], *, once: bool) -> _Kept:
        child = Child(make())
        reader = LineReader(child.output)
        self._selector.register(child.output, selectors.EVENT_READ, (child.command, reader))
        return _Kept(make, child, reader, time.monotonic(), once)

    def _turn(self, seconds: float, *, restart: bool) -> None:
        for key, _ in self._selector.select(seconds):
            command, reader = key.data
            self._drain(command, reader)
            if reader.closed:
                self._forget(reader, key.fileobj)
        if restart:
            for name, kept in list(self._kept.items()):
                self._look_after(name, kept)

    def _drain(self, command: Command, reader: LineReader) -> None:
        for line in reader.lines():
            if not any(noise in line for noise in command.noise):
                self._console.line(command.name, line)

    def _forget(self, reader: LineReader, pipe: object) -> None:
        self._selector.unregister(pipe)  # type: ignore[arg-type]
        reader.close()

    def _look_after(self, name: str, kept: _Kept) -> None:
        now = time.monotonic()
        if kept.ended is None and (code := kept.child.poll()) is not None:
            kept.ended = code
            kept.child.kill()  # nothing it started may outlive it, or two generations would work side by side
            self._drain(kept.child.command, kept.reader)
            if not kept.once:
                kept.failures = 0 if now - kept.started > _STEADY else kept.failures
                delay = _BACK_OFF[min(kept.failures, len(_BACK_OFF) - 1)]
                kept.restart_at = now + delay
                kept.failures += 1
                how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
                self._console.say(f"{name} {how}; starting it again in {delay:g} s.")
            self._on_change()
        if kept.restart_at is not None and now >= kept.restart_at:
            replacement = self._spawn(kept.make, once=False)
            replacement.failures = kept.failures
            self._kept[name] = replacement
            self._on_change()
