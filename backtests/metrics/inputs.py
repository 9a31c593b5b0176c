"""What is measured: the equity after every candle, the fills, the round trips. Columns of equal length, oldest first.

Times are int64 milliseconds UTC, money is float64 in quote, amounts are float64 in base, a side is +1 or −1.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Sides = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class EquityCurve:
    """``equity`` at the end of each candle, ``timestamp`` being that end, not the candle's open time.

    ``initial`` is the equity at ``started_at``, the open time of the first candle. ``exposure`` is the position's value
    as a share of equity, negative when short. Raises ``ValueError`` for columns that do not fit together, no rows, times
    that do not rise, equity that is not a number, or an initial equity that is not above 0.
    """

    timestamp: Times
    equity: Floats
    started_at: int
    initial: float
    exposure: Floats | None = None

    def __post_init__(self) -> None:
        _same_length(self)
        if not len(self.timestamp):
            raise ValueError("an equity curve needs at least one row")
        if self.timestamp[0] <= self.started_at or np.any(self.timestamp[1:] <= self.timestamp[:-1]):
            raise ValueError("the times of an equity curve must rise, all after started_at")
        if not np.isfinite(self.equity).all():
            raise ValueError("equity must be finite")
        if not (np.isfinite(self.initial) and self.initial > 0.0):
            raise ValueError(f"initial equity is {self.initial}: it must be above 0")

    def __len__(self) -> int:
        return len(self.timestamp)

    @property
    def final(self) -> float:
        return float(self.equity[-1])

    @property
    def elapsed(self) -> int:
        """Milliseconds from the first candle's opening to the last one's end."""
        return int(self.timestamp[-1]) - self.started_at

    @property
    def ruined_at(self) -> int | None:
        """The time of the first row whose equity is 0 or below; nothing after it is a return of anything."""
        gone = self.equity <= 0.0
        return int(self.timestamp[int(np.argmax(gone))]) if gone.any() else None


@dataclass(frozen=True, slots=True)
class Fills:
    """``fee`` in quote, negative for a rebate."""

    timestamp: Times
    side: Sides
    price: Floats
    amount: Floats
    fee: Floats
    is_maker: NDArray[np.bool_]

    def __post_init__(self) -> None:
        _same_length(self)
        if np.any(self.timestamp[1:] < self.timestamp[:-1]):
            raise ValueError("fills must be in the order of their times")
        if not np.isin(self.side, (1, -1)).all():
            raise ValueError("a fill's side is 1 or -1")
        if np.any(self.amount <= 0.0) or np.any(self.price <= 0.0):
            raise ValueError("a fill has a price and an amount above 0")

    def __len__(self) -> int:
        return len(self.timestamp)

    @property
    def value(self) -> Floats:
        """Traded, in quote."""
        return self.price * self.amount


@dataclass(frozen=True, slots=True)
class Trades:
    """Round trips, from flat to flat, in the order in which they closed.

    ``side`` is 1 for long; ``amount`` all that was entered; ``entry_price`` and ``exit_price`` the averages over it;
    ``profit`` is net of ``fees``. ``mae`` and ``mfe`` are the lowest (≤ 0) and highest (≥ 0) profit before fees that the
    trade stood at while it was open (``round_trips``).
    """

    opened_at: Times
    closed_at: Times
    side: Sides
    amount: Floats
    entry_price: Floats
    exit_price: Floats
    profit: Floats
    fees: Floats
    mae: Floats
    mfe: Floats

    def __post_init__(self) -> None:
        _same_length(self)
        if np.any(self.closed_at[1:] < self.closed_at[:-1]):
            raise ValueError("trades must be in the order in which they closed")
        if np.any(self.closed_at < self.opened_at):
            raise ValueError("a trade cannot close before it opens")

    def __len__(self) -> int:
        return len(self.opened_at)


def no_fills() -> Fills:
    times, sides, money = _nothing()
    return Fills(times, sides, money, money, money, np.empty(0, dtype=np.bool_))


def no_trades() -> Trades:
    times, sides, money = _nothing()
    return Trades(times, times, sides, money, money, money, money, money, money, money)


def _nothing() -> tuple[Times, Sides, Floats]:
    return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int8), np.empty(0)


def _same_length(columns: EquityCurve | Fills | Trades) -> None:
    lengths = {
        field.name: len(column)
        for field in fields(columns)
        if isinstance(column := getattr(columns, field.name), np.ndarray)
    }
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns of different length: {lengths}")
