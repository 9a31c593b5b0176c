"""How long a new user waits: the first start in an empty home, and a start that goes on."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.stack import BenchStack


def run(_: argparse.Namespace) -> Iterator[str]:
    yield "| start | seconds until ready |"
    yield "|---|---|"
    with tempfile.TemporaryDirectory(prefix="traderagent-bench-") as folder:
        for what in ("first, empty home", "second, goes on", "third, goes on"):
            stack = BenchStack(home=Path(folder) / "home")
            begun = time.monotonic()
            stack.start()
            yield f"| {what} | {time.monotonic() - begun:.1f} |"
            stack.stop()
