"""What the terminal shows: every process's lines behind its name, in its colour."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import IO, TextIO

_COLOURS = ("36", "32", "33", "35", "34", "96", "92", "93", "95")
_WIDTH = 15


class Console:
    """Writes whole lines. A terminal that went away is no reason to stop trading: its lines are dropped."""

    def __init__(self, stream: TextIO | None = None, environ: Mapping[str, str] = os.environ) -> None:
        self._stream = stream or sys.stdout
        wanted = bool(environ.get("FORCE_COLOR")) or self._stream.isatty()
        self._coloured = wanted and not environ.get("NO_COLOR")
        self._colours: dict[str, str] = {}

    def say(self, text: str) -> None:
        """The supervisor's own voice."""
        for line in text.splitlines():
            self._write("traderagent", line, bold=True)

    def line(self, name: str, text: str) -> None:
        self._write(name, text)

    def _write(self, name: str, text: str, *, bold: bool = False) -> None:
        prefix = f"{name:<{_WIDTH}}|"
        if self._coloured:
            colour = "1" if bold else self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
            prefix = f"\033[{colour}m{prefix}\033[0m"
        try:
            self._stream.write(f"{prefix} {text}\n")
            self._stream.flush()
        except (BrokenPipeError, OSError):
            self._stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - lives as long as we do


class LineReader:
    """Cuts a non-blocking pipe's bytes into lines; a line without an end is given out when the pipe closes."""

    def __init__(self, pipe: IO[bytes]) -> None:
        os.set_blocking(pipe.fileno(), False)
        self._pipe = pipe
        self._rest = b""
        self.closed = False

    def close(self) -> None:
        self.closed = True
        self._pipe.close()

    def lines(self) -> list[str]:
        """The lines that are complete now."""
        if self.closed:
            return []
        try:
            data = os.read(self._pipe.fileno(), 65536)
        except BlockingIOError:
            return []
        self.closed = not data
        *complete, self._rest = (self._rest + data).split(b"\n")
        if self.closed and self._rest:
            complete.append(self._rest)
            self._rest = b""
        return [line.rstrip(b"\r").decode(errors="replace") for line in complete]
