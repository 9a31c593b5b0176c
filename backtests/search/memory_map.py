"""Candles in files that every worker maps into its memory, so that they are there once for all of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from exchange.candles.files import COLUMNS, Candles


def write_columns(candles: Candles, folder: Path) -> None:
    for name in COLUMNS:
        np.save(folder / f"{name}.npy", np.ascontiguousarray(getattr(candles, name)))


def map_columns(folder: Path) -> Candles:
    # Copy on write, and plain arrays: machine code is made anew for read-only ones.
    return Candles(*(np.asarray(np.load(folder / f"{name}.npy", mmap_mode="c")) for name in COLUMNS))
