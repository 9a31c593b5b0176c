"""In how many parts an order fills."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

from exchange.simulator.faults.parameters import Shares
from exchange.simulator.faults.plan import Fault


def resting_part(fault: Fault, amount: Decimal, left: Decimal, step: Decimal) -> Decimal:
    """What of ``left`` fills at this meeting: a share of the whole ``amount``, a multiple of ``step``, at least one."""
    share = fault.parameters(Shares).draw(fault.random)
    part = (amount * share / step).to_integral_value(rounding=ROUND_FLOOR) * step
    return min(left, max(part, step))


def taking_parts(fault: Fault, amount: Decimal, step: Decimal) -> list[Decimal]:
    """The executions of an order that trades at once. They add up to ``amount`` unless the market is thin."""
    parts = []
    left = amount
    while left:
        parts.append(resting_part(fault, amount, left, step))
        left -= parts[-1]
        if fault.parameters(Shares).thin:
            break
    return parts
