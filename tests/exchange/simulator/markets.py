"""Candles whose points are known by heart, for tests that say what happens at each of them."""

from __future__ import annotations

from pathlib import Path

from tests.exchange.candles.making import candles, write

# Points 0–3: 100, 103, 90, 95 (the high is nearer to the open).
# Points 4–7: 95, 94, 110, 105 (the low is nearer).
# Points 8–11: 105, 104, 106, 105 (equally near: the low first).
ROWS = [(100.0, 103.0, 90.0, 95.0), (95.0, 110.0, 94.0, 105.0), (105.0, 106.0, 104.0, 105.0)]
POINTS = [100, 103, 90, 95, 95, 94, 110, 105, 105, 104, 106, 105]


def write_market(directory: Path, *, rounds: int = 1) -> Path:
    """ETHUSDT's minutes from 2025-01-01 00:00 UTC: the same three, ``rounds`` times."""
    return write(directory, "hand_ETHUSDT_linear_1m.csv.gz", candles(ROWS * rounds))
