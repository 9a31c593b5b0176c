"""The orders that should stand in a state."""

from __future__ import annotations

from typing import Any, Final

from strategies.compiled import compiled
from strategies.kernel import LIMIT, MARKET, NO_TRIGGER, STOP, write
from strategies.lattice import Rules, floor_to_step
from strategies.trend.config import MOST_TARGETS
from strategies.trend.parameters import Parameters
from strategies.trend.state import ENTERING, TrendState

ENTRY_SLOT: Final = 0
STOP_SLOT: Final = 1
FIRST_TARGET_SLOT: Final = 2
SLOT_NAMES: Final = ("entry", "stop", *(f"target:{number + 1}" for number in range(MOST_TARGETS)))
# A market order's.
NO_PRICE: Final = 0.0


@compiled
def closable(amount: float, price: float, rules: Rules) -> float:
    """What of ``amount`` (base, positive) can be closed at ``price``: rounded down to the step, 0 where it is too little.

    On linear markets closing orders reduce only, and may be worth less than the market's minimum.
    """
    size = floor_to_step(max(amount, 0.0), rules.step_unit, rules.step_scale)
    if size < rules.min_amount or size <= 0.0:
        return 0.0
    if not rules.is_linear and size * price < rules.min_notional:
        return 0.0
    return size


@compiled
def wanted(p: Parameters, s: TrendState, orders: Any) -> int:
    """The stop first: where it has to become smaller for a target on spot, that comes before the target's order."""
    count = 0
    rests = p.rules.is_linear
    out = -1 if s.side > 0 else 1
    if s.stop_amount > 0.0:
        count = write(
            orders,
            count,
            STOP_SLOT,
            s.stop_sequence,
            out,
            STOP,
            s.stop_amount,
            NO_PRICE,
            s.stop,
            False,
            rests,
            True,
            s.trade,
        )
    for number in range(MOST_TARGETS):
        if s.target_open[number]:
            count = write(
                orders,
                count,
                FIRST_TARGET_SLOT + number,
                s.trade,
                out,
                LIMIT if rests else MARKET,
                s.target_amounts[number],
                s.target_prices[number] if rests else NO_PRICE,
                NO_TRIGGER,
                False,
                rests,
                False,
                s.trade,
            )
    if s.phase == ENTERING:
        count = write(
            orders,
            count,
            ENTRY_SLOT,
            s.trade,
            -out,
            LIMIT if p.limit_entry else MARKET,
            s.entry_amount,
            s.entry_price if p.limit_entry else NO_PRICE,
            NO_TRIGGER,
            False,
            False,
            False,
            s.trade,
        )
    return count
