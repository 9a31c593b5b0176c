"""A simulator that really runs: its own process, a free port, a state directory of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from exchange.simulator.urls import simulator_urls

ROOT = Path(__file__).resolve().parents[3]


class SimulatorProcess:
    """Starts ``python -m exchange.simulator`` on 127.0.0.1 with a stepped clock and the synthetic market.

    ``flags`` are the command's own, without the dashes: ``SimulatorProcess(tmp_path, file=..., balances="USDT=1000")``.
    A restart after :meth:`stop` or :meth:`kill9` takes the same port and goes on from the same state.
    """

    # What gateways and caches know of an exchange, they know by its address: no other market may come to stand there.
    _ports: ClassVar[set[str]] = set()

    key = "simulator-key"
    secret = "simulator-secret"

    def __init__(self, state: Path, **flags: object) -> None:
        self.state = state
        self.flags: dict[str, object] = {"clock": "stepped", "network": "no", "port": 0, **flags}
        self.url = ""
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> SimulatorProcess:
        is_new = self.flags["port"] == 0
        self._launch()
        while is_new and self.flags["port"] in self._ports:
            self.stop()
            self.flags["port"] = 0
            self._launch()
        self._ports.add(str(self.flags["port"]))
        return self

    def _launch(self) -> None:
        command = [sys.executable, "-m", "exchange.simulator", "--state", str(self.state)]
        for name, value in self.flags.items():
            command += [f"--{name.replace('_', '-')}", str(value)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SIMULATOR_")}
        # A file, not a pipe: nobody reads while it runs, and a full pipe would stop it.
        log = self.state.with_name(f"{self.state.name}.log")
        with log.open("w") as errors:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if "listening on " not in line:
            self.process.communicate()
            raise RuntimeError(f"the simulator did not start: {log.read_text()}")
        self.url = line.split("listening on ")[1].split()[0]
        self.flags["port"] = self.url.rsplit(":", 1)[1]

    def stop(self) -> None:
        """Ends it as a supervisor would, and waits until it has gone."""
        self._end(signal.SIGTERM)

    def kill9(self) -> None:
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        self.process.send_signal(number)
        self.process.communicate(timeout=20)
        self.process = None

    def __enter__(self) -> SimulatorProcess:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def step(self, points: int = 1) -> dict[str, Any]:
        """Moves the market on; answers with where it stands (``time`` in market ms, ``point``, ``last`` by symbol)."""
        return self._call("/simulator/step", {"points": points})

    def status(self) -> dict[str, Any]:
        return self._call("/simulator/status")

    def add_account(self, key: str, secret: str, balances: Mapping[str, str]) -> None:
        self._call("/simulator/accounts", {"api_key": key, "api_secret": secret, "balances": dict(balances)})

    def inject(self, *lines: str) -> list[int]:
        """Adds fault rules, a line of the script each; answers with their numbers."""
        added = self._call("/simulator/faults", {"script": "\n".join(lines)})["added"]
        return [fault["id"] for fault in added]

    def faults(self) -> list[dict[str, Any]]:
        """The rules with how often each was met and applied."""
        found: list[dict[str, Any]] = self._call("/simulator/faults")["faults"]
        return found

    def clear_faults(self) -> None:
        self._call("/simulator/faults", method="DELETE")

    def requests(self, **query: object) -> dict[str, Any]:
        """What was asked since a number, with monotonic times: see the README."""
        return self._call("/simulator/requests?" + urllib.parse.urlencode(query))

    def _call(self, path: str, body: Mapping[str, Any] | None = None, method: str | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                answer: dict[str, Any] = json.load(response)
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode()) from error
        return answer

    def connect(self, exchange_class: Any, **options: Any) -> Any:
        """A ccxt client (``ccxt.bybit``, ``ccxt.async_support.bybit``, ``ccxt.pro.bybit``) of the default account."""
        credentials = {"apiKey": self.key, "secret": self.secret}
        exchange = exchange_class({**credentials, **options})
        exchange.urls["api"] = simulator_urls(self.url)
        return exchange
