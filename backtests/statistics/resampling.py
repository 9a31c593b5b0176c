"""Rows drawn anew from a series, as tables of row numbers: one line per run.

Single returns may be shuffled only if they do not depend on each other. Blocks keep what hangs together: the stationary
bootstrap (Politis & Romano, "The Stationary Bootstrap", JASA 89, 1994) draws blocks of random, geometrically distributed
length; the circular one (Politis & Romano, 1992) draws blocks of one length. Both go on at the beginning when they pass
the end, so that every row is as likely as any other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def shuffled(count: int, runs: int, random: np.random.Generator) -> Rows:
    """Every row once, in random order."""
    _check(count, runs)
    order = np.tile(np.arange(count, dtype=np.int64), (runs, 1))
    return random.permuted(order, axis=1)


def drawn(count: int, runs: int, random: np.random.Generator) -> Rows:
    """Rows drawn independently, with replacement (Efron, 1979)."""
    _check(count, runs)
    return random.integers(0, count, (runs, count))


def stationary_blocks(count: int, runs: int, mean_length: float, random: np.random.Generator) -> Rows:
    """At each row but the first a new block begins with probability 1 / ``mean_length``, at a random row; else the block goes on."""
    _check(count, runs)
    if not mean_length >= 1.0:
        raise ValueError(f"a mean block length of {mean_length}: it must be at least 1")
    begins = random.random((runs, count)) < 1.0 / mean_length
    return _continued(begins, random)


def circular_blocks(count: int, runs: int, length: int, random: np.random.Generator) -> Rows:
    """Blocks of ``length`` rows from random places, the last one cut off."""
    _check(count, runs)
    if length < 1:
        raise ValueError(f"a block length of {length}: it must be at least 1")
    begins = np.zeros((runs, count), dtype=np.bool_)
    begins[:, ::length] = True
    return _continued(begins, random)


def usual_block_length(count: int) -> int:
    """n^(1/3), the order at which the bootstrap's error is smallest (Hall, Horowitz & Jing, 1995); at least 1."""
    return max(1, round(float(count ** (1.0 / 3.0))))


def _continued(begins: NDArray[np.bool_], random: np.random.Generator) -> Rows:
    runs, count = begins.shape
    places = np.broadcast_to(np.arange(count, dtype=np.int64), (runs, count))
    # The first row begins a block in any case: where none has begun yet, the place is 0.
    since = np.maximum.accumulate(np.where(begins, places, 0), axis=1)
    starts = random.integers(0, count, (runs, count))
    rows: Rows = (np.take_along_axis(starts, since, axis=1) + places - since) % count
    return rows


def _check(count: int, runs: int) -> None:
    if count < 1 or runs < 1:
        raise ValueError(f"{runs} runs of {count} rows: there must be one of each at least")
