"""From fills to round trips. Fills that carry the same key (``deal:3``) are one small position, and so may a group of keys be
(``strategies/round_trips.py``).

A round trip runs from flat to flat. Within one the position has an average cost, as everywhere in the platform
(docs/decisions/0006): entries move it, exits realise against it. A fill that turns long into short closes one round trip
and opens the next, its fee shared in proportion. What is left below one ``step`` is dust: the round trip is closed, and
the dust's cost is part of its result. Where a closing fill trades more than the round trip holds, by less than a step, that
is dust of others: what came in for it is part of this result too.

Excursions are measured at the price of each fill and at the highs and lows of the candles that lie wholly between two
fills of the round trip. The candle in which a fill happened is not looked at: its extreme may have come before the fill.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backtests.metrics.inputs import Fills, Floats, Sides, Times, Trades
from exchange.candles.files import Candles
from strategies.compiled import compiled
from strategies.round_trips import group_of

# Highs and lows are kept for blocks of so many candles too, so that a long round trip is looked through in steps.
BLOCK = 256
# A position this small a part of what was entered is the rounding of sums, not a position.
ROUNDING = 1e-9

# Columns of a running round trip.
POSITION, COST, OPENED_AT, ENTERED, ENTRY_VALUE, LEFT, EXIT_VALUE, REALISED, FEES, LOWEST, HIGHEST, SEEN_TO, ORDER = (
    range(13)
)
# The group of a key that stands alone.
ALONE = -1


@dataclass(frozen=True, slots=True)
class OpenPositions:
    """Round trips that have not ended: what is held (signed), at which average cost, and what came of it so far.

    ``realised`` by partial exits, before ``fees``.
    """

    key: Times
    opened_at: Times
    position: Floats
    average_price: Floats
    realised: Floats
    fees: Floats

    def profit_at(self, price: float) -> Floats:
        """Of each, net of the fees paid so far, if it were closed at ``price`` for nothing."""
        return self.realised - self.fees + self.position * (price - self.average_price)


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """``key`` holds the number of each trade's key."""

    trades: Trades
    key: Times
    open: OpenPositions


def numbered(names: Sequence[str]) -> tuple[Times, tuple[str, ...]]:
    """Each name's number, and the names by number, in the order in which they first come."""
    numbers: dict[str, int] = {}
    codes = np.fromiter((numbers.setdefault(name, len(numbers)) for name in names), dtype=np.int64, count=len(names))
    return codes, tuple(numbers)


def groups_of(names: Sequence[str]) -> Times:
    """The number of each trade's group by the trade's number; ``ALONE`` where it has none."""
    numbers: dict[str, int] = {"": ALONE}
    return np.array([numbers.setdefault(group_of(name), len(numbers)) for name in names], dtype=np.int64)


