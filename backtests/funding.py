"""Funding rates of a perpetual market from a file: what a long position pays, as a fraction of its worth, and when."""

from __future__ import annotations

import csv
import gzip
import math
from itertools import pairwise
from pathlib import Path

import numpy as np

from backtests.loop.records import Funding

TIME, RATE = "timestamp", "funding_rate"


def read_funding(path: Path) -> Funding:
    """A CSV file, gzipped or not, with the columns ``timestamp`` (ms UTC, rising) and ``funding_rate``, others left aside.

    Raises ``ValueError`` with the line of what cannot be read.
    """
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        lines = csv.DictReader(file)
        missing = {TIME, RATE} - set(lines.fieldnames or ())
        if missing:
            raise ValueError(f"{path.name} has no column {', '.join(sorted(missing))}")
        rows = [_row(path, lines.line_num, line) for line in lines]
    for number, (one, two) in enumerate(pairwise(rows)):
        if two[0] <= one[0]:
            raise ValueError(f"{path.name}, line {number + 3}: the time {two[0]} does not come after {one[0]}")
    return Funding(np.array([time for time, _ in rows], np.int64), np.array([rate for _, rate in rows], np.float64))


def _row(path: Path, number: int, line: dict[str, str]) -> tuple[int, float]:
    try:
        time, rate = int(line[TIME]), float(line[RATE])
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path.name}, line {number}: {error}") from None
    if not math.isfinite(rate):
        raise ValueError(f"{path.name}, line {number}: the rate {line[RATE]} is no number")
    return time, rate
