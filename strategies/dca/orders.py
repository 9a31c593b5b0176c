"""The orders that should stand, made from the state alone, and their names."""

from __future__ import annotations

from typing import Any, Final

from strategies.compiled import compiled
from strategies.contract import Reason
from strategies.dca.deal import average_of
from strategies.dca.ladder import MOST_SAFETY_ORDERS, MOST_STEPS
from strategies.dca.parameters import DcaParameters
from strategies.dca.state import CLOSING, ENDS, OPEN, STARTING, DcaState
from strategies.kernel import LIMIT, MARKET, NO_SLOT, NO_TRIGGER, STOP, OrderRow, write

BASE_SLOT: Final = 0
CLOSE_SLOT: Final = 1
STOP_SLOT: Final = 2
FIRST_SAFETY: Final = 3
FIRST_PROFIT: Final = FIRST_SAFETY + MOST_SAFETY_ORDERS
SLOTS: Final = FIRST_PROFIT + MOST_STEPS
# Safety orders, take profits and a stop.
MOST_ORDERS: Final = MOST_SAFETY_ORDERS + MOST_STEPS + 1

_NAMES: Final = (
    "base",
    "close",
    "stop",
    *(f"safety:{k}" for k in range(1, MOST_SAFETY_ORDERS + 1)),
    *(f"take_profit:{step}" for step in range(1, MOST_STEPS + 1)),
)
_NUMBERS: Final = {name: number for number, name in enumerate(_NAMES)}


def slot_number(name: str) -> int:
    return _NUMBERS.get(name, NO_SLOT)


@compiled
def safety_of(slot: int, safety_orders: int) -> int:
    """The position of a safety order, from 0, or -1 when the slot is another."""
    return slot - FIRST_SAFETY if FIRST_SAFETY <= slot < FIRST_SAFETY + safety_orders else -1


@compiled
def profit_step_of(slot: int, steps: int) -> int:
    """The position of a take profit's step, from 0, or -1 when the slot is another."""
    return slot - FIRST_PROFIT if FIRST_PROFIT <= slot < FIRST_PROFIT + steps else -1


@compiled
def wanted(p: DcaParameters, s: DcaState, orders: Any) -> int:
    """See :mod:`strategies.kernel`."""
    count = 0
    out = -p.sign
    linear = p.rules.is_linear
    if s.phase == STARTING:
        count = write(
            orders,
            count,
            BASE_SLOT,
            s.deal,
            p.sign,
            MARKET,
            s.base_amount,
            0.0,
            NO_TRIGGER,
            False,
            False,
            False,
            s.deal,
        )
    elif s.phase == OPEN:
        count = _safety_orders(p, s, orders, count)
        count = _take_profits(p, s, orders, count)
        if s.stop_amount > 0.0:
            count = write(
                orders,
                count,
                STOP_SLOT,
                s.stop_sequence,
                out,
                STOP,
                s.stop_amount,
                0.0,
                s.stop_price,
                False,
                True,
                True,
                s.deal,
            )
    elif s.phase == CLOSING and s.close_amount > 0.0:
        count = write(
            orders,
            count,
            CLOSE_SLOT,
            s.close_sequence,
            out,
            MARKET,
            s.close_amount,
            0.0,
            NO_TRIGGER,
            False,
            linear,
            False,
            s.deal,
        )
    return count


@compiled
def _safety_orders(p: DcaParameters, s: DcaState, orders: Any, count: int) -> int:
    first = count
    for k in range(p.safety_orders):
        if s.safety_done[k]:
            continue
        slot, price, amount = FIRST_SAFETY + k, s.safety_prices[k], s.safety_amounts[k]
        count = write(
            orders, count, slot, s.deal, p.sign, LIMIT, amount, price, NO_TRIGGER, False, False, False, s.deal
        )
        if count - first == p.active:
            break
    return count


@compiled
def _take_profits(p: DcaParameters, s: DcaState, orders: Any, count: int) -> int:
    resting = p.steps - 1 if p.trails else p.steps
    for step in range(resting):
        amount = s.profit_amounts[step]
        if s.profit_done[step] or amount == 0.0:
            continue
        slot, sequence, price = FIRST_PROFIT + step, s.profit_sequences[step], s.profit_prices[step]
        linear = p.rules.is_linear
        count = write(
            orders, count, slot, sequence, -p.sign, LIMIT, amount, price, NO_TRIGGER, False, linear, False, s.deal
        )
    return count


def names(slot: int, trade: int) -> tuple[str, str]:
    return _NAMES[slot], f"deal:{trade}"


def reason(p: DcaParameters, s: DcaState, row: OrderRow) -> Reason:
    """Why a row is wanted."""
    if row.slot == BASE_SLOT:
        side = "buy" if row.side > 0 else "sell"
        return Reason("dca.base", {"deal": row.trade, "amount": row.amount, "side": side})
    if row.slot == CLOSE_SLOT:
        return Reason("dca.close", {"amount": row.amount, "cause": ENDS[s.close_code].removeprefix("dca.")})
    if row.slot == STOP_SLOT:
        return Reason("dca.stop", {"amount": row.amount, "price": row.trigger})
    safety = safety_of.plain(row.slot, p.safety_orders)
    if safety >= 0:
        away = abs(row.price - s.base_price) / s.base_price * 100.0
        numbers = {"number": safety + 1, "price": row.price, "amount": row.amount, "away": away, "base": s.base_price}
        return Reason("dca.safety", numbers)
    step = profit_step_of.plain(row.slot, p.steps)
    average = average_of.plain(s)
    return Reason("dca.take_profit", {"price": row.price, "amount": row.amount, "average": average, "step": step + 1})
