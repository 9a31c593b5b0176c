"""Many grid bots on one account, ticking every second: are the ticks on time, and what do they cost?

Celery's own events are listened to: how long each tick ran, and which ones expired because they came a whole
interval late. Processor time and memory are read from the operating system for every process of the stack.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import yaml
from celery import Celery

from tests.bench.stack import BenchStack
from traderagent.embedded.home import PROJECT

SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT")
DEMO_BOTS = tuple(yaml.safe_load((PROJECT / "configs" / "demo.yaml").read_text())["bots"])
SETTLE_SECONDS = 60


class TickListener(threading.Thread):
    """Counts the ticks that ran, and notes how long each took."""

    def __init__(self, broker: str) -> None:
        super().__init__(daemon=True)
        self.app = Celery(broker=broker)
        self.durations: list[float] = []
        self.waits: list[float] = []
        self.counts: Counter[str] = Counter()
        self.listening = False
        self.ended = False
        self._received: dict[str, float] = {}
        self._ticks: set[str] = set()

    def run(self) -> None:
        with self.app.connection_for_read() as connection:
            handlers = {
                "task-received": self._on_received,
                "task-started": self._on_started,
                "task-succeeded": self._on_succeeded,
                "task-failed": lambda event: self._count("failed", event),
                "task-revoked": lambda event: self._count("expired", event),
            }
            receiver = self.app.events.Receiver(connection, handlers=handlers)
            for _ in receiver.itercapture(limit=None, timeout=None, wakeup=True):
                if self.ended:
                    return

    def _on_received(self, event: dict[str, Any]) -> None:
        if event["name"] == "bots.tasks.tick_bot":
            self._ticks.add(event["uuid"])
            self._received[event["uuid"]] = event["timestamp"]

    def _on_started(self, event: dict[str, Any]) -> None:
        received = self._received.pop(event["uuid"], None)
        if received is not None and self.listening:
            self.waits.append(event["timestamp"] - received)

    def _on_succeeded(self, event: dict[str, Any]) -> None:
        if event["uuid"] in self._ticks and self.listening:
            self.durations.append(event["runtime"])
        self._count("done", event)

    def _count(self, outcome: str, event: dict[str, Any]) -> None:
        if event["uuid"] in self._ticks:
            self._ticks.discard(event["uuid"])
            if self.listening:
                self.counts[outcome] += 1


def run(arguments: argparse.Namespace) -> Iterator[str]:
    candles = os.environ.get("TRADERAGENT_CANDLES")
    with tempfile.TemporaryDirectory(prefix="traderagent-bench-") as folder:
        stack = BenchStack(
            home=Path(folder) / "home",
            candles=Path(candles).resolve() if candles else None,
        )
        try:
            stack.start()
            yield from _measure(stack, arguments.bots, arguments.seconds)
        finally:
            stack.stop()


def _measure(stack: BenchStack, bots: int, seconds: int) -> Iterator[str]:

    stack.manage("bots", "stop", *DEMO_BOTS)
    idle_memory = _memory(stack)
    names = [f"bench-{number:03}" for number in range(bots)]
    stack.manage("bots", "apply", "-", text=yaml.safe_dump(_configuration(names)), timeout=600)
    begun = time.monotonic()
    stack.manage("bots", "start", *names, timeout=600)
    listener = TickListener(stack.own_environ["REDIS_URL"])
    listener.start()
    listener.app.control.enable_events()
    time.sleep(SETTLE_SECONDS)
    listener.app.control.enable_events()
    settled = time.monotonic() - begun
    before = _cpu(stack)
    listener.listening = True
    begun = time.monotonic()
    time.sleep(seconds)
    listener.listening = False
    listener.ended = True
    took = time.monotonic() - begun
    after = _cpu(stack)
    memory = _memory(stack)
    due = bots * took
    done = listener.counts["done"]
    durations = sorted(listener.durations)
    yield f"{bots} grid bots of 20 intervals, one account, one tick a second each, {took:.0f} s (settled {settled:.0f} s)"
    yield ""
    yield "| what | figure |"
    yield "|---|---|"
    yield f"| ticks due / done / expired / failed | {due:.0f} / {done} / {listener.counts['expired']} / {listener.counts['failed']} |"
    yield f"| share of ticks on time | {min(done / due, 1):.2%} |"
    yield f"| tick duration p50 / p95 / p99 | {_ms(durations, 50)} / {_ms(durations, 95)} / {_ms(durations, 99)} ms |"
    yield f"| wait in the worker p50 / p95 | {_ms(sorted(listener.waits), 50)} / {_ms(sorted(listener.waits), 95)} ms |"
    yield f"| processor, all processes | {sum(after.values()) - sum(before.values()):.0f} s = {(sum(after.values()) - sum(before.values())) / took:.2f} cores |"
    for name in sorted(after):
        yield f"| … {name} | {(after[name] - before.get(name, 0)) / took:.2f} cores, {memory[name] / 2**20:.0f} MB |"
    grown = sum(memory.values()) - sum(idle_memory.values())
    yield f"| memory per bot (growth of all processes / bots) | {grown / bots / 2**10:.0f} kB |"
    outcome = stack.manage("reconcile", check=False, timeout=300)
    yield f"| reconcile | {(outcome.stdout + outcome.stderr).strip().splitlines()[-1]} |"


def _configuration(names: list[str]) -> dict[str, Any]:
    return {
        "bots": {
            name: {
                "account": "simulator",
                "symbol": SYMBOLS[number % len(SYMBOLS)],
                "strategy": "grid",
                "config": {
                    "range_percent": str(2 + number % 5),
                    "grids": 20,
                    "investment": "600",
                    "leverage": "5",
                    "direction": ("long", "neutral", "short")[number % 3],
                },
            }
            for number, name in enumerate(names)
        }
    }


def _ms(ordered: list[float], percent: int) -> str:
    if not ordered:
        return "–"
    return f"{statistics.quantiles(ordered, n=100, method='inclusive')[percent - 1] * 1000:.1f}"


def _processes(stack: BenchStack) -> dict[str, list[psutil.Process]]:
    groups = {}
    for name, pid in stack.pids.items():
        process = psutil.Process(pid)
        groups[name] = [process, *process.children(recursive=True)]
    return groups


def _cpu(stack: BenchStack) -> dict[str, float]:
    """Seconds used so far. What a short-lived helper of PostgreSQL used is in its parent's count once it has ended."""
    used: dict[str, float] = {}
    for name, group in _processes(stack).items():
        own = group[0].cpu_times()
        used[name] = own.user + own.system + own.children_user + own.children_system
        for process in group[1:]:
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                used[name] += times.user + times.system
    return used


def _memory(stack: BenchStack) -> dict[str, float]:
    """Proportional set size: shared pages are counted once."""
    used: dict[str, float] = {}
    for name, group in _processes(stack).items():
        used[name] = 0
        for process in group:
            with suppress(psutil.NoSuchProcess):
                used[name] += process.memory_full_info().pss
    return used
