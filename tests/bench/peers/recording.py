"""Has backtesting.py trade the crosses of tests/backtests/crosses.py again, and keeps what it traded."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from tests.backtests.crosses import CASES, COLUMNS, MARKETS, RECORD, fingerprint
from tests.bench.peers.environments import SCRIPTS, python_of


def record() -> None:
    python = python_of("backtesting")
    made = {name: make() for name, make in MARKETS.items()}
    with tempfile.TemporaryDirectory(prefix="traderagent-bench-") as folder:
        candles, wanted = Path(folder) / "candles.npz", Path(folder) / "cases.json"
        columns = {f"{name}/{column}": getattr(each, column) for name, each in made.items() for column in COLUMNS}
        np.savez(candles, **columns)
        told = [{**case, "candles": fingerprint(made[case["market"]])} for case in CASES]
        wanted.write_text(json.dumps(told))
        RECORD.parent.mkdir(exist_ok=True)
        script = SCRIPTS / "record_backtesting_py.py"
        subprocess.run([python, script, candles, wanted, RECORD], check=True)
    print(f"{RECORD} holds what backtesting.py traded.")
