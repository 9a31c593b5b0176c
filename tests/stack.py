"""The real supervisor in a temporary home, for tests that need its services or the whole stack."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import psutil

from traderagent.embedded.environment import read_environment
from traderagent.embedded.home import PROJECT, Home

T = TypeVar("T")

# What a developer's shell or this test session has set must not leak into a stack that makes its own.
_OWN = {
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "DATABASE_URL",
    "DEBUG",
    "DEMO_PASSWORD",
    "DEMO_USERNAME",
    "FIELD_ENCRYPTION_KEY",
    "HTTPS",
    "PORT",
    "REDIS_URL",
    "REPLAY_SPEED",
    "SECRET_KEY",
    "TRADERAGENT_CANDLES",
    "TRADERAGENT_EMBEDDED",
    "TRADERAGENT_HOME",
    "WEB_HOST",
}


def wait_for(condition: Callable[[], T], *, timeout: float, what: str) -> T:
    """The first true value of ``condition``. Fails the test with ``what`` after ``timeout`` seconds."""
    end = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < end, f"{what}: not within {timeout:g} s"
        time.sleep(0.05)
    return value


class SupervisedStack:
    """``python -m traderagent.embedded.supervisor`` as a child of the tests. Use it as a context manager."""

    arguments: tuple[str, ...] = ()

    def __init__(self, *, home: Path | None = None, environ: Mapping[str, str] | None = None) -> None:
        """``home`` is kept afterwards when it is given; without it, a temporary one is made and removed."""
        self._temporary = home is None
        self.home = Home((home or Path(tempfile.mkdtemp(prefix="traderagent-test-"))).resolve())
        inherited = {k: v for k, v in os.environ.items() if k not in _OWN and not k.startswith("SIMULATOR_")}
        self._start_environ = {**inherited, **(environ or {}), "TRADERAGENT_HOME": str(self.home.root)}
        self._log = self.home.root.with_name(f"{self.home.root.name}.log")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        self.remove()

    # --- Life --------------------------------------------------------------------------------------------------

    def launch(self) -> None:
        """Starts the supervisor and returns at once."""
        command = [sys.executable, "-m", "traderagent.embedded.supervisor", "--end-with-parent", *self.arguments]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env=self._start_environ, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def start(self, timeout: float = 120) -> None:
        """Starts the supervisor and waits until everything is ready. Fails with its output when it is not."""
        self.launch()
        end = time.monotonic() + timeout
        while not self.is_ready:
            code = self._supervisor.poll()
            if code is not None or time.monotonic() > end:
                self.stop()
                how = f"ended with {code}" if code is not None else f"was not ready within {timeout:g} s"
                raise AssertionError(f"The stack {how}:\n{self.output[-8000:]}")
            time.sleep(0.05)

    def stop(self, timeout: float = 60) -> int:
        """Asks the supervisor to stop everything and returns its exit code."""
        if self._supervisor.poll() is None:
            self._supervisor.send_signal(signal.SIGTERM)
        try:
            return self._supervisor.wait(timeout)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
            raise AssertionError(f"The stack did not stop within {timeout:g} s:\n{self.output[-8000:]}") from None

    def wait(self, timeout: float = 60) -> int:
        """Waits until the supervisor ends by itself and returns its exit code."""
        return self._supervisor.wait(timeout)

    def kill_supervisor(self) -> None:
        """As a power failure would: no chance to stop anything."""
        self._supervisor.kill()
        self._supervisor.wait()

    def remove(self) -> None:
        if self._temporary:
            shutil.rmtree(self.home.root)
            self._log.unlink()

    @property
    def supervisor_pid(self) -> int:
        return self._supervisor.pid

    @property
    def _supervisor(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "start the stack first"
        return self._process

    # --- What it is doing --------------------------------------------------------------------------------------

    @property
    def is_ready(self) -> bool:
        record = self.home.read_record()
        return record is not None and record.pid == self._supervisor.pid and record.ready

    @property
    def output(self) -> str:
        """Everything that the supervisor and its children wrote, over all starts."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def own_environ(self) -> dict[str, str]:
        """What the running stack wrote to ``HOME/env``."""
        return read_environment(self.home.environment)

    @property
    def environ(self) -> dict[str, str]:
        """The whole environment of a command that is to talk to the running stack."""
        return {**self._start_environ, **self.own_environ}

    @property
    def pids(self) -> dict[str, int]:
        """Of the children that run now, by name (``web``, ``worker-ticks``, ``simulator``, ``postgres`` …)."""
        record = self.home.read_record()
        return {name: child.pid for name, child in record.children.items()} if record else {}

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Sends the child ``name`` a signal and returns the pid it had."""
        pid = self.pids[name]
        os.kill(pid, number)
        return pid

    def wait_restarted(self, name: str, killed: int, timeout: float = 30) -> int:
        """Waits until ``name`` runs under another pid than ``killed`` and returns it."""
        return wait_for(
            lambda: (pid := self.pids.get(name, 0)) != killed and pid, timeout=timeout, what=f"{name} started again"
        )

    def leftovers(self) -> list[str]:
        """The command lines of all processes on this machine that name this home."""
        found = []
        for process in psutil.process_iter(["cmdline", "pid"]):
            line = " ".join(process.info["cmdline"] or [])
            if str(self.home.root) in line and process.info["pid"] != os.getpid():
                found.append(line)
        return found


class Services(SupervisedStack):
    """PostgreSQL and Redis alone."""

    arguments: tuple[str, ...] = ("--only", "services", "--throwaway")


class DemoStack(SupervisedStack):
    """What ``make demo`` runs, on free ports, with a synthetic market unless ``candles`` names a folder.

    ``clock`` is the simulator's: ``stepped`` stands still until ``step`` is called, ``accelerated`` runs at
    ``speed`` times real time.
    """

    arguments: tuple[str, ...] = ("--throwaway",)

    def __init__(
        self,
        *,
        home: Path | None = None,
        clock: str = "accelerated",
        speed: float = 60,
        candles: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        own = {"PORT": "0", "SIMULATOR_CLOCK": clock, "REPLAY_SPEED": f"{speed:g}", "SIMULATOR_NETWORK": "no"}
        if candles is not None:
            own["TRADERAGENT_CANDLES"] = str(candles)
        super().__init__(home=home, environ={**own, **(environ or {})})

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT`` of the web server."""
        record = self.home.read_record()
        assert record is not None, "the stack does not run"
        return record.url

    @property
    def username(self) -> str:
        return self.own_environ["DEMO_USERNAME"]

    @property
    def password(self) -> str:
        return self.own_environ["DEMO_PASSWORD"]

    @property
    def simulator_url(self) -> str:
        return self.own_environ["SIMULATOR_URL"]

    def manage(
        self,
        *arguments: str,
        check: bool = True,
        text: str | None = None,
        timeout: float = 120,
        environ: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Runs ``manage.py`` against this stack; with ``check`` a failure fails the test with its output."""
        result = subprocess.run(
            [sys.executable, str(PROJECT / "manage.py"), *arguments],
            env=dict(environ or self.environ),
            cwd=PROJECT,
            input=text,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if check:
            assert result.returncode == 0, f"manage.py {' '.join(arguments)}:\n{result.stdout}{result.stderr}"
        return result

    def simulator_status(self) -> dict[str, Any]:
        return self._simulator("status")

    def step(self, points: int = 1) -> dict[str, Any]:
        """Moves a stepped market on by ``points`` and returns the simulator's answer."""
        return self._simulator("step", {"points": points})

    def _simulator(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self.simulator_url}/simulator/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
