"""What everybody works on, written into a folder: ``python -m tests.bench.peers.materials FOLDER ROWS…``.

A process of its own: a process that is started from a large one counts as at least as large.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from exchange.candles.synthetic import synthetic_market
from tests.bench.peers.ours import CROSS_FILE, grid_config
from tests.bench.peers.plan import MINUTES, SEED
from tests.bench.peers.scripts import work

COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")


def cross_preset() -> dict[str, Any]:
    return {
        "symbol": "ETH/USDT",
        "market": "spot",
        "timeframe": "1m",
        "strategy": "cross",
        "config": {"fast": work.FAST, "slow": work.SLOW, "share": work.SHARE},
        "initial_balance": 10_000,
        "fees": {"maker": work.CROSS_FEE, "taker": work.CROSS_FEE, "buyer_pays_in": "quote"},
        "precision": {"price": "0.01", "amount": "0.00001"},
    }


def grid_preset() -> dict[str, Any]:
    return {
        "symbol": "ETH/USDT:USDT",
        "market": "linear",
        "timeframe": "1m",
        "strategy": "grid",
        "config": grid_config(),
        "initial_balance": work.MONEY,
        "fees": {"maker": work.GRID_FEE, "taker": work.GRID_FEE},
        "precision": {"price": "0.01", "amount": 1},
    }


def main(folder: Path, *sizes: str) -> None:
    (year,) = synthetic_market(["ETHUSDT"], minutes=MINUTES, seed=SEED).values()
    columns = {name: getattr(year, name) for name in COLUMNS}
    for size in map(int, sizes):
        np.savez(folder / f"{size}.npz", **{name: column[:size] for name, column in columns.items()})
    pd.DataFrame(columns).to_parquet(folder / "candles.parquet")
    for name, preset in (("cross", cross_preset()), ("grid", grid_preset())):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(preset))
    (folder / "strategies").mkdir()
    shutil.copy(CROSS_FILE, folder / "strategies")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