def trades_of(
    fills: Fills,
    key: Times,
    candles: Candles | None = None,
    timeframe: int = 60_000,
    *,
    step: float = 0.0,
    moved: Floats | None = None,
    groups: Times | None = None,
) -> RoundTrips:
    """Round trips of fills in the order of their times, ``key`` being the number of each fill's (``numbered``).

    ``timeframe`` is the candles' length in ms; without candles, excursions are those at the fills. ``moved`` is by how
    much each fill changed the position where that is not its amount: on spot, what was bought less the fee taken of it.
    ``groups`` holds the group of each key (``groups_of``); without them each stands alone. Raises ``ValueError`` for columns of different length or keys below 0.
    """
    if len(key) != len(fills):
        raise ValueError(f"{len(key)} keys for {len(fills)} fills")
    if len(key) and key.min() < 0:
        raise ValueError("keys are numbered from 0")
    if moved is not None and len(moved) != len(fills):
        raise ValueError(f"{len(moved)} changes of position for {len(fills)} fills")
    keys = int(key.max()) + 1 if len(key) else 0
    if groups is None:
        groups = np.full(keys, ALONE, dtype=np.int64)
    if len(groups) < keys:
        raise ValueError(f"{len(groups)} groups for {keys} keys")
    times = candles.timestamp if candles is not None else np.empty(0, dtype=np.int64)
    high, low = (_plain(candles.high), _plain(candles.low)) if candles is not None else (np.empty(0), np.empty(0))
    blocks = np.arange(0, len(high), BLOCK)
    closed, closed_keys, sides, state = followed(
        np.require(fills.timestamp, np.int64, ["C", "W"]),
        np.require(fills.side, np.int8, ["C", "W"]),
        _plain(fills.price),
        _plain(fills.amount if moved is None else moved),
        _plain(fills.fee),
        np.require(key, np.int64, ["C", "W"]),
        np.require(groups[:keys], np.int64, ["C", "W"]),
        step,
        np.searchsorted(times, fills.timestamp, side="left"),
        np.searchsorted(times, fills.timestamp - timeframe, side="right"),
        high,
        low,
        np.maximum.reduceat(high, blocks) if len(high) else high,
        np.minimum.reduceat(low, blocks) if len(low) else low,
    )
    trades = Trades(
        opened_at=closed[:, 0].astype(np.int64),
        closed_at=closed[:, 1].astype(np.int64),
        side=sides,
        amount=closed[:, 2],
        entry_price=closed[:, 3],
        exit_price=closed[:, 4],
        profit=closed[:, 5],
        fees=closed[:, 6],
        mae=closed[:, 7],
        mfe=closed[:, 8],
    )
    held = np.flatnonzero(state[:, POSITION])
    running = state[held]
    still_open = OpenPositions(
        key=held.astype(np.int64),
        opened_at=running[:, OPENED_AT].astype(np.int64),
        position=running[:, POSITION],
        average_price=running[:, COST],
        realised=running[:, REALISED],
        fees=running[:, FEES],
    )
    return RoundTrips(trades, closed_keys, still_open)


def _plain(column: Floats) -> Floats:
    """Copied only where it is a view or read-only, as from a memory map: compiled code is made for each kind of array."""
    return np.require(column, np.float64, ["C", "W"])


@compiled
def followed(
    timestamp: Times,
    side: Sides,
    price: Floats,
    amount: Floats,
    fee: Floats,
    key: Times,
    groups: Times,
    step: float,
    first_after: NDArray[np.intp],
    end_before: NDArray[np.intp],
    high: Floats,
    low: Floats,
    block_high: Floats,
    block_low: Floats,
) -> tuple[Floats, Times, Sides, Floats]:
    # Times are whole milliseconds far below 2⁵³: a float column holds them exactly.
    state = np.zeros((groups.size, 13))
    closed, closed_keys = np.empty((timestamp.size, 9)), np.empty(timestamp.size, dtype=np.int64)
    sides = np.empty(timestamp.size, dtype=np.int8)
    count = opened = 0
    for row in range(timestamp.size):
        own = key[row]
        rest, cost = amount[row], fee[row]
        met = own
        while met >= 0 and rest > ROUNDING * amount[row]:
            trade = state[met]
            if trade[POSITION] != 0.0:
                look_at(trade, price[row], price[row])
                if end_before[row] > trade[SEEN_TO]:
                    top, bottom = extremes(high, low, block_high, block_low, int(trade[SEEN_TO]), end_before[row])
                    look_at(trade, top, bottom)
                trade[SEEN_TO] = first_after[row]
                if (trade[POSITION] > 0.0) != (side[row] > 0):
                    rest, cost, is_closed = reduced(trade, side[row], price[row], rest, cost, step)
                    if is_closed:
                        close(trade, closed[count], timestamp[row])
                        closed_keys[count], sides[count] = met, -side[row]
                        count += 1
                        trade[:] = 0.0
            met = oldest_against(state, groups, groups[own], side[row]) if rest > 0.0 else -1
        if rest > ROUNDING * amount[row]:
            trade = state[own]
            if trade[POSITION] == 0.0:
                trade[OPENED_AT] = timestamp[row]
                opened += 1
                trade[ORDER] = opened
            enter(trade, side[row] * rest, price[row], cost)
            trade[SEEN_TO] = first_after[row]
    return closed[:count], closed_keys[:count], sides[:count], state


