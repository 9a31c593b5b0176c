"""Windows for optimising on the past and testing on what came after it (Pardo, 2008), and how much of the result stays.

All lengths are in one unit, whichever is wanted: rows of candles, or milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from backtests.metrics.inputs import Floats
from backtests.metrics.returns import NAN


@dataclass(frozen=True, slots=True)
class Window:
    """Both parts half-open. Between them lies the embargo, in which neither is done."""

    train_start: int
    train_end: int
    test_start: int
    test_end: int


def windows(
    start: int,
    end: int,
    *,
    train: int,
    test: int,
    embargo: int = 0,
    anchored: bool = False,
    keep_last: bool = False,
) -> tuple[Window, ...]:
    """All windows in ``[start, end)``; each test begins where the one before ended, so that none is tested twice.

    Rolling windows train on the last ``train`` before the embargo; anchored ones on everything since ``start``, the first
    time on ``train``. ``keep_last`` keeps a last test that is shorter than the others. Raises ``ValueError`` for lengths
    that are not above 0, an embargo below 0, or a span too short for one window.
    """
    if train < 1 or test < 1 or embargo < 0:
        raise ValueError(f"train {train}, test {test}, embargo {embargo}: lengths are above 0, an embargo is not below")
    found: list[Window] = []
    test_start = start + train + embargo
    while test_start + (1 if keep_last else test) <= end:
        train_end = test_start - embargo
        train_start = start if anchored else train_end - train
        found.append(Window(train_start, train_end, test_start, min(test_start + test, end)))
        test_start += test
    if not found:
        raise ValueError(f"{end - start} is too short for one window: train {train}, embargo {embargo}, test {test}")
    return tuple(found)


def windows_for(
    start: int,
    end: int,
    *,
    count: int,
    train_share: float = 0.75,
    embargo: int = 0,
    anchored: bool = False,
) -> tuple[Window, ...]:
    """Exactly ``count`` windows over the span, the first one's training being ``train_share`` of what it trains and tests.

    The tests reach to ``end``; what whole units leave over is left out at the beginning. Raises ``ValueError`` for a share
    outside 0 to 1, no windows, or a span too short for them.
    """
    if count < 1 or not 0.0 < train_share < 1.0:
        raise ValueError(
            f"{count} windows, {train_share} of them for training: one at least, and a share between 0 and 1"
        )
    # span = train + embargo + count × test, and train / (train + test) is the share.
    ratio = train_share / (1.0 - train_share)
    test = int((end - start - embargo) / (count + ratio))
    train = int(test * ratio)
    if test < 1 or train < 1:
        raise ValueError(f"{end - start} is too short for {count} windows")
    return windows(
        end - train - embargo - count * test, end, train=train, test=test, embargo=embargo, anchored=anchored
    )


@dataclass(frozen=True, slots=True)
class Efficiency:
    """``ratio``: mean rate of return out of sample / in sample; ``each`` of every window. NaN where none was earned.

    ``consistency`` is the share of the tests that earned something.
    """

    ratio: float
    each: Floats
    consistency: float


def efficiency(
    in_sample: Sequence[float] | Floats,
    out_of_sample: Sequence[float] | Floats,
    train_lengths: Sequence[float] | Floats,
    test_lengths: Sequence[float] | Floats,
) -> Efficiency:
    """Walk-forward efficiency (Pardo, 2008): what a unit of time earned in the tests, of what it earned in training.

    Returns are fractions, one per window, divided by the windows' lengths so that a test of a month may be compared with a
    training of a year. Raises ``ValueError`` for columns of different length, or empty ones.
    """
    columns = [
        np.asarray(column, dtype=np.float64) for column in (in_sample, out_of_sample, train_lengths, test_lengths)
    ]
    inside, outside, train, test = columns
    if not len(inside) or len({len(column) for column in columns}) != 1:
        raise ValueError("efficiency needs the same number of windows in every column, one at least")
    before, after = inside / train, outside / test
    earned = before > 0.0
    each = np.divide(after, before, out=np.full(len(before), NAN), where=earned)
    mean = float(np.mean(before))
    return Efficiency(
        ratio=float(np.mean(after)) / mean if mean > 0.0 else NAN,
        each=each,
        consistency=float(np.mean(outside > 0.0)),
    )


def parameter_drift(chosen: Sequence[dict[str, float]]) -> dict[str, float]:
    """How much each parameter changes from window to window: mean absolute change / mean absolute value.

    0 for one that stays; NaN for one that is always 0 but for its sign, or a single window. A procedure that finds other
    parameters every time has found noise.
    """
    drift: dict[str, float] = {}
    for name in chosen[0] if chosen else ():
        values = [window[name] for window in chosen]
        size = float(np.mean(np.abs(values)))
        changes = [abs(after - before) for before, after in pairwise(values)]
        drift[name] = float(np.mean(changes)) / size if changes and size > 0.0 else NAN
    return drift
