"""Many big CSV files into the candle store: how fast, and in how much memory?

The files are made by repeating one month's text with other times, so that making them costs little; the import runs as a
process of its own, whose resident memory is watched from outside.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from exchange.candles.synthetic import DEFAULT_START, MINUTE_MS, synthetic_market
from traderagent.embedded.home import PROJECT

LINE_BYTES = 118
MINIMAL_ENVIRONMENT = {
    "SECRET_KEY": "bench",
    "FIELD_ENCRYPTION_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "DATABASE_URL": "postgresql://bench/bench",
    "REDIS_URL": "redis://bench",
}


def run(arguments: argparse.Namespace) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="traderagent-bench-", dir=arguments.folder) as folder:
        files, store = Path(folder) / "files", Path(folder) / "store"
        files.mkdir()
        size, candles = _make(files, arguments.files, arguments.gigabytes)
        yield f"{arguments.files} files, {size / 1e9:.2f} GB, {candles:,} candles"
        yield _measured("idle", ["candles", "--store", str(store), "list"])
        yield _measured("import", ["candles", "--store", str(store), "--json", "import", str(files)])
        yield _measured(
            "import again (all skipped)", ["candles", "--store", str(store), "--json", "import", str(files)]
        )
        stored = sum(path.stat().st_size for path in store.rglob("*.parquet"))
        yield f"the store: {stored / 1e9:.2f} GB in {len(list(store.rglob('*.parquet')))} files"


def _make(folder: Path, files: int, gigabytes: float) -> tuple[int, int]:
    """Binance's twelve columns, one symbol for every hundred files. Answers with bytes and candles."""
    rows = int(gigabytes * 1e9 / files / LINE_BYTES)
    (candles,) = synthetic_market(["BTCUSDT"], minutes=rows, seed=7).values()
    columns = (getattr(candles, name).tolist() for name in ("open", "high", "low", "close", "volume"))
    texts = [",".join(map(str, row)) for row in zip(*columns, strict=True)]
    total = 0
    for number in range(files):
        symbol, part = divmod(number, 100)
        first = DEFAULT_START + part * rows * MINUTE_MS
        path = folder / f"binance_COIN{symbol}USDT_spot_1m_{part:03}.csv"
        with path.open("w") as file:
            for row, text in enumerate(texts):
                opened = first + row * MINUTE_MS
                file.write(
                    f"{opened},{text},{opened + MINUTE_MS - 1},768978.50522470,2631,3.95157000,369757.34000000,0\n"
                )
        total += path.stat().st_size
    return total, rows * files


def _measured(what: str, words: list[str]) -> str:
    begun = time.monotonic()
    with tempfile.TemporaryFile("w+") as answers:  # a pipe that nobody reads would fill up
        process = subprocess.Popen(
            [sys.executable, "manage.py", *words],
            cwd=PROJECT,
            env={**MINIMAL_ENVIRONMENT, **os.environ},
            stdout=answers,
        )
        watched, peak, spent = psutil.Process(process.pid), 0, 0.0
        while process.poll() is None:
            with suppress(psutil.NoSuchProcess):
                peak = max(peak, watched.memory_info().rss)
                spent = sum(watched.cpu_times()[:2])
            time.sleep(0.05)
        took = time.monotonic() - begun
        answers.seek(0)
        output = answers.read()
    if process.returncode:
        raise RuntimeError(f"{what} failed")
    line = f"{what}: {took:.1f} s ({spent:.1f} s of processor), peak resident memory {peak / 1e6:.0f} MB"
    if output.startswith("{"):
        answer = json.loads(output)
        line += f", {answer['added']:,} candles added, {answer['skipped']} files skipped"
    return line
