"""Floors and comparisons that forgive nothing, in floats: what a size buys, what is held, what a market takes.

Prices and amounts are the floats nearest to their decimals (``strategies.lattice``), so whole numbers can be had of
them. A product of two whole numbers is compared to its last digit, as the sum of two floats. So neither a budget nor
what is held is ever exceeded, and the results are those of exact decimals (``ladder.py``) wherever a float can tell.
"""

from __future__ import annotations

import math
from typing import Final

from strategies.compiled import compiled

# 2²⁷ + 1 cuts a float into two halves of 26 bits.
_SPLITTER: Final = 134217729.0
# Above 2⁵³ not every whole number is a float.
_LARGEST_WHOLE: Final = 9007199254740992.0
# Decimals of fifteen digits are floats of their own.
_KEPT: Final = 1e15


@compiled
def product(a: float, b: float) -> tuple[float, float]:
    """``a * b`` as the sum of the float nearest to it and of what that is off, exactly.

    T. J. Dekker, A floating-point technique for extending the available precision, Numer. Math. 18 (1971).
    """
    high = a * b
    cut = _SPLITTER * a
    a_high = cut - (cut - a)
    a_low = a - a_high
    cut = _SPLITTER * b
    b_high = cut - (cut - b)
    b_low = b - b_high
    low = ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low
    return high, low


@compiled
def at_most(a: float, b: float, high: float, low: float) -> bool:
    """Whether ``a * b <= high + low``, exactly; ``high`` is the float nearest to that sum."""
    top, rest = product(a, b)
    return top < high or (top == high and rest <= low)


@compiled
def rounded(value: float, scale: float) -> float:
    """The float nearest to the multiple of ``1 / scale`` that is nearest to ``value``: what ``round`` gives for a
    ``scale`` of 10 to the number of digits, but no more than the fifteen digits of a number that a float keeps."""
    while abs(value) * scale >= _KEPT:
        scale /= 10.0
    high, low = product(value, scale)
    below = math.floor(high)
    past = (high - below) - 0.5
    up = past > 0.0 or (past == 0.0 and (low > 0.0 or (low == 0.0 and below % 2 == 1)))
    return (below + 1) / scale if up else below / scale


@compiled
def steps_in(value: float, unit: int, scale: int) -> int:
    """How many whole steps of ``unit / scale`` are in ``value``."""
    count = math.floor(min(value * scale / unit, _LARGEST_WHOLE))
    if (count + 1) * unit / scale <= value:
        return count + 1
    if count * unit / scale > value:
        return count - 1
    return count


@compiled
def share_of(whole: int, part: float, total: float) -> int:
    """The largest whole number that is not above ``whole * part / total``; the arguments are whole numbers."""
    count = math.floor(whole * part / total)
    high, low = product(float(whole), part)
    if at_most(float(count + 1), total, high, low):
        return count + 1
    if not at_most(float(count), total, high, low):
        return count - 1
    return count


@compiled
def price_count(price: float, scale: float) -> float:
    """A price in units of ``1 / scale``, rounded up where it is none of their multiples."""
    scaled = price * scale
    nearest = float(math.floor(scaled + 0.5))
    return nearest if nearest / scale == price else float(math.ceil(scaled))


@compiled
def steps_bought(price: float, scale: float, unit: int, guess: float, high: float, low: float) -> int:
    """How many steps a budget buys at ``price``.

    ``high + low`` is the budget in units of the product of price and amount: of a price in ``1 / scale`` and an amount
    in the fraction of which a step has ``unit``. ``guess`` is the answer but for the last digits of a float.
    """
    one = price_count(price, scale)
    count = math.floor(min(guess, _LARGEST_WHOLE / unit))
    if at_most(one, float((count + 1) * unit), high, low):
        return count + 1
    if not at_most(one, float(count * unit), high, low):
        return count - 1
    return count