@compiled
def oldest_against(state: Floats, groups: Times, group: int, side: int) -> int:
    """The key of a group that is open the other way and was opened first, or -1. A key that stands alone has no others."""
    found = -1
    if group == ALONE:
        return found
    for key in range(groups.size):
        if groups[key] != group or state[key, POSITION] == 0.0 or (state[key, POSITION] > 0.0) == (side > 0):
            continue
        if found < 0 or state[key, ORDER] < state[found, ORDER]:
            found = key
    return found


@compiled
def reduced(
    trade: Floats, side: int, price: float, amount: float, fee: float, step: float
) -> tuple[float, float, bool]:
    """What of a fill and its fee is left after it has closed what it can of a round trip, and whether that has ended."""
    part = min(amount, abs(trade[POSITION]))
    share = fee * part / amount
    leave(trade, price, part, share)
    rest, cost = amount - part, fee - share
    if abs(trade[POSITION]) >= step * (1.0 - ROUNDING) and abs(trade[POSITION]) > ROUNDING * trade[ENTERED]:
        return rest, cost, False
    if rest < step * (1.0 - ROUNDING):
        # Dust that other round trips left is pure profit to the one that sells it.
        trade[REALISED] -= side * rest * price
        trade[FEES] += cost
        trade[LEFT] += rest
        trade[EXIT_VALUE] += rest * price
        rest = cost = 0.0
    return rest, cost, True


@compiled
def enter(trade: Floats, signed: float, price: float, fee: float) -> None:
    size = abs(trade[POSITION])
    trade[COST] = (trade[COST] * size + price * abs(signed)) / (size + abs(signed))
    trade[POSITION] += signed
    trade[ENTERED] += abs(signed)
    trade[ENTRY_VALUE] += price * abs(signed)
    trade[FEES] += fee


@compiled
def leave(trade: Floats, price: float, part: float, fee: float) -> None:
    sign = 1.0 if trade[POSITION] > 0.0 else -1.0
    trade[REALISED] += sign * part * (price - trade[COST])
    trade[POSITION] -= sign * part
    trade[LEFT] += part
    trade[EXIT_VALUE] += price * part
    trade[FEES] += fee


@compiled
def close(trade: Floats, closed: Floats, now: int) -> None:
    # The dust is bought and never sold (or sold and never bought back): its cost is in the cash that moved.
    dust = trade[POSITION] * trade[COST]
    closed[0], closed[1], closed[2] = trade[OPENED_AT], now, trade[ENTERED]
    closed[3], closed[4] = trade[ENTRY_VALUE] / trade[ENTERED], trade[EXIT_VALUE] / trade[LEFT]
    closed[5], closed[6] = trade[REALISED] - dust - trade[FEES], trade[FEES]
    closed[7], closed[8] = trade[LOWEST], trade[HIGHEST]


@compiled
def look_at(trade: Floats, top: float, bottom: float) -> None:
    at_top = trade[REALISED] + trade[POSITION] * (top - trade[COST])
    at_bottom = trade[REALISED] + trade[POSITION] * (bottom - trade[COST])
    trade[LOWEST] = min(trade[LOWEST], at_top, at_bottom)
    trade[HIGHEST] = max(trade[HIGHEST], at_top, at_bottom)


@compiled
def extremes(
    high: Floats, low: Floats, block_high: Floats, block_low: Floats, first: int, end: int
) -> tuple[float, float]:
    top, bottom = high[first], low[first]
    row = first
    while row < end:
        if row % BLOCK == 0 and row + BLOCK <= end:
            block = row // BLOCK
            top, bottom = max(top, block_high[block]), min(bottom, block_low[block])
            row += BLOCK
        else:
            top, bottom = max(top, high[row]), min(bottom, low[row])
            row += 1
    return top, bottom
