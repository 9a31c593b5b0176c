"""The processes of one lane: services under their supervisor, the simulator, the proxy before it, and the workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.bots.candle_files import path_of, write_candles
from tests.exchange.simulator.process import SimulatorProcess
from tests.reliability.crash.proxy import Proxy
from tests.stack import Services, wait_for
from traderagent.embedded.home import PROJECT

TICK_EVERY = 0.15

# The market of every cell: from the start down through the buy below, up over the sell above, and back.
PRICES = ("1990", "1940", "2010")


class Lane:
    """Everything that can be killed, and how. ``environ`` is what a process of this lane starts with."""

    def __init__(self, folder: Path, cells: int) -> None:
        self._folder = folder
        self.services = Services(environ={"TRADERAGENT_EMBEDDED": "1"})
        candles = write_candles(folder, path_of(*(PRICES * (cells + 2))))
        self.simulator = SimulatorProcess(folder / "exchange", file=candles, symbols="ETHUSDT", balances="USDT=1000000")
        self.proxy = Proxy()
        self.meeting = Meeting(Path(tempfile.mkdtemp(prefix="crash-")) / "meet")
        self.log = folder / "worker.log"
        self._zygote: subprocess.Popen[str] | None = None
        self._worker = 0
        self._minding = threading.Lock()
        self._talking = threading.Lock()
        self.environ: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.services.start()
        self.environ = {**os.environ, **self.services.own_environ, "DJANGO_SETTINGS_MODULE": "traderagent.settings"}
        self.simulator.start()
        self.proxy.upstream = self.simulator.url
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], env=self.environ, cwd=PROJECT, check=True)
        self._zygote = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.crash.worker"],
            env=self.environ,
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log.open("ab"),
            text=True,
        )
        self._answer()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill_worker()
        if self._zygote is not None:
            assert self._zygote.stdin is not None
            self._zygote.stdin.close()
            self._zygote.wait(20)
        self.simulator.stop()
        self.proxy.close()
        self.services.stop()
        self.services.remove()

    # --- The worker ----------------------------------------------------------------------------------------------

    def start_worker(self, ambush: dict[str, Any] | None = None) -> None:
        with self._minding:
            self._start_worker(ambush)

    def _start_worker(self, ambush: dict[str, Any] | None = None) -> None:
        self._worker = self._ask({"do": "work", "log": str(self.log), "ambush": ambush})["pid"]

    def kill_worker(self) -> None:
        with self._minding:
            if self._worker:
                os.kill(self._worker, signal.SIGKILL)
                self._ask({"do": "wait", "pid": self._worker})
                self._worker = 0

    def mind_worker(self) -> None:
        """What a supervisor does: starts it again when it ended by itself, as it does when Redis goes away."""
        with self._minding:
            if self._worker and self._ask({"do": "look", "pid": self._worker})["ended"]:
                self._start_worker()

    def manage(self, *arguments: str) -> tuple[int, str]:
        """``manage.py`` in a process of its own, without the second that importing takes."""
        answer = self._ask({"do": "manage", "arguments": list(arguments)})
        return answer["code"], answer["output"]

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        with self._talking:
            assert self._zygote is not None
            assert self._zygote.stdin is not None
            self._zygote.stdin.write(json.dumps(question) + "\n")
            self._zygote.stdin.flush()
            return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._zygote is not None
        assert self._zygote.stdout is not None
        line = self._zygote.stdout.readline()
        assert line, f"the worker's parent died: {self.log.read_text()[-4000:]}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    # --- What else can die ---------------------------------------------------------------------------------------

    def restart_database(self) -> None:
        """As a crash: sessions are dropped without a word, and the log is replayed at the start."""
        killed = self.services.kill("postgres", signal.SIGQUIT)
        self.services.wait_restarted("postgres", killed)
        wait_for(lambda: self._service_answers("postgres"), timeout=30, what="PostgreSQL answers again")

    def restart_redis(self) -> None:
        killed = self.services.kill("redis")
        self.services.wait_restarted("redis", killed)
        wait_for(lambda: self._service_answers("redis"), timeout=30, what="Redis answers again")

    def restart_simulator(self) -> None:
        self.simulator.kill9()
        self.simulator.start()

    def cut_connection(self) -> None:
        self.proxy.cut()
        time.sleep(0.3)
        self.proxy.mend()

    def _service_answers(self, name: str) -> bool:
        import psycopg
        import redis

        try:
            if name == "postgres":
                with psycopg.connect(self.environ["DATABASE_URL"], connect_timeout=2) as connection:
                    connection.execute("SELECT 1")
            else:
                redis.Redis.from_url(self.environ["REDIS_URL"], socket_timeout=2).ping()
        except (psycopg.OperationalError, redis.RedisError):
            return False
        return True


class Meeting:
    """Where a worker in an ambush waits. ``on_arrival`` decides what happens to it, and returns when it may go on."""

    def __init__(self, path: Path) -> None:
        import socket

        self.path = path
        self.on_arrival: Callable[[], object] = lambda: None
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self) -> None:
        while True:
            arrived, _ = self._socket.accept()
            with arrived:
                arrived.recv(64)
                self.on_arrival()
                try:
                    arrived.sendall(b"!")
                except OSError:
                    continue  # it was killed


class Ticker:
    """What beat and the supervisor do: ticks are sent through Redis, more often and for one bot; workers are minded."""

    def __init__(self, lane: Lane, bot_id: int) -> None:
        self._lane = lane
        self._bot_id = bot_id
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        from kombu.exceptions import OperationalError
        from redis.exceptions import RedisError

        from bots.tasks import tick_bot

        while not self._stop.wait(TICK_EVERY):
            self._lane.mind_worker()
            try:
                tick_bot.apply_async(args=[self._bot_id], expires=1, retry=False)
            except (OperationalError, RedisError, OSError):
                continue  # Redis is what was restarted
