"""The complete set of orders that a grid wants: the entry or the close, the stop, then the lines upwards."""

from __future__ import annotations

from typing import Any

from strategies.compiled import compiled
from strategies.grid.codes import CLOSE_SLOT, CLOSING, ENTRY_SLOT, FIRST_INTERVAL, RUNNING, STOP_SLOT
from strategies.grid.core import AWAITING_ENTRY, HOLDING_ENTRY, WAITING
from strategies.grid.exits import stop_price
from strategies.grid.parameters import GridParameters
from strategies.grid.state import GridState
from strategies.kernel import BUY, LIMIT, MARKET, NO_TRIGGER, SELL, STOP, write
from strategies.lattice import on_tick


@compiled
def wanted(p: GridParameters, s: GridState, orders: Any) -> int:
    """See ``strategies.kernel``."""
    if s.phase == CLOSING:
        side = BUY if s.close_amount > 0.0 else SELL
        size = abs(s.close_amount)
        reduce = p.rules.is_linear
        sequence = s.close_sequence
        return write(
            orders, 0, CLOSE_SLOT, sequence, side, MARKET, size, 0.0, NO_TRIGGER, False, reduce, False, CLOSE_SLOT
        )
    count = 0
    if s.stop_amount != 0.0:  # it stays through the rebuilding of a grid
        side = BUY if s.stop_amount > 0.0 else SELL
        size = abs(s.stop_amount)
        trigger = on_tick(stop_price(p, s, s.stop_amount), p.rules.tick_unit, p.rules.tick_scale)
        sequence = s.stop_sequence
        count = write(orders, count, STOP_SLOT, sequence, side, STOP, size, 0.0, trigger, False, True, True, CLOSE_SLOT)
    if s.phase != RUNNING:
        return count
    if s.entry_side != 0:
        side = s.entry_side
        size = s.entry_amount
        sequence = s.entry_sequence
        count = write(
            orders, count, ENTRY_SLOT, sequence, side, MARKET, size, 0.0, NO_TRIGGER, False, False, False, ENTRY_SLOT
        )
    for i in range(p.grids):
        phase = s.phases[i]
        if phase == AWAITING_ENTRY:
            continue
        slot = FIRST_INTERVAL + s.slots[i]
        trade = ENTRY_SLOT if phase == HOLDING_ENTRY else slot
        side = s.openings[i] if phase == WAITING else -s.openings[i]
        price = s.lines[i] if side > 0 else s.lines[i + 1]
        size = s.amounts[i]
        sequence = s.sequences[i]
        count = write(
            orders, count, slot, sequence, side, LIMIT, size, price, NO_TRIGGER, p.post_only, False, False, trade
        )
    return count
