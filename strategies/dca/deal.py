"""What a deal holds, what it is worth, and which orders follow from that.

Prices are on the market's tick and amounts on its step, so their products have few digits. Sums are rounded to these
digits: that makes them the floats nearest to the exact decimals.
"""

from __future__ import annotations

from strategies.compiled import compiled
from strategies.dca.exact import at_most, price_count, rounded, share_of, steps_bought, steps_in
from strategies.dca.parameters import DcaParameters
from strategies.dca.state import CLOSING, OPEN, DcaState
from strategies.lattice import on_tick


@compiled
def average_of(s: DcaState) -> float:
    """Average price of the deal's entries, 0 before the first."""
    return s.spent / s.entered if s.entered != 0.0 else 0.0


@compiled
def enter(p: DcaParameters, s: DcaState, price: float, amount: float, fee_base: float) -> None:
    """Adds an entry. What was closed before leaves at the average first, so the new average is that of what is held."""
    if s.exited != 0.0:
        left = rounded(s.entered - s.exited, p.amount_scale)
        if left < 0.0:
            left = 0.0
        s.spent = rounded(average_of(s) * left, p.value_scale)
        s.entered = left
        s.exited = 0.0
    s.entered = rounded(s.entered + amount, p.amount_scale)
    s.spent = rounded(s.spent + price * amount, p.value_scale)
    s.held = rounded(s.held + amount - fee_base, p.amount_scale)


@compiled
def leave(p: DcaParameters, s: DcaState, price: float, amount: float, fee_base: float) -> None:
    s.exited = rounded(s.exited + amount, p.amount_scale)
    s.held = rounded(s.held - amount + fee_base, p.amount_scale)
    if s.entered != 0.0:
        s.earned = rounded(s.earned + p.sign * (price - average_of(s)) * amount, p.value_scale)


@compiled
def amount_of(p: DcaParameters, steps: int) -> float:
    return steps * p.rules.step_unit / p.rules.step_scale


@compiled
def steps_of(p: DcaParameters, amount: float) -> int:
    """Whole steps in ``amount``, to the last digit: what is held may not be exceeded."""
    return steps_in(amount, p.rules.step_unit, p.rules.step_scale)


@compiled
def steps_held(p: DcaParameters, s: DcaState) -> int:
    return steps_of(p, s.held) if s.held > 0.0 else 0


@compiled
def tradable(p: DcaParameters, steps: int, price: float) -> bool:
    """Whether the exchange takes an order that closes so much. Reduce-only orders, as on linear markets, may be small."""
    if steps <= 0 or amount_of(p, steps) < p.rules.min_amount:
        return False
    worth = float(steps * p.rules.step_unit)
    return not at_most(price_count(price, p.price_scale), worth, p.too_little.high, p.too_little.low)


@compiled
def closable(p: DcaParameters, s: DcaState, price: float) -> int:
    """What of the holdings can be closed at ``price``, in steps, or 0."""
    steps = steps_held(p, s)
    return steps if tradable(p, steps, price) else 0


@compiled
def bought(p: DcaParameters, price: float, size: float, high: float, low: float) -> int:
    """What a budget buys at ``price``, in steps."""
    guess = size / price * p.rules.step_scale / p.rules.step_unit
    return steps_bought(price, p.price_scale, p.rules.step_unit, guess, high, low)


@compiled
def lay_out(p: DcaParameters, s: DcaState, price: float) -> None:
    """Fixes the safety orders by the price that the base order got, the take profit's wishes by the deal.

    A safety order whose price is below one tick is left out with all after it, one that would be too small is never
    wanted; the preflight tells both.
    """
    s.base_price = s.base_spent / s.base_filled if s.base_filled != 0.0 else price
    left_out = False
    for k in range(p.safety_orders):
        at = on_tick(s.base_price * p.ladder.safety_factors[k], p.rules.tick_unit, p.rules.tick_scale)
        left_out = left_out or at <= 0.0
        if left_out:
            s.safety_prices[k] = 0.0
            s.safety_amounts[k] = 0.0
            s.safety_done[k] = True
        else:
            steps = bought(p, at, p.ladder.safety_sizes[k], p.ladder.safety_high[k], p.ladder.safety_low[k])
            s.safety_prices[k] = at
            s.safety_amounts[k] = amount_of(p, steps)
            s.safety_done[k] = not tradable(p, steps, at)
    for step in range(p.steps):
        s.profit_prices[step] = 0.0
        s.profit_amounts[step] = 0.0
        s.profit_filled[step] = 0.0
        s.profit_done[step] = False
        s.profit_sequences[step] += 1


