"""Laying a grid out at a price, and moving it after the price."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeVar

from strategies.contract import Direction, MarketSpec, Reason
from strategies.grid.book import distribute, wait
from strategies.grid.config import AmountMode, GridConfig, OnRangeLeft
from strategies.grid.core import (
    AWAITING_ENTRY,
    WAITING,
    floor_to_step,
    opening_of,
    starts_waiting,
    tradable,
)
from strategies.grid.lines import Ladder, interval_amount, interval_amounts, recentred
from strategies.grid.state import REBUILDING, RUNNING, GridState, Rules

T = TypeVar("T", int, float)

_SIGNS = {Direction.LONG: 1, Direction.SHORT: -1, Direction.NEUTRAL: 0}


def exact(value: float) -> Decimal:
    """The shortest decimal that is this float: for a price that came from a decimal, that decimal."""
    return Decimal(repr(value))


def ladder_in(state: GridState, config: GridConfig, market: MarketSpec) -> Ladder:
    return Ladder(exact(state.lower), exact(state.upper), len(state.lines) - 1, config.spacing, market)


def build(
    state: GridState,
    config: GridConfig,
    market: MarketSpec,
    rules: Rules,
    ladder: Ladder,
    price: float,
    notes: list[Reason],
) -> None:
    """Lays the grid out at ``price``. What is held already (``dust``) counts towards what the holding intervals need."""
    lines = ladder.lines()
    count = ladder.grids
    ordered = dict(zip(state.slots, state.sequences, strict=True))
    state.lower, state.upper, state.shift = float(ladder.lower), float(ladder.upper), 0
    state.lines = [float(line) for line in lines]
    _look_beyond(state, ladder)
    state.slots = list(range(count))
    state.sequences = [ordered.get(slot, -1) + 1 for slot in range(count)]
    state.open_amounts = [float(amount) for amount in interval_amounts(config, market, lines)]
    state.amounts = state.open_amounts[:]
    state.filled, state.spent, state.lots, state.opened_at = ([0.0] * count for _ in range(4))
    sign = _SIGNS[config.direction]
    state.openings = [opening_of(sign, state.lines[i + 1], price) for i in range(count)]
    state.phases = [
        WAITING if starts_waiting(state.openings[i], state.lines[i], state.lines[i + 1], price) else AWAITING_ENTRY
        for i in range(count)
    ]
    needed = sum(state.openings[i] * state.amounts[i] for i in range(count) if state.phases[i] == AWAITING_ENTRY)
    missing = needed - state.dust
    state.phase = RUNNING
    state.outside_since = 0
    state.entry_price = price
    state.entry_filled = state.entry_spent = 0.0
    state.entry_amount = floor_to_step(abs(missing), rules.unit, rules.scale)
    notes.append(
        Reason(
            "grid.built",
            {"price": price, "lower": state.lower, "upper": state.upper, "intervals": count},
        )
    )
    if tradable(state.entry_amount, price, rules.min_amount, rules.min_notional):
        state.entry_sequence += 1
        state.entry_side = 1 if missing > 0 else -1
    else:
        distribute(state, config, rules)


def trail(
    state: GridState, config: GridConfig, market: MarketSpec, rules: Rules, price: float, notes: list[Reason]
) -> None:
    """Moves the grid by as many intervals as the price is beyond it.

    Above the grid every interval rests a buy, below it a sell: moving up takes the lowest buy to the old top line,
    moving down the highest sell to the old bottom line. It waits while that order is being filled, while an entry is
    pending, at the limit, and where the exchange would refuse the new interval's orders.
    """
    if state.entry_side:
        return
    top = float("inf") if config.trailing_up_limit is None else float(config.trailing_up_limit)
    bottom = 0.0 if config.trailing_down_limit is None else float(config.trailing_down_limit)
    while config.trailing_up and 0.0 < state.line_above <= min(price, top) and _rests(state, 0) > 0:
        if not _shift(state, config, market, rules, 1):
            break
        notes.append(_trailed("grid.trailed_up", state, price))
    while config.trailing_down and state.line_below >= max(price, bottom) and _rests(state, -1) < 0:
        if not _shift(state, config, market, rules, -1):
            break
        notes.append(_trailed("grid.trailed_down", state, price))


def leave(state: GridState, config: GridConfig, price: float, timestamp: int, notes: list[Reason]) -> None:
    """Gives the grid up when the price has been outside by a whole interval for long enough."""
    if config.on_range_left is OnRangeLeft.OFF:
        return
    if not outside(state, price):
        state.outside_since = 0
        return
    if state.outside_since == 0:
        state.outside_since = timestamp
    waited = timestamp - state.outside_since
    if state.entry_side or waited < config.recentre_after * 1000:
        return
    notes.append(Reason("grid.range_left", {"price": price, "lower": state.lines[0], "upper": state.lines[-1]}))
    unbind(state)
    state.phase = REBUILDING


def rebuild(
    state: GridState, config: GridConfig, market: MarketSpec, rules: Rules, price: float, notes: list[Reason]
) -> None:
    """Builds the grid again around ``price``; on the old lines when the range would reach below the first tick."""
    old = ladder_in(state, config, market)
    build(state, config, market, rules, recentred(config, old, exact(price)) or old, price, notes)


def unbind(state: GridState) -> None:
    """Takes what the intervals hold from them: every order is given up."""
    state.dust += sum(state.lots)
    state.lots = [0.0] * len(state.lots)
    state.entry_side = 0


def outside(state: GridState, price: float) -> bool:
    return 0.0 < state.line_above <= price or price <= state.line_below


def _rests(state: GridState, interval: int) -> int:
    """+1 when an untouched buy rests in the interval, -1 for a sell, 0 when the order is partly filled."""
    if state.filled[interval] > 0.0:
        return 0
    opening = state.openings[interval]
    return opening if state.phases[interval] == WAITING else -opening


def _shift(state: GridState, config: GridConfig, market: MarketSpec, rules: Rules, by: int) -> bool:
    ladder = ladder_in(state, config, market)
    line = ladder.line(state.shift + ladder.grids) if by > 0 else ladder.line(state.shift - 1)
    if config.amount_mode is AmountMode.BASE:
        amount = state.open_amounts[0]
    else:
        amount = float(interval_amount(config, market, ladder.grids, line))
    if not tradable(amount, float(line), rules.min_amount, rules.min_notional):
        return False
    state.shift += by
    state.lines = [*state.lines[1:], state.line_above] if by > 0 else [state.line_below, *state.lines[:-1]]
    for numbers in (state.slots, state.sequences, state.openings, state.phases):
        _rotate(numbers, by)
    for amounts in (state.open_amounts, state.amounts, state.filled, state.spent, state.lots, state.opened_at):
        _rotate(amounts, by)
    moved = -1 if by > 0 else 0
    state.sequences[moved] += 1
    state.open_amounts[moved] = amount
    if state.phases[moved] == WAITING:
        wait(state, moved)
    _look_beyond(state, ladder)
    return True


def _rotate(values: list[T], by: int) -> None:
    if by > 0:
        values.append(values.pop(0))
    else:
        values.insert(0, values.pop())


def _look_beyond(state: GridState, ladder: Ladder) -> None:
    above = float(ladder.line(state.shift + ladder.grids + 1))
    below = float(ladder.line(state.shift - 1))
    state.line_above = above if above > state.lines[-1] else 0.0
    state.line_below = below if 0.0 < below < state.lines[0] else 0.0


def _trailed(code: str, state: GridState, price: float) -> Reason:
    return Reason(code, {"price": price, "lower": state.lines[0], "upper": state.lines[-1]})
