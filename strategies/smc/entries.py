"""What a newly closed candle leads to: a look for a setup on each side, and an entry with the better one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from strategies.compiled import compiled
from strategies.kernel import Tick, note
from strategies.sizing import capped_size, kelly_risked
from strategies.smc import codes
from strategies.smc.parameters import SmcParameters
from strategies.smc.setups import Setup, find_setup, no_setup
from strategies.smc.state import ENTERING, FREE, MOST_POSITIONS, SmcState

if TYPE_CHECKING:
    from strategies.kernel import Notes

# The bot's own trades outweigh the expected share of wins once there are more of them than this.
PRIOR_TRADES: Final = 20
# A market order may fill a little beyond the price it was decided at.
HEADROOM: Final = 0.99


@compiled
def look(p: SmcParameters, s: SmcState, tick: Tick, row: Sequence[float], notes: Notes) -> None:
    """Each closed candle once. Of two setups the surer one counts, the long one when they are equal."""
    s.candle_close = tick.candle_close
    withdraw(s, notes)
    long = find_setup(p, row, tick.price, 1, notes) if p.takes_long else no_setup()
    short = find_setup(p, row, tick.price, -1, notes) if p.takes_short else no_setup()
    best = long if long.side != 0 and long.confidence >= short.confidence else short
    if best.side == 0:
        return
    enter(p, s, tick, best, notes)
    note(
        notes,
        codes.SIGNAL_WITH_TREND if best.with_trend else codes.SIGNAL,
        best.side * best.pattern,
        best.entry,
        best.stop,
        best.target,
        best.confidence,
        best.bottom,
        best.top,
        best.score,
        tick.timestamp,
    )


@compiled
def withdraw(s: SmcState, notes: Notes) -> None:
    """An entry that a whole candle could not fill at all has missed its moment."""
    for slot in range(MOST_POSITIONS):
        if s.phase[slot] == ENTERING and s.filled[slot] == 0.0:
            s.phase[slot] = FREE
            note(notes, codes.WITHDRAWN, s.trade[slot], s.pattern[slot])


@compiled
def enter(p: SmcParameters, s: SmcState, tick: Tick, setup: Setup, notes: Notes) -> None:
    free = -1
    for slot in range(MOST_POSITIONS - 1, -1, -1):
        if s.phase[slot] == FREE:
            free = slot if slot < p.positions else free
        elif s.side[slot] != setup.side:
            # A symbol has one position: both sides at once would close each other.
            note(notes, codes.OTHER_SIDE, setup.pattern, setup.entry)
            return
    if free < 0:
        note(notes, codes.NO_SLOT, setup.pattern)
        return
    amount = entry_amount(p, s, tick, setup)
    if amount == 0.0:
        note(notes, codes.NO_SIZE, setup.pattern, setup.entry, setup.stop)
        return
    s.number += 1
    occupy(s, free, setup, amount)


@compiled
def occupy(s: SmcState, slot: int, setup: Setup, amount: float) -> None:
    s.phase[slot] = ENTERING
    s.trade[slot] = s.number
    s.side[slot] = setup.side
    s.pattern[slot] = setup.pattern
    s.confidence[slot] = setup.confidence
    s.amount[slot] = amount
    s.entry[slot] = setup.entry
    s.stop[slot] = setup.stop
    s.target[slot] = setup.target
    s.risk[slot] = setup.risk
    s.filled[slot] = 0.0
    s.spent[slot] = 0.0
    s.held[slot] = 0.0
    s.profit[slot] = 0.0
    s.partial[slot] = 0.0
    s.partial_done[slot] = False
    s.rest[slot] = 0.0
    s.rest_done[slot] = False
    s.stopped[slot] = 0.0
    s.stop_done[slot] = False
    s.best[slot] = setup.entry
    s.closing[slot] = 0.0
    s.closing_sequence[slot] = -1


@compiled
def entry_amount(p: SmcParameters, s: SmcState, tick: Tick, setup: Setup) -> float:
    """Base. A share of Kelly's fraction, at most the largest risk; each position at most its part of the capital."""
    equity = p.capital + tick.realised_pnl + tick.unrealised_pnl
    amount = kelly_risked(equity, expected_wins(p, s), setup.reward, setup.risk, p.kelly_share / 100.0, p.largest_risk)
    part = equity * HEADROOM / p.positions
    return capped_size(amount, setup.entry, part, p.rules, p.caps)


@compiled
def expected_wins(p: SmcParameters, s: SmcState) -> float:
    """The expected share of wins, corrected by the trades so far: the mean of a beta distribution."""
    return (p.win_rate / 100.0 * PRIOR_TRADES + s.wins) / (PRIOR_TRADES + s.wins + s.losses)
