"""How a trade is left: the stop that only ever tightens, and the targets."""

from __future__ import annotations

from strategies.contract import MarketKind, MarketSpec, Reason
from strategies.trend.config import TrendConfig, targets_of
from strategies.trend.orders import closable
from strategies.trend.state import ENTERING, FLAT, HOLDING, TrendState


def give_up_entry(state: TrendState, config: TrendConfig, spec: MarketSpec, notes: list[Reason]) -> None:
    """The entry is over, filled or not: targets are laid out for what is held."""
    if state.phase != ENTERING:
        return
    numbers = {"amount": state.entry_filled, "price": state.average, "wished": state.entry_amount}
    if not state.stopping and closable(abs(state.held), state.stop, spec) == 0.0:
        state.phase = FLAT
        notes.append(Reason("trend.entry_missed", numbers))
        return
    state.phase = HOLDING
    notes.append(Reason("trend.entered", numbers | {"stop": state.stop}))
    if not state.stopping:
        _lay_out_targets(state, config, spec)


def _lay_out_targets(state: TrendState, config: TrendConfig, spec: MarketSpec) -> None:
    """Shares what is held among the targets, each rounded down to the step.

    What is too little for an order of its own is left to the next target; what is in no target, and could not be
    closed on its own either, to the last one.
    """
    total, carried, last = abs(state.held), 0.0, -1
    given = 0.0
    for number, target in enumerate(targets_of(config.targets)):
        carried += float(target.percent) / 100.0 * total
        price = state.target_prices[number]
        amount = closable(carried, price, spec) if price > 0.0 else 0.0  # a short's may lie below nothing
        if amount:
            state.target_amounts[number], last = amount, number
            carried -= amount
            given += amount
    if last < 0:
        return
    rest = total - given
    if closable(rest, state.stop, spec) == 0.0:
        state.target_amounts[last] = float(spec.quantise_amount(state.target_amounts[last] + rest))


def meet_targets(state: TrendState, price: float, spec: MarketSpec) -> None:
    """Which targets are wanted at this price.

    On linear markets they rest, but not while the price is beyond the stop: it closes everything, and what a target
    bought or sold then would be a position of its own. On spot a target is sold at market once the price is there: the
    coins are bound by the stop order until then.
    """
    if state.phase != HOLDING or state.stopping:
        return
    beyond_stop = state.side * (price - state.stop) <= 0.0
    for number, amount in enumerate(state.target_amounts):
        unfilled = amount - state.target_filled[number] > amount * 1e-9
        if spec.kind is MarketKind.LINEAR:
            state.target_open[number] = unfilled and not beyond_stop
        elif unfilled and state.side * (price - state.target_prices[number]) >= 0.0:
            state.target_open[number] = True


def move_to_break_even(
    state: TrendState, config: TrendConfig, spec: MarketSpec, price: float, notes: list[Reason]
) -> None:
    """Once the price has come far enough, and beyond what the fees of both ways take."""
    if state.even or config.break_even is None or not _reached(state, price, float(config.break_even)):
        return
    fees = 2.0 * float(spec.taker_fee)
    even = float(spec.quantise_price(state.average * (1.0 + state.side * fees)))
    if state.side * (price - even) <= 0.0:
        return
    state.even = True
    if _tighten(state, even):
        notes.append(Reason("trend.break_even", {"price": price, "stop": even}))


def start_trailing(state: TrendState, config: TrendConfig, price: float) -> None:
    if config.trail_from is not None and not state.trailing and _reached(state, price, float(config.trail_from)):
        state.trailing = True


def trail(
    state: TrendState, config: TrendConfig, spec: MarketSpec, close: float, atr: float, notes: list[Reason]
) -> None:
    """Moves the stop after a candle's close."""
    if not state.trailing or not atr > 0.0:  # also NaN: a row that is not known
        return
    stop = float(spec.quantise_price(close - state.side * float(config.trail_atr) * atr))
    if _tighten(state, stop):
        notes.append(Reason("trend.trailed", {"close": close, "stop": stop}))


def guard(state: TrendState, spec: MarketSpec) -> None:
    """What the stop order has to close: what is held, and on spot is not being sold by a target already.

    The amount is that of the whole order, with what has filled of it. It is a new wish each time that there was none.
    """
    bound = 0.0
    if spec.kind is MarketKind.SPOT:
        for number, wanted in enumerate(state.target_open):
            bound += state.target_amounts[number] - state.target_filled[number] if wanted else 0.0
    amount = closable(abs(state.held) - bound, state.stop, spec)
    if state.stopping and state.stop_amount:
        # It grows by what came in late, and keeps what is left of it where that is too little for an order.
        if amount:
            state.stop_amount = float(spec.quantise_amount(state.stop_filled + amount))
        return
    if amount and not state.stop_amount:
        state.stop_sequence += 1
        state.stop_filled = 0.0
    state.stop_amount = amount


def _reached(state: TrendState, price: float, multiple: float) -> bool:
    return state.side * (price - state.entry_price) >= multiple * state.risk * (1.0 - 1e-9)


def _tighten(state: TrendState, stop: float) -> bool:
    if state.side * (stop - state.stop) <= 0.0:
        return False
    state.stop = stop
    return True
