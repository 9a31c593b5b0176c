"""The arithmetic of a grid over plain numbers and lists: no objects, no decimals, nothing that could not be compiled.

Signs: ``opening`` is +1 for an interval that buys first and -1 for one that sells first; amounts of base held are
negative for a short.
"""

from __future__ import annotations

import math

WAITING = 0  # the opening order rests
HOLDING = 1  # the closing order rests
HOLDING_ENTRY = 2  # the closing order of what the entry bought (or sold) rests
AWAITING_ENTRY = 3  # holds once the entry is filled; nothing rests


def whole_steps(value: float, unit: int, scale: int) -> int:
    """How many steps of ``unit / scale`` fit in ``value``.

    A millionth of a step below a whole number counts as that number: sums of floats miss it by less, and fees leave
    coarser fractions. For very many steps it is one part in 10¹³, as far as a float can tell.
    """
    ratio = value * scale / unit
    nearest = round(ratio)
    if abs(ratio - nearest) <= max(1e-6, abs(nearest) * 1e-13):
        return nearest
    return math.floor(ratio)


def floor_to_step(value: float, unit: int, scale: int) -> float:
    """The largest multiple of the step that is not above ``value``, as the float nearest to that decimal."""
    return whole_steps(value, unit, scale) * unit / scale


def ceil_to_step(value: float, unit: int, scale: int) -> float:
    return -whole_steps(-value, unit, scale) * unit / scale


def opening_of(direction: int, upper_line: float, price: float) -> int:
    """+1 when the interval buys first, -1 when it sells first. ``direction`` is +1 long, -1 short, 0 neutral.

    A neutral interval sells first when its upper line is above the price.
    """
    if direction != 0:
        return direction
    return -1 if upper_line > price else 1


def starts_waiting(opening: int, lower_line: float, upper_line: float, price: float) -> bool:
    """Whether the interval's opening order can rest at ``price``; else it starts holding.

    Strict on both sides: at a price exactly on its opening line an interval starts holding.
    """
    return lower_line < price if opening > 0 else upper_line > price


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


def tradable(amount: float, price: float, min_amount: float, min_notional: float) -> bool:
    """One part in 10⁹ is forgiven: the limits are decimals and these are floats."""
    return amount > 0.0 and amount >= min_amount * (1 - 1e-9) and amount * price >= min_notional * (1 - 1e-9)


def crossed(start: float, price: float, trigger: float) -> bool:
    """Whether the price is on the other side of ``trigger`` than ``start``, or on it."""
    return price >= trigger if start < trigger else price <= trigger
