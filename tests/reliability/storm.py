"""The storm: many bots, a failing exchange, workers that are killed; at the end the books must be equal to the last digit.

``python -m tests.reliability.storm`` runs the whole stack as ``make demo`` does, with real candles where there are any.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import yaml

from tests.reliability.books import assert_books, rows, unanswered
from tests.reliability.crash.report import percentile
from tests.stack import DemoStack, wait_for
from traderagent.embedded.home import PROJECT

SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT")
DEMO_BOTS = tuple(yaml.safe_load((PROJECT / "configs" / "demo.yaml").read_text())["bots"])

# What a request may run into, each as likely as the other.
FAILURES = (
    "error 502",
    "error 503",
    "too-many-requests 1s",
    "rate-limit",
    "drop-before-accept",
    "drop-after-accept",
    "lose-response 3s",
    "truncate",
)
WATCH_EVERY = 0.05
SAFE_WITHIN = 60.0


@dataclass
class Report:
    """``safe_after`` holds one figure for each bot and kill: seconds until it had ticked and every answer was known."""

    bots: int
    minutes: float
    share: float
    fills: int = 0
    orders: int = 0
    requests: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    safe_after: list[float] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        ordered = sorted(self.safe_after)
        failed = sum(self.failed.values())
        yield "| what | figure |"
        yield "|---|---|"
        yield f"| bots, minutes at 60× | {self.bots}, {self.minutes:g} |"
        yield f"| requests, of which failed on purpose | {self.requests:,}, {failed:,} ({failed / max(self.requests, 1):.1%}) |"
        yield f"| by kind | {', '.join(f'{kind} {count}' for kind, count in sorted(self.failed.items()))} |"
        yield f"| orders, fills | {self.orders:,}, {self.fills:,} |"
        yield (
            f"| safe after a kill: p50 / p95 / worst of {len(ordered)} | {percentile(ordered, 50):.1f} s / "
            f"{percentile(ordered, 95):.1f} s / {ordered[-1]:.1f} s |"
        )
        yield "| books at the end | equal to the last digit, nothing doubled, nothing lost |"


def storm(
    *, bots: int, minutes: float, kills: int, share: float, seed: int, speed: float = 60, candles: Path | None = None
) -> Report:
    """Raises ``AssertionError`` with what is not as it must be."""
    dice = random.Random(seed)
    report = Report(bots, minutes, share)
    with DemoStack(speed=speed, candles=candles, environ={"SIMULATOR_SEED": str(seed)}) as stack:
        names = _start(stack, bots)
        wait_for(lambda: _count(stack, "bots_fill") >= bots, timeout=120, what="a fill for each bot")
        script = "\n".join(f"{100 * share / len(FAILURES):g}% {failure} on *" for failure in FAILURES)
        before = _ask(stack, "requests?limit=1")["newest"]
        _ask(stack, "faults", {"script": script})
        end = time.monotonic() + minutes * 60
        # At random moments of equal parts of the time, never in the last seconds.
        moments = [end - minutes * 60 * (1 - (number + dice.uniform(0.2, 0.8)) / kills) for number in range(kills)]
        for moment in moments:
            time.sleep(max(0.0, moment - time.monotonic()))
            report.safe_after += _kill(stack, names)
        time.sleep(max(0.0, end - time.monotonic()))
        report.failed.update({fault["kind"]: fault["applied"] for fault in _ask(stack, "faults")["faults"]})
        report.requests = _ask(stack, "requests?limit=1")["newest"] - before
        _ask(stack, "faults", method="DELETE")
        wait_for(lambda: not unanswered(stack), timeout=60, what="an answer for every order")
        report.fills, report.orders = _count(stack, "bots_fill"), _count(stack, "bots_order")
        assert_books(stack)
        _assert_trading(stack, names)
    return report


def _start(stack: DemoStack, bots: int) -> list[str]:
    """Linear positions are one per symbol and account, so each three bots have an account of their own."""
    stack.manage("bots", "stop", *DEMO_BOTS)
    names = [f"storm-{number:02}" for number in range(bots)]
    accounts: dict[str, Any] = {}
    configured: dict[str, Any] = {}
    for number, name in enumerate(names):
        account = f"storm-{number // len(SYMBOLS)}"
        if account not in accounts:
            _ask(stack, "accounts", {"api_key": account, "api_secret": "secret", "balances": {"USDT": "100000"}})
            accounts[account] = {
                "exchange": "bybit",
                "environment": "simulator",
                "base_url": stack.simulator_url,
                "api_key": account,
                "api_secret": "secret",
                "options": {"enableRateLimit": False},
            }
        configured[name] = {
            "account": account,
            "symbol": SYMBOLS[number % len(SYMBOLS)],
            "strategy": "grid",
            "config": {
                "range_percent": str(2 + number % 5),
                "grids": 20,
                "investment": "3000",
                "leverage": "3",
                "stop_loss_percent": "30",
                "direction": ("long", "neutral", "short")[number % 3],
            },
        }
    stack.manage("bots", "apply", "-", text=yaml.safe_dump({"accounts": accounts, "bots": configured}), timeout=300)
    stack.manage("bots", "start", *names, timeout=300)
    return names


def _kill(stack: DemoStack, names: Sequence[str]) -> list[float]:
    """Kills a tick worker; for each bot, how long it took to be safe again."""
    with psycopg.connect(stack.own_environ["DATABASE_URL"], autocommit=True) as database:
        killed = next(name for name in sorted(stack.pids) if name.startswith("worker-ticks"))
        stack.kill(killed)
        began = time.monotonic()
        (since,) = database.execute("SELECT now()").fetchone() or (None,)
        waiting = set(names)
        safe: list[float] = []
        while waiting:
            assert time.monotonic() - began < SAFE_WITHIN, f"not safe {SAFE_WITHIN:g} s after a kill: {sorted(waiting)}"
            found = database.execute(
                "SELECT name FROM bots_bot b WHERE name = ANY(%s) AND last_tick_at > %s AND NOT EXISTS (SELECT 1 FROM"
                " bots_order o WHERE o.bot_id = b.id AND o.status IN ('sent', 'unknown') AND o.sent_at < %s)",
                [sorted(waiting), since, since],
            ).fetchall()
            for (name,) in found:
                waiting.discard(name)
                safe.append(time.monotonic() - began)
            time.sleep(WATCH_EVERY)
    return safe


def _assert_trading(stack: DemoStack, names: Sequence[str]) -> None:
    stopped = rows(
        stack,
        "SELECT name, status, status_reason FROM bots_bot WHERE name = ANY(%s) AND status <> 'running'",
        [list(names)],
    )
    assert not stopped, f"bots that the storm took off the market: {stopped}"


def _count(stack: DemoStack, table: str) -> int:
    (count,) = rows(stack, f"SELECT count(*) FROM {table}")[0]
    return int(count)


def _ask(stack: DemoStack, path: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
    request = urllib.request.Request(
        f"{stack.simulator_url}/simulator/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def main() -> int:
    parser = argparse.ArgumentParser(prog="storm", description=__doc__)
    parser.add_argument("--bots", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=24, help="of real time; 24 are one day at 60×")
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--failures", type=float, default=5, help="per cent of the requests")
    parser.add_argument("--seed", type=int, default=20250504)
    options = parser.parse_args()
    folder = os.environ.get("TRADERAGENT_CANDLES")
    report = storm(
        bots=options.bots,
        minutes=options.minutes,
        kills=options.kills,
        share=options.failures / 100,
        seed=options.seed,
        candles=Path(folder).resolve() if folder else None,
    )
    print("\n".join(report.lines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
