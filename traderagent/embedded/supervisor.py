"""``python -m traderagent.embedded.supervisor``: the whole stack in one terminal, from nothing to a page that trades.

``--only services`` starts PostgreSQL and Redis alone. Ctrl-C, SIGTERM and SIGHUP stop everything in order.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import psutil

from traderagent.embedded.child import Command, end_leftover
from traderagent.embedded.console import Console
from traderagent.embedded.environment import write_environment
from traderagent.embedded.home import PROJECT, Home, StackError, StackRecord
from traderagent.embedded.ports import ReservedPort, web_port
from traderagent.embedded.postgres import Postgres
from traderagent.embedded.processes import PROCESSES, Process, find
from traderagent.embedded.redis import Redis
from traderagent.embedded.secrets import load_secrets
from traderagent.embedded.stack import Stack

# Days that the demo's market has behind it: its bots look back at up to 49 of them.
HISTORY_DAYS = 90
_SERVICES_TIMEOUT = 60.0
_PREPARATION_TIMEOUT = 180.0
_READY_TIMEOUT = 90.0
_SAID_AGAIN_AFTER = 15.0
_HOPELESS = 2  # ends in a row while the stack is starting
# What nothing else depends on is in no stage and goes first: web, workers, beat, stream.
_LAST_STAGES = (("simulator",), ("redis", "postgres"))
# The background processes write these keys as long as they turn; /health reads them too.
_SIGNS_OF_LIFE = {p.name: f"heartbeat:{p.name}" for p in PROCESSES if not p.embedded_only and p.name != "web"}
_OTHER_PROXIES = urllib.request.ProxyHandler({})  # the loopback address is nobody's business but ours


class Stopped(Exception):
    """A signal asked for the end while the stack was starting."""


class Supervisor:
    def __init__(self, home: Home, console: Console, options: argparse.Namespace) -> None:
        self._home = home
        self._console = console
        self._services_only = options.only == "services"
        self._parent = os.getppid() if options.end_with_parent else None
        self._signals: list[int] = []
        self._record = StackRecord(os.getpid())
        self._stack = Stack(console, self._write_record)
        self._postgres = Postgres(home.postgres, throwaway=options.throwaway)
        self._opener = urllib.request.build_opener(_OTHER_PROXIES)

    def run(self) -> None:
        """Until a signal. Raises ``StackError`` when the stack cannot start."""
        began = psutil.Process().create_time()
        with self._home.lock():
            web = None if self._services_only else web_port(os.environ)
            simulator = None if self._services_only else ReservedPort()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, lambda signum, _frame: self._signals.append(signum))
            secrets = load_secrets(self._home.secrets)
            redis = Redis(self._home.redis, secrets["REDIS_PASSWORD"])
            values = self._environment(secrets, redis, web, simulator)
            self._end_leftovers()
            try:
                self._start(redis, values, web, simulator)
                self._announce(values, time.time() - began)
                again = time.monotonic() + _SAID_AGAIN_AFTER
                while not self._asked_to_stop():
                    self._stack.run_for(0.5)
                    if self._record.url and time.monotonic() > again:
                        # By now the bots' first orders have moved the address off the screen.
                        self._say_address(values)
                        again = float("inf")
            except Stopped:
                self._console.say("Stopping before everything was up.")
            finally:
                self._stop()

    # --- Starting ----------------------------------------------------------------------------------------------

    def _environment(
        self, secrets: Mapping[str, str], redis: Redis, web: ReservedPort | None, simulator: ReservedPort | None
    ) -> dict[str, str]:
        """What the stack adds to the environment of its processes, and of commands in other shells."""
        own = {
            **{name: value for name, value in secrets.items() if name != "REDIS_PASSWORD"},
            "DEMO_USERNAME": "demo",
            "REPLAY_SPEED": "60",
            "SIMULATOR_CLOCK": "accelerated",
            "SIMULATOR_HISTORY": str(HISTORY_DAYS),
            # Of the synthetic market: one in which every strategy has something to do within minutes.
            "SIMULATOR_SEED": "18",
            "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
        }
        values = {name: os.environ.get(name) or value for name, value in own.items()}
        values |= {
            "DATABASE_URL": self._postgres.url,
            "REDIS_URL": redis.url,
            "TRADERAGENT_HOME": str(self._home.root),
            "TRADERAGENT_EMBEDDED": "1",
        }
        for name in ("DEBUG", "LOG_LEVEL", "LOG_FORMAT", "CSRF_TRUSTED_ORIGINS", "WEB_HOST"):
            if os.environ.get(name):
                values[name] = os.environ[name]
        if candles := os.environ.get("TRADERAGENT_CANDLES"):
            folder = Path(candles).expanduser().resolve()
            if not folder.is_dir():
                raise StackError(
                    f"TRADERAGENT_CANDLES={candles} is no folder: name one with candle files, or unset it."
                )
            values["TRADERAGENT_CANDLES"] = values["SIMULATOR_CANDLES"] = str(folder)
        if web is not None and simulator is not None:
            values |= {
                "PORT": str(web.port),
                "SIMULATOR_HOST": "127.0.0.1",
                "SIMULATOR_PORT": str(simulator.port),
                "SIMULATOR_URL": f"http://127.0.0.1:{simulator.port}",
                "SIMULATOR_STATE": str(self._home.simulator),
                "SIMULATOR_SPEED": _speed(values["REPLAY_SPEED"]),
            }
            self._record.url = f"http://127.0.0.1:{web.port}"
        return values

    def _start(
        self, redis: Redis, values: Mapping[str, str], web: ReservedPort | None, simulator: ReservedPort | None
    ) -> None:
        environ = {**os.environ, **values}
        if not (self._home.postgres / "PG_VERSION").exists():
            self._console.say(f"Making a new database in {self._home.postgres} …")
        redis.prepare()
        self._stack.start(redis.command)
        if simulator is not None:
            self._home.simulator.mkdir(mode=0o700, exist_ok=True)
            # Files are served from their sources; WhiteNoise warns in every process when this folder is not there.
            self._home.static.mkdir(exist_ok=True)
            simulator.release()
            self._start_process(find("simulator"), environ)
        self._postgres.prepare()
        self._stack.start(self._postgres.command)
        # From here on a command in another shell can find the services.
        write_environment(self._home.environment, values)
        if web is not None:
            self._prepare_demo(environ)
        self._wait(lambda: self._postgres.is_ready() and redis.is_ready(), _SERVICES_TIMEOUT, "PostgreSQL and Redis")
        if web is not None:
            self._wait_for_preparation()
            # What the last run said is kept in Redis too, for some seconds.
            redis.ask(f"DEL {' '.join(_SIGNS_OF_LIFE.values())}")
            web.release()
            for process in PROCESSES:
                if not process.embedded_only:
                    self._start_process(process, environ)
            self._wait(self._web_answers, _READY_TIMEOUT, f"The page at {self._record.url}")
            self._wait(lambda: not _silent(redis), _READY_TIMEOUT, "A background process")
        self._record.ready = True
        self._write_record()

    def _start_process(self, process: Process, environ: Mapping[str, str]) -> None:
        for name, argv in process.commands(environ).items():
            self._stack.start(partial(Command, name, argv, environ, PROJECT))

    def _prepare_demo(self, environ: Mapping[str, str]) -> None:
        argv = [sys.executable, "-m", "traderagent.embedded.preparation"]
        self._stack.start(lambda: Command("preparation", argv, environ, PROJECT), once=True)

    def _wait_for_preparation(self) -> None:
        done = self._until(lambda: self._stack.exit_code("preparation") is not None, _PREPARATION_TIMEOUT)
        if not done or self._stack.exit_code("preparation") != 0:
            raise StackError("The database or the demo could not be prepared; the lines above say why.")

    def _wait(self, condition: Callable[[], bool], timeout: float, what: str) -> None:
        if not self._until(condition, timeout):
            raise StackError(f"{what} did not answer within {timeout:.0f} s; the lines above may say why.")

    def _until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Whether ``condition`` came to hold in time. Raises ``Stopped`` when a signal came first."""
        met = self._stack.run_until(
            lambda: self._asked_to_stop() or self._stack.hopeless(_HOPELESS) != "" or condition(), timeout
        )
        if self._asked_to_stop():
            raise Stopped
        if name := self._stack.hopeless(_HOPELESS):
            raise StackError(f"{name} does not start; its lines above say why. `make clean` begins anew.")
        return met

    def _web_answers(self) -> bool:
        try:
            with self._opener.open(f"{self._record.url}/health/live", timeout=2):
                return True
        except OSError:
            return False

    def _announce(self, values: Mapping[str, str], seconds: float) -> None:
        if self._services_only:
            self._console.say(f"PostgreSQL and Redis are ready after {seconds:.1f} s.")
            self._console.say(f"Their addresses are in {self._home.environment}; manage.py finds them there by itself.")
        else:
            self._console.say(f"TraderAgent is ready after {seconds:.1f} s.")
            self._say_address(values)
        self._console.say("Ctrl-C stops everything; the next start goes on from there.")

    def _say_address(self, values: Mapping[str, str]) -> None:
        self._console.say(f"  page      {self._record.url}")
        self._console.say(f"  user      {values['DEMO_USERNAME']}")
        self._console.say(f"  password  {values['DEMO_PASSWORD']}")

    # --- Ending ------------------------------------------------------------------------------------------------

    def _asked_to_stop(self) -> bool:
        return bool(self._signals) or (self._parent is not None and os.getppid() != self._parent)

    def _stop(self) -> None:
        began = time.monotonic()
        already = len(self._signals)
        self._home.environment.unlink(missing_ok=True)
        self._stack.stop(_LAST_STAGES, hurry=lambda: len(self._signals) > max(already, 1))
        self._postgres.remove_socket_directory()
        self._home.record.unlink(missing_ok=True)
        self._console.say(f"Everything is stopped ({time.monotonic() - began:.1f} s).")

    def _end_leftovers(self) -> None:
        """The lock is ours, so whatever the last record names and still runs lost its supervisor."""
        record = self._home.read_record()
        for name, child in (record.children if record else {}).items():
            # PostgreSQL looks after its own: it is asked, not killed.
            if name != "postgres" and end_leftover(child):
                self._console.say(f"Ended {name} (pid {child.pid}), left behind by a supervisor that was killed.")

    def _write_record(self) -> None:
        self._record.children = {name: child.record for name, child in self._stack.children.items()}
        self._home.write_record(self._record)


def _silent(redis: Redis) -> list[str]:
    """The background processes that have given no sign of life yet."""
    return [name for name, key in _SIGNS_OF_LIFE.items() if redis.ask(f"EXISTS {key}") != ":1"]


def _speed(value: str) -> str:
    try:
        if 0 < float(value) <= 100_000:
            return value
    except ValueError:
        pass
    raise StackError(f"REPLAY_SPEED={value} is no speed: use a number above 0, 60 for one hour a minute.")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="traderagent", description=__doc__)
    parser.add_argument("--only", choices=["services"], help="start PostgreSQL and Redis alone")
    parser.add_argument("--throwaway", action="store_true", help="the data may be lost with the power (for tests)")
    parser.add_argument("--end-with-parent", action="store_true", help="stop when the process that started this ends")
    options = parser.parse_args(arguments)
    console = Console()
    try:
        Supervisor(Home.from_environment(), console, options).run()
    except StackError as error:
        console.say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
