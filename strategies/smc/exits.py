"""The way out of a trade: the stop follows, is watched where it does not rest, and what is left over is traded away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from strategies.compiled import compiled
from strategies.kernel import note
from strategies.lattice import tradable
from strategies.smc import codes
from strategies.smc.book import closable
from strategies.smc.parameters import SmcParameters
from strategies.smc.state import CLOSING, FREE, MOST_POSITIONS, OPEN, SmcState

if TYPE_CHECKING:
    from strategies.kernel import Notes

# Percent: what a quotient of floats may miss a limit by.
ROUNDING: Final = 1e-9


@compiled
def follow(p: SmcParameters, s: SmcState, slot: int, price: float, notes: Notes) -> None:
    """The trailing stop: once far enough in profit, at a distance behind the best price, never back."""
    if s.phase[slot] != OPEN:
        return
    if in_profit(p, s, slot, price) and (price - s.best[slot]) * s.side[slot] > 0.0:
        s.best[slot] = price
    stop = trailing_stop(p, s, slot)
    closer = (stop - s.stop[slot]) * s.side[slot]
    if closer > 0.0 and closer >= price * p.trailing_step / 100.0:
        s.stop[slot] = stop
        note(notes, codes.TRAILED, s.trade[slot], stop, s.best[slot])


@compiled
def in_profit(p: SmcParameters, s: SmcState, slot: int, price: float) -> bool:
    """Whether the stop may follow from ``price`` on."""
    return (price / s.entry[slot] - 1.0) * s.side[slot] * 100.0 >= p.trailing_activation - ROUNDING


@compiled
def trailing_stop(p: SmcParameters, s: SmcState, slot: int) -> float:
    """Behind the best price; the stop as it is while that was not far enough in profit."""
    if not in_profit(p, s, slot, s.best[slot]):
        return s.stop[slot]
    return s.best[slot] * (1.0 - s.side[slot] * p.trailing_distance / 100.0)


@compiled
def watch_stop(p: SmcParameters, s: SmcState, slot: int, price: float) -> None:
    """Wants what is left closed at market: on spot when the price meets the stop, elsewhere when more is held than
    the stop order closed, because the entry was filled on after it."""
    spot = not p.rules.is_linear
    if spot and s.phase[slot] == OPEN and (price - s.stop[slot]) * s.side[slot] <= 0.0:
        s.phase[slot] = CLOSING
    if not is_left_over(p, s, slot):
        return
    s.closing[slot] = closable(p.rules, s.held[slot], price)
    if s.closing[slot] > 0.0:
        s.close_sequence += 1
        s.closing_sequence[slot] = s.close_sequence


@compiled
def is_left_over(p: SmcParameters, s: SmcState, slot: int) -> bool:
    """Whether what is held has no order that closes it and should have one."""
    if s.phase[slot] != CLOSING or s.closing[slot] > 0.0:
        return False
    return s.stop_done[slot] or not p.rules.is_linear


@compiled
def tidy_up(p: SmcParameters, s: SmcState, price: float) -> None:
    if s.tidy != 0.0:
        return
    amount = closable(p.rules, abs(s.dust), price)
    if enlarges(s, -s.dust) and not tradable(amount, price, p.rules.min_amount, p.rules.min_notional):
        return
    if amount > 0.0:
        s.tidy_sequence += 1
        s.tidy = -amount if s.dust > 0.0 else amount


@compiled
def enlarges(s: SmcState, signed: float) -> bool:
    """Whether such an order adds to the position: what came late of one trade has closed a part of another's."""
    for slot in range(MOST_POSITIONS):
        if s.phase[slot] != FREE and s.held[slot] > 0.0 and s.side[slot] * signed > 0.0:
            return True
    return False
