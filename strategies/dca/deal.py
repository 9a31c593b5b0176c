"""What a deal holds, what it is worth, and which orders follow from that.

Prices are on the market's tick and amounts on its step, so their products have few digits. Sums are rounded to these
digits: that makes them the floats nearest to the exact decimals, and what is computed of them here, in decimals, exact.
"""

from __future__ import annotations

from decimal import Decimal

from strategies.contract import MarketKind, MarketSpec
from strategies.dca.config import DcaConfig, Reference
from strategies.dca.ladder import floor_to_step, profit_price, profit_steps, safety_entries, stop_price
from strategies.dca.state import CLOSING, OPEN, DcaState

# Fees in base have more digits than the step.
_FEE_DIGITS = 8


def exact(value: float) -> Decimal:
    """The shortest decimal that is this float: for a price that came from a decimal, that decimal."""
    return Decimal(repr(value))


def on_amount(market: MarketSpec, amount: float) -> float:
    return round(amount, _digits(market.step) + _FEE_DIGITS)


def on_value(market: MarketSpec, value: float) -> float:
    return round(value, _digits(market.tick) + _digits(market.step))


def _digits(increment: Decimal) -> int:
    exponent = increment.normalize().as_tuple().exponent
    return max(0, -int(exponent))


def enter(state: DcaState, market: MarketSpec, price: float, amount: float, fee_base: float) -> None:
    """Adds an entry. What was closed before leaves at the average first, so the new average is that of what is held."""
    if state.exited:
        left = max(0.0, on_amount(market, state.entered - state.exited))
        state.spent = on_value(market, state.average * left)
        state.entered, state.exited = left, 0.0
    state.entered = on_amount(market, state.entered + amount)
    state.spent = on_value(market, state.spent + price * amount)
    state.held = on_amount(market, state.held + amount - fee_base)


def leave(state: DcaState, market: MarketSpec, opening: int, price: float, amount: float, fee_base: float) -> None:
    state.exited = on_amount(market, state.exited + amount)
    state.held = on_amount(market, state.held - amount + fee_base)
    if state.entered:
        state.earned = on_value(market, state.earned + opening * (price - state.average) * amount)


def tradable(market: MarketSpec, amount: Decimal, price: Decimal) -> bool:
    """Whether the exchange takes an order that closes so much. Reduce-only orders, as on linear markets, may be small."""
    if amount <= 0 or amount < market.min_amount:
        return False
    return market.kind is MarketKind.LINEAR or amount * price >= (market.min_notional or 0)


def closable(state: DcaState, market: MarketSpec, price: float) -> Decimal:
    """What of the holdings can be closed at ``price``, or 0."""
    amount = floor_to_step(market, exact(max(0.0, state.held)))
    return amount if tradable(market, amount, exact(price)) else Decimal(0)


def lay_out(state: DcaState, config: DcaConfig, market: MarketSpec) -> None:
    """Fixes the safety orders by the price that the base order got."""
    state.base_price = float(exact(state.base_spent) / exact(state.base_filled))
    entries = safety_entries(config, market, exact(state.base_spent) / exact(state.base_filled))
    state.safety_prices = [float(entry.price) for entry in entries]
    state.safety_amounts = [float(entry.amount) for entry in entries]
    # One that would be too small is never wanted; the preflight says so.
    state.safety_done = [not tradable(market, entry.amount, entry.price) for entry in entries]
    steps = len(profit_steps(config))
    state.profit_done, state.profit_filled = [False] * steps, [0.0] * steps
    state.profit_prices, state.profit_amounts = [0.0] * steps, [0.0] * steps
    known = state.profit_sequences
    state.profit_sequences = [known[step] + 1 if step < len(known) else 1 for step in range(steps)]


def reprice(state: DcaState, config: DcaConfig, market: MarketSpec) -> None:
    """Take profit, stop and their amounts, as they follow from what was traded."""
    if state.phase != OPEN or not state.entered:
        state.profit_prices, state.profit_amounts, state.stop_price = [], [], 0.0
        return
    average = exact(state.spent) / exact(state.entered)
    base = exact(state.base_spent) / exact(state.base_filled)
    reference = base if config.take_profit_from is Reference.BASE else average
    steps = profit_steps(config)
    state.profit_prices = [float(profit_price(config, market, reference, step.percent)) for step in steps]
    _divide(state, market, [step.share for step in steps])
    if config.stop_loss is not None:
        guarded = base if config.stop_loss_from is Reference.BASE else average
        state.stop_price = float(stop_price(config, market, guarded))


def _divide(state: DcaState, market: MarketSpec, shares: list[Decimal]) -> None:
    """Shares what is held among the steps that are open, the last one taking what rounding leaves.

    What an open step has sold counts as its own, so a partial fill changes no order. A step that would be too small for
    the exchange goes to the next one; when that is the last, to the one before it. One that loses its order gets a new
    sequence: it may come to want another.
    """
    waiting = [step for step, done in enumerate(state.profit_done) if not done]
    filled = {step: exact(state.profit_filled[step]) for step in waiting}
    left = floor_to_step(market, exact(max(0.0, state.held)))
    whole = left + sum(filled.values(), Decimal(0))
    total = sum((shares[step] for step in waiting), Decimal(0))
    rests, carried = dict.fromkeys(waiting, Decimal(0)), Decimal(0)
    for step in waiting:
        carried += shares[step]
        rest = floor_to_step(market, whole * carried / total) - filled[step]
        rest = left if step == waiting[-1] else min(left, max(Decimal(0), rest))
        # What is left of an order that filled in part may be too small for a new one.
        if rest and (filled[step] or tradable(market, rest, exact(state.profit_prices[step]))):
            rests[step], left = rest, left - rest
        if rests[step] or filled[step]:
            carried = Decimal(0)
    standing = [step for step in waiting if rests[step]]
    if standing:
        rests[standing[-1]] += left
    before, state.profit_amounts = state.profit_amounts, [0.0] * len(shares)
    for step in waiting:
        if rests[step]:
            state.profit_amounts[step] = float(rests[step] + filled[step])
        elif before[step]:
            state.profit_sequences[step] += 1
            state.profit_filled[step] = 0.0


def guard(state: DcaState, config: DcaConfig, market: MarketSpec) -> None:
    """What the stop order at the exchange has to close. It is a new wish each time that something is held anew."""
    amount = Decimal(0)
    if (
        market.kind is MarketKind.LINEAR
        and config.stop_loss is not None
        and not config.stop_loss_timeout
        and state.phase == OPEN
    ):
        amount = floor_to_step(market, exact(max(0.0, state.held)))
        amount = min([amount, *(most for most in (market.max_amount, market.max_market_amount) if most is not None)])
        if amount < market.min_amount:
            amount = Decimal(0)
    if amount and not state.stop_amount:
        state.stop_sequence += 1
    state.stop_amount = float(amount)


def close_all(state: DcaState, code: str) -> None:
    """From here on what is held is closed at market and nothing else is wanted."""
    state.phase, state.close_code = CLOSING, code
    state.close_sequence += 1
    state.close_filled = 0.0
    state.best, state.beyond_since = 0.0, 0
