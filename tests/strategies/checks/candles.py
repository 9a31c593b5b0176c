"""Series for the checks: a seeded random walk, and the same as longer candles."""

from __future__ import annotations

import numpy as np

from strategies.contract import CandleSeries

HOUR_MS = 3_600_000
# 2025-05-04 00:00 UTC
START_MS = 1_746_316_800_000


def walk(count: int, *, seed: int = 1) -> CandleSeries:
    """Hourly candles whose close wanders by about one percent."""
    chance = np.random.default_rng(seed)
    close = 2000 * np.exp(np.cumsum(chance.normal(0, 0.01, count)))
    opened = np.concatenate(([2000.0], close[:-1]))
    return CandleSeries(
        "1h",
        START_MS + HOUR_MS * np.arange(count, dtype=np.int64),
        opened,
        np.maximum(opened, close) * 1.001,
        np.minimum(opened, close) * 0.999,
        close,
        chance.uniform(1, 100, count),
    )


def four_hours(hours: CandleSeries) -> CandleSeries:
    """Four of them each; the length must be a multiple of four."""

    def grouped(values: np.ndarray) -> np.ndarray:
        return values.reshape(-1, 4)

    return CandleSeries(
        "4h",
        grouped(hours.timestamp)[:, 0].copy(),
        grouped(hours.open)[:, 0].copy(),
        grouped(hours.high).max(axis=1),
        grouped(hours.low).min(axis=1),
        grouped(hours.close)[:, -1].copy(),
        grouped(hours.volume).sum(axis=1),
    )
