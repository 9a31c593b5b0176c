"""What an interval of a grid is.

Signs: ``opening`` is +1 for an interval that buys first and -1 for one that sells first; amounts of base held are
negative for a short.
"""

from __future__ import annotations

from typing import Final

from strategies.compiled import compiled
from strategies.lattice import ceil_to_step, floor_to_step, tradable

WAITING: Final = 0  # the opening order rests
HOLDING: Final = 1  # the closing order rests
HOLDING_ENTRY: Final = 2  # the closing order of what the entry bought (or sold) rests
AWAITING_ENTRY: Final = 3  # holds once the entry is filled; nothing rests


@compiled
def opening_of(direction: int, upper_line: float, price: float) -> int:
    """+1 when the interval buys first, -1 when it sells first. ``direction`` is +1 long, -1 short, 0 neutral.

    A neutral interval sells first when its upper line is above the price.
    """
    if direction != 0:
        return direction
    return -1 if upper_line > price else 1


@compiled
def starts_waiting(opening: int, lower_line: float, upper_line: float, price: float) -> bool:
    """Whether the interval's opening order can rest at ``price``; else it starts holding.

    Strict on both sides: at a price exactly on its opening line an interval starts holding.
    """
    return lower_line < price if opening > 0 else upper_line > price


@compiled
def closing_amount(
    available: float, needed: float, close_line: float, unit: int, scale: int, min_amount: float, min_notional: float
) -> float:
    """What the closing order trades of ``available`` (positive, base), or 0 when the exchange would refuse it.

    ``needed`` caps it (``inf`` for no cap) and is rounded up to the step, ``available`` is rounded down.
    """
    if available <= 0.0:
        return 0.0
    amount = floor_to_step(available, unit, scale)
    if needed < amount:
        amount = min(amount, ceil_to_step(needed, unit, scale))
    return amount if tradable(amount, close_line, min_amount, min_notional) else 0.0


@compiled
def crossed(start: float, price: float, trigger: float) -> bool:
    """Whether the price is on the other side of ``trigger`` than ``start``, or on it."""
    return price >= trigger if start < trigger else price <= trigger
