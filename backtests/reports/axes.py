"""Where the lines of a chart's grid stand, and what is written beside them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

_HOUR, _DAY = 3_600_000, 86_400_000
_STEPS = (_HOUR // 4, _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY)


@dataclass(frozen=True, slots=True)
class Tick:
    """``share`` of the way along the axis: 0 at the left or at the top, 1 at the right or at the bottom."""

    share: float
    label: str

    @property
    def percent(self) -> str:
        return f"{self.share * 100:.3f}%"


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to shares of an axis' length; 0 and 1 are ``low`` and ``high``."""

    low: float
    high: float

    def share(self, value: float) -> float:
        return (value - self.low) / (self.high - self.low)

    def shares(self, values: np.ndarray) -> np.ndarray:
        return (values - self.low) / (self.high - self.low)


def scale_of(low: float, high: float, *, margin: float = 0.05) -> Scale:
    """With a ``margin`` at both ends; one that has a length even for a single value."""
    length = (high - low) or abs(high) * 0.02 or 1.0
    return Scale(low - margin * length, high + margin * length)


def scale_beside(own: np.ndarray, other: np.ndarray) -> tuple[Scale, bool]:
    """Of a line and another that it is held against, and whether that one fits: it may take as much room above and below
    as the line itself, and leaves the picture beyond. A line that hardly moves is given a tenth of its height."""
    low, high = float(own.min()), float(own.max())
    room = max(high - low, 0.1 * abs(high))
    least, most = max(float(other.min()), low - room), min(float(other.max()), high + room)
    fits = bool(least <= other.min() and other.max() <= most)
    return scale_of(min(low, least), max(high, most)), fits


def value_ticks(scale: Scale, label: Callable[[float], str], most: int = 5) -> list[Tick]:
    """At round numbers: 1, 2 or 5 times a power of ten apart. From the top down, as ``share`` counts."""
    rough = (scale.high - scale.low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    first = math.ceil(scale.low / step)
    found = []
    while first * step <= scale.high:
        value = first * step
        found.append(Tick(1.0 - scale.share(value), label(value)))
        first += 1
    return found


def time_ticks(first: int, last: int, most: int = 6) -> list[Tick]:
    """At full hours, midnights, or firsts of months (UTC) between two times in ms."""
    step = next((step for step in _STEPS if (last - first) / step <= most), None)
    if step is None:
        return _months(first, last, most)
    style = "%b %d" if step >= _DAY else "%b %d, %H:%M"
    start = -(-first // step) * step
    return [_tick(at, first, last, style) for at in range(start, last + 1, step)]


def _months(first: int, last: int, most: int) -> list[Tick]:
    begin = np.datetime64(first, "ms").astype("datetime64[M]")
    end = np.datetime64(last, "ms").astype("datetime64[M]") + np.timedelta64(1, "M")
    starts = [int(month.astype("datetime64[ms]").astype(np.int64)) for month in np.arange(begin, end)]
    inside = [at for at in starts if first <= at <= last]
    stride = next((each for each in (1, 2, 3, 6, 12) if len(inside) / each <= most), -(-len(inside) // most))
    return [_tick(at, first, last, "%b %Y") for at in inside[::stride]]


def _tick(at: int, first: int, last: int, style: str) -> Tick:
    return Tick((at - first) / (last - first), f"{datetime.fromtimestamp(at / 1000, tz=UTC):{style}}")
