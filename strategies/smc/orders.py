"""The orders that should stand for what the bot holds and is about to hold."""

from __future__ import annotations

from typing import Any, Final

from strategies.compiled import compiled
from strategies.kernel import BUY, LIMIT, MARKET, NO_TRIGGER, SELL, write
from strategies.kernel import STOP as STOP_MARKET
from strategies.lattice import floor_to_step, on_tick
from strategies.smc.book import closable
from strategies.smc.exits import enlarges
from strategies.smc.parameters import SmcParameters
from strategies.smc.slots import CLOSE, ENTRY, PARTIAL, STOP, TARGET, TIDY, slot_of
from strategies.smc.state import ENTERING, FREE, MOST_POSITIONS, OPEN, SmcState

# Entry or targets, stop and close of each slot, and one order that tidies up.
MOST_ORDERS: Final = 4 * MOST_POSITIONS + 1
NO_PRICE: Final = 0.0
# Of the order that tidies up, which belongs to no trade and is named by its slot.
NO_TRADE: Final = 0


@compiled
def wanted(p: SmcParameters, s: SmcState, orders: Any) -> int:
    count = 0
    for slot in range(MOST_POSITIONS):
        if s.phase[slot] == FREE:
            continue
        if s.phase[slot] == ENTERING:
            count = at_market(p, orders, count, ENTRY, slot, s.trade[slot], s.side[slot], s.amount[slot], s.trade[slot])
        if s.phase[slot] == OPEN:
            count = write_targets(p, s, orders, count, slot)
        if p.rules.is_linear:
            count = write_stop(p, s, orders, count, slot)
        if s.closing[slot] > 0.0:
            count = at_market(
                p, orders, count, CLOSE, slot, s.closing_sequence[slot], -s.side[slot], s.closing[slot], s.trade[slot]
            )
    if s.tidy != 0.0:
        side = BUY if s.tidy > 0.0 else SELL
        reduces = p.rules.is_linear and not enlarges(s, s.tidy)
        count = write(
            orders, count, TIDY, s.tidy_sequence, side, MARKET, abs(s.tidy), NO_PRICE, NO_TRIGGER,
            False, reduces, False, NO_TRADE,
        )  # fmt: skip
    return count


@compiled
def at_market(
    p: SmcParameters, orders: Any, count: int, kind: int, slot: int, sequence: int, side: int, amount: float, trade: int
) -> int:
    reduces = p.rules.is_linear and kind != ENTRY
    return write(
        orders, count, slot_of(kind, slot), sequence, side, MARKET, amount, NO_PRICE, NO_TRIGGER,
        False, reduces, False, trade,
    )  # fmt: skip


@compiled
def write_targets(p: SmcParameters, s: SmcState, orders: Any, count: int, slot: int) -> int:
    part_at = s.entry[slot] + s.side[slot] * p.partial_at * s.risk[slot]
    if s.partial[slot] > 0.0 and not s.partial_done[slot]:
        count = write_target(p, s, orders, count, PARTIAL, slot, s.partial[slot], part_at)
    if s.rest[slot] > 0.0 and not s.rest_done[slot]:
        count = write_target(p, s, orders, count, TARGET, slot, s.rest[slot], s.target[slot])
    return count


@compiled
def write_target(
    p: SmcParameters, s: SmcState, orders: Any, count: int, kind: int, slot: int, amount: float, price: float
) -> int:
    at = on_tick(price, p.rules.tick_unit, p.rules.tick_scale)
    return write(
        orders, count, slot_of(kind, slot), s.trade[slot], -s.side[slot], LIMIT, amount, at, NO_TRIGGER,
        False, p.rules.is_linear, False, s.trade[slot],
    )  # fmt: skip


@compiled
def write_stop(p: SmcParameters, s: SmcState, orders: Any, count: int, slot: int) -> int:
    """All that is held, and what the order has closed already: an order's amount is the whole order's."""
    held = closable(p.rules, s.held[slot], s.stop[slot])
    if held == 0.0 or s.stop_done[slot]:
        return count
    amount = floor_to_step(held + s.stopped[slot], p.rules.step_unit, p.rules.step_scale)
    trigger = on_tick(s.stop[slot], p.rules.tick_unit, p.rules.tick_scale)
    return write(
        orders, count, slot_of(STOP, slot), s.trade[slot], -s.side[slot], STOP_MARKET, amount, NO_PRICE, trigger,
        False, True, True, s.trade[slot],
    )  # fmt: skip