@compiled
def safety_orders_left(p: DcaParameters, s: DcaState) -> int:
    left = 0
    for k in range(p.safety_orders):
        if not s.safety_done[k]:
            left += 1
    return left


@compiled
def reprice(p: DcaParameters, s: DcaState) -> None:
    """Take profit, stop and their amounts, as they follow from what was traded."""
    if s.phase != OPEN or s.entered == 0.0:
        for step in range(p.steps):
            s.profit_prices[step] = 0.0
            s.profit_amounts[step] = 0.0
        s.stop_price = 0.0
        return
    average = average_of(s)
    reference = s.base_price if p.profit_from_base else average
    for step in range(p.steps):
        at = reference * p.ladder.profit_factors[step]
        s.profit_prices[step] = on_tick(at, p.rules.tick_unit, p.rules.tick_scale)
    _divide(p, s)
    if p.stops:
        guarded = s.base_price if p.stop_from_base else average
        s.stop_price = on_tick(guarded * p.stop_factor, p.rules.tick_unit, p.rules.tick_scale)


@compiled
def _divide(p: DcaParameters, s: DcaState) -> None:
    """Shares what is held among the steps that are open, the last one taking what rounding leaves.

    What an open step has sold counts as its own, so a partial fill changes no order. A step that would be too small for
    the exchange goes to the next one; when that is the last, to the one before it. One that loses its order gets a new
    sequence: it may come to want another.
    """
    left = steps_held(p, s)
    whole = left
    total = 0.0
    last = -1
    for step in range(p.steps):
        if not s.profit_done[step]:
            whole += steps_of(p, s.profit_filled[step])
            total += p.ladder.shares[step]
            last = step
    carried = 0.0
    standing, standing_rest, standing_filled = -1, 0, 0.0
    for step in range(p.steps):
        before = s.profit_amounts[step]
        s.profit_amounts[step] = 0.0
        if s.profit_done[step]:
            continue
        filled = s.profit_filled[step]
        carried += p.ladder.shares[step]
        rest = left
        if step != last:
            rest = min(left, max(0, share_of(whole, carried, total) - steps_of(p, filled)))
        # What is left of an order that filled in part may be too small for a new one.
        if rest > 0 and (filled > 0.0 or tradable(p, rest, s.profit_prices[step])):
            left -= rest
            s.profit_amounts[step] = rounded(amount_of(p, rest) + filled, p.amount_scale)
            standing, standing_rest, standing_filled = step, rest, filled
            carried = 0.0
            continue
        if filled > 0.0:
            carried = 0.0
        if before > 0.0:
            s.profit_sequences[step] += 1
            s.profit_filled[step] = 0.0
    if standing >= 0 and left > 0:
        amount = amount_of(p, standing_rest + left) + standing_filled
        s.profit_amounts[standing] = rounded(amount, p.amount_scale)


@compiled
def guard(p: DcaParameters, s: DcaState) -> None:
    """What the stop order at the exchange has to close. It is a new wish each time that something is held anew."""
    amount = 0.0
    if p.stop_rests and s.phase == OPEN:
        amount = min(amount_of(p, steps_held(p, s)), p.most_at_market)
        if amount < p.rules.min_amount:
            amount = 0.0
    if amount > 0.0 and s.stop_amount == 0.0:
        s.stop_sequence += 1
    s.stop_amount = amount


@compiled
def close_all(s: DcaState, code: int) -> None:
    """From here on what is held is closed at market and nothing else is wanted."""
    s.phase = CLOSING
    s.close_code = code
    s.close_sequence += 1
    s.close_filled = 0.0
    s.best = 0.0
    s.beyond_since = 0
